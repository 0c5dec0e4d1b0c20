//! A plugin as a subscriber: an event is a call of `on-event`, and what the call changes is committed by whoever records
//! the attempt.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use slashbox_core::{Fault, Outcome, Schedule};
use slashbox_delivery::{Attempted, Delivering, Delivery, Policy, Subscriber, Verdict};
use slashbox_runtime::{Call, Input, Plugin, Runtime};

use super::{Emitting, Subscribers};
use crate::pipeline::beginning;

/// One version of a plugin.
#[derive(Debug)]
pub(super) struct PluginSubscriber {
    runtime: Arc<Runtime>,
    plugin: Arc<Plugin>,
    policy: Policy,
    /// Who gets what it emits.
    all: Weak<Subscribers>,
}

impl PluginSubscriber {
    pub(super) fn new(runtime: Arc<Runtime>, plugin: Arc<Plugin>, all: Weak<Subscribers>) -> Self {
        let limits = plugin.limits();
        let policy = Policy {
            schedule: Schedule::plugin(),
            // More would only wait: the runtime keeps the other half of the plugin's places for commands.
            in_flight_max: limits.concurrency.div_ceil(2),
            attempt_max: runtime.queue_max() + Duration::from_millis(u64::from(limits.timeout_ms)),
            per_second: None,
            // A plugin that is broken for good is mended by its next version, which nobody has to announce.
            may_be_disabled: false,
        };
        Self { runtime, plugin, policy, all }
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempted {
        let (event, now_ms) = (&delivery.event, delivery.now_ms);
        let input = Input::Event { event: event.clone(), attempt: delivery.attempt };
        let call = Call { input, now_ms, deadline: Instant::now() + self.policy.attempt_max };
        let (outcome, effects) = self.runtime.call(&self.plugin, &call).await;
        let emitting = Emitting { plugin: self.plugin.id(), origin: &event.origin, hops: event.hops, now_ms };
        let change = self.all.upgrade().and_then(|all| all.change(&self.plugin, emitting, effects));
        let (verdict, detail) = (verdict(&outcome), detail(&outcome));
        Attempted { verdict, status: None, detail, answer: String::new(), change }
    }
}

impl Subscriber for PluginSubscriber {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn revision(&self) -> &str {
        self.plugin.content_hash()
    }

    fn deliver<'d>(&'d self, delivery: &'d Delivery) -> Delivering<'d> {
        Box::pin(self.attempt(delivery))
    }
}

fn verdict(outcome: &Outcome) -> Verdict {
    let failed = |fault| Verdict::Failed { fault, retry_after: None };
    match outcome {
        Outcome::Replied(_) => Verdict::Arrived,
        Outcome::Refused(_) => Verdict::Refused,
        Outcome::Unavailable(_) | Outcome::Trapped(_) | Outcome::Limit(_) => failed(Fault::Theirs),
        Outcome::Busy => Verdict::NotTried { again_in: None },
        Outcome::SetAside(left) => Verdict::NotTried { again_in: Some(*left) },
    }
}

/// What an operator reads in the list of attempts.
fn detail(outcome: &Outcome) -> String {
    let name = outcome.name();
    match outcome {
        Outcome::Replied(_) | Outcome::Busy | Outcome::SetAside(_) => name.into(),
        Outcome::Refused(why) | Outcome::Unavailable(why) if why.is_empty() => name.into(),
        Outcome::Refused(why) | Outcome::Unavailable(why) => format!("{name}: {}", beginning(why)),
        Outcome::Limit(limit) => format!("{name}: {limit}"),
        Outcome::Trapped(trap) if trap.backtrace.is_empty() => format!("{name}: {}", beginning(&trap.cause)),
        Outcome::Trapped(trap) => format!("{name}: {}\n{}", beginning(&trap.cause), beginning(&trap.backtrace)),
    }
}
