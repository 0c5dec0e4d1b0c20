//! The deliveries that fail while others of their conversation wait for them, and when they are set aside.
//!
//! Pure: times go in. Invariant: the time of a delivery runs only while its subscriber takes others. Where nothing arrives,
//! nothing is overtaken.

use std::{collections::BTreeMap, time::Duration};

use slashbox_store::DeliveryKey;

use crate::millis;

/// How long one may hold up its conversation while others arrive.
pub(crate) const BLOCKED_MAX: Duration = Duration::from_secs(5 * 60);

/// The most that are kept in mind of a subscriber: more fail only where everything fails. Those that are left out come in
/// again when they fail the next time.
pub(crate) const HEADS_MAX: u32 = 10_000;

/// Such deliveries of a subscriber.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    /// Of each, when the first other one arrived after it had begun to fail; `None` if none has.
    since_ms: BTreeMap<DeliveryKey, Option<u64>>,
    /// Whether there may be some without a time: hardly ever, and asked whenever something arrives.
    some_without: bool,
}

impl Heads {
    /// One has failed.
    pub(crate) fn add(&mut self, delivery: DeliveryKey) {
        if self.since_ms.len() < HEADS_MAX as usize && !self.since_ms.contains_key(&delivery) {
            self.since_ms.insert(delivery, None);
            self.some_without = true;
        }
    }

    /// One holds up nobody any more.
    pub(crate) fn remove(&mut self, delivery: DeliveryKey) {
        self.since_ms.remove(&delivery);
    }

    /// Another one has arrived.
    pub(crate) fn another_arrived(&mut self, now_ms: u64) {
        if std::mem::take(&mut self.some_without) {
            self.since_ms.values_mut().for_each(|since_ms| *since_ms = since_ms.or(Some(now_ms)));
        }
    }

    /// Nothing arrives any more: whoever fails is not to blame.
    pub(crate) fn nothing_arrives(&mut self) {
        self.since_ms.values_mut().for_each(|since_ms| *since_ms = None);
        self.some_without = true;
    }

    /// When the first one is to be set aside, as things stand.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.since_ms.values().flatten().map(|since_ms| since_ms.saturating_add(millis(BLOCKED_MAX))).min()
    }

    /// Those that are to be set aside now; they are forgotten here.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Vec<DeliveryKey> {
        let is_due = |since_ms: &Option<u64>| {
            since_ms.is_some_and(|since_ms| since_ms.saturating_add(millis(BLOCKED_MAX)) <= now_ms)
        };
        self.since_ms.extract_if(.., |_, since_ms| is_due(since_ms)).map(|(delivery, _)| delivery).collect()
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
        assert_eq!(heads.take_due(300_999), []);
        assert_eq!(heads.take_due(400_000), [delivery(1)]);
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
        assert_eq!((heads.next_ms(), heads.take_due(400_000)), (None, Vec::new()));
        heads.another_arrived(400_000);
        assert_eq!(heads.next_ms(), Some(700_000), "all of its time again");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut heads = Heads::default();
        (0..2 * u64::from(HEADS_MAX)).for_each(|event| heads.add(delivery(event)));
        assert_eq!(heads.since_ms.len(), HEADS_MAX as usize);
    }
}
