//! The processor time of a contestant, and rounds that tell it.

use std::{fmt, str::FromStr};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use slashbox_bench_round::Round;

/// The processor time of this process so far, in nanoseconds: all threads, and the kernel's work for them.
pub(crate) fn ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).unsigned_abs()
}

/// A round whose process looked at its own clock before and after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timed {
    pub(crate) round: Round,
    /// The processor time of the round.
    pub(crate) cpu_ns: u64,
}

impl Timed {
    /// A round that began when the clock showed `before`.
    pub(crate) fn since(before: u64, round: Round) -> Self {
        Self { round, cpu_ns: ns().saturating_sub(before) }
    }
}

/// The round's line, and the processor time at its end.
impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.round, self.cpu_ns)
    }
}

impl FromStr for Timed {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let (round, cpu_ns) = line.rsplit_once(' ').with_context(|| format!("{line:?} is no round"))?;
        Ok(Self { round: round.parse()?, cpu_ns: cpu_ns.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_was_meant() {
        let round = Round { calls: 3, wall_ns: 60, mean_ns: 20, p50_ns: 15, p99_ns: 40 };
        let timed = Timed { round, cpu_ns: 77 };
        assert_eq!(timed.to_string().parse::<Timed>().unwrap(), timed);
        assert!("3".parse::<Timed>().is_err());
    }
}
