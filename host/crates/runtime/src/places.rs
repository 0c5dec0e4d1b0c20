//! How many calls run at the same time: of one plugin, of it for one tenant, for one tenant, and of all.
//!
//! Invariant: events take no more than half of the places, rounded up, so that commands find one: people wait for those.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Input;

/// A number of places.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    for_events: Arc<Semaphore>,
}

/// A place that is taken. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    _any: OwnedSemaphorePermit,
    _for_event: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new(count: u32) -> Self {
        let places = |count: u32| Arc::new(Semaphore::new(count as usize));
        Self { all: places(count), for_events: places(count.div_ceil(2)) }
    }

    /// A place, if one is free.
    pub(crate) fn try_take(&self, input: &Input) -> Option<Taken> {
        let for_event = match input {
            Input::Command(_) => None,
            Input::Event { .. } => Some(self.for_events.clone().try_acquire_owned().ok()?),
        };
        Some(Taken { _any: self.all.clone().try_acquire_owned().ok()?, _for_event: for_event })
    }

    /// A place, when one is free. None if there will never be one again.
    pub(crate) async fn take(&self, input: &Input) -> Option<Taken> {
        let for_event = match input {
            Input::Command(_) => None,
            Input::Event { .. } => Some(self.for_events.clone().acquire_owned().await.ok()?),
        };
        Some(Taken { _any: self.all.clone().acquire_owned().await.ok()?, _for_event: for_event })
    }
}

/// All places that a call has taken.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) _of_plugin: Taken,
    /// Of the tenant's share of these, where there are several tenants.
    pub(crate) _of_share: Option<Taken>,
    pub(crate) _of_tenant: Taken,
    pub(crate) _of_host: Taken,
}

/// The places of each tenant. One is forgotten when none of them is taken, once there are many.
#[derive(Debug)]
pub(crate) struct TenantPlaces {
    each: u32,
    /// Whether there has been more than one.
    several: AtomicBool,
    by_tenant: RwLock<HashMap<Box<str>, Arc<Places>>>,
}

/// How many tenants' places are kept before those that are not in use are forgotten.
const TENANTS_MAX: usize = 10_000;

impl TenantPlaces {
    pub(crate) fn new(each: u32) -> Self {
        Self { each, several: AtomicBool::new(false), by_tenant: RwLock::default() }
    }

    /// Whether more than one tenant has been here.
    pub(crate) fn are_several(&self) -> bool {
        self.several.load(Ordering::Relaxed)
    }

    pub(crate) fn of(&self, tenant: &str) -> Arc<Places> {
        // The map is whole after a panic: it is only added to, or thinned out.
        let known = self.by_tenant.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        known.unwrap_or_else(|| self.add(tenant))
    }

    fn add(&self, tenant: &str) -> Arc<Places> {
        let mut by_tenant = self.by_tenant.write().unwrap_or_else(PoisonError::into_inner);
        if by_tenant.len() >= TENANTS_MAX {
            by_tenant.retain(|_, places| Arc::strong_count(places) > 1);
        }
        self.several.fetch_or(by_tenant.keys().any(|known| **known != *tenant), Ordering::Relaxed);
        by_tenant.entry(tenant.into()).or_insert_with(|| Arc::new(Places::new(self.each))).clone()
    }
}

#[cfg(test)]
mod tests {
    use slashbox_core::Event;

    use super::*;
    use crate::services::tests::command;

    #[test]
    fn events_leave_half_of_the_places_to_commands() {
        let command = command();
        let event = Input::Event { event: Arc::new(Event::from(&command)), attempt: 1 };
        let command = Input::Command(Arc::new(command));
        let check = |count: u32, for_events: usize| {
            let places = Places::new(count);
            let events: Vec<Taken> = std::iter::from_fn(|| places.try_take(&event)).collect();
            assert_eq!(events.len(), for_events, "of {count}");
            let commands: Vec<Taken> = std::iter::from_fn(|| places.try_take(&command)).collect();
            assert_eq!(commands.len(), count as usize - for_events, "of {count}");
            drop(events);
            assert_eq!(std::iter::from_fn(|| places.try_take(&event)).collect::<Vec<_>>().len(), for_events);
        };
        check(1, 1);
        check(2, 1);
        check(5, 3);
        check(32, 16);
    }
}
