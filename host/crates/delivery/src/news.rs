//! What a loop is told by others: gathered until it asks, so that nobody waits for it and nothing grows.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use slashbox_core::SubscriberId;
use slashbox_store::SubscriberKey;
use tokio::sync::Notify;

/// What one loop was told, and whether it has to look.
#[derive(Debug, Default)]
pub(crate) struct News<T> {
    told: Mutex<T>,
    woken: Notify,
}

/// What the worker was told since it last asked.
#[derive(Debug, Default)]
pub(crate) struct ForWorker {
    /// Subscribers that it does not know yet; each is told once.
    pub(crate) new: Vec<(SubscriberKey, SubscriberId)>,
    /// Subscribers that have something to get.
    pub(crate) due: HashSet<SubscriberKey>,
    /// Who is to wait from now on, and who is to go on.
    pub(crate) paused: HashMap<SubscriberKey, bool>,
    /// Whether others may be there than before.
    pub(crate) directory: bool,
    /// Whether to end, and how long attempts under way may take.
    pub(crate) stop: Option<Duration>,
}

/// What the timers' loop was told since it last asked.
#[derive(Debug, Default)]
pub(crate) struct ForTimers {
    /// The earliest time at which a timer is due that was set.
    pub(crate) due_ms: Option<u64>,
    /// Whether to end.
    pub(crate) stop: bool,
}

/// What the keeper's loop was told since it last asked.
#[derive(Debug, Default)]
pub(crate) struct ForKeeper {
    /// Whether to end.
    pub(crate) stop: bool,
}

impl<T: Default> News<T> {
    pub(crate) fn tell(&self, tell: impl FnOnce(&mut T)) {
        tell(&mut self.told());
        self.woken.notify_one();
    }

    pub(crate) fn take(&self) -> T {
        mem::take(&mut *self.told())
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Nothing can panic while this is held, so a poisoned lock guards sound data.
    fn told(&self) -> MutexGuard<'_, T> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
