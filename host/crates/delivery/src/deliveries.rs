//! The crate's outside: accepting events and changes, and the tasks that deliver and fire.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use slashbox_core::{Dedupe, Event, Origin, SubscriberId};
use slashbox_store::{Accepted, CommitError, DeliveryKey, ReadError, Replayed, Store, WriteError};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::{
    Changed, Clock, Directory,
    attempt::Tools,
    intake::{Cause, Intake},
    keeper::{Keeper, Keeping},
    telemetry::DELIVERIES,
    timers::Timers,
    worker::Worker,
};

/// How much longer than the grace time the end may take: each task may wait for the store, and cut-off attempts are given
/// back to it.
const STORE_MAX: Duration = Duration::from_secs(3);

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

/// Attempts that a shutdown did not wait for. All are made again by the next run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutOff {
    /// So many were given back to the store.
    pub handed_back: usize,
    /// At least so many were not: the store did not write.
    pub lost: usize,
}

/// Takes events and delivers them; fires timers; keeps what is stored within bounds.
#[derive(Debug)]
pub struct Deliveries {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
    tasks: Mutex<Option<Tasks>>,
}

#[derive(Debug)]
struct Tasks {
    worker: JoinHandle<CutOff>,
    timers: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

impl Tasks {
    async fn ended(&mut self) -> CutOff {
        for (task, name) in [(&mut self.keeper, "keeper"), (&mut self.timers, "timers")] {
            if let Err(error) = task.await {
                warn!(target: DELIVERIES, task = name, %error, "a task did not end well");
            }
        }
        (&mut self.worker).await.unwrap_or_else(|error| {
            warn!(target: DELIVERIES, task = "worker", %error, "a task did not end well");
            CutOff::default()
        })
    }

    fn abort(&self) {
        self.keeper.abort();
        self.timers.abort();
        self.worker.abort();
    }
}

/// The tasks end with whom they work for.
impl Drop for Deliveries {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

impl Deliveries {
    /// Begins to deliver what the store has. Whoever is not in the directory is parked: what it should get waits until it
    /// is there again.
    ///
    /// # Errors
    /// If the store does not tell what there is.
    pub async fn start(
        store: Store,
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
        keeping: Keeping,
    ) -> Result<Self, StartError> {
        let intake = Arc::new(Intake::new(store));
        let tools = Tools { intake: intake.clone(), clock: clock.clone() };
        let worker = Worker::begin(tools, directory).await?;
        let next_timer_ms = intake.store().reader().next_timer_at_ms().await?;
        let timers = Timers::new(intake.clone(), clock.clone(), next_timer_ms);
        let keeper = Keeper::new(intake.clone(), clock.clone(), keeping);
        let tasks = Tasks {
            worker: tokio::spawn(worker.run()),
            timers: tokio::spawn(timers.run()),
            keeper: tokio::spawn(keeper.run()),
        };
        Ok(Self { intake, clock, tasks: Mutex::new(Some(tasks)) })
    }

    /// Stores events with their deliveries, all in one commit. When this returns, they are on the disk, and are delivered
    /// whatever happens. An event that came before is not stored again.
    ///
    /// # Errors
    /// If the store cannot write; then nothing is stored.
    pub async fn accept(&self, addressed: Vec<Addressed>) -> Result<Vec<Accepted>, WriteError> {
        self.intake.accept(addressed, self.clock.now_ms()).await
    }

    /// Stores what a command's call changes, all in one commit: origin and conversation are the command's, and `now_ms` is
    /// the time of the call. When this returns, it is on the disk; what was emitted is delivered, and timers that were set
    /// fire. A change of nothing is no commit.
    ///
    /// # Errors
    /// If others have changed what the call read, if it would keep more than it may, or if the store cannot write; then
    /// nothing is stored.
    pub async fn commit(
        &self,
        origin: &Origin,
        conversation: Option<&str>,
        changed: Changed,
        now_ms: u64,
    ) -> Result<(), CommitError> {
        self.intake.commit(Cause { origin, conversation }, changed, now_ms).await
    }

    /// Has deliveries made once more, with all attempts of their schedule: to their own subscribers, or to this one; and to
    /// this URL instead of the webhook's own. Give those of a conversation in the order in which they should arrive. Tells what
    /// became of each, in their order.
    ///
    /// # Errors
    /// If the store cannot write; then none is.
    pub async fn replay(
        &self,
        deliveries: Vec<DeliveryKey>,
        to: Option<SubscriberId>,
        url: Option<String>,
    ) -> Result<Vec<Replayed>, WriteError> {
        self.intake.replay(deliveries, to, url, self.clock.now_ms()).await
    }

    /// Until when a subscriber that fails is left alone, in milliseconds since the Unix epoch; `None` if it is not.
    pub fn left_alone_until_ms(&self, id: &SubscriberId) -> Option<u64> {
        self.intake.left_alone.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    /// Has a subscriber wait: what it should get is accepted, and waits until it is resumed.
    ///
    /// # Errors
    /// If the store cannot write; so with [`Deliveries::resume`].
    pub async fn pause(&self, id: &SubscriberId) -> Result<(), WriteError> {
        self.intake.pause(id, true, self.clock.now_ms()).await
    }

    /// Has a subscriber go on that is paused or disabled, as if it had never failed: what waits is attempted at once.
    pub async fn resume(&self, id: &SubscriberId) -> Result<(), WriteError> {
        self.intake.pause(id, false, self.clock.now_ms()).await
    }

    /// Looks again who is there, and which version of it.
    pub fn directory_changed(&self) {
        self.intake.for_worker.tell(|told| told.directory = true);
    }

    /// Begins no more attempts and fires no more timers, and waits for the attempts under way, no longer than `grace`. What
    /// is cut off is given back, and attempted again by the next run.
    pub async fn shutdown(&self, grace: Duration) -> CutOff {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut tasks) = tasks else { return CutOff::default() };
        self.stop(grace);
        let ended = tokio::time::timeout(grace + STORE_MAX, tasks.ended()).await;
        ended.unwrap_or_else(|_| {
            warn!(target: DELIVERIES, "the store does not answer: what waits for it is cut off");
            tasks.abort();
            CutOff { handed_back: 0, lost: 1 }
        })
    }

    /// As the beginning of [`shutdown`](Self::shutdown), without waiting: the grace time begins now.
    pub fn stop(&self, grace: Duration) {
        self.intake.for_keeper.tell(|told| told.stop = true);
        self.intake.for_timers.tell(|told| told.stop = true);
        self.intake.for_worker.tell(|told| told.stop = Some(grace));
    }
}
