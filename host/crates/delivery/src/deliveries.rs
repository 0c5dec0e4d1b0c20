//! The crate's outside: accepting events, and the worker that delivers them.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use slashbox_core::{Dedupe, Event, SubscriberId};
use slashbox_store::{Accepted, NewEvent, ReadError, Store, SubscriberKey, WriteError};
use tokio::{sync::Notify, task::JoinHandle};
use tracing::warn;

use crate::{Clock, Directory, attempt::Tools, telemetry::DELIVERIES, worker::Worker};

/// An event to be accepted, and who gets it.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// What happened.
    pub event: Event,
    /// By what it is known again.
    pub dedupe: Option<Dedupe>,
    /// Who gets it; may be nobody.
    pub subscribers: Vec<SubscriberId>,
}

/// Why deliveries cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Takes events and delivers them.
#[derive(Debug)]
pub struct Deliveries {
    store: Store,
    clock: Arc<dyn Clock>,
    keys: RwLock<HashMap<SubscriberId, SubscriberKey>>,
    news: Arc<News>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the worker is told.
#[derive(Debug, Default)]
pub(crate) struct News {
    told: Mutex<Told>,
    woken: Notify,
}

/// What it was told since it last asked.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Subscribers that it may not know yet.
    pub(crate) new: Vec<(SubscriberKey, SubscriberId)>,
    /// Subscribers that have something to get.
    pub(crate) due: HashSet<SubscriberKey>,
    /// Whether others may be there than before.
    pub(crate) directory: bool,
    /// Whether to end, and how long attempts under way may take.
    pub(crate) stop: Option<Duration>,
}

impl News {
    pub(crate) fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told());
        self.woken.notify_one();
    }

    pub(crate) fn take(&self) -> Told {
        mem::take(&mut *self.told())
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Nothing can panic while this is held, so a poisoned lock guards sound data.
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the worker that there is something to get, also if whoever waits for the commit goes away meanwhile: what is
/// queued is committed all the same, and the worker's claim comes after it.
struct ToldAfterwards<'n> {
    news: &'n News,
    due: HashSet<SubscriberKey>,
}

impl Drop for ToldAfterwards<'_> {
    fn drop(&mut self) {
        if !self.due.is_empty() {
            self.news.tell(|told| told.due.extend(self.due.drain()));
        }
    }
}

/// The worker ends with whom it works for.
impl Drop for Deliveries {
    fn drop(&mut self) {
        self.news.tell(|told| told.stop = Some(Duration::ZERO));
    }
}

impl Deliveries {
    /// Begins to deliver what the store has. Whoever is not in the directory is parked: what it should get waits until it
    /// is there again.
    ///
    /// # Errors
    /// If the store does not tell what there is.
    pub async fn start(store: Store, directory: Arc<dyn Directory>, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let news = Arc::new(News::default());
        let tools = Tools { store: store.clone(), clock: clock.clone() };
        let (worker, known) = Worker::begin(tools, directory, news.clone()).await?;
        let task = Mutex::new(Some(tokio::spawn(worker.run())));
        Ok(Self { store, clock, keys: RwLock::new(known), news, task })
    }

    /// Stores events with their deliveries, all in one commit. When this returns, they are on the disk, and are delivered
    /// whatever happens. An event that came before is not stored again.
    ///
    /// # Errors
    /// If the store cannot write; then nothing is stored.
    pub async fn accept(&self, addressed: Vec<Addressed>) -> Result<Vec<Accepted>, WriteError> {
        let mut events = Vec::with_capacity(addressed.len());
        for Addressed { event, dedupe, subscribers } in addressed {
            let subscribers = self.keys_of(subscribers).await?;
            events.push(NewEvent { event, dedupe, subscribers });
        }
        let due = events.iter().flat_map(|new| &new.subscribers).copied().collect();
        let _told = ToldAfterwards { news: &self.news, due };
        self.store.accept(events, self.clock.now_ms()).await
    }

    /// Looks again who is there, and which version of it.
    pub fn directory_changed(&self) {
        self.news.tell(|told| told.directory = true);
    }

    /// Begins no more attempts, and waits for those under way, no longer than `grace`. What is cut off is attempted again
    /// by the next run.
    pub async fn shutdown(&self, grace: Duration) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return };
        self.news.tell(|told| told.stop = Some(grace));
        if let Err(error) = task.await {
            warn!(target: DELIVERIES, %error, "the worker did not end well");
        }
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
        let pairs = || keys.iter().copied().zip(&ids);
        self.news.tell(|told| told.new.extend(pairs().map(|(key, id)| (key, id.clone()))));
        let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(pairs().map(|(key, id)| (id.clone(), key)));
        Ok(keys)
    }
}
