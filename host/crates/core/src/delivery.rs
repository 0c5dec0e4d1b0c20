//! What becomes of an event on its way to a subscriber: attempts, the schedule of retries, states.
//!
//! Pure: times go in, times come out; chance is given.

use std::{fmt, str::FromStr, time::Duration};

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// An earlier delivery of its conversation comes first.
    Waiting,
    /// It is attempted when its time has come.
    Due,
    /// An attempt is under way.
    Leased,
    /// It arrived.
    Succeeded,
    /// It never will by itself: refused for good, or out of attempts. It can be replayed.
    Dead,
}

impl DeliveryState {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Due, Self::Leased, Self::Succeeded, Self::Dead];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Leased => "leased",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        }
    }

    /// Whether it may still be attempted.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Due | Self::Leased)
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state: expected waiting, due, leased, succeeded or dead")]
pub struct DeliveryStateError(String);

impl FromStr for DeliveryState {
    type Err = DeliveryStateError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.name() == name).ok_or_else(|| DeliveryStateError(name.into()))
    }
}

/// Why a delivery is dead of which no attempt tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeadWhy {
    /// Too many others of its subscriber were waiting; it was the oldest.
    Backlog,
    /// It had waited for too long.
    Waited,
    /// Its subscriber was absent, paused or disabled for too long.
    Parked,
}

impl DeadWhy {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Backlog, Self::Waited, Self::Parked];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Waited => "waited",
            Self::Parked => "parked",
        }
    }
}

impl fmt::Display for DeadWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose fault it is that an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The host's own: its store, its limits, its rules on where requests may go.
    Ours,
    /// The subscriber's name has no address.
    Dns,
    /// Nobody answers at the address.
    Connect,
    /// The other side is not who it should be.
    Tls,
    /// There was no answer in time.
    Timeout,
    /// The subscriber failed, or said no.
    Theirs,
}

impl Fault {
    /// Each of them.
    pub const ALL: [Self; 6] = [Self::Ours, Self::Dns, Self::Connect, Self::Tls, Self::Timeout, Self::Theirs];

    /// Its name in the store and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Theirs => "theirs",
        }
    }
}

/// How one attempt ended, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whose fault it is that it failed; none if it succeeded.
    pub fault: Option<Fault>,
    /// The HTTP status that a remote answered with.
    pub status: Option<u16>,
    /// How it ended, for people: an outcome's name and its cause.
    pub detail: String,
    /// The beginning of what a remote answered; empty if it answered nothing.
    pub answer: String,
}

/// A URL that somebody else may not see: it may hold a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PrivateUrl(String);

impl PrivateUrl {
    /// This one.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// As it is.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Without the URL.
impl fmt::Debug for PrivateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateUrl(…)")
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It arrived.
    Succeeded,
    /// It is tried again at this time, in milliseconds since the Unix epoch.
    RetryAt(u64),
    /// It is a dead letter.
    Dead,
}

/// When an attempt that failed is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The pause after the first attempt, after the second, and so on. After the last one, nothing more is tried.
    pub pauses: Vec<Duration>,
    /// What is added to a pause at random, so that a subscriber that comes back is not met by all at once: up to this
    /// share of the pause, in percent, and at least up to `jitter_min`.
    pub jitter_percent: u32,
    /// See `jitter_percent`.
    pub jitter_min: Duration,
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The pauses after attempts that use up nothing, the last one for all that follow.
const UNCOUNTED: [Duration; 4] = [seconds(5), seconds(30), seconds(120), seconds(300)];

/// Jitter is added, never taken away, so that nothing comes earlier than promised.
const JITTER: (u32, Duration) = (10, seconds(2));

impl Schedule {
    /// For remotes: some 28 hours in all, dense at first (a restart takes seconds), sparse later (somebody has to get up and mend it).
    pub fn remote() -> Self {
        Self::of(&[5, 30, 120, 300, 1_800, 7_200, 18_000, 36_000, 36_000])
    }

    /// For plugins, which live in the same process: what they wait for is back soon, or is mended by a new version.
    pub fn plugin() -> Self {
        Self::of(&[5, 30, 120, 600])
    }

    /// For receivers that were written for TG-Staff, which tries no longer than that.
    pub fn tg_staff() -> Self {
        Self::of(&[30, 120, 300])
    }

    /// One attempt, and no more.
    pub fn none() -> Self {
        Self::of(&[])
    }

    fn of(pauses: &[u64]) -> Self {
        let (jitter_percent, jitter_min) = JITTER;
        Self { pauses: pauses.iter().map(|&pause| seconds(pause)).collect(), jitter_percent, jitter_min }
    }

    /// The pause after an attempt that failed; `made` counts those that were made, `at_least` is what the subscriber itself
    /// asked for, and `chance` is between 0 and 1: those who were told the same time do not all come at once. None after the
    /// last one.
    pub fn pause_after(&self, made: u32, at_least: Duration, chance: f64) -> Option<Duration> {
        let index = usize::try_from(made).ok()?.checked_sub(1)?;
        Some(self.jittered((*self.pauses.get(index)?).max(at_least), chance))
    }

    /// The pause after an attempt that uses up none of the schedule; `made` counts all that were made. There is always one
    /// more.
    pub fn pause_uncounted(&self, made: u32, at_least: Duration, chance: f64) -> Duration {
        let index = usize::try_from(made).unwrap_or(usize::MAX).clamp(1, UNCOUNTED.len()) - 1;
        let pause = UNCOUNTED.get(index).copied().unwrap_or_default().max(at_least);
        self.jittered(pause, chance)
    }

    fn jittered(&self, pause: Duration, chance: f64) -> Duration {
        let jitter = (pause * self.jitter_percent / 100).max(self.jitter_min);
        pause + jitter.mul_f64(chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_come_back() {
        for state in DeliveryState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("dead ".parse::<DeliveryState>().is_err());
    }

    #[test]
    fn the_schedules_of_the_policy() {
        let whole = |schedule: Schedule| -> Vec<u64> {
            (1..)
                .map_while(|made| schedule.pause_after(made, Duration::ZERO, 0.0))
                .map(|pause| pause.as_secs())
                .collect()
        };
        assert_eq!(whole(Schedule::remote()), [5, 30, 120, 300, 1_800, 7_200, 18_000, 36_000, 36_000]);
        assert_eq!(whole(Schedule::plugin()), [5, 30, 120, 600]);
        assert_eq!(whole(Schedule::tg_staff()), [30, 120, 300]);
        assert_eq!(whole(Schedule::none()), [0; 0]);
        assert_eq!(Schedule::remote().pause_after(0, Duration::ZERO, 0.0), None);
    }

    #[test]
    fn what_uses_up_nothing_goes_on_for_ever() {
        let pause = |made| Schedule::none().pause_uncounted(made, Duration::ZERO, 0.0).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5, u32::MAX].map(pause), [5, 5, 30, 120, 300, 300, 300]);
        assert_eq!(Schedule::none().pause_uncounted(1, seconds(600), 1.0), seconds(660));
    }

    proptest! {
        #[test]
        fn jitter_only_adds(made in 1..=9_u32, asked_s in 0..=100_000_u32, chance in 0.0..=1.0_f64) {
            let (schedule, asked) = (Schedule::remote(), Duration::from_secs(asked_s.into()));
            let pause = |chance| schedule.pause_after(made, asked, chance).unwrap();
            let (least, pause) = (pause(0.0), pause(chance));
            prop_assert_eq!(least, asked.max(schedule.pause_after(made, Duration::ZERO, 0.0).unwrap()));
            prop_assert!(pause >= least);
            prop_assert!(pause <= least + least.mul_f64(0.1).max(seconds(2)));
        }
    }
}
