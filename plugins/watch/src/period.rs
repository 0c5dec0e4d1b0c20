//! The periods that are reported, and how long something took, in people's words.

use std::fmt;

/// Some whole days of UTC, the last one being today.
pub struct Period {
    pub name: &'static str,
    pub days: u64,
}

/// The shortest first.
pub const ALL: [Period; 3] =
    [Period { name: "today", days: 1 }, Period { name: "7 days", days: 7 }, Period { name: "30 days", days: 30 }];

/// The number of the day of UTC.
pub fn day(since_epoch_ms: u64) -> u64 {
    since_epoch_ms / 86_400_000
}

/// A duration as people say it, in its two largest units: `45 s`, `2 min`, `1 h 30 min`, `3 days`.
pub struct Spoken {
    pub ms: u64,
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.ms / 1_000;
        let [days, hours, minutes] = [seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60];
        let day = if days == 1 { "day" } else { "days" };
        let units = [(days, day), (hours, "h"), (minutes, "min"), (seconds % 60, "s")];
        let largest = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
        let mut two = units.iter().skip(largest).take(2);
        if let Some((count, unit)) = two.next() {
            write!(f, "{count} {unit}")?;
        }
        match two.next() {
            Some((count, unit)) if *count > 0 => write!(f, " {count} {unit}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_in_two_units() {
        let check = |ms, expected| assert_eq!(Spoken { ms }.to_string(), expected);
        check(0, "0 s");
        check(999, "0 s");
        check(59_999, "59 s");
        check(60_000, "1 min");
        check(61_000, "1 min 1 s");
        check(3_600_000, "1 h");
        check(3_659_000, "1 h");
        check(5_400_000, "1 h 30 min");
        check(86_400_000, "1 day");
        check(86_459_000, "1 day");
        check(2 * 86_400_000 + 3_600_000, "2 days 1 h");
        check(u64::MAX, "213503982334 days 14 h");
    }
}
