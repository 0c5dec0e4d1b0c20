//! A store, a clock, a directory, and the worker between them.

use std::{sync::Arc, time::Duration};

use slashbox_core::{
    DeliveryState, Effects, Event, Origin, Schedule, Scope, Sender, SubscriberId, SubscriberKind, TimerWrite, counter,
};
use slashbox_delivery::{Addressed, Changed, Deliveries, Keeping, ManualClock};
use slashbox_store::{CommitError, DeliveryFilter, DeliveryRecord, EventFilter, Store};

use crate::script::{Names, Script, changed};

/// The time at which everything begins.
pub(crate) const BEGIN_MS: u64 = 1_759_956_080_000;

/// How long a state may take to come: none of them takes more than some commits in memory.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) clock: ManualClock,
    pub(crate) names: Arc<Names>,
    /// Who is called `one`.
    pub(crate) one: Arc<Script>,
    pub(crate) deliveries: Deliveries,
    keeping: Keeping,
}

pub(crate) fn id(name: &str) -> SubscriberId {
    SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: name.into() }
}

impl Place {
    /// `one` is there, and is treated by this schedule.
    pub(crate) async fn new(schedule: Schedule) -> Self {
        Self::with(Store::in_memory().unwrap(), schedule).await
    }

    pub(crate) async fn with(store: Store, schedule: Schedule) -> Self {
        Self::keeping(store, schedule, Keeping::default()).await
    }

    pub(crate) async fn keeping(store: Store, schedule: Schedule, keeping: Keeping) -> Self {
        let (names, one) = (Arc::<Names>::default(), Script::new(schedule, "1"));
        names.put("one", &one);
        Self::again(store, ManualClock::at(BEGIN_MS), names, one, keeping).await
    }

    async fn again(store: Store, clock: ManualClock, names: Arc<Names>, one: Arc<Script>, keeping: Keeping) -> Self {
        let shared = Arc::new(clock.clone());
        let deliveries = Deliveries::start(store.clone(), names.clone(), shared, keeping).await.unwrap();
        Self { store, clock, names, one, deliveries, keeping }
    }

    /// The same after the worker was cut off, as a crash does it.
    pub(crate) async fn after_crash(self) -> Self {
        self.after_crash_of(Duration::ZERO).await
    }

    /// The same when so much time has passed until the next run begins.
    pub(crate) async fn after_crash_of(self, pause: Duration) -> Self {
        self.deliveries.shutdown(Duration::ZERO).await;
        self.clock.advance(pause);
        Self::again(self.store, self.clock, self.names, self.one, self.keeping).await
    }

    /// Accepts an event for `one`.
    pub(crate) async fn accept(&self, event: &str, conversation: Option<&str>) {
        self.accept_for(event, conversation, &["one"]).await;
    }

    pub(crate) async fn accept_for(&self, event: &str, conversation: Option<&str>, names: &[&str]) {
        let subscribers = names.iter().map(|name| id(name)).collect();
        let incoming = Addressed { event: new_event(event, conversation), dedupe: None, subscribers };
        self.deliveries.accept(vec![incoming]).await.unwrap();
    }

    /// Commits what a command in the conversation `x` changes.
    pub(crate) async fn commit(&self, changed: Changed) -> Result<(), CommitError> {
        self.deliveries.commit(&origin(), Some("x"), changed, BEGIN_MS).await
    }

    /// Sets timers of `one` to so many seconds after the beginning, or cancels them.
    pub(crate) async fn set_timers(&self, timers: &[(&str, Option<u64>)]) {
        self.commit(timing(timers)).await.unwrap();
    }

    pub(crate) async fn record(&self, event: &str) -> DeliveryRecord {
        let all = self.store.reader().deliveries(&DeliveryFilter::default(), None, 1_000).await.unwrap().items;
        all.into_iter().find(|record| record.event_id == event).unwrap()
    }

    /// Waits until the delivery of an event is in a state.
    pub(crate) async fn wait_for(&self, event: &str, state: DeliveryState) -> DeliveryRecord {
        let came = async {
            loop {
                let record = self.record(event).await;
                if record.state == state {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, came).await;
        came.unwrap_or_else(|_| panic!("{event} is not {state} within {PATIENCE:?}"))
    }

    /// Waits until an event is there at all.
    pub(crate) async fn wait_until_there(&self, event: &str) {
        let reader = self.store.reader();
        until(&format!("{event} is there"), async || reader.event(event).await.unwrap().is_some()).await;
    }

    /// Waits until `one` has begun with an event.
    pub(crate) async fn under_way(&self, event: &str) {
        until(&format!("{event} has begun"), async || !self.one.got_of(event).is_empty()).await;
    }

    /// Waits until so many attempts of an event were recorded.
    pub(crate) async fn wait_for_attempts(&self, event: &str, attempts: u32) {
        let what = format!("{event} has {attempts} attempts");
        until(&what, async || self.record(event).await.attempts >= attempts).await;
    }

    /// The events that timers became, the oldest first.
    pub(crate) async fn fired(&self) -> Vec<Event> {
        let filter = EventFilter { kind: Some("timer.fired".into()), ..EventFilter::default() };
        let page = self.store.reader().events(&filter, None, 1_000).await.unwrap();
        page.items.into_iter().rev().map(|record| record.event).collect()
    }

    /// Waits until the worker has made whatever it makes at this time, and knows how it ended: two other events, accepted now,
    /// arrive one after the other. Of the second, all that is known may be that it is recorded.
    pub(crate) async fn settle(&self, marker: &str) {
        for marker in [marker, &format!("{marker}, again")] {
            self.accept(marker, None).await;
            self.wait_for(marker, DeliveryState::Succeeded).await;
        }
    }

    /// Waits until the worker has made what it makes at this time, where `one` takes nothing: another one takes something.
    pub(crate) async fn settle_two(&self, marker: &str) {
        self.names.put("two", &Script::new(Schedule::remote(), "1"));
        self.deliveries.directory_changed();
        self.accept_for(marker, None, &["two"]).await;
        self.wait_for(marker, DeliveryState::Succeeded).await;
    }

    /// What the events' calls have counted.
    pub(crate) async fn count(&self) -> i64 {
        let scope = Scope { tenant: "default".into(), plugin: "one".into() };
        let entry = self.store.reader().get(&scope, "count", BEGIN_MS).await.unwrap();
        counter(entry.as_ref().map(|entry| &*entry.value)).unwrap()
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let came = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, came).await.unwrap_or_else(|_| panic!("not so within {PATIENCE:?}: {what}"));
}

fn origin() -> Origin {
    Origin { tenant: "default".into(), source: "support".into(), dialect: "hotline".into(), instance: None }
}

pub(crate) fn new_event(id: &str, conversation: Option<&str>) -> Event {
    Event {
        id: id.into(),
        kind: "message.received".into(),
        native_kind: "message_received".into(),
        conversation: conversation.map(Into::into),
        contact: None,
        operator: None,
        sender: Sender::Contact,
        message: None,
        text: None,
        occurred_at_ms: BEGIN_MS,
        origin: origin(),
        data: "null".into(),
        envelope: String::new(),
        hops: 0,
    }
}

/// A call that emits an event for some.
pub(crate) fn emitting(event: &str, names: &[&str]) -> Changed {
    let subscribers = names.iter().map(|name| id(name)).collect();
    let event = Event { hops: 1, ..new_event(event, None) };
    Changed { events: vec![Addressed { event, dedupe: None, subscribers }], ..changed(Effects::default()) }
}

/// A call that sets timers to so many seconds after the beginning, or cancels them.
pub(crate) fn timing(timers: &[(&str, Option<u64>)]) -> Changed {
    let write = |seconds: Option<u64>| match seconds {
        Some(seconds) => TimerWrite::Set { due_at_ms: BEGIN_MS + seconds * 1_000, payload: format!("[{seconds}]") },
        None => TimerWrite::Cancel,
    };
    let timers = timers.iter().map(|(key, seconds)| ((*key).to_owned(), write(*seconds))).collect();
    changed(Effects { timers, ..Effects::default() })
}
