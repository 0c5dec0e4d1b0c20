//! The short names by which the store knows subscribers and deliveries.
//!
//! Invariant: a key is given out once, also if what it named is gone.

use std::{fmt, str::FromStr};

use slashbox_core::SubscriberId;

use crate::Ready;

/// Stands for a [`SubscriberId`], for as long as the store exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberKey(pub u64);

/// Names a delivery: an event on its way to a subscriber. Ordered by the event's acceptance, then by subscriber.
///
/// As a text it is both numbers, e.g. `1042-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// The event's number in the order of acceptance.
    pub event: u64,
    /// To whom.
    pub subscriber: SubscriberKey,
}

/// A text that names no delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no delivery: expected two numbers such as 1042-3")]
pub struct DeliveryKeyError(String);

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.event, self.subscriber.0)
    }
}

/// The most characters of a wrong text that are quoted.
const QUOTED_MAX: usize = 50;

impl FromStr for DeliveryKey {
    type Err = DeliveryKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (event, subscriber) = text.split_once('-')?;
            Some(Self { event: number(event)?, subscriber: SubscriberKey(number(subscriber)?) })
        };
        parse().ok_or_else(|| DeliveryKeyError(text.chars().take(QUOTED_MAX).collect()))
    }
}

/// Only as it is written: no sign, no leading zero, so that a delivery has one name.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A subscriber as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Its key.
    pub key: SubscriberKey,
    /// Who it is.
    pub id: SubscriberId,
    /// Since when it is not there, in milliseconds since the Unix epoch; its deliveries are parked. `None` if it is there.
    pub absent_since_ms: Option<u64>,
    /// Since when an operator has it wait; its deliveries wait too. `None` if nobody has.
    pub paused_since_ms: Option<u64>,
    /// Which version of it was there last; `None` if nobody has said.
    pub revision: Option<String>,
    /// How it fares.
    pub health: Health,
    /// When there is something to attempt, whether it may be attempted or not.
    pub ready: Ready,
}

impl Subscriber {
    /// Whether it is absent, paused or disabled: its deliveries wait.
    pub fn is_held(&self) -> bool {
        self.absent_since_ms.or(self.paused_since_ms).or(self.health.disabled_since_ms).is_some()
    }
}

/// How a subscriber fares, as the store keeps it. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when nothing has succeeded; `None` if that was the last.
    pub failing_since_ms: Option<u64>,
    /// How many attempts have failed since then, as far as whoever notes it counts.
    pub failures: u32,
    /// Since when it has answered nothing but that it is gone for good.
    pub gone_since_ms: Option<u64>,
    /// Since when it is disabled, since it has failed for too long; its deliveries wait.
    pub disabled_since_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_one_name() {
        let key = DeliveryKey { event: 1042, subscriber: SubscriberKey(3) };
        assert_eq!(key.to_string(), "1042-3");
        assert_eq!("1042-3".parse(), Ok(key));
        let max = DeliveryKey { event: u64::MAX, subscriber: SubscriberKey(u64::MAX) };
        assert_eq!(max.to_string().parse(), Ok(max));
        for wrong in
            ["", "-", "1", "1-", "-1", "1-2-3", "+1-2", "01-2", "1-02", "1 -2", "18446744073709551616-1", "a-b"]
        {
            let error = wrong.parse::<DeliveryKey>().unwrap_err().to_string();
            assert_eq!(error, format!("{wrong:?} names no delivery: expected two numbers such as 1042-3"));
        }
        assert!("x".repeat(10_000).parse::<DeliveryKey>().unwrap_err().to_string().len() < 150);
    }
}
