//! Times as the interface counts them, in milliseconds, and as Rust does.

use std::time::{Duration, SystemTime};

/// A duration in whole milliseconds; what is left of one is rounded up, so that nothing happens too early.
pub(crate) fn from_duration(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A time that a platform gave. Its nonsense is no reason to trap: what no clock can show becomes the epoch.
pub(crate) fn to_time(since_epoch_ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since_epoch_ms)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up() {
        let check = |duration, expected| assert_eq!(from_duration(duration), expected, "{duration:?}");
        check(Duration::ZERO, 0);
        check(Duration::from_nanos(1), 1);
        check(Duration::from_millis(7), 7);
        check(Duration::from_micros(7_001), 8);
        check(Duration::MAX, u64::MAX);
    }

    #[test]
    fn times() {
        assert_eq!(to_time(1_500), SystemTime::UNIX_EPOCH + Duration::from_millis(1_500));
        to_time(u64::MAX);
    }
}
