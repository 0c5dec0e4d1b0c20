//! Reading: a few connections that only read, shared by all calls, and others for whoever looks at the log.
//!
//! Owns those connections. Never writes: they are opened read-only.
//!
//! Invariants: a connection serves one read at a time; a read sees what was committed before it began, and what is
//! committed meanwhile does not disturb it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use slashbox_core::{Scope, SubscriberId, Version};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task;

use crate::database::Database;
use crate::kv::{self, Entry};
use crate::{
    Backlog, DeliveryFilter, DeliveryKey, DeliveryRecord, DeliveryStory, EventFilter, EventRecord, Fault, Page,
    ReadError, Replayed, Subscriber, SubscriberKey, Usage, dead_letters, deliveries, events, listings, replays,
    retention, subscribers, timers, usage,
};

/// How many reads of calls run at once. One takes microseconds where the page is cached; a few more keep one that waits for the
/// disk from holding up the rest. Each connection costs two file handles and a page cache of 2 MiB.
const READERS: u32 = 4;

/// How many looks at the log run at once: listings, and what is to be kept within bounds. One takes milliseconds, and longer
/// where the log has to come from the disk; no call is to wait for that.
const LOOKERS: u32 = 2;

/// Reads what is kept. Cheap to clone; a clone reads through the same connections.
///
/// Its methods have to be called within a tokio runtime. Once the store is closed, they say so.
#[derive(Clone, Debug)]
pub struct Reader {
    pools: Arc<Pools>,
    /// Whose threads read; those of whoever calls if `None`.
    runtime: Option<Handle>,
}

impl Reader {
    pub(crate) fn new(pools: Arc<Pools>) -> Self {
        Self { pools, runtime: None }
    }

    /// The same, reading on this runtime's threads, whoever calls: a thread that yields to all others would keep a connection
    /// from them for as long.
    #[must_use]
    pub fn on(self, runtime: Handle) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// What the key holds; `None` if nothing, or if that has expired by `now_ms` (milliseconds since the Unix epoch).
    pub async fn get(&self, scope: &Scope, key: &str, now_ms: u64) -> Result<Option<Entry>, ReadError> {
        let (scope, key) = (scope.clone(), key.to_owned());
        self.read(move |sql| kv::get(sql, &scope, &key, now_ms)).await
    }

    /// Up to `limit` keys that begin with `prefix` (every key begins with the empty one) and come after `after`, in the
    /// order of their bytes, with their versions. Without those that have expired by `now_ms`.
    ///
    /// All of the answer is held in memory: the caller bounds `limit`.
    pub async fn list(
        &self,
        scope: &Scope,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now_ms: u64,
    ) -> Result<Vec<(String, Version)>, ReadError> {
        let (scope, prefix, after) = (scope.clone(), prefix.to_owned(), after.map(str::to_owned));
        self.read(move |sql| kv::list(sql, &scope, &prefix, after.as_deref(), limit, now_ms)).await
    }

    /// How much the plugin keeps for the tenant, for a check while a call runs; a commit looks for itself. What has expired
    /// counts until it is removed: whoever would refuse something for it asks [`Reader::usage_at`] first.
    pub async fn usage(&self, scope: &Scope) -> Result<Usage, ReadError> {
        let scope = scope.clone();
        self.read(move |sql| usage::get(sql, &scope)).await
    }

    /// As [`Reader::usage`], without what has expired by `now_ms`: that by which a commit decides. It looks at each of
    /// those that have expired and were not removed yet.
    pub async fn usage_at(&self, scope: &Scope, now_ms: u64) -> Result<Usage, ReadError> {
        let scope = scope.clone();
        self.read(move |sql| usage::alive(sql, &scope, now_ms)).await
    }

    /// What every plugin keeps, or the one of that name, for each tenant for which it keeps anything, by tenant. It counts
    /// as [`Reader::usage`] does. All of the answer is held in memory: a line for each tenant of each plugin.
    pub async fn usages(&self, plugin: Option<&str>) -> Result<Vec<(Scope, Usage)>, ReadError> {
        let plugin = plugin.map(str::to_owned);
        self.look(move |sql| usage::kept(sql, plugin.as_deref())).await
    }

    /// When the first timer is due, in milliseconds since the Unix epoch; `None` if none is set.
    pub async fn next_timer_at_ms(&self) -> Result<Option<u64>, ReadError> {
        self.read(timers::next_at_ms).await
    }

    /// Every subscriber that was ever registered, by key.
    pub async fn subscribers(&self) -> Result<Vec<Subscriber>, ReadError> {
        self.look(subscribers::all).await
    }

    /// Up to `limit` deliveries to a subscriber that were attempted and are due after `now_ms`, while others of their
    /// conversations may wait for them: those that are due last.
    pub async fn failed_heads(
        &self,
        subscriber: SubscriberKey,
        now_ms: u64,
        limit: u32,
    ) -> Result<Vec<DeliveryKey>, ReadError> {
        self.look(move |sql| deliveries::failed_heads(sql, subscriber, now_ms, limit)).await
    }

    /// Up to `limit` events that fit the filter, from the one before `before` on (an [`EventRecord::seq`]; from the
    /// newest on without it). They come without text, envelope and data: [`Reader::event`] has those.
    pub async fn events(
        &self,
        filter: &EventFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<EventRecord, u64>, ReadError> {
        let filter = filter.clone();
        self.look(move |sql| listings::events(sql, &filter, before, limit)).await
    }

    /// The event with this id, and its deliveries.
    pub async fn event(&self, id: &str) -> Result<Option<(EventRecord, Vec<DeliveryRecord>)>, ReadError> {
        let id = id.to_owned();
        self.look(move |sql| listings::event(sql, &id)).await
    }

    /// Up to `limit` deliveries that fit the filter, from the one before `before` on, of the newest event on without it.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryKey>,
        limit: u32,
    ) -> Result<Page<DeliveryRecord, DeliveryKey>, ReadError> {
        let filter = filter.clone();
        self.look(move |sql| listings::deliveries(sql, &filter, before, limit)).await
    }

    /// Up to `limit` deliveries that fit the filter, those of the oldest event first, from the one after `after` on. In this
    /// order they are replayed.
    pub async fn oldest_deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<DeliveryKey>,
        limit: u32,
    ) -> Result<Page<DeliveryKey, DeliveryKey>, ReadError> {
        let filter = filter.clone();
        self.look(move |sql| listings::oldest(sql, &filter, after, limit)).await
    }

    /// What would become of these deliveries, in their order, if they were replayed now: to their own subscribers, or to this
    /// one.
    pub async fn try_replay(
        &self,
        deliveries: Vec<DeliveryKey>,
        to: Option<SubscriberId>,
    ) -> Result<Vec<Replayed>, ReadError> {
        self.look(move |sql| replays::try_out(sql, &deliveries, to.as_ref())).await
    }

    /// A delivery, its event, and its attempts with their numbers, the first one first.
    pub async fn delivery(&self, key: DeliveryKey) -> Result<Option<DeliveryStory>, ReadError> {
        self.look(move |sql| listings::delivery(sql, key)).await
    }

    /// The number of the event with this id: [`EventRecord::seq`].
    pub async fn event_seq(&self, id: &str) -> Result<Option<u64>, ReadError> {
        let id = id.to_owned();
        self.look(move |sql| Ok(events::seq(sql, &id)?.map(i64::cast_unsigned))).await
    }

    /// The number of the event that was accepted last.
    pub async fn last_event(&self) -> Result<Option<u64>, ReadError> {
        self.look(events::last).await
    }

    /// The number of the last event that was accepted by a time, in milliseconds since the Unix epoch, or one
    /// between that and the next event; 0 if there is none.
    pub async fn last_accepted_by(&self, at_ms: u64) -> Result<u64, ReadError> {
        self.look(move |sql| retention::last_accepted_by(sql, at_ms)).await
    }

    /// Everybody who has open deliveries, by key.
    pub async fn backlogs(&self) -> Result<Vec<Backlog>, ReadError> {
        self.look(dead_letters::backlogs).await
    }

    /// The newest event of those open deliveries of a subscriber that come after so many newer ones; `None` if there are no
    /// more than that. It counts them: some 20 ms for a million.
    pub async fn beyond(&self, subscriber: SubscriberKey, max: u64) -> Result<Option<u64>, ReadError> {
        self.look(move |sql| dead_letters::beyond(sql, subscriber, max)).await
    }

    /// For calls, which take microseconds.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.read_from(|pools| &pools.calls, work).await
    }

    /// For whatever takes longer.
    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.read_from(|pools| &pools.looks, work).await
    }

    async fn read_from<T: Send + 'static>(
        &self,
        pool: fn(&Pools) -> &Pool,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let pools = Arc::clone(&self.pools);
        let permit = Arc::clone(&pool(&pools).permits).acquire_owned().await.map_err(|_| Fault::closed())?;
        let read = move || {
            let result = pool(&pools).with_connection(work);
            // Only now is the connection back.
            drop(permit);
            result
        };
        let reading = match &self.runtime {
            Some(runtime) => runtime.spawn_blocking(read),
            None => task::spawn_blocking(read),
        };
        // The task does not panic; it is cancelled if the runtime ends before it begins.
        Ok(reading.await.map_err(|_| Fault::closed())??)
    }
}

/// All connections that only read.
#[derive(Debug)]
pub(crate) struct Pools {
    calls: Pool,
    looks: Pool,
}

impl Pools {
    pub(crate) fn open(database: &Database) -> Result<Self, Fault> {
        Ok(Self { calls: Pool::open(database, READERS)?, looks: Pool::open(database, LOOKERS)? })
    }

    /// Waits for the reads that came before, refuses those that come later, and closes the connections.
    pub(crate) async fn close(&self) {
        self.calls.close().await;
        self.looks.close().await;
    }

    /// As [`close`](Self::close), without waiting: reads under way close their own connection when they are done.
    pub(crate) fn shut(&self) {
        self.calls.shut();
        self.looks.shut();
    }
}

/// The connections, and who may have one: whoever holds a permit finds one idle.
#[derive(Debug)]
struct Pool {
    count: u32,
    permits: Arc<Semaphore>,
    /// `None` once the store is closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Pool {
    fn open(database: &Database, count: u32) -> Result<Self, Fault> {
        let connections = (0..count).map(|_| database.open_reader()).collect::<Result<Vec<_>, _>>()?;
        let permits = Arc::new(Semaphore::new(connections.len()));
        Ok(Self { count, permits, idle: Mutex::new(Some(connections)) })
    }

    async fn close(&self) {
        // Fails if it is closed already.
        let all = self.permits.acquire_many(self.count).await;
        self.shut();
        drop(all);
    }

    fn shut(&self) {
        self.permits.close();
        self.idle().take();
    }

    fn with_connection<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let sql = self.idle().as_mut().and_then(Vec::pop).ok_or_else(Fault::closed)?;
        let result = Fault::catch(|| work(&sql).map_err(Fault::sql));
        if let Some(idle) = self.idle().as_mut() {
            idle.push(sql);
        }
        result
    }

    /// Nothing can panic while this is held, so a poisoned lock guards sound data.
    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
