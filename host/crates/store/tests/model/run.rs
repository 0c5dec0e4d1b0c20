//! The same steps for the model and the store, compared after each.

use proptest::collection::vec;
use proptest::prelude::*;
use slashbox_core::{Attempt, Dedupe, Event, Next, Origin, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{
    Accepted, Change, ClaimRequest, Claimed, CommitError, DeliveryFilter, EventFilter, FinishError, Finished, GiveUp,
    NewEvent, Rule, Span, Store, SubscriberKey,
};

use crate::call::{Call, Refused, calls, scope};
use crate::model::{Delivery, Made, Model, NotFinished, Place, SUBSCRIBERS};

const LEASE_MS: u64 = 50;

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    lane: Option<u8>,
    to: [bool; SUBSCRIBERS],
    /// A key, and for how long it is known.
    key: Option<(u8, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Accept(Vec<Sent>),
    Claim {
        subscriber: usize,
        limit: u32,
    },
    /// Ends an attempt of those that began, whether its claim still counts or not.
    Finish {
        which: prop::sample::Index,
        end: End,
        call: Call,
    },
    /// Ends a command, in a lane.
    Command(Option<u8>, Call),
    /// Fires so many timers.
    Fire(usize),
    Pass(u64),
    SetAbsent {
        subscriber: usize,
        absent: bool,
    },
    /// Gives up what is open beyond so many, the oldest.
    GiveUp {
        subscriber: usize,
        max: usize,
    },
    /// Removes what nobody needs, which changes nothing else.
    RemovePayloads,
    Restart,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Succeeded,
    RetryAfter(u64),
    Dead,
}

pub(crate) fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    let lane = prop::option::weighted(0.8, 0..3_u8);
    let key = prop::option::weighted(0.4, (0..4_u8, 0..100_u64));
    let sent = (lane.clone(), any::<[bool; SUBSCRIBERS]>(), key).prop_map(|(lane, to, key)| Sent { lane, to, key });
    let end = prop_oneof![
        3 => Just(End::Succeeded),
        2 => (0..60_u64).prop_map(End::RetryAfter),
        1 => Just(End::Dead),
    ];
    let step = prop_oneof![
        4 => vec(sent, 1..5).prop_map(Step::Accept),
        6 => (0..SUBSCRIBERS, 0..4_u32).prop_map(|(subscriber, limit)| Step::Claim { subscriber, limit }),
        8 => (any::<prop::sample::Index>(), end, calls())
            .prop_map(|(which, end, call)| Step::Finish { which, end, call }),
        3 => (lane, calls()).prop_map(|(lane, call)| Step::Command(lane, call)),
        3 => (0..4_usize).prop_map(Step::Fire),
        3 => (0..70_u64).prop_map(Step::Pass),
        1 => (0..SUBSCRIBERS, any::<bool>()).prop_map(|(subscriber, absent)| Step::SetAbsent { subscriber, absent }),
        1 => (0..SUBSCRIBERS, 0..6_usize).prop_map(|(subscriber, max)| Step::GiveUp { subscriber, max }),
        1 => Just(Step::RemovePayloads),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..max)
}

struct Run {
    store: Store,
    model: Model,
    keys: Vec<SubscriberKey>,
    /// The attempts that began, also those whose claim counts no more.
    begun: Vec<(Place, Claimed)>,
    now_ms: u64,
    count: usize,
}

pub(crate) async fn run(store: Store, steps: &[Step], restart: impl AsyncFn(Store) -> Store) {
    let ids = ["one", "two"].map(|name| SubscriberId {
        tenant: "default".to_owned(),
        kind: SubscriberKind::Plugin,
        name: name.to_owned(),
    });
    let keys = store.subscribers_of(ids.to_vec()).await.unwrap();
    let mut run = Run { store, model: Model::default(), keys, begun: Vec::new(), now_ms: 1000, count: 0 };
    for step in steps {
        match step {
            Step::Accept(batch) => run.accept(batch).await,
            Step::Claim { subscriber, limit } => drop(run.claim(*subscriber, *limit).await),
            Step::Finish { which, end, call } => {
                if !run.begun.is_empty() {
                    run.finish(which.index(run.begun.len()), *end, Some(call)).await;
                }
            }
            Step::Command(lane, call) => run.command(*lane, call).await,
            Step::Fire(count) => run.fire(*count).await,
            Step::Pass(ms) => run.now_ms += ms,
            Step::SetAbsent { subscriber, absent } => run.set_absent(*subscriber, *absent).await,
            Step::GiveUp { subscriber, max } => run.give_up(*subscriber, *max).await,
            Step::RemovePayloads => {
                let removed = run.store.remove_payloads(Span { after: 0, last: u64::MAX }).await.unwrap();
                assert_eq!(removed.next, None);
            }
            Step::Restart => {
                run.store = restart(run.store).await;
                let released = run.store.release_leases(run.now_ms).await.unwrap();
                assert_eq!(released, run.model.release(run.now_ms));
            }
        }
        run.model.check();
        run.compare().await;
    }
    run.drain().await;
    run.store.close().await;
}

impl Run {
    async fn accept(&mut self, batch: &[Sent]) {
        let (mut events, mut expected) = (Vec::new(), Vec::new());
        for Sent { lane, to, key } in batch {
            let id = self.next_id();
            let repeated = self.model.accept(&id, *lane, *to, *key, self.now_ms);
            expected.push(repeated.map_or(Accepted::New, |of| Accepted::Duplicate { of }));
            let to = self.keys_of(to);
            let dedupe = key.map(|(key, ttl_ms)| Dedupe { key: [key; 32], ttl_ms });
            events.push(NewEvent { event: event(id, *lane), dedupe, subscribers: to });
        }
        assert_eq!(self.store.accept(events, self.now_ms).await.unwrap(), expected);
    }

    async fn claim(&mut self, subscriber: usize, limit: u32) -> usize {
        let until_ms = self.now_ms + LEASE_MS;
        let places = self.model.claim(subscriber, limit as usize, self.now_ms, until_ms);
        let request = ClaimRequest { subscriber: self.keys[subscriber], limit, again: limit };
        let claims = self.store.claim(vec![request], self.now_ms, until_ms).await.unwrap();
        let next: Vec<_> = claims.next.iter().map(|(key, ready)| (*key, ready.earliest_ms())).collect();
        assert_eq!(next, [(self.keys[subscriber], self.model.next_ready(subscriber))]);
        assert_eq!(claims.claimed.len(), places.len());
        for (place, claimed) in places.iter().zip(claims.claimed) {
            let Delivery { event, claims, attempts, .. } = self.at(*place);
            assert_eq!((&claimed.event.id, claimed.claim, claimed.attempt), (event, *claims, attempts + 1));
            self.begun.push((*place, claimed));
        }
        places.len()
    }

    /// Without a call, nothing is changed.
    async fn finish(&mut self, index: usize, end: End, call: Option<&Call>) {
        let (place, claimed) = self.begun[index].clone();
        let next = match end {
            End::Succeeded => Next::Succeeded,
            End::RetryAfter(ms) => Next::RetryAt(self.now_ms + ms),
            End::Dead => Next::Dead,
        };
        let attempt = Attempt {
            at_ms: self.now_ms,
            took_ms: 1,
            fault: None,
            status: None,
            detail: format!("claim {}", claimed.claim),
            answer: String::new(),
        };
        let (delivery, claim, lane) = (claimed.delivery, claimed.claim, self.model.lane(place));
        let ids = self.ids(call.map_or(0, |call| call.emits.len()));
        let change = call.map(|call| self.change(call, lane, &ids));
        let finished = Finished { delivery, claim, attempt, counts: true, next, change };
        let result = self.store.finish(finished, self.now_ms).await;
        let made = call.map(|call| Made { call, lane, ids: &ids });
        match (result, self.model.finish(place, claim, next, made, self.now_ms)) {
            (Ok(None), Ok(None))
            | (Err(FinishError::Fenced), Err(NotFinished::Fenced))
            | (Err(FinishError::Conflict { .. }), Err(NotFinished::Refused(Refused::Conflict))) => {}
            (Err(FinishError::Quota(limit)), Err(NotFinished::Refused(Refused::Quota(expected)))) => {
                assert_eq!(limit, expected);
            }
            (Ok(Some(successor)), Ok(Some(place))) => {
                let (delivery, ..) = self.store.reader().delivery(successor).await.unwrap().unwrap();
                assert_eq!((&delivery.event_id, successor.subscriber), (&self.at(place).event, self.keys[place.0]));
            }
            (result, expected) => panic!("{result:?}, expected {expected:?}"),
        }
    }

    async fn command(&mut self, lane: Option<u8>, call: &Call) {
        let ids = self.ids(call.emits.len());
        let result = self.store.commit(self.change(call, lane, &ids), self.now_ms).await;
        match (result, self.model.change(Made { call, lane, ids: &ids }, self.now_ms)) {
            (Ok(()), Ok(())) | (Err(CommitError::Conflict { .. }), Err(Refused::Conflict)) => {}
            (Err(CommitError::Quota(limit)), Err(Refused::Quota(expected))) => assert_eq!(limit, expected),
            (result, expected) => panic!("{result:?}, expected {expected:?}"),
        }
    }

    async fn give_up(&mut self, subscriber: usize, max: usize) {
        let expected = self.model.give_up(subscriber, max, self.now_ms);
        let key = self.keys[subscriber];
        let Some(last) = self.store.reader().beyond(key, max as u64).await.unwrap() else {
            return assert_eq!(expected, 0);
        };
        let which = GiveUp { subscriber: key, rule: Rule::Backlog, after: 0, last };
        let given_up = self.store.give_up(which, self.now_ms).await.unwrap();
        assert_eq!((given_up.count, given_up.next), (expected, None));
    }

    async fn fire(&mut self, count: usize) {
        let ids = self.ids(count);
        for id in &ids {
            self.model.fire(id, self.now_ms);
        }
        let fired = self.store.fire_timers(self.now_ms, ids).await.unwrap();
        assert!(fired.subscribers.iter().all(|(key, _)| *key == self.keys[0]) && fired.subscribers.len() <= 1);
        assert_eq!(fired.next_at_ms, self.model.memory.next_timer_ms());
    }

    fn ids(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next_id()).collect()
    }

    fn next_id(&mut self) -> String {
        self.count += 1;
        format!("{:05}", self.count)
    }

    fn change(&self, call: &Call, lane: Option<u8>, ids: &[String]) -> Change {
        let event = |(id, to): (&String, &[bool; SUBSCRIBERS])| {
            let event = event(id.clone(), lane);
            NewEvent { event, dedupe: None, subscribers: self.keys_of(to) }
        };
        Change {
            scope: scope(),
            effects: call.effects(self.now_ms),
            quota: call.quota(),
            origin: origin(),
            conversation: lane.map(|lane| lane.to_string()),
            events: ids.iter().zip(&call.emits).map(event).collect(),
        }
    }

    fn keys_of(&self, to: &[bool; SUBSCRIBERS]) -> Vec<SubscriberKey> {
        self.keys.iter().zip(to).filter(|(_, to)| **to).map(|(key, _)| *key).collect()
    }

    async fn set_absent(&mut self, subscriber: usize, absent: bool) {
        self.model.absent[subscriber] = absent;
        let since_ms = absent.then_some(self.now_ms);
        self.store.set_absent(vec![(self.keys[subscriber], since_ms)]).await.unwrap();
    }

    /// Everything fires and arrives in the end.
    async fn drain(&mut self) {
        // Later than every timer.
        self.now_ms += 1000;
        self.fire(100).await;
        assert!(self.model.memory.timers.is_empty());
        for subscriber in 0..SUBSCRIBERS {
            self.set_absent(subscriber, false).await;
            self.begun.clear();
            // Later than every lease and every retry.
            self.now_ms += 1000;
            while self.claim(subscriber, 100).await > 0 {
                while !self.begun.is_empty() {
                    self.finish(0, End::Succeeded, None).await;
                    self.begun.remove(0);
                }
            }
        }
        assert!(self.model.deliveries.iter().flatten().all(|one| !one.state.is_open()));
        self.compare().await;
    }

    async fn compare(&self) {
        let reader = self.store.reader();
        for (subscriber, expected) in self.model.deliveries.iter().enumerate() {
            let name = Some(["one", "two"][subscriber].to_owned());
            let filter = DeliveryFilter { name, ..DeliveryFilter::default() };
            let page = reader.deliveries(&filter, None, 10_000).await.unwrap();
            assert_eq!(page.items.len(), expected.len());
            for (found, expected) in page.items.iter().rev().zip(expected) {
                let Delivery { event, state, ready_at_ms, attempts, .. } = expected;
                assert_eq!((&found.event_id, found.state), (event, *state));
                assert_eq!((found.ready_at_ms, found.attempts), (*ready_at_ms, *attempts));
                assert_eq!(found.parked, self.model.absent[subscriber] && state.is_open());
            }
        }
        let events = reader.events(&EventFilter::default(), None, 10_000).await.unwrap();
        let events: Vec<_> = events.items.into_iter().rev().map(|one| (one.event.id, one.event.message)).collect();
        assert_eq!(events, self.model.events);
        self.compare_memory().await;
    }

    async fn compare_memory(&self) {
        let (reader, memory) = (self.store.reader(), &self.model.memory);
        for key in ["a", "b", "c"] {
            let found = reader.get(&scope(), key, self.now_ms).await.unwrap();
            let expected = memory.values.get(key).filter(|(_, at_ms)| at_ms.is_none_or(|at_ms| at_ms > self.now_ms));
            assert_eq!(found.map(|entry| (entry.value.len(), entry.expires_at_ms)), expected.copied());
        }
        let counted = reader.get(&scope(), "n", self.now_ms).await.unwrap();
        let counted = counted.map_or(0, |entry| String::from_utf8(entry.value).unwrap().parse().unwrap());
        assert_eq!(memory.counted, counted);
        assert_eq!(reader.usage_at(&scope(), self.now_ms).await.unwrap(), memory.usage(self.now_ms));
        assert_eq!(reader.next_timer_at_ms().await.unwrap(), memory.next_timer_ms());
    }

    fn at(&self, place: Place) -> &Delivery {
        &self.model.deliveries[place.0][place.1]
    }
}

fn event(id: String, lane: Option<u8>) -> Event {
    Event {
        id,
        kind: "message.received".to_owned(),
        native_kind: "message_received".to_owned(),
        conversation: lane.map(|lane| lane.to_string()),
        contact: None,
        operator: None,
        sender: Sender::Contact,
        message: None,
        text: None,
        occurred_at_ms: 0,
        origin: origin(),
        data: "null".to_owned(),
        envelope: String::new(),
        hops: 0,
    }
}

fn origin() -> Origin {
    Origin { tenant: "default".to_owned(), source: "support".to_owned(), dialect: "native".to_owned(), instance: None }
}
