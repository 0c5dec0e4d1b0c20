//! What is counted a day, and the days added up.
//!
//! Key: `day/DAY/WHAT`, a counter. It vanishes when no period reaches its day any more.

use crate::period::{self, Period, day};
use slashbox_sdk::{Result, kv};
use std::{collections::BTreeMap, time::Duration};

/// How long a day's counter is kept: the longest period, and a day until its first day is over.
const KEPT: Duration = Duration::from_secs(31 * 86_400);

/// Adds to what happened at that day.
pub fn add(at_ms: u64, what: &str, by: u64) -> Result {
    let key = format!("day/{:06}/{what}", day(at_ms));
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    if kv::increment(&key, by)? == by {
        // The day's first count, and a new counter would stay for ever. Setting it does not commute as incrementing
        // does, so the key is read: of two that come first at once, the host runs one again, as the second.
        let first: Option<i64> = kv::get(&key)?;
        kv::set_for(&key, &first, KEPT)?;
    }
    Ok(())
}

/// How often what happened in a period.
pub struct Tally {
    pub period: Period,
    counts: BTreeMap<String, u64>,
}

impl Tally {
    /// Those of all periods. Each counter is read once.
    pub fn of_all_periods(now_ms: u64) -> Result<[Self; period::ALL.len()]> {
        let mut tallies = period::ALL.map(|period| Self { period, counts: BTreeMap::new() });
        for key in kv::keys("day/") {
            let key = key?;
            let Some((age, what)) = parse(&key, day(now_ms)) else { continue };
            let count: u64 = kv::get(&key)?.unwrap_or(0);
            for tally in tallies.iter_mut().filter(|tally| age < tally.period.days) {
                let sum = tally.counts.entry(what.to_owned()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        Ok(tallies)
    }

    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }
}

/// How many days ago it was, and what; none of what lies ahead, since a platform may send any time.
fn parse(key: &str, today: u64) -> Option<(u64, &str)> {
    let (day, what) = key.strip_prefix("day/")?.split_once('/')?;
    Some((today.checked_sub(day.parse().ok()?)?, what))
}
