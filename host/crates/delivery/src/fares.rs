//! How a subscriber fares: whether it is attempted at all, and when it is given up.
//!
//! Pure: times go in, what follows comes out. Invariant: whatever is this host's own fault never speaks against a
//! subscriber.

use std::time::Duration;

use slashbox_store::Health;

use crate::{
    breaker::{Breaker, Sign, Turned},
    millis,
};

/// For how long nothing may succeed until it is disabled.
pub(crate) const FAILING_MAX: Duration = Duration::from_secs(5 * 24 * 60 * 60);

/// The fewest failures meanwhile: one event in a week says little.
pub(crate) const FAILURES_MIN: u32 = 20;

/// For how long it may answer that it is gone for good: by mistake, while it moves.
pub(crate) const GONE_MAX: Duration = Duration::from_secs(60 * 60);

/// The least of either that has to pass while this host runs and asks.
const SEEN_MIN: Duration = Duration::from_secs(60 * 60);

/// After how long its operator is warned, and how often.
pub(crate) const WARNED_EACH: Duration = Duration::from_secs(24 * 60 * 60);

/// From how long a time without success on the store is told of it. One that fails now and then costs no writes so.
const KEPT_FROM: Duration = Duration::from_secs(60);

/// From how many failures on it is taken for down after a restart.
const DOWN_FROM: u32 = 10;

/// What is known of a subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Fares {
    pub(crate) breaker: Breaker,
    health: Health,
    /// As the store has it.
    kept: Health,
    /// Since when it fails as far as this run has seen: while nobody ran, nobody asked.
    seen_failing_ms: Option<u64>,
    warned_at_ms: Option<u64>,
}

/// What follows from the end of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Follows {
    pub(crate) turned: Option<Turned>,
    /// The store has to be told how it fares.
    pub(crate) to_be_kept: bool,
    /// Since when nothing succeeds, if its operator has to be warned.
    pub(crate) warned_since_ms: Option<u64>,
    /// It is disabled from now on.
    pub(crate) disabled: bool,
}

impl Fares {
    /// As the store has it.
    pub(crate) fn of(health: Health) -> Self {
        let is_down = health.failures >= DOWN_FROM;
        let breaker = if is_down { Breaker::half_open() } else { Breaker::closed() };
        Self { breaker, health, kept: health, seen_failing_ms: None, warned_at_ms: None }
    }

    /// As the store should have it.
    pub(crate) fn health(&self) -> Health {
        self.health
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.health.disabled_since_ms.is_some()
    }

    /// An attempt has ended. `may_be_disabled`: whether it is one that is given up some time.
    pub(crate) fn ended(&mut self, is_probe: bool, sign: Sign, may_be_disabled: bool, now_ms: u64) -> Follows {
        let turned = self.breaker.ended(is_probe, sign, now_ms);
        let follows = match sign {
            Sign::Nothing | Sign::Hindered => Follows::default(),
            Sign::Alive => self.succeeded(),
            Sign::Failed { gone } => self.failed(gone, may_be_disabled, now_ms),
        };
        Follows { turned, ..follows }
    }

    fn succeeded(&mut self) -> Follows {
        self.health = Health { disabled_since_ms: self.health.disabled_since_ms, ..Health::default() };
        (self.warned_at_ms, self.seen_failing_ms) = (None, None);
        Follows { to_be_kept: self.keep(), ..Follows::default() }
    }

    fn failed(&mut self, gone: bool, may_be_disabled: bool, now_ms: u64) -> Follows {
        let health = &mut self.health;
        let since_ms = *health.failing_since_ms.get_or_insert(now_ms);
        let seen_ms = *self.seen_failing_ms.get_or_insert(now_ms);
        health.failures = (health.failures + 1).min(FAILURES_MIN);
        health.gone_since_ms = gone.then(|| health.gone_since_ms.unwrap_or(now_ms));
        let is_over = |since_ms: u64, time| now_ms.saturating_sub(since_ms) >= millis(time);
        let given_up = (is_over(since_ms, FAILING_MAX) && health.failures >= FAILURES_MIN)
            || health.gone_since_ms.is_some_and(|since_ms| is_over(since_ms, GONE_MAX));
        let may_be_disabled_now = may_be_disabled && is_over(seen_ms, SEEN_MIN);
        let disabled = may_be_disabled_now && given_up && health.disabled_since_ms.is_none();
        if disabled {
            health.disabled_since_ms = Some(now_ms);
        }
        let lasts = is_over(since_ms, KEPT_FROM) || disabled;
        let last_ms = self.warned_at_ms.unwrap_or(since_ms);
        let warned = may_be_disabled && !disabled && is_over(last_ms, WARNED_EACH);
        if warned {
            self.warned_at_ms = Some(now_ms);
        }
        let to_be_kept = lasts && self.keep();
        Follows { turned: None, to_be_kept, warned_since_ms: warned.then_some(since_ms), disabled }
    }

    /// Whether the store has to be told; it is then taken to know.
    fn keep(&mut self) -> bool {
        std::mem::replace(&mut self.kept, self.health) != self.health
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Sign = Sign::Failed { gone: false };
    const GONE: Sign = Sign::Failed { gone: true };
    const HOUR_MS: u64 = 60 * 60 * 1_000;
    const DAY_MS: u64 = 24 * HOUR_MS;

    fn new() -> Fares {
        Fares::of(Health::default())
    }

    fn fail(fares: &mut Fares, times: u32, now_ms: u64) -> Follows {
        (0..times).fold(Follows::default(), |_, _| fares.ended(false, FAILED, true, now_ms))
    }

    #[test]
    fn five_days_and_twenty_failures_disable_it() {
        let check = |failures: u32, after_ms: u64, expected: bool| {
            let mut fares = new();
            fail(&mut fares, failures - 1, 0);
            assert_eq!(fail(&mut fares, 1, after_ms).disabled, expected, "{failures} {after_ms}");
            assert_eq!(fares.is_disabled(), expected);
        };
        check(20, 5 * DAY_MS, true);
        check(20, 5 * DAY_MS - 1, false);
        check(19, 5 * DAY_MS, false);
    }

    #[test]
    fn one_success_in_five_days_is_enough() {
        let mut fares = new();
        fail(&mut fares, 30, 0);
        fares.ended(false, Sign::Alive, true, 4 * DAY_MS);
        assert!(!fail(&mut fares, 30, 5 * DAY_MS).disabled);
        assert!(!fail(&mut fares, 1, 10 * DAY_MS - 1).disabled);
        assert!(fail(&mut fares, 1, 10 * DAY_MS).disabled);
    }

    #[test]
    fn what_is_gone_for_an_hour_is_disabled() {
        let mut fares = new();
        assert!(!fares.ended(false, GONE, true, 0).disabled);
        assert!(!fares.ended(false, GONE, true, HOUR_MS - 1).disabled);
        assert!(fares.clone().ended(false, GONE, true, HOUR_MS).disabled);
        fares.ended(false, FAILED, true, HOUR_MS - 1);
        assert!(!fares.ended(false, GONE, true, HOUR_MS).disabled, "it has said something else meanwhile");
    }

    /// Nobody asked while nobody ran.
    #[test]
    fn a_host_that_was_off_does_not_count() {
        let before =
            Health { failing_since_ms: Some(0), failures: 20, gone_since_ms: Some(0), disabled_since_ms: None };
        let mut fares = Fares::of(before);
        assert!(!fares.ended(false, GONE, true, 6 * DAY_MS).disabled);
        assert!(!fares.ended(false, GONE, true, 6 * DAY_MS + HOUR_MS - 1).disabled);
        assert!(fares.ended(false, GONE, true, 6 * DAY_MS + HOUR_MS).disabled);
    }

    /// What it has said since is what counts after a restart too.
    #[test]
    fn the_store_forgets_that_it_was_gone() {
        let mut fares = new();
        fail(&mut fares, 20, 0);
        assert!(fares.ended(false, GONE, true, 2 * 60_000).to_be_kept);
        assert!(!fares.ended(false, GONE, true, 3 * 60_000).to_be_kept, "it knows that");
        assert!(fares.ended(false, FAILED, true, 4 * 60_000).to_be_kept);
        assert_eq!(fares.health().gone_since_ms, None);
    }

    #[test]
    fn who_may_not_be_disabled_is_not() {
        let mut fares = new();
        assert!((0..100).all(|day| !fares.ended(false, GONE, false, day * DAY_MS).disabled));
    }

    #[test]
    fn faults_of_ours_speak_against_nobody() {
        let mut fares = new();
        for day in 0..100 {
            assert_eq!(fares.ended(false, Sign::Nothing, true, day * DAY_MS), Follows::default());
        }
        assert_eq!(fares.health(), Health::default());
    }

    #[test]
    fn its_operator_is_warned_each_day() {
        let mut fares = new();
        fail(&mut fares, 1, 0);
        let warned = (1..5 * 24).filter(|hour| fail(&mut fares, 1, hour * HOUR_MS).warned_since_ms.is_some());
        assert_eq!(warned.collect::<Vec<_>>(), [24, 48, 72, 96]);
    }

    /// A flapping endpoint must not cost a write for each attempt.
    #[test]
    fn the_store_is_told_of_what_lasts() {
        let mut fares = new();
        for second in 0..59 {
            assert!(!fail(&mut fares, 1, second * 1_000).to_be_kept);
        }
        assert!(!fares.ended(false, Sign::Alive, true, 59_000).to_be_kept);
        fail(&mut fares, 1, 60_000);
        assert!(fail(&mut fares, 1, 120_000).to_be_kept);
        let again = Fares::of(fares.health());
        assert!(again.breaker.room(0) > 1, "two failures are no outage");
        assert!(fares.ended(false, Sign::Alive, true, 130_000).to_be_kept);
        assert!(!fares.ended(false, Sign::Alive, true, 130_000).to_be_kept);
        fail(&mut fares, 15, 200_000);
        assert!(fail(&mut fares, 1, 300_000).to_be_kept);
        assert!(Fares::of(fares.health()).breaker.room(0) == 1);
        fail(&mut fares, 10, 300_000);
        assert!(!fail(&mut fares, 1, 400_000).to_be_kept, "more is not counted");
    }
}
