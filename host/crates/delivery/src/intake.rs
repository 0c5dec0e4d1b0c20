//! The way into the store for whatever is to be delivered: events that come in, what calls change, timers that fire.
//!
//! Owns which key a subscriber's name stands for. Never decides what is stored, or when.
//!
//! Invariant: whoever has to look at what was stored (the worker, the timers' loop) is told so after it was handed to the
//! store, also if the one who waits for that goes away. What they ask of the store then comes after it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError, RwLock},
};

use slashbox_core::{Origin, SubscriberId, TimerWrite};
use slashbox_store::{
    Accepted, Change, CommitError, DeliveryKey, FinishError, Finished, NewEvent, ReplayTo, Replayed, Store,
    SubscriberKey, WriteError,
};

use crate::{
    Addressed, Changed,
    news::{ForKeeper, ForTimers, ForWorker, News},
};

/// The store's entrance.
#[derive(Debug)]
pub(crate) struct Intake {
    store: Store,
    keys: RwLock<HashMap<SubscriberId, SubscriberKey>>,
    pub(crate) for_worker: News<ForWorker>,
    pub(crate) for_timers: News<ForTimers>,
    pub(crate) for_keeper: News<ForKeeper>,
    /// Until when those are left alone that fail, in milliseconds since the Unix epoch.
    pub(crate) left_alone: Mutex<HashMap<SubscriberId, u64>>,
}

/// Where a call comes from that changes something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause<'c> {
    pub(crate) origin: &'c Origin,
    pub(crate) conversation: Option<&'c str>,
}

/// Tells them when it is dropped.
struct ToldAfterwards<'i> {
    intake: &'i Intake,
    due: HashSet<SubscriberKey>,
    timer_ms: Option<u64>,
}

impl Drop for ToldAfterwards<'_> {
    fn drop(&mut self) {
        if !self.due.is_empty() {
            self.intake.for_worker.tell(|told| told.due.extend(self.due.drain()));
        }
        if let Some(due_ms) = self.timer_ms {
            self.intake.for_timers.tell(|told| told.due_ms = Some(told.due_ms.map_or(due_ms, |told| told.min(due_ms))));
        }
    }
}

impl Intake {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            keys: RwLock::default(),
            for_worker: News::default(),
            for_timers: News::default(),
            for_keeper: News::default(),
            left_alone: Mutex::default(),
        }
    }

    /// The store itself, for all that is not to be delivered.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The worker knows these already.
    pub(crate) fn known(&self, known: impl IntoIterator<Item = (SubscriberId, SubscriberKey)>) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).extend(known);
    }

    /// Has deliveries made once more: to their own subscribers, or to this one.
    pub(crate) async fn replay(
        &self,
        deliveries: Vec<DeliveryKey>,
        to: Option<SubscriberId>,
        url: Option<String>,
        now_ms: u64,
    ) -> Result<Vec<Replayed>, WriteError> {
        let subscriber = match to {
            Some(id) => self.keys_of(vec![id]).await?.into_iter().next(),
            None => None,
        };
        let replayed = self.store.replay(deliveries, ReplayTo { subscriber, url }, now_ms).await?;
        let due = replayed.iter().filter_map(|replayed| match replayed {
            Replayed::OnItsWay(key) => Some(key.subscriber),
            Replayed::Open(_) | Replayed::Gone => None,
        });
        self.for_worker.tell(|told| told.due.extend(due));
        Ok(replayed)
    }

    /// Has a subscriber wait, or go on.
    pub(crate) async fn pause(&self, id: &SubscriberId, paused: bool, now_ms: u64) -> Result<(), WriteError> {
        for key in self.keys_of(vec![id.clone()]).await? {
            if paused {
                self.store.pause(key, now_ms).await?;
            } else {
                self.store.resume(key, now_ms).await?;
            }
            self.for_worker.tell(|told| {
                told.paused.insert(key, paused);
            });
        }
        Ok(())
    }

    /// Notes until when one is left alone that fails.
    pub(crate) fn left_alone(&self, id: &SubscriberId, until_ms: Option<u64>) {
        let mut left_alone = self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
        let _before = match until_ms {
            Some(until_ms) => left_alone.insert(id.clone(), until_ms),
            None => left_alone.remove(id),
        };
    }

    /// Stores events with their deliveries.
    pub(crate) async fn accept(&self, addressed: Vec<Addressed>, now_ms: u64) -> Result<Vec<Accepted>, WriteError> {
        let events = self.resolved(addressed).await?;
        let _told = self.told_afterwards(&events, None);
        self.store.accept(events, now_ms).await
    }

    /// Stores what a call changes.
    pub(crate) async fn commit(&self, cause: Cause<'_>, changed: Changed, now_ms: u64) -> Result<(), CommitError> {
        let change = self.change(cause, changed).await?;
        let _told = self.told_afterwards(&change.events, first_timer_ms(&change));
        self.store.commit(change, now_ms).await
    }

    /// Stores how an attempt ended, with what it changes.
    pub(crate) async fn finish(
        &self,
        finished: Finished,
        changed: Option<(Cause<'_>, Changed)>,
        now_ms: u64,
    ) -> Result<Option<DeliveryKey>, FinishError> {
        let Some((cause, changed)) = changed else { return self.store.finish(finished, now_ms).await };
        let change = self.change(cause, changed).await?;
        let _told = self.told_afterwards(&change.events, first_timer_ms(&change));
        self.store.finish(Finished { change: Some(change), ..finished }, now_ms).await
    }

    /// Makes events with these ids of timers that are due; tells when the next one is.
    pub(crate) async fn fire(&self, now_ms: u64, ids: Vec<String>) -> Result<Option<u64>, WriteError> {
        let fired = self.store.fire_timers(now_ms, ids).await?;
        let due: Vec<SubscriberKey> = fired.subscribers.iter().map(|(key, _)| *key).collect();
        self.met(fired.subscribers);
        if !due.is_empty() {
            self.for_worker.tell(|told| told.due.extend(due));
        }
        Ok(fired.next_at_ms)
    }

    fn told_afterwards(&self, events: &[NewEvent], timer_ms: Option<u64>) -> ToldAfterwards<'_> {
        let due = events.iter().flat_map(|new| &new.subscribers).copied().collect();
        ToldAfterwards { intake: self, due, timer_ms }
    }

    async fn change(&self, cause: Cause<'_>, changed: Changed) -> Result<Change, WriteError> {
        let Changed { scope, effects, quota, events } = changed;
        let (origin, conversation) = (cause.origin.clone(), cause.conversation.map(str::to_owned));
        Ok(Change { scope, effects, quota, origin, conversation, events: self.resolved(events).await? })
    }

    async fn resolved(&self, addressed: Vec<Addressed>) -> Result<Vec<NewEvent>, WriteError> {
        let mut events = Vec::with_capacity(addressed.len());
        for Addressed { event, dedupe, subscribers } in addressed {
            let subscribers = self.keys_of(subscribers).await?;
            events.push(NewEvent { event, dedupe, subscribers });
        }
        Ok(events)
    }

    async fn keys_of(&self, ids: Vec<SubscriberId>) -> Result<Vec<SubscriberKey>, WriteError> {
        let known: Option<Vec<SubscriberKey>> = {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            ids.iter().map(|id| keys.get(id).copied()).collect()
        };
        if let Some(keys) = known {
            return Ok(keys);
        }
        let keys = self.store.subscribers_of(ids.clone()).await?;
        self.met(keys.iter().copied().zip(ids));
        Ok(keys)
    }

    /// Tells the worker of those whom it does not know. It is told before anybody finds the key here, so before it is told
    /// that they have something to get.
    fn met(&self, subscribers: impl IntoIterator<Item = (SubscriberKey, SubscriberId)>) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        for (key, id) in subscribers {
            if keys.insert(id.clone(), key).is_none() {
                self.for_worker.tell(|told| told.new.push((key, id)));
            }
        }
    }
}

fn first_timer_ms(change: &Change) -> Option<u64> {
    let times = change.effects.timers.values().filter_map(|write| match write {
        TimerWrite::Set { due_at_ms, .. } => Some(*due_at_ms),
        TimerWrite::Cancel => None,
    });
    times.min()
}
