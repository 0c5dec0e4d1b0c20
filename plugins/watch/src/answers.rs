//! How long clients waited for an answer: counted in classes, so that what is counted at the same time adds up, and half
//! or nine of ten can still be told.

use crate::{
    period::Spoken,
    tally::{self, Tally},
};
use slashbox_sdk::Result;
use std::{array, fmt};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The longest wait of each class in seconds, each at most twice the one before. Nobody is kept waiting for longer than
/// the last (see `turn`); a platform's odd time that says so counts as that.
const CLASSES_S: [u64; 30] = [
    10,
    20,
    30,
    45,
    MINUTE,
    90,
    2 * MINUTE,
    3 * MINUTE,
    4 * MINUTE,
    5 * MINUTE,
    7 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    45 * MINUTE,
    HOUR,
    90 * MINUTE,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    8 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    8 * DAY,
    16 * DAY,
    32 * DAY,
];

const WAIT_MS_MAX: u64 = 32 * DAY * 1_000;

/// Counts an answer that came then, after so long.
pub fn count(at_ms: u64, after_ms: u64) -> Result {
    let after_ms = after_ms.min(WAIT_MS_MAX);
    tally::add(at_ms, &class(CLASSES_S.partition_point(|longest_s| longest_s * 1_000 < after_ms)), 1)?;
    tally::add(at_ms, "waited-ms", after_ms)
}

fn class(index: usize) -> String {
    format!("answers/{index:02}")
}

/// The answers of a period.
pub struct Answers {
    waited_ms: u64,
    /// How many there are of each class.
    counts: [u64; CLASSES_S.len()],
}

impl Answers {
    pub fn of(tally: &Tally) -> Self {
        Self { waited_ms: tally.of("waited-ms"), counts: array::from_fn(|index| tally.of(&class(index))) }
    }

    /// The class within which so many of a hundred lie, as the longest wait that it stands for.
    fn within(&self, of_hundred: u64, total: u64) -> u64 {
        let mut counted = 0;
        let reached = self.counts.iter().position(|count| {
            counted += count;
            counted * 100 >= total * of_hundred
        });
        reached.and_then(|index| CLASSES_S.get(index)).map_or(WAIT_MS_MAX, |seconds| seconds * 1_000)
    }
}

/// `12, on average after 3 min 20 s; half within 2 min, 9 of 10 within 10 min, all within 45 min`. What the next part
/// says too is left out.
impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.counts.iter().sum();
        let Some(mean_ms) = self.waited_ms.checked_div(total) else { return f.write_str("none") };
        if total == 1 {
            return write!(f, "1, after {}", Spoken { ms: mean_ms });
        }
        write!(f, "{total}, on average after {}", Spoken { ms: mean_ms })?;
        let [half, nine_of_ten, all] = [50, 90, 100].map(|of_hundred| self.within(of_hundred, total));
        let parts = [("half", half, nine_of_ten), ("9 of 10", nine_of_ten, all), ("all", all, 0)];
        for (index, (what, within, _)) in parts.iter().filter(|(_, within, next)| within != next).enumerate() {
            let mark = if index == 0 { ';' } else { ',' };
            write!(f, "{mark} {what} within {}", Spoken { ms: *within })?;
        }
        Ok(())
    }
}
