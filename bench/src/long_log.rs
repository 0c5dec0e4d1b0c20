//! A long log, and looks at it: ten million deliveries, written as rows are, and read as the admin API reads them.
//!
//! What is rare in it stands at its very beginning, or a long way apart; so a look that goes through the log row by row is
//! found out.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, params};
use slashbox_bench_round::{Laps, Order, Round, answer};
use slashbox_core::{DeliveryState, Event, Origin, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{DeliveryFilter, DeliveryKey, EventFilter, NewEvent, Reader, Store, SubscriberKey};

use crate::database;

/// Deliveries to an event: one to a subscriber of each group.
const GROUPS: u64 = 2;

/// Subscribers in a group.
const SUBSCRIBERS: u64 = 10;

/// Subscribers that never got anything.
const IDLE: u64 = 1_000;

/// Conversations, the same all through the log.
const CONVERSATIONS: u64 = 50_000;

/// Events that are written in a commit.
const BATCH: u64 = 65_536;

/// Of so many deliveries, one is dead.
const DEAD_EVERY: u64 = 100_000;

/// Of so many deliveries of the subscriber with a backlog, one is due; the others wait.
const DUE_EVERY: u64 = 5_000;

/// When the first one was accepted, in milliseconds since the Unix epoch; from then on there is one a millisecond.
const BEGIN_MS: u64 = 1_760_000_000_000;

/// The most that a page may have.
const LIMIT: u32 = 1_000;

/// The kind of the first event alone, and its conversation.
const RARE: &str = "rare";

const EVENTS: &str = "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
    INSERT INTO event (seq, id, source, accepted_at_ms, occurred_at_ms, sender, lane, dialect, kind, native_kind,
        conversation, message)
    SELECT n, printf('%026d', n), source, ?3 + n, ?3 + n, 0, lane, 'hotline',
        iif(n % 3 = 0, 'message.sent', 'message.received'), 'message', conversation, n
    FROM number CROSS JOIN conversation ON key = 1 + (n * 7919) % ?4";

const PAYLOADS: &str = "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
    INSERT INTO payload (event, text, envelope, data) SELECT n, 'Where is my parcel?', '{}', '{}' FROM number";

/// Those of the last subscriber of the last group are open.
const DELIVERIES: &str = "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2),
        row (n, subscriber, outcome) AS (
            SELECT n, 1 + n % ?4 + g * ?4, CASE WHEN g = 1 AND n % ?4 = ?4 - 1 THEN 0 WHEN n % ?5 = 7 THEN 2 ELSE 1 END
            FROM number, (SELECT 0 AS g UNION ALL SELECT 1))
    INSERT INTO delivery (event, subscriber, outcome, ready_at_ms, leased, claims, attempts, lane, dead_since_ms)
    SELECT n, subscriber, outcome, iif(outcome = 0 AND (n / ?4) % ?6 = 0, ?3 + n, NULL), 0, 1, outcome <> 0,
        iif(outcome = 0, n % 1000, NULL), iif(outcome = 2, ?3 + n, NULL)
    FROM row";

const ATTEMPTS: &str = "INSERT INTO attempt (event, subscriber, number, at_ms, took_ms, status, detail, answer)
    SELECT event, subscriber, 1, ?3 + event, 2, 200, '', '' FROM delivery
    WHERE event BETWEEN ?1 AND ?2 AND outcome <> 0";

/// What people look for.
pub(crate) const LOOKS: [&str; 16] = [
    "all",
    "next-page",
    "dead",
    "due",
    "waiting",
    "subscriber",
    "subscriber-dead",
    "subscriber-next-page",
    "kind-between",
    "of-event",
    "event",
    "delivery",
    "events",
    "conversation",
    "rare-conversation",
    "rare-kind",
];

/// Fills a database, and then answers orders: a look at the log, again and again.
pub(crate) fn run(folder: &Path, deliveries: u64) -> Result<()> {
    let data = folder.join("data");
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let events = deliveries / GROUPS;
    tokio.block_on(begin(&data))?;
    fill(&data, events)?;
    let store = Store::open(&data)?;
    let log = Log { reader: store.reader(), events };
    answer(|order| tokio.block_on(log.round(order)))
}

/// Has the store itself make the tables, the subscribers and an event of each conversation, so that they are as they are to
/// be.
async fn begin(data: &Path) -> Result<()> {
    let store = Store::open(data)?;
    let name = |number| SubscriberId {
        tenant: "default".into(),
        kind: SubscriberKind::Webhook,
        name: format!("webhook-{number}"),
    };
    store.subscribers_of((0..GROUPS * SUBSCRIBERS + IDLE).map(name).collect()).await?;
    store.accept(vec![new(RARE, RARE)], BEGIN_MS).await?;
    for first in (0..CONVERSATIONS).step_by(1_000) {
        let some = (first..first + 1_000).map(|n| new(&format!("begins {n}"), &n.to_string()));
        store.accept(some.collect(), BEGIN_MS).await?;
    }
    store.close().await;
    Ok(())
}

fn new(id: &str, conversation: &str) -> NewEvent {
    let event = Event {
        id: id.into(),
        kind: id.into(),
        native_kind: "message".into(),
        conversation: Some(conversation.into()),
        contact: None,
        operator: None,
        sender: Sender::Contact,
        message: None,
        text: None,
        occurred_at_ms: BEGIN_MS,
        origin: Origin {
            tenant: "default".into(),
            source: "support".into(),
            dialect: "hotline".into(),
            instance: None,
        },
        data: "{}".into(),
        envelope: "{}".into(),
        hops: 0,
    };
    NewEvent { event, dedupe: None, subscribers: Vec::new() }
}

fn fill(data: &Path, events: u64) -> Result<()> {
    let mut sql = Connection::open(database::file(data))?;
    sql.execute_batch(
        "PRAGMA synchronous = off; PRAGMA cache_size = -262144;
        CREATE TEMP TABLE conversation (key INTEGER PRIMARY KEY, source, lane, conversation);
        INSERT INTO temp.conversation SELECT seq - 1, source, lane, conversation FROM event WHERE seq > 1",
    )?;
    let begun = CONVERSATIONS + 1;
    for first in (begun + 1..=begun + events).step_by(BATCH as usize) {
        let last = (first + BATCH - 1).min(begun + events);
        let transaction = sql.transaction()?;
        let [from, to, begin_ms] = [first, last, BEGIN_MS].map(u64::cast_signed);
        let [subscribers, dead, due] = [SUBSCRIBERS, DEAD_EVERY, DUE_EVERY].map(u64::cast_signed);
        transaction.execute(EVENTS, params![from, to, begin_ms, CONVERSATIONS.cast_signed()])?;
        if last > events / 4 * 3 {
            transaction.execute(PAYLOADS, params![from, to])?;
        }
        transaction.execute(DELIVERIES, params![from, to, begin_ms, subscribers, dead, due])?;
        transaction.execute(ATTEMPTS, params![from, to, begin_ms])?;
        transaction.commit()?;
    }
    Ok(())
}

struct Log {
    reader: Reader,
    events: u64,
}

impl Log {
    async fn round(&self, order: &Order) -> Result<Round> {
        let mut laps = Laps::start(order.lasting.max(Duration::from_millis(1)));
        for number in 1_u64.. {
            // Lies anywhere.
            let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            self.look(&order.what, mixed).await?;
            if !laps.lap() {
                break;
            }
        }
        Round::of(vec![laps])
    }

    async fn look(&self, what: &str, mixed: u64) -> Result<()> {
        let state = |state| DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        let of = |number: u64| DeliveryFilter { name: Some(format!("webhook-{number}")), ..DeliveryFilter::default() };
        let any = CONVERSATIONS + 2 + mixed % self.events;
        let next = Some(DeliveryKey { event: any, subscriber: SubscriberKey(1 + mixed % 20) });
        let one = of(mixed % (GROUPS * SUBSCRIBERS));
        match what {
            "all" => self.deliveries(&DeliveryFilter::default(), None).await,
            "next-page" => self.deliveries(&DeliveryFilter::default(), next).await,
            "dead" => self.deliveries(&state(DeliveryState::Dead), None).await,
            "due" => self.deliveries(&state(DeliveryState::Due), None).await,
            "waiting" => self.deliveries(&state(DeliveryState::Waiting), None).await,
            "subscriber" => self.deliveries(&one, None).await,
            "subscriber-dead" => {
                self.deliveries(&DeliveryFilter { state: Some(DeliveryState::Dead), ..one }, None).await
            }
            "subscriber-next-page" => self.deliveries(&one, next).await,
            "kind-between" => {
                let (from, kind) = (BEGIN_MS + any, Some("message.sent".into()));
                let (accepted_from_ms, accepted_until_ms) = (Some(from), Some(from + 100_000));
                let filter = DeliveryFilter { event_kind: kind, accepted_from_ms, accepted_until_ms, ..one };
                self.deliveries(&filter, None).await
            }
            "of-event" => {
                let event = self.reader.event_seq(&id(any)).await?.context("it is not there")?;
                self.deliveries(&DeliveryFilter { event: Some(event), ..DeliveryFilter::default() }, None).await
            }
            "event" => self.reader.event(&id(any)).await?.map(drop).context("it is not there"),
            "delivery" => {
                let key = DeliveryKey { event: any, subscriber: SubscriberKey(1 + any % SUBSCRIBERS) };
                self.reader.delivery(key).await?.map(drop).context("it is not there")
            }
            "events" => self.events(EventFilter::default(), Some(any)).await,
            "conversation" => self.events(conversation(&(mixed % CONVERSATIONS).to_string()), None).await,
            "rare-conversation" => self.events(conversation(RARE), None).await,
            "rare-kind" => self.events(EventFilter { kind: Some(RARE.into()), ..EventFilter::default() }, None).await,
            other => bail!("expected one of {LOOKS:?}, got {other:?}"),
        }
    }

    async fn deliveries(&self, filter: &DeliveryFilter, before: Option<DeliveryKey>) -> Result<()> {
        self.reader.deliveries(filter, before, LIMIT).await?;
        Ok(())
    }

    async fn events(&self, filter: EventFilter, before: Option<u64>) -> Result<()> {
        self.reader.events(&filter, before, LIMIT).await?;
        Ok(())
    }
}

fn conversation(name: &str) -> EventFilter {
    EventFilter { conversation: Some(name.into()), ..EventFilter::default() }
}

fn id(event: u64) -> String {
    format!("{event:026}")
}
