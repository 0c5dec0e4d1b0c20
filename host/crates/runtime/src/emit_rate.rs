//! How many events a plugin emits in a minute, for each tenant: a few that emit for what others have emitted would fill the
//! disk, though each chain of them ends.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
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

    /// Counts one more, if there may be one.
    pub(crate) fn admits(&self, tenant: &str, now: Instant) -> bool {
        let is_over = |count: &Count| now.saturating_duration_since(count.began) >= MINUTE;
        let mut by_tenant = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner); // Each change of it is whole.
        if by_tenant.len() >= TENANTS_MAX && !by_tenant.contains_key(tenant) {
            by_tenant.retain(|_, count| !is_over(count));
        }
        let count = by_tenant.entry(tenant.into()).or_insert(Count { began: now, events: 0 });
        if is_over(count) {
            *count = Count { began: now, events: 0 };
        }
        let admitted = count.events < self.per_minute;
        count.events += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_own_minute() {
        let (rate, now) = (EmitRate::new(2), Instant::now());
        let admits = |tenant: &str, seconds: u64| rate.admits(tenant, now + Duration::from_secs(seconds));
        assert_eq!([0, 30, 59].map(|seconds| admits("a", seconds)), [true, true, false]);
        assert!(admits("b", 59));
        assert_eq!([60, 60, 60].map(|seconds| admits("a", seconds)), [true, true, false]);
    }

    #[test]
    fn tenants_that_have_been_silent_are_forgotten() {
        let (rate, now) = (EmitRate::new(1), Instant::now());
        for tenant in 0..TENANTS_MAX {
            rate.admits(&tenant.to_string(), now);
        }
        rate.admits("another", now + MINUTE);
        assert_eq!(rate.by_tenant.lock().unwrap().len(), 1);
    }
}
