//! A round of a benchmark: one process orders it, another runs it, times it and tells what came out.
//!
//! Owns the lines that the two exchange, and the stopwatch. Small on purpose: Extism's side is a workspace of its own, and
//! is to be timed by the same code as ours.

use std::{
    fmt,
    io::{self, BufRead, Write},
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// Room for the laps of a long round, so that none is charged for finding some.
const LAPS_EXPECTED: usize = 1 << 17;

/// What is to be done: the first line of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of what the asked one can do: one word.
    pub what: String,
    /// How many do it at the same time: threads, or connections.
    pub abreast: usize,
    /// How long.
    pub lasting: Duration,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.what, self.abreast, self.lasting.as_millis())
    }
}

impl FromStr for Order {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[what, abreast, millis] = words.as_slice() else { anyhow::bail!("{line:?} is no order") };
        Ok(Self { what: what.into(), abreast: abreast.parse()?, lasting: Duration::from_millis(millis.parse()?) })
    }
}

/// What came out: the line that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// How often it was done.
    pub calls: u64,
    /// From the first beginning to the last end.
    pub wall_ns: u64,
    /// How long one took: the mean, …
    pub mean_ns: u64,
    /// … what half of them stayed under, …
    pub p50_ns: u64,
    /// … and 99 of 100.
    pub p99_ns: u64,
}

impl Round {
    /// Sums up what each of those abreast did.
    ///
    /// # Errors
    /// If nobody did anything.
    pub fn of(all: Vec<Laps>) -> Result<Self> {
        let began = all.iter().map(|laps| laps.began).min().context("nobody ran")?;
        let ended = all.iter().map(|laps| laps.last).max().context("nobody ran")?;
        let mut sorted: Vec<u32> = all.into_iter().flat_map(|laps| laps.ns).collect();
        ensure!(!sorted.is_empty(), "the round was too short for a single call");
        sorted.sort_unstable();
        let share = |percent: usize| sorted.get((sorted.len() - 1) * percent / 100).copied().map_or(0, u64::from);
        let sum: u64 = sorted.iter().copied().map(u64::from).sum();
        let calls = sorted.len() as u64;
        let wall_ns = u64::try_from(ended.duration_since(began).as_nanos())?;
        Ok(Self { calls, wall_ns, mean_ns: sum / calls, p50_ns: share(50), p99_ns: share(99) })
    }

    /// How often it was done in a second.
    pub fn per_second(&self) -> f64 {
        self.calls as f64 * 1e9 / self.wall_ns.max(1) as f64
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, wall_ns, mean_ns, p50_ns, p99_ns } = self;
        write!(f, "{calls} {wall_ns} {mean_ns} {p50_ns} {p99_ns}")
    }
}

impl FromStr for Round {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let figures: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let &[calls, wall_ns, mean_ns, p50_ns, p99_ns] = figures.as_slice() else {
            anyhow::bail!("{line:?} is no round")
        };
        Ok(Self { calls, wall_ns, mean_ns, p50_ns, p99_ns })
    }
}

/// A stopwatch that runs through: each lap begins where the one before ended, so a lap costs one look at the clock.
#[derive(Debug)]
pub struct Laps {
    began: Instant,
    last: Instant,
    until: Instant,
    ns: Vec<u32>,
}

impl Laps {
    /// Starts it.
    pub fn start(lasting: Duration) -> Self {
        let ns = Vec::with_capacity(LAPS_EXPECTED);
        let now = Instant::now();
        Self { began: now, last: now, until: now + lasting, ns }
    }

    /// Ends a lap; tells whether there is time for another.
    pub fn lap(&mut self) -> bool {
        let now = Instant::now();
        self.ns.push(u32::try_from(now.duration_since(self.last).as_nanos()).unwrap_or(u32::MAX));
        self.last = now;
        now < self.until
    }
}

/// Answers orders until nobody gives any more: each with a [`Round`], or a line of its own that tells more. A first line
/// says that it is ready.
///
/// # Errors
/// If a round fails, or what comes is no order.
pub fn answer<R: fmt::Display>(mut run: impl FnMut(&Order) -> Result<R>) -> Result<()> {
    say("ready")?;
    for line in io::stdin().lock().lines() {
        let order: Order = line?.parse()?;
        say(&run(&order).with_context(|| format!("the round {order:?} failed"))?.to_string())?;
    }
    Ok(())
}

/// Writes a line to whoever asked.
///
/// # Errors
/// If nobody listens any more.
pub fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_was_meant() {
        let order = Order { what: "warm".into(), abreast: 2, lasting: Duration::from_millis(150) };
        assert_eq!(order.to_string().parse::<Order>().unwrap(), order);
        let round = Round { calls: 3, wall_ns: 60, mean_ns: 20, p50_ns: 15, p99_ns: 40 };
        assert_eq!(round.to_string().parse::<Round>().unwrap(), round);
        assert!("warm 2".parse::<Order>().is_err() && "1 2 x 4 5".parse::<Round>().is_err());
    }

    #[test]
    fn sums_up() {
        let mut laps = Laps::start(Duration::ZERO);
        laps.ns = (1..=100).rev().collect();
        laps.last = laps.began + Duration::from_micros(1);
        let round = Round::of(vec![laps]).unwrap();
        assert_eq!(round, Round { calls: 100, wall_ns: 1_000, mean_ns: 50, p50_ns: 50, p99_ns: 99 });
        assert_eq!(round.per_second(), 1e8);
        assert!(Round::of(vec![Laps::start(Duration::ZERO)]).is_err());
    }
}
