//! The database's file, over many rounds of writing, ageing and removing: what is removed makes room for what comes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rusqlite::{Connection, OpenFlags};
use slashbox_core::{Attempt, Dedupe, Event, Next, Origin, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{ClaimRequest, Finished, NewEvent, Span, Store, SubscriberKey};
use tokio::task::JoinSet;

/// Events in a round.
const EVENTS: u64 = 200;

/// After how many rounds payloads are removed, and after how many the rest is: as days in life.
const PAYLOAD_ROUNDS: u64 = 7;
/// See [`PAYLOAD_ROUNDS`].
const LOG_ROUNDS: u64 = 30;

const ROUNDS: u64 = 80;

struct Log {
    store: Store,
    to: Vec<SubscriberKey>,
    round: u64,
}

impl Log {
    /// A round lasts a second.
    fn now_ms(&self) -> u64 {
        1_000_000 + self.round * 1_000
    }

    /// Events of many conversations and lengths.
    async fn write(&self) {
        for first in (0..EVENTS).step_by(100) {
            let new = (first..first + 100).map(|n| self.event(n)).collect();
            self.store.accept(new, self.now_ms()).await.unwrap();
        }
    }

    fn event(&self, n: u64) -> NewEvent {
        let number = self.round * EVENTS + n;
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bytes = if n.is_multiple_of(50) { 20_000 } else { 200 + (mixed >> 55) as usize };
        let mut key = [0; 32];
        key[..8].copy_from_slice(&mixed.to_be_bytes());
        let event = Event {
            id: format!("01J{number:023}"),
            kind: "message.received".into(),
            native_kind: "message_received".into(),
            conversation: Some(format!("-1002000000000:{}", mixed >> 52)),
            contact: Some("4711".into()),
            operator: None,
            sender: Sender::Contact,
            message: Some(number.to_string()),
            text: Some("Where is my parcel?".into()),
            occurred_at_ms: self.now_ms(),
            origin: Origin {
                tenant: "default".into(),
                source: "support".into(),
                dialect: "hotline".into(),
                instance: None,
            },
            data: "x".repeat(bytes),
            envelope: "{}".into(),
            hops: 0,
        };
        NewEvent { event, dedupe: Some(Dedupe { key, ttl_ms: 2_000 }), subscribers: self.to.clone() }
    }

    /// Of the first subscriber, one in fifty is dead in the end; of the second one, all arrive.
    async fn deliver(&self) {
        for (at, &subscriber) in self.to.iter().enumerate() {
            loop {
                let request = ClaimRequest { subscriber, limit: 200, again: 200 };
                let claimed =
                    self.store.claim(vec![request], self.now_ms(), self.now_ms() + 500).await.unwrap().claimed;
                if claimed.is_empty() {
                    break;
                }
                // At once, so that they share commits.
                let mut all = JoinSet::new();
                for claimed in claimed {
                    let dead = at == 0 && claimed.event.data.len() > 10_000;
                    let finished = Finished {
                        delivery: claimed.delivery,
                        claim: claimed.claim,
                        attempt: attempt(self.now_ms()),
                        counts: true,
                        next: if dead { Next::Dead } else { Next::Succeeded },
                        change: None,
                    };
                    let (store, now_ms) = (self.store.clone(), self.now_ms());
                    all.spawn(async move { store.finish(finished, now_ms).await.unwrap() });
                }
                all.join_all().await;
            }
        }
    }

    async fn remove(&self) {
        let reader = self.store.reader();
        let old_ms = |rounds| self.now_ms() - rounds * 1_000;
        let mut span = Span { after: 0, last: reader.last_accepted_by(old_ms(PAYLOAD_ROUNDS)).await.unwrap() };
        while let Some(next) = self.store.remove_payloads(span).await.unwrap().next {
            span.after = next;
        }
        let dead_since_ms = old_ms(LOG_ROUNDS);
        let mut span = Span { after: 0, last: reader.last_accepted_by(dead_since_ms).await.unwrap() };
        while let Some(next) = self.store.remove_events(span, dead_since_ms).await.unwrap().next {
            span.after = next;
        }
    }
}

fn attempt(at_ms: u64) -> Attempt {
    let (detail, answer) = ("answered with status 200".into(), "{\"ok\":true}".into());
    Attempt { at_ms, took_ms: 12, fault: None, status: Some(200), detail, answer }
}

#[tokio::test]
async fn what_is_removed_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let id = |name: &str| SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: name.into() };
    let to = store.subscribers_of(vec![id("crm"), id("bi")]).await.unwrap();
    let sql = Connection::open_with_flags(dir.path().join("slashbox.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let pragma = |name: &str| sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let mut log = Log { store, to, round: 0 };
    let mut pages = Vec::new();
    for round in 0..ROUNDS {
        log.round = round;
        log.write().await;
        log.deliver().await;
        log.remove().await;
        pages.push(pragma("page_count"));
    }
    let (full, last) = (pages[LOG_ROUNDS as usize + 5], pages[ROUNDS as usize - 1]);
    assert!(last <= full + full / 20, "it grew from {full} pages to {last}: {pages:?}");
    // Nor does it consist of holes.
    let unused = pragma("freelist_count");
    assert!(unused <= last / 10, "{unused} of {last} pages are unused");
    log.store.close().await;
}
