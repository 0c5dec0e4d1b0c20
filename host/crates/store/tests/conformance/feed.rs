//! The way of events through the store, in few words.

use slashbox_core::{Attempt, Dedupe, DeliveryState, Event, Fault, Next, Origin, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{
    Accepted, Change, ClaimRequest, Claimed, DeliveryFilter, DeliveryKey, DeliveryRecord, EventFilter, FinishError,
    Finished, Fired, NewEvent, Reader, Store, SubscriberKey,
};

/// For how long a claim of the tests is leased.
pub(crate) const LEASE_MS: u64 = 60_000;

/// A store, used at one time.
#[derive(Clone)]
pub(crate) struct Feed {
    pub(crate) store: Store,
    pub(crate) reader: Reader,
    pub(crate) now_ms: u64,
}

impl Feed {
    pub(crate) fn new(store: Store) -> Self {
        Self { reader: store.reader(), store, now_ms: 1_000_000 }
    }

    /// The same store, so much later.
    pub(crate) fn after(&self, ms: u64) -> Self {
        Self { now_ms: self.now_ms + ms, ..self.clone() }
    }

    pub(crate) async fn webhook(&self, name: &str) -> SubscriberKey {
        self.store.subscribers_of(vec![webhook("default", name)]).await.unwrap()[0]
    }

    pub(crate) async fn accept(&self, events: Vec<NewEvent>) -> Vec<Accepted> {
        self.store.accept(events, self.now_ms).await.unwrap()
    }

    /// Accepts events of a conversation (or none) for one subscriber, one by one.
    pub(crate) async fn take(&self, to: SubscriberKey, conversation: Option<&str>, ids: &[&str]) {
        for id in ids {
            let event = Event { conversation: conversation.map(str::to_owned), ..event(id) };
            assert_eq!(self.accept(vec![new(event, &[to])]).await, [Accepted::New]);
        }
    }

    pub(crate) async fn claim(&self, of: SubscriberKey, limit: u32) -> Vec<Claimed> {
        self.claim_and_next(of, limit).await.0
    }

    /// What was claimed, and when to ask again.
    pub(crate) async fn claim_and_next(&self, of: SubscriberKey, limit: u32) -> (Vec<Claimed>, Option<u64>) {
        let request = ClaimRequest { subscriber: of, limit, again: limit };
        let claims = self.store.claim(vec![request], self.now_ms, self.now_ms + LEASE_MS).await.unwrap();
        let [(subscriber, next)] = claims.next[..] else { panic!("{:?}", claims.next) };
        assert_eq!(subscriber, of);
        (claims.claimed, next.earliest_ms())
    }

    /// The ids of what can be claimed, which is claimed by that.
    pub(crate) async fn claim_ids(&self, of: SubscriberKey) -> Vec<String> {
        ids(&self.claim(of, 100).await)
    }

    pub(crate) async fn finish(&self, claimed: &Claimed, next: Next) -> Option<DeliveryKey> {
        self.store.finish(finished(claimed, next), self.now_ms).await.unwrap()
    }

    pub(crate) async fn finish_with(
        &self,
        claimed: &Claimed,
        change: Change,
    ) -> Result<Option<DeliveryKey>, FinishError> {
        let finished = Finished { change: Some(change), ..finished(claimed, Next::Succeeded) };
        self.store.finish(finished, self.now_ms).await
    }

    /// Fires timers, for whose events these are the ids.
    pub(crate) async fn fire(&self, ids: &[&str]) -> Fired {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        self.store.fire_timers(self.now_ms, ids).await.unwrap()
    }

    /// Every delivery to a subscriber, the oldest first.
    pub(crate) async fn deliveries(&self, name: &str) -> Vec<DeliveryRecord> {
        let filter = DeliveryFilter { name: Some(name.to_owned()), ..DeliveryFilter::default() };
        let page = self.reader.deliveries(&filter, None, 1000).await.unwrap();
        assert_eq!(page.next, None);
        page.items.into_iter().rev().collect()
    }

    /// How the deliveries to a subscriber stand, the oldest first.
    pub(crate) async fn states(&self, name: &str) -> Vec<DeliveryState> {
        self.deliveries(name).await.iter().map(|delivery| delivery.state).collect()
    }

    /// The ids of all events, the oldest first.
    pub(crate) async fn kept(&self) -> Vec<String> {
        let page = self.reader.events(&EventFilter::default(), None, 1000).await.unwrap();
        page.items.into_iter().rev().map(|record| record.event.id).collect()
    }
}

pub(crate) fn webhook(tenant: &str, name: &str) -> SubscriberId {
    SubscriberId { tenant: tenant.to_owned(), kind: SubscriberKind::Webhook, name: name.to_owned() }
}

/// An event of no conversation, with something in every other field.
pub(crate) fn event(id: &str) -> Event {
    let some = |text: &str| Some(text.to_owned());
    Event {
        id: id.to_owned(),
        kind: "message.received".to_owned(),
        native_kind: "message_received".to_owned(),
        conversation: None,
        contact: some("4711"),
        operator: some(""),
        sender: Sender::Contact,
        message: some("5602541568"),
        text: some("Ä text\nwith 😀 and \u{10ffff}"),
        occurred_at_ms: 999_999,
        origin: Origin {
            tenant: "default".to_owned(),
            source: "support".to_owned(),
            dialect: "hotline".to_owned(),
            instance: some("one"),
        },
        data: r#"{"n":1e999}"#.to_owned(),
        envelope: "{}".to_owned(),
        hops: 0,
    }
}

/// An event of another tenant or source.
pub(crate) fn event_of(id: &str, tenant: &str, source: &str) -> Event {
    let mut event = event(id);
    event.origin.tenant = tenant.to_owned();
    event.origin.source = source.to_owned();
    event
}

pub(crate) fn new(event: Event, subscribers: &[SubscriberKey]) -> NewEvent {
    NewEvent { event, dedupe: None, subscribers: subscribers.to_vec() }
}

/// As `new`, known again by a key that is this byte all over.
pub(crate) fn known(event: Event, key: u8, ttl_ms: u64) -> NewEvent {
    NewEvent { event, dedupe: Some(Dedupe { key: [key; 32], ttl_ms }), subscribers: Vec::new() }
}

pub(crate) fn duplicate(of: &str) -> Accepted {
    Accepted::Duplicate { of: of.to_owned() }
}

pub(crate) fn ids(claimed: &[Claimed]) -> Vec<String> {
    claimed.iter().map(|claimed| claimed.event.id.clone()).collect()
}

/// An attempt that tells its number.
pub(crate) fn attempt(number: u32, next: Next) -> Attempt {
    let succeeded = next == Next::Succeeded;
    Attempt {
        at_ms: 1_000_000 + u64::from(number),
        took_ms: u64::from(number),
        fault: (!succeeded).then_some(Fault::Theirs),
        status: Some(if succeeded { 204 } else { 503 }),
        detail: format!("attempt {number}"),
        answer: if succeeded { String::new() } else { "later\n".to_owned() },
    }
}

pub(crate) fn finished(claimed: &Claimed, next: Next) -> Finished {
    let attempt = attempt(claimed.attempt, next);
    Finished { delivery: claimed.delivery, claim: claimed.claim, attempt, counts: true, next, change: None }
}
