//! How many events a plugin emits in a minute, for each tenant: a few that emit for what others have emitted would fill the
//! disk, though each chain of them ends.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_secs(60);

/// How many tenants' counts are kept before those of minutes that are over are forgotten.
const TENANTS_MAX: usize = 1_000;

/// The counts of one version of a plugin.
#[derive(Debug)]
pub(crate) struct EmitRate {
    per_minute: u32,
    by_tenant: Mutex<HashMap<Box<str>, Count>>,
}

/// How many there were since a minute began.
#[derive(Clone, Copy, Debug)]
struct Count {
    began: Instant,
    events: u32,
}

impl EmitRate {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, by_tenant: Mutex::default() }
    }

    /// Whether there may be one more than so many that are not counted yet.
    pub(crate) fn admits(&self, tenant: &str, uncounted: usize, now: Instant) -> bool {
        let counted = self.by_tenant().get(tenant).filter(|count| !count.is_over(now)).map_or(0, |count| count.events);
        (counted as usize).saturating_add(uncounted) < self.per_minute as usize
    }

    /// Counts so many.
    pub(crate) fn count(&self, tenant: &str, events: usize, now: Instant) {
        let mut by_tenant = self.by_tenant();
        if by_tenant.len() >= TENANTS_MAX && !by_tenant.contains_key(tenant) {
            by_tenant.retain(|_, count| !count.is_over(now));
        }
        let count = by_tenant.entry(tenant.into()).or_insert(Count { began: now, events: 0 });
        if count.is_over(now) {
            *count = Count { began: now, events: 0 };
        }
        count.events = count.events.saturating_add(u32::try_from(events).unwrap_or(u32::MAX));
    }

    fn by_tenant(&self) -> MutexGuard<'_, HashMap<Box<str>, Count>> {
        self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner) // Each change of it is whole.
    }
}

impl Count {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_own_minute() {
        let (rate, now) = (EmitRate::new(2), Instant::now());
        let emits = |tenant: &str, seconds: u64| {
            let at = now + Duration::from_secs(seconds);
            let admitted = rate.admits(tenant, 0, at);
            rate.count(tenant, usize::from(admitted), at);
            admitted
        };
        assert_eq!([0, 30, 59].map(|seconds| emits("a", seconds)), [true, true, false]);
        assert!(emits("b", 59));
        assert_eq!([60, 60, 60].map(|seconds| emits("a", seconds)), [true, true, false]);
    }

    #[test]
    fn what_is_not_counted_yet_is_reckoned_with() {
        let (rate, now) = (EmitRate::new(3), Instant::now());
        rate.count("a", 1, now);
        assert!(rate.admits("a", 1, now) && !rate.admits("a", 2, now));
        assert!(rate.admits("a", 0, now), "asking counts nothing");
    }

    #[test]
    fn tenants_that_have_been_silent_are_forgotten() {
        let (rate, now) = (EmitRate::new(1), Instant::now());
        for tenant in 0..TENANTS_MAX {
            rate.count(&tenant.to_string(), 1, now);
        }
        rate.count("another", 1, now + MINUTE);
        assert_eq!(rate.by_tenant().len(), 1);
    }
}
