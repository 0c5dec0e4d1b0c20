//! A subscriber that does as it is told, and remembers what it got.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use slashbox_core::{Effects, Fault, Schedule, Scope, SubscriberId, Write};
use slashbox_delivery::{Attempted, Delivering, Delivery, Directory, Policy, Subscriber, Verdict};

/// What it says to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    Yes,
    /// Fails.
    No,
    /// Fails, and wants to be left alone for so many seconds.
    After(u64),
    Never,
    Panic,
    /// Succeeds, and adds one to its key `count`.
    Count,
    /// Does not come back.
    Hang,
}

/// An attempt that it got: the event's id, and which attempt it was.
pub(crate) type Got = (String, u32);

/// What it is told, and what it got.
#[derive(Debug)]
pub(crate) struct Script {
    policy: Policy,
    revision: &'static str,
    /// By event: what it says to the first attempt, the second, and so on; from the last on always the same.
    says: Mutex<HashMap<String, Vec<Say>>>,
    got: Mutex<Vec<Got>>,
}

/// The jitter is chance, and has tests of its own.
pub(crate) fn exact(schedule: Schedule) -> Schedule {
    Schedule { jitter_percent: 0, jitter_min: Duration::ZERO, ..schedule }
}

impl Script {
    pub(crate) fn new(schedule: Schedule, revision: &'static str) -> Arc<Self> {
        let policy = Policy { schedule: exact(schedule), in_flight_max: 4, attempt_max: Duration::from_secs(15) };
        Arc::new(Self { policy, revision, says: Mutex::default(), got: Mutex::default() })
    }

    pub(crate) fn says(&self, event: &str, says: &[Say]) {
        self.says.lock().unwrap().insert(event.into(), says.to_vec());
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The events that it said yes to, in the order in which it got them.
    pub(crate) fn got_of(&self, event: &str) -> Vec<u32> {
        self.got().into_iter().filter(|(id, _)| id == event).map(|(_, attempt)| attempt).collect()
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempted {
        let id = delivery.event.id.clone();
        let says = self.says.lock().unwrap().get(&id).cloned().unwrap_or_else(|| vec![Say::Yes]);
        let made = self.got_of(&id).len();
        self.got.lock().unwrap().push((id, delivery.attempt));
        let say = says.get(made).or(says.last()).copied().unwrap();
        let failed = |retry_after| Verdict::Failed { fault: Fault::Theirs, retry_after };
        let verdict = match say {
            Say::Yes | Say::Count => Verdict::Arrived,
            Say::No => failed(None),
            Say::After(seconds) => failed(Some(Duration::from_secs(seconds))),
            Say::Never => Verdict::Refused,
            Say::Panic => panic!("as it was told"),
            Say::Hang => std::future::pending().await,
        };
        let effects = (say == Say::Count).then(|| {
            let scope = Scope { tenant: "default".into(), plugin: "script".into() };
            (scope, Effects { writes: [("count".to_owned(), Write::Add(1))].into(), ..Effects::default() })
        });
        Attempted { verdict, status: None, detail: format!("{say:?}"), answer: String::new(), effects }
    }
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
pub(crate) struct Names(Mutex<HashMap<String, Arc<Script>>>);

impl Names {
    pub(crate) fn put(&self, name: &str, script: &Arc<Script>) {
        self.0.lock().unwrap().insert(name.into(), script.clone());
    }

    pub(crate) fn take(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

impl Directory for Names {
    fn find(&self, id: &SubscriberId) -> Option<Arc<dyn Subscriber>> {
        let found = self.0.lock().unwrap().get(&id.name).cloned();
        found.map(|script| script as Arc<dyn Subscriber>)
    }
}
