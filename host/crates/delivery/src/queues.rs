//! What the worker knows of each subscriber while it runs: who it is, how much of it is under way, when to look again.
//!
//! Only a memory of the store, which can be made anew from it. Invariant: `next_ms` is never later than the time at which
//! something of the subscriber is ready, so that nothing is overlooked; it may be earlier, which costs one look.

use std::{collections::HashMap, sync::Arc};

use slashbox_core::{SubscriberId, SubscriberKind};
use slashbox_store::{ClaimRequest, SubscriberKey};

use crate::Subscriber;

/// The most attempts at the same time, at plugins and at remotes: each holds its event. They are counted apart, since
/// remotes that do not answer hold theirs for many seconds, and plugins must not wait for that.
const PLUGIN_ATTEMPTS_MAX: u32 = 256;
/// See [`PLUGIN_ATTEMPTS_MAX`].
const REMOTE_ATTEMPTS_MAX: u32 = 768;

fn attempts_max(kind: SubscriberKind) -> u32 {
    match kind {
        SubscriberKind::Plugin => PLUGIN_ATTEMPTS_MAX,
        SubscriberKind::Webhook => REMOTE_ATTEMPTS_MAX,
    }
}

/// What is known of a subscriber.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) id: Arc<SubscriberId>,
    /// None while it is not there: what it should get waits.
    pub(crate) subscriber: Option<Arc<dyn Subscriber>>,
    next_ms: Option<u64>,
    in_flight: u32,
}

impl Queue {
    fn room(&self) -> u32 {
        self.subscriber
            .as_ref()
            .map_or(0, |subscriber| subscriber.policy().in_flight_max.saturating_sub(self.in_flight))
    }
}

/// Every subscriber that is known.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    queues: HashMap<SubscriberKey, Queue>,
    in_flight: HashMap<SubscriberKind, u32>,
}

impl Queues {
    /// A subscriber as it is found.
    pub(crate) fn add(&mut self, key: SubscriberKey, id: SubscriberId, subscriber: Option<Arc<dyn Subscriber>>) {
        self.queues.entry(key).or_insert(Queue { id: Arc::new(id), subscriber, next_ms: None, in_flight: 0 });
    }

    /// Who has this key, if it is there.
    pub(crate) fn subscriber(&self, key: SubscriberKey) -> Option<(&Arc<SubscriberId>, &Arc<dyn Subscriber>)> {
        let queue = self.queues.get(&key)?;
        Some((&queue.id, queue.subscriber.as_ref()?))
    }

    /// Everybody.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SubscriberKey, &mut Queue)> {
        self.queues.iter_mut().map(|(&key, queue)| (key, queue))
    }

    /// Something of a subscriber is ready at this time, perhaps.
    pub(crate) fn look_at(&mut self, key: SubscriberKey, at_ms: u64) {
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.next_ms = Some(queue.next_ms.map_or(at_ms, |next_ms| next_ms.min(at_ms)));
        }
    }

    /// The earliest time at which something of a subscriber is ready, as the store says.
    pub(crate) fn known(&mut self, key: SubscriberKey, next_ms: Option<u64>) {
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.next_ms = next_ms;
        }
    }

    /// What can be claimed now. If there is not room for all, each gets its share.
    pub(crate) fn requests(&self, now_ms: u64) -> Vec<ClaimRequest> {
        let of = |kind| self.requests_of(kind, now_ms);
        of(SubscriberKind::Plugin).into_iter().chain(of(SubscriberKind::Webhook)).collect()
    }

    fn requests_of(&self, kind: SubscriberKind, now_ms: u64) -> Vec<ClaimRequest> {
        let ready = |queue: &Queue| {
            queue.id.kind == kind && queue.room() > 0 && queue.next_ms.is_some_and(|next_ms| next_ms <= now_ms)
        };
        let mut queues: Vec<_> = self.queues.iter().filter(|(_, queue)| ready(queue)).collect();
        // Who has the least under way comes first, so that those who answer get their turn beside many that do not; among
        // equals, chance decides.
        fastrand::shuffle(&mut queues);
        queues.sort_by_key(|(_, queue)| queue.in_flight);
        let request = |(&subscriber, queue): (&SubscriberKey, &Queue)| ClaimRequest { subscriber, limit: queue.room() };
        let mut requests: Vec<ClaimRequest> = queues.into_iter().map(request).collect();
        let free = self.free(kind);
        let count = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let share = free / count.max(1);
        if share == 0 {
            requests.truncate(usize::try_from(free).unwrap_or_default());
        }
        for request in &mut requests {
            request.limit = request.limit.min(share.max(1));
        }
        requests
    }

    /// When to look again, if nothing else happens. Where no room is left, the end of an attempt wakes the worker.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let has_room = |queue: &&Queue| queue.room() > 0 && self.free(queue.id.kind) > 0;
        self.queues.values().filter(has_room).filter_map(|queue| queue.next_ms).min()
    }

    fn free(&self, kind: SubscriberKind) -> u32 {
        attempts_max(kind).saturating_sub(self.in_flight.get(&kind).copied().unwrap_or_default())
    }

    /// An attempt begins.
    pub(crate) fn began(&mut self, key: SubscriberKey) {
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.in_flight += 1;
            *self.in_flight.entry(queue.id.kind).or_default() += 1;
        }
    }

    /// An attempt has ended.
    pub(crate) fn ended(&mut self, key: SubscriberKey) {
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.in_flight -= 1;
            *self.in_flight.entry(queue.id.kind).or_default() -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use slashbox_core::Schedule;

    use super::*;
    use crate::{Delivering, Delivery, Policy};

    #[derive(Debug)]
    struct Remote(Policy);

    impl Subscriber for Remote {
        fn policy(&self) -> &Policy {
            &self.0
        }

        fn revision(&self) -> &str {
            ""
        }

        fn deliver<'d>(&'d self, _: &'d Delivery) -> Delivering<'d> {
            unreachable!("nothing is delivered here")
        }
    }

    /// So many of them hold all places but one, with more to do; one that has nothing under way gets it.
    #[test]
    fn who_has_nothing_under_way_gets_the_last_place() {
        let each = 32;
        let crowd = REMOTE_ATTEMPTS_MAX / each;
        let policy = || Policy { schedule: Schedule::remote(), in_flight_max: 40, attempt_max: Duration::ZERO };
        let mut queues = Queues::default();
        for number in 0..=crowd {
            let key = SubscriberKey(number.into());
            let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: number.to_string() };
            queues.add(key, id, Some(Arc::new(Remote(policy()))));
            queues.look_at(key, 0);
            if number < crowd {
                (0..each).for_each(|_| queues.began(key));
            }
        }
        queues.ended(SubscriberKey(3));
        for _ in 0..10 {
            let requests = queues.requests(1);
            assert_eq!(requests.len(), 1);
            assert_eq!(requests[0].subscriber, SubscriberKey(crowd.into()));
        }
    }
}
