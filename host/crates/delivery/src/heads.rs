//! The deliveries that fail while others of their conversation wait for them, and when they are set aside.
//!
//! Pure: times go in. Invariant: the time of a delivery runs only while its subscriber takes others. Where nothing arrives,
//! nothing is overtaken.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use slashbox_store::DeliveryKey;

use crate::millis;

/// How long one may hold up its conversation while others arrive.
pub(crate) const BLOCKED_MAX: Duration = Duration::from_secs(5 * 60);

/// The most that are kept in mind of a subscriber: more fail only where everything fails. Those that are left out come in
/// again when they fail the next time.
pub(crate) const HEADS_MAX: u32 = 10_000;

/// How long until one is looked at again that was under way when its time had come.
const AGAIN_MS: u64 = 15_000;

/// The most that are set aside at once: a few milliseconds' work of the store's.
const TAKEN_MAX: usize = 200;

/// Such deliveries of a subscriber.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    /// Those that have failed since something else arrived last.
    undated: HashSet<DeliveryKey>,
    /// Of the others, when they are to be set aside.
    due_ms: HashMap<DeliveryKey, u64>,
    /// The same by time.
    by_time: BTreeSet<(u64, DeliveryKey)>,
}

impl Heads {
    /// One has failed.
    pub(crate) fn add(&mut self, delivery: DeliveryKey) {
        if self.undated.len() + self.due_ms.len() < HEADS_MAX as usize && !self.due_ms.contains_key(&delivery) {
            self.undated.insert(delivery);
        }
    }

    /// One holds up nobody any more.
    pub(crate) fn remove(&mut self, delivery: DeliveryKey) {
        self.undated.remove(&delivery);
        if let Some(due_ms) = self.due_ms.remove(&delivery) {
            self.by_time.remove(&(due_ms, delivery));
        }
    }

    /// Another one has arrived.
    pub(crate) fn another_arrived(&mut self, now_ms: u64) {
        let due_ms = now_ms.saturating_add(millis(BLOCKED_MAX));
        for delivery in self.undated.drain() {
            self.due_ms.insert(delivery, due_ms);
            self.by_time.insert((due_ms, delivery));
        }
    }

    /// Nothing arrives any more: whoever fails is not to blame, and comes in again when it fails the next time.
    pub(crate) fn nothing_arrives(&mut self) {
        *self = Self::default();
    }

    /// When the first one is to be set aside, as things stand.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.by_time.first().map(|(due_ms, _)| *due_ms)
    }

    /// Some of those that are to be set aside now. They stay here until they are removed or put off.
    pub(crate) fn due(&self, now_ms: u64) -> Vec<DeliveryKey> {
        let due = self.by_time.iter().take_while(|(due_ms, _)| *due_ms <= now_ms);
        due.take(TAKEN_MAX).map(|(_, delivery)| *delivery).collect()
    }

    /// One was under way when its time had come: it may arrive yet.
    pub(crate) fn put_off(&mut self, delivery: DeliveryKey, now_ms: u64) {
        self.remove(delivery);
        let due_ms = now_ms.saturating_add(AGAIN_MS);
        self.due_ms.insert(delivery, due_ms);
        self.by_time.insert((due_ms, delivery));
    }
}

#[cfg(test)]
mod tests {
    use slashbox_store::SubscriberKey;

    use super::*;

    fn delivery(event: u64) -> DeliveryKey {
        DeliveryKey { event, subscriber: SubscriberKey(1) }
    }

    #[test]
    fn what_alone_fails_is_set_aside_after_five_minutes() {
        let mut heads = Heads::default();
        heads.add(delivery(1));
        assert_eq!(heads.next_ms(), None, "nothing has arrived");
        heads.another_arrived(1_000);
        heads.add(delivery(2));
        heads.add(delivery(1));
        assert_eq!(heads.next_ms(), Some(301_000));
        assert_eq!(heads.due(300_999), []);
        assert_eq!(heads.due(400_000), [delivery(1)]);
        heads.put_off(delivery(1), 400_000);
        assert_eq!((heads.due(414_999), heads.due(415_000)), (vec![], vec![delivery(1)]));
        heads.remove(delivery(1));
        heads.another_arrived(5_000);
        heads.another_arrived(6_000);
        assert_eq!(heads.next_ms(), Some(305_000));
        heads.remove(delivery(2));
        assert_eq!(heads.next_ms(), None);
    }

    #[test]
    fn where_the_endpoint_is_down_heads_stay_heads() {
        let mut heads = Heads::default();
        heads.add(delivery(1));
        heads.another_arrived(0);
        heads.nothing_arrives();
        heads.another_arrived(400_000);
        assert_eq!((heads.next_ms(), heads.due(900_000)), (None, Vec::new()), "it has not failed since");
        heads.add(delivery(1));
        heads.another_arrived(500_000);
        assert_eq!(heads.next_ms(), Some(800_000), "all of its time again");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut heads = Heads::default();
        for event in 0..2 * u64::from(HEADS_MAX) {
            heads.add(delivery(event));
            heads.another_arrived(0);
        }
        assert_eq!(heads.due_ms.len(), HEADS_MAX as usize);
        assert_eq!(heads.due(u64::MAX).len(), TAKEN_MAX);
    }
}
