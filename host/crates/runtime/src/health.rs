//! Plugins that keep crashing, and when they are called again.
//!
//! A plugin that broke or reached a limit several times in a row, for one tenant, is set aside: its calls are refused for a
//! while, at little cost. Then one call is let through; if that ends well the plugin is back, and if not the pause grows.
//! Belongs to a loaded version: a new file begins anew. One tenant's crashes are no other's.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use slashbox_core::{Limit, Outcome};

/// How many crashes in a row set a plugin aside: a broken one reaches it at once, one bad input in many does not.
pub(crate) const CRASHES_MAX: u32 = 5;

/// The first pause.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause: somebody who mends what the plugin depends on waits no longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// How a version of a plugin has been doing.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Whether there is anything to look at: mostly not, and then nothing is locked.
    ailing: AtomicBool,
    by_tenant: Mutex<BTreeMap<Box<str>, Ailment>>,
}

/// What is known of a plugin that crashed, for one tenant.
#[derive(Debug)]
enum Ailment {
    /// So often in a row, and it is still called.
    Crashed(u32),
    /// It is set aside, for as long.
    Aside {
        pause: Duration,
        until: Instant,
        /// Whether a call was let through to see how it does.
        on_trial: bool,
    },
}

/// What a call tells of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Well,
    Crashed,
    /// Nothing: it was not called, or had no fair chance.
    None,
}

impl Sign {
    /// What an outcome tells, of a call that had this time until its deadline, and may take `timeout` at most.
    pub(crate) fn of(outcome: &Outcome, had: Duration, timeout: Duration) -> Self {
        match outcome {
            Outcome::Replied(_) | Outcome::Refused(_) | Outcome::Unavailable(_) => Self::Well,
            // As long as that takes nobody who is well.
            Outcome::Limit(Limit::Deadline) if had >= timeout / 2 => Self::Crashed,
            outcome if outcome.crashed() => Self::Crashed,
            _ => Self::None,
        }
    }
}

impl Health {
    /// Whether a call may be made now; if not, how long to wait.
    pub(crate) fn admits(&self, tenant: &str) -> Result<(), Duration> {
        if self.ailing.load(Ordering::Relaxed) { self.admits_at(tenant, Instant::now()) } else { Ok(()) }
    }

    fn admits_at(&self, tenant: &str, now: Instant) -> Result<(), Duration> {
        match self.by_tenant().get_mut(tenant) {
            None | Some(Ailment::Crashed(_)) => Ok(()),
            Some(Ailment::Aside { until, .. }) if now < *until => Err(until.duration_since(now)),
            Some(Ailment::Aside { pause, until, on_trial }) => {
                // The others wait for how this one ends; if nothing is heard of it, another is let through.
                (*until, *on_trial) = (now + *pause, true);
                Ok(())
            }
        }
    }

    /// Notes how a call ended. Gives the pause, if the plugin is set aside because of it.
    pub(crate) fn note(&self, tenant: &str, sign: Sign) -> Option<Duration> {
        match sign {
            Sign::Well => self.note_success(tenant),
            Sign::Crashed => self.note_crash(tenant, Instant::now()),
            Sign::None => None,
        }
    }

    /// For how long each tenant's calls are refused from now on; none if no tenant's are.
    pub(crate) fn set_aside(&self, now: Instant) -> Vec<(String, Duration)> {
        let left = |ailment: &Ailment| match ailment {
            Ailment::Aside { until, .. } => Some(until.saturating_duration_since(now)),
            Ailment::Crashed(_) => None,
        };
        self.by_tenant().iter().filter_map(|(tenant, ailment)| Some((tenant.to_string(), left(ailment)?))).collect()
    }

    fn note_success(&self, tenant: &str) -> Option<Duration> {
        if self.ailing.load(Ordering::Relaxed) {
            let mut by_tenant = self.by_tenant();
            by_tenant.remove(tenant);
            self.ailing.store(!by_tenant.is_empty(), Ordering::Relaxed);
        }
        None
    }

    fn note_crash(&self, tenant: &str, now: Instant) -> Option<Duration> {
        let mut by_tenant = self.by_tenant();
        self.ailing.store(true, Ordering::Relaxed);
        let ailment = by_tenant.entry(tenant.into()).or_insert(Ailment::Crashed(0));
        let pause = match ailment {
            Ailment::Crashed(times) if *times + 1 < CRASHES_MAX => {
                *times += 1;
                return None;
            }
            Ailment::Crashed(_) => PAUSE_MIN,
            Ailment::Aside { pause, on_trial: true, .. } => (*pause * 2).min(PAUSE_MAX),
            Ailment::Aside { .. } => return None, // It had begun before, and tells nothing new.
        };
        *ailment = Ailment::Aside { pause, until: now + pause, on_trial: false };
        Some(pause)
    }

    fn by_tenant(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Ailment>> {
        self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner) // Each change of it is whole.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "default";

    fn crash(health: &Health, times: u32, now: Instant) -> Option<Duration> {
        (0..times).fold(None, |_, _| health.note_crash(T, now))
    }

    #[test]
    fn crashes_in_a_row_set_aside_and_others_do_not() {
        let (health, now) = (Health::default(), Instant::now());
        assert_eq!(crash(&health, CRASHES_MAX - 1, now), None);
        assert_eq!(health.note(T, Sign::Well), None);
        assert_eq!(crash(&health, CRASHES_MAX - 1, now), None);
        assert_eq!(health.admits_at(T, now), Ok(()));
        assert_eq!(health.note_crash(T, now), Some(PAUSE_MIN));
        assert_eq!(health.admits_at(T, now), Err(PAUSE_MIN));
        assert_eq!(health.admits_at("other", now), Ok(()));
        assert_eq!(health.set_aside(now), [(T.to_owned(), PAUSE_MIN)]);
    }

    #[test]
    fn what_tells_nothing_changes_nothing() {
        let (health, now) = (Health::default(), Instant::now());
        crash(&health, CRASHES_MAX - 1, now);
        assert_eq!(health.note(T, Sign::None), None);
        let pause = health.note_crash(T, now).unwrap();
        // The one that is let through is not heard of.
        assert_eq!(health.admits_at(T, now + pause), Ok(()));
        assert_eq!(health.note(T, Sign::None), None);
        assert_eq!(health.admits_at(T, now + pause), Err(pause));
    }

    #[test]
    fn a_call_that_hangs_until_its_deadline_is_no_recovery() {
        let second = Duration::from_secs(1);
        let of = |outcome, had_s| Sign::of(&outcome, had_s * second, 5 * second);
        assert_eq!(of(Outcome::Limit(Limit::Deadline), 4), Sign::Crashed);
        assert_eq!(of(Outcome::Limit(Limit::Deadline), 2), Sign::None);
        assert_eq!(of(Outcome::Limit(Limit::Timeout { ms: 5_000 }), 9), Sign::Crashed);
        assert_eq!(of(Outcome::Refused(String::new()), 5), Sign::Well);
        assert_eq!((of(Outcome::Busy, 5), of(Outcome::SetAside(second), 5)), (Sign::None, Sign::None));
    }

    #[test]
    fn one_call_is_let_through_after_each_pause_and_the_pauses_grow() {
        let (health, mut now) = (Health::default(), Instant::now());
        let mut pause = crash(&health, CRASHES_MAX, now).unwrap();
        // Calls that had begun before: no reason to wait longer.
        assert_eq!(crash(&health, 30, now), None);
        for _ in 0..12 {
            now += pause;
            assert_eq!(health.admits_at(T, now), Ok(()));
            assert_eq!(health.admits_at(T, now), Err(pause));
            let longer = health.note_crash(T, now).unwrap();
            assert_eq!(longer, (pause * 2).min(PAUSE_MAX));
            pause = longer;
        }
        assert_eq!(pause, PAUSE_MAX);
        now += pause;
        assert_eq!(health.admits_at(T, now), Ok(()));
        // Nothing is heard of that one, so the next is let through when its time has come.
        now += pause;
        assert_eq!(health.admits_at(T, now), Ok(()));
        assert_eq!(health.note(T, Sign::Well), None);
        assert_eq!((health.admits_at(T, now), health.set_aside(now)), (Ok(()), Vec::new()));
        assert!(!health.ailing.load(Ordering::Relaxed));
    }
}
