//! A store, a clock, a directory, and the worker between them.

use std::{sync::Arc, time::Duration};

use slashbox_core::{DeliveryState, Event, Origin, Schedule, Scope, Sender, SubscriberId, SubscriberKind, counter};
use slashbox_delivery::{Addressed, Deliveries, ManualClock};
use slashbox_store::{DeliveryFilter, DeliveryRecord, Store};

use crate::script::{Names, Script};

/// The time at which everything begins.
const BEGIN_MS: u64 = 1_759_956_080_000;

/// How long a state may take to come: none of them takes more than some commits in memory.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) clock: ManualClock,
    pub(crate) names: Arc<Names>,
    /// Who is called `one`.
    pub(crate) one: Arc<Script>,
    pub(crate) deliveries: Deliveries,
}

pub(crate) fn id(name: &str) -> SubscriberId {
    SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: name.into() }
}

impl Place {
    /// `one` is there, and is treated by this schedule.
    pub(crate) async fn new(schedule: Schedule) -> Self {
        let (names, one) = (Arc::<Names>::default(), Script::new(schedule, "1"));
        names.put("one", &one);
        Self::again(Store::in_memory().unwrap(), ManualClock::at(BEGIN_MS), names, one).await
    }

    async fn again(store: Store, clock: ManualClock, names: Arc<Names>, one: Arc<Script>) -> Self {
        let deliveries = Deliveries::start(store.clone(), names.clone(), Arc::new(clock.clone())).await.unwrap();
        Self { store, clock, names, one, deliveries }
    }

    /// The same after the worker was cut off, as a crash does it.
    pub(crate) async fn after_crash(self) -> Self {
        self.deliveries.shutdown(Duration::ZERO).await;
        Self::again(self.store, self.clock, self.names, self.one).await
    }

    /// Accepts an event for `one`.
    pub(crate) async fn accept(&self, event: &str, conversation: Option<&str>) {
        self.accept_for(event, conversation, &["one"]).await;
    }

    pub(crate) async fn accept_for(&self, event: &str, conversation: Option<&str>, names: &[&str]) {
        let subscribers = names.iter().map(|name| id(name)).collect();
        let incoming = Addressed { event: self.event(event, conversation), dedupe: None, subscribers };
        self.deliveries.accept(vec![incoming]).await.unwrap();
    }

    fn event(&self, id: &str, conversation: Option<&str>) -> Event {
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
            origin: Origin {
                tenant: "default".into(),
                source: "support".into(),
                dialect: "hotline".into(),
                instance: None,
            },
            data: "null".into(),
            envelope: String::new(),
        }
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
        let came = async {
            while reader.event(event).await.unwrap().is_none() {
                tokio::task::yield_now().await
            }
        };
        tokio::time::timeout(PATIENCE, came)
            .await
            .unwrap_or_else(|_| panic!("{event} is not there within {PATIENCE:?}"));
    }

    /// Waits until `one` has begun with an event.
    pub(crate) async fn under_way(&self, event: &str) {
        let begun = async {
            while self.one.got_of(event).is_empty() {
                tokio::task::yield_now().await
            }
        };
        tokio::time::timeout(PATIENCE, begun)
            .await
            .unwrap_or_else(|_| panic!("{event} has not begun within {PATIENCE:?}"));
    }

    /// Waits until so many attempts of an event were recorded.
    pub(crate) async fn wait_for_attempts(&self, event: &str, attempts: u32) {
        let came = async {
            while self.record(event).await.attempts < attempts {
                tokio::task::yield_now().await
            }
        };
        let came = tokio::time::timeout(PATIENCE, came).await;
        came.unwrap_or_else(|_| panic!("{event} has no {attempts} attempts within {PATIENCE:?}"));
    }

    /// Waits until the worker has made whatever it makes at this time: another event, accepted now, arrives.
    pub(crate) async fn settle(&self, marker: &str) {
        self.accept(marker, None).await;
        self.wait_for(marker, DeliveryState::Succeeded).await;
    }

    /// What the events' effects have counted.
    pub(crate) async fn count(&self) -> i64 {
        let scope = Scope { tenant: "default".into(), plugin: "script".into() };
        let entry = self.store.reader().get(&scope, "count", BEGIN_MS).await.unwrap();
        counter(entry.as_ref().map(|entry| &*entry.value)).unwrap()
    }
}
