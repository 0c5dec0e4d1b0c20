//! A remote that is down for a day, and comes back to all that happened meanwhile.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use slashbox_core::{DeliveryState, Fault, Schedule};
use slashbox_delivery::{Addressed, Attempted, Clock as _, Delivering, Delivery, Policy, Subscriber, Verdict};
use slashbox_store::DeliveryFilter;
use tokio::sync::watch;

use crate::{
    place::{PATIENCE, Place, id, new_event, until},
    script::{Script, exact},
};

const EVENTS: usize = 100_000;

const CONVERSATIONS: usize = 4_000;

const IN_FLIGHT_MAX: u32 = 40;

/// The longest pause of a breaker.
const PROBED_EACH: Duration = Duration::from_secs(600);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A remote that is up or down, and keeps of each event no more than its number in its conversation.
#[derive(Debug)]
struct Server {
    policy: Policy,
    is_up: AtomicBool,
    attempts: watch::Sender<usize>,
    under_way: AtomicU32,
    most_under_way: AtomicU32,
    /// Of each conversation.
    arrived: Mutex<HashMap<String, Vec<usize>>>,
    out_of_order: AtomicBool,
}

impl Server {
    /// It is down. By this schedule an attempt is made four times, were any of them used up.
    fn down() -> Self {
        let policy = Policy {
            schedule: exact(Schedule::tg_staff()),
            in_flight_max: IN_FLIGHT_MAX,
            attempt_max: Duration::from_secs(15),
            per_second: None,
            may_be_disabled: true,
        };
        Self {
            policy,
            is_up: AtomicBool::new(false),
            attempts: watch::Sender::new(0),
            under_way: AtomicU32::new(0),
            most_under_way: AtomicU32::new(0),
            arrived: Mutex::default(),
            out_of_order: AtomicBool::new(false),
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempted {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        self.out_of_order.fetch_or(delivery.out_of_order, Ordering::SeqCst);
        // Others begin meanwhile.
        tokio::task::yield_now().await;
        let verdict = if self.is_up.load(Ordering::SeqCst) {
            let (conversation, number) = delivery.event.id.split_once('/').unwrap();
            let mut arrived = self.arrived.lock().unwrap();
            arrived.entry(conversation.to_owned()).or_default().push(number.parse().unwrap());
            Verdict::Arrived
        } else {
            Verdict::Failed { fault: Fault::Connect, retry_after: None }
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.attempts.send_modify(|attempts| *attempts += 1);
        Attempted { verdict, status: None, detail: String::new(), answer: String::new(), change: None }
    }

    fn made(&self) -> usize {
        *self.attempts.borrow()
    }

    /// Waits until so many attempts were made: without looking all the time, for the worker has the same thread. Some at
    /// a time, since it may take longer than a state usually does.
    async fn wait_for(&self, attempts: usize) {
        while self.made() < attempts {
            let next = (self.made() + 1_000).min(attempts);
            let mut made = self.attempts.subscribe();
            let come = tokio::time::timeout(PATIENCE, made.wait_for(|made| *made >= next)).await;
            come.unwrap_or_else(|_| panic!("{next} attempts: not within {PATIENCE:?}")).unwrap();
        }
    }
}

impl Subscriber for Server {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn revision(&self) -> &str {
        "1"
    }

    fn deliver<'d>(&'d self, delivery: &'d Delivery) -> Delivering<'d> {
        Box::pin(self.attempt(delivery))
    }
}

/// One event of each conversation after the other, many in a commit, as a store does it under load.
async fn accept_all(place: &Place) {
    let name = |conversation: usize, number: usize| (format!("{conversation}/{number}"), conversation.to_string());
    let names: Vec<_> =
        (0..EVENTS / CONVERSATIONS).flat_map(|number| (0..CONVERSATIONS).map(move |of| name(of, number))).collect();
    for some in names.chunks(2_000) {
        let addressed = |(event, conversation): &(String, String)| Addressed {
            event: new_event(event, Some(conversation)),
            dedupe: None,
            subscribers: vec![id("one")],
        };
        place.deliveries.accept(some.iter().map(addressed).collect()).await.unwrap();
    }
}

/// A hundred thousand deliveries: none is lost, none comes twice or out of its order, none has used up its attempts, no more
/// of them are in memory than may be under way, and who is up meanwhile does not wait for them.
#[tokio::test]
async fn who_was_down_for_a_day_gets_all_of_it_in_order() {
    let place = Place::new(Schedule::remote()).await;
    let (one, two) = (Arc::new(Server::down()), Script::new(Schedule::remote(), "1"));
    place.names.put("one", &one);
    place.names.put("two", &two);
    place.deliveries.directory_changed();
    accept_all(&place).await;
    let probed = async || place.deliveries.left_alone_until_ms(&id("one")).is_some_and(|ms| ms > place.clock.now_ms());
    until("it is left alone", probed).await;
    let before = one.made();
    assert!(before < 2 * IN_FLIGHT_MAX as usize, "{before} attempts until it was left alone");
    let probes = usize::try_from(DAY.as_secs() / PROBED_EACH.as_secs()).unwrap();
    for made in 1..=probes {
        place.clock.advance(PROBED_EACH);
        one.wait_for(before + made).await;
        until("it is left alone again", probed).await;
    }
    let failed = before + probes;
    assert_eq!(one.made(), failed, "one in ten minutes");
    one.is_up.store(true, Ordering::SeqCst);
    place.clock.advance(PROBED_EACH);
    one.wait_for(failed + 1_000).await;
    place.accept_for("calm", None, &["two"]).await;
    until("who is up has its own", async || !two.got().is_empty()).await;
    assert!(one.made() < failed + EVENTS / 2, "all that waited is still on its way");
    one.wait_for(failed + EVENTS).await;
    let in_order: Vec<usize> = (0..EVENTS / CONVERSATIONS).collect();
    let arrived = one.arrived.lock().unwrap().clone();
    assert_eq!(arrived.len(), CONVERSATIONS);
    assert!(arrived.values().all(|numbers| *numbers == in_order));
    assert!(!one.out_of_order.load(Ordering::SeqCst));
    assert_eq!(one.most_under_way.load(Ordering::SeqCst), IN_FLIGHT_MAX);
    let reader = place.store.reader();
    until("all is recorded", async || {
        let open = async |state| {
            let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
            reader.deliveries(&filter, None, 1).await.unwrap().items.len()
        };
        let [waiting, due, leased] = [DeliveryState::Waiting, DeliveryState::Due, DeliveryState::Leased];
        open(waiting).await + open(due).await + open(leased).await == 0
    })
    .await;
    let dead = DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() };
    assert_eq!(reader.deliveries(&dead, None, 1).await.unwrap().items, []);
}
