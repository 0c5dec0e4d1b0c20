//! How long until something, as people write it: `30m`, `2h`, `1d12h`.

use std::{fmt, time::Duration};

/// The units, the largest first, with their seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// The longest: a year.
const SECONDS_MAX: u64 = 366 * 86_400;

/// How long until something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    seconds: u64,
}

impl Delay {
    /// Reads numbers with their units, the larger units first, each at most once; 1 s to a year in all.
    pub fn parse(text: &str) -> Option<Self> {
        let mut seconds: u64 = 0;
        let mut rest = text;
        for (unit, unit_seconds) in UNITS {
            let Some((number, others)) = rest.split_once(unit) else { continue };
            // Digits only: `parse` would take a sign.
            let number: u64 = if number.starts_with('+') { None } else { number.parse().ok() }?;
            seconds = number.checked_mul(unit_seconds)?.checked_add(seconds)?;
            rest = others;
        }
        (rest.is_empty() && (1..=SECONDS_MAX).contains(&seconds)).then_some(Self { seconds })
    }

    /// What is left of a second counts as one.
    pub fn of_ms(ms: u64) -> Self {
        Self { seconds: ms.div_ceil(1_000) }
    }

    pub fn ms(self) -> u64 {
        self.seconds.saturating_mul(1_000)
    }
}

impl From<Delay> for Duration {
    fn from(delay: Delay) -> Self {
        Self::from_secs(delay.seconds)
    }
}

/// In its two largest units: `45s`, `1h 30m`, `3d`.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.seconds;
        let counts = UNITS.map(|(unit, unit_seconds)| {
            let count = left / unit_seconds;
            left %= unit_seconds;
            (count, unit)
        });
        let largest = counts.iter().position(|(count, _)| *count > 0).unwrap_or(counts.len() - 1);
        for (index, (count, unit)) in counts.iter().skip(largest).take(2).enumerate() {
            match index {
                0 => write!(f, "{count}{unit}")?,
                _ if *count > 0 => write!(f, " {count}{unit}")?,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read() {
        let check = |text: &str, seconds| assert_eq!(Delay::parse(text), Some(Delay { seconds }), "{text}");
        check("1s", 1);
        check("30m", 1_800);
        check("1h30m", 5_400);
        check("1d12h", 129_600);
        check("0d0h1m", 60);
        check("90s", 90);
        check("366d", SECONDS_MAX);
    }

    #[test]
    fn what_is_no_delay_is_not() {
        for text in [
            "",
            "30",
            "m",
            "1h30",
            "30min",
            "0m",
            "-5m",
            "+5m",
            "1m2h",
            "1h1h",
            "1.5h",
            "30м",
            "366d1s",
            "99999999999999999999d",
            "99999999999999999d",
        ] {
            assert_eq!(Delay::parse(text), None, "{text}");
        }
    }

    #[test]
    fn delays_are_shown_in_two_units() {
        let check = |ms, expected| assert_eq!(Delay::of_ms(ms).to_string(), expected);
        check(0, "0s");
        check(1, "1s");
        check(59_000, "59s");
        check(60_000, "1m");
        check(90_000, "1m 30s");
        check(3_600_000, "1h");
        check(3_601_000, "1h");
        check(5_400_000, "1h 30m");
        check(90_061_000, "1d 1h");
        check(u64::MAX, "213503982334d 14h");
    }
}
