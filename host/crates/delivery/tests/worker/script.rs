//! A subscriber that does as it is told, and remembers what it got.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use slashbox_core::{Effects, Event, Fault, Quota, Schedule, Scope, SubscriberId, Version, Write};
use slashbox_delivery::{Attempted, Changed, Delivering, Delivery, Directory, Policy, Subscriber, Verdict};
use tokio::sync::Notify;

/// What it says to an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Say {
    Yes,
    /// Fails.
    No,
    /// Fails, and wants to be left alone for so many seconds.
    After(u64),
    Never,
    /// Says that it is gone for good.
    Gone,
    /// This host could not ask.
    Hindered,
    /// This host must not ask.
    Ours,
    Panic,
    /// Succeeds, and adds one to its key `count`.
    Count,
    /// Succeeds, and counts on its key `count` being as it never is.
    Conflict,
    /// Succeeds, and changes this.
    Change(fn() -> Changed),
    /// Has no place for it.
    Later,
    /// Cannot take it before so many seconds are over.
    Aside(u64),
    /// Does not come back until it is told to.
    Hang,
    /// The same, and changes this.
    HangAndChange(fn() -> Changed),
}

/// What changes nothing yet, of the plugin `one`.
pub(crate) fn changed(effects: Effects) -> Changed {
    let scope = Scope { tenant: "default".into(), plugin: "one".into() };
    let quota = Quota { kv_keys: 10, kv_bytes: 10_000, timers: 300 };
    Changed { scope, effects, quota, events: Vec::new() }
}

/// Adds one to the key `count`.
pub(crate) fn counting() -> Changed {
    changed(Effects { writes: [("count".to_owned(), Write::Add(1))].into(), ..Effects::default() })
}

/// The same, if the key `count` is as it never is.
pub(crate) fn conflicting(changed: Changed) -> Changed {
    let reads = [("count".to_owned(), Some(Version(u64::MAX)))].into();
    Changed { effects: Effects { reads, ..changed.effects }, ..changed }
}

/// An attempt that it got: the event's id (of a fired timer its key), and which attempt it was.
pub(crate) type Got = (String, u32);

/// What it is told, and what it got.
#[derive(Debug)]
pub(crate) struct Script {
    policy: Policy,
    revision: &'static str,
    /// By event (a fired timer by its key): what it says to the first attempt, the second, and so on; from the last on always the same.
    says: Mutex<HashMap<String, Vec<Say>>>,
    /// What it says to everything else.
    otherwise: Mutex<Say>,
    got: Mutex<Vec<Got>>,
    /// The events that came with a mark.
    out_of_order: Mutex<Vec<String>>,
    replayed: Mutex<Vec<String>>,
    /// Lets go of those that hang.
    pub(crate) release: Notify,
}

/// The jitter is chance, and has tests of its own.
pub(crate) fn exact(schedule: Schedule) -> Schedule {
    Schedule { jitter_percent: 0, jitter_min: Duration::ZERO, ..schedule }
}

impl Script {
    pub(crate) fn new(schedule: Schedule, revision: &'static str) -> Arc<Self> {
        let policy = Policy {
            schedule: exact(schedule),
            in_flight_max: 4,
            attempt_max: Duration::from_secs(15),
            per_second: None,
            may_be_disabled: true,
        };
        Self::treated(policy, revision)
    }

    pub(crate) fn treated(policy: Policy, revision: &'static str) -> Arc<Self> {
        Arc::new(Self {
            policy,
            revision,
            says: Mutex::default(),
            otherwise: Mutex::new(Say::Yes),
            got: Mutex::default(),
            out_of_order: Mutex::default(),
            replayed: Mutex::default(),
            release: Notify::new(),
        })
    }

    pub(crate) fn says(&self, event: &str, says: &[Say]) {
        self.says.lock().unwrap().insert(event.into(), says.to_vec());
    }

    pub(crate) fn says_otherwise(&self, say: Say) {
        *self.otherwise.lock().unwrap() = say;
    }

    /// The events that came out of order, in the order in which they came.
    pub(crate) fn out_of_order(&self) -> Vec<String> {
        self.out_of_order.lock().unwrap().clone()
    }

    /// Those that were replayed.
    pub(crate) fn replayed(&self) -> Vec<String> {
        self.replayed.lock().unwrap().clone()
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The events that it said yes to, in the order in which it got them.
    pub(crate) fn got_of(&self, event: &str) -> Vec<u32> {
        self.got().into_iter().filter(|(id, _)| id == event).map(|(_, attempt)| attempt).collect()
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempted {
        let id = name_of(&delivery.event);
        let says = self.says.lock().unwrap().get(&id).cloned().unwrap_or_else(|| vec![*self.otherwise.lock().unwrap()]);
        self.out_of_order.lock().unwrap().extend(delivery.out_of_order.then(|| id.clone()));
        self.replayed.lock().unwrap().extend(delivery.replay.then(|| id.clone()));
        let made = self.got_of(&id).len();
        self.got.lock().unwrap().push((id, delivery.attempt));
        let say = says.get(made).or(says.last()).copied().unwrap();
        let failed = |retry_after| Verdict::Failed { fault: Fault::Theirs, retry_after };
        let verdict = match say {
            Say::Yes | Say::Count | Say::Conflict | Say::Change(_) => Verdict::Arrived,
            Say::No | Say::Gone => failed(None),
            Say::Hindered => Verdict::Hindered,
            Say::Ours => Verdict::Failed { fault: Fault::Ours, retry_after: None },
            Say::Later => Verdict::NotTried { again_in: None },
            Say::Aside(seconds) => Verdict::NotTried { again_in: Some(Duration::from_secs(seconds)) },
            Say::After(seconds) => failed(Some(Duration::from_secs(seconds))),
            Say::Never => Verdict::Refused,
            Say::Panic => panic!("as it was told"),
            Say::Hang | Say::HangAndChange(_) => {
                self.release.notified().await;
                Verdict::Arrived
            }
        };
        let change = match say {
            Say::Count => Some(counting()),
            Say::Conflict => Some(conflicting(counting())),
            Say::Change(change) | Say::HangAndChange(change) => Some(change()),
            _ => None,
        };
        let status = matches!(say, Say::Gone).then_some(410);
        Attempted { verdict, status, detail: format!("{say:?}"), answer: String::new(), change }
    }
}

/// The ids of fired timers are chance.
fn name_of(event: &Event) -> String {
    let timer = event.message.clone().filter(|_| event.kind == "timer.fired");
    timer.unwrap_or_else(|| event.id.clone())
}

impl Subscriber for Script {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn revision(&self) -> &str {
        self.revision
    }

    fn deliver<'d>(&'d self, delivery: &'d Delivery) -> Delivering<'d> {
        Box::pin(self.attempt(delivery))
    }
}

/// Who is there, by name.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<String, Arc<dyn Subscriber>>>);

impl Names {
    pub(crate) fn put(&self, name: &str, subscriber: &Arc<impl Subscriber + 'static>) {
        self.0.lock().unwrap().insert(name.into(), subscriber.clone());
    }

    pub(crate) fn take(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

impl Directory for Names {
    fn find(&self, id: &SubscriberId) -> Option<Arc<dyn Subscriber>> {
        self.0.lock().unwrap().get(&id.name).cloned()
    }
}
