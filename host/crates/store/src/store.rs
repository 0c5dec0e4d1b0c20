//! The store as others see it: opening, committing, closing.
//!
//! Owns the order in which the parts begin and end: lock, writer's connection, migrations, readers, thread; and back.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use slashbox_core::SubscriberId;

use crate::data_dir::DataDir;
use crate::database::Database;
use crate::migrations::{MigrateError, migrate};
use crate::reader::Pools;
use crate::writer::Writer;
use crate::{
    Accepted, Change, ClaimRequest, Claims, CommitError, DeliveryKey, Fault, FinishError, Finished, Fired, GiveUp,
    GivenUp, Health, Moved, NewEvent, OpenError, Reader, Removed, RenameError, ReplayTo, Replayed, Span, SubscriberKey,
    WriteError, accept, attempts, claims, commit, dead_letters, deliveries, rename, replays, retention, revisions,
    subscribers, timers,
};

/// What survives a crash. Cheap to clone; a clone is the same store.
///
/// [`close`](Self::close) it at the end. If the last clone is dropped instead, that waits on the spot until what is
/// queued is committed.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Arc<Pools>,
    writer: Writer,
}

impl Store {
    /// Opens the store in a directory, which is created if it is missing. Blocks; meant for a program's start.
    ///
    /// # Errors
    /// If another process has the directory, if its database was made by a newer slashbox, or if either cannot be used.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        let dir = DataDir::claim(data_dir)?;
        let database = Database::in_dir(dir.path());
        Self::start(&database, Some(dir))
    }

    /// Opens an empty store in memory, which vanishes when it is closed or dropped.
    ///
    /// # Errors
    /// If there is no memory or no thread for it.
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::start(&Database::in_memory(), None)
    }

    /// Keeps what a call changes, all or nothing, provided that every key and listing that it read is still as it saw them,
    /// and that the plugin does not come to keep more than it may. `now_ms` is the time, in milliseconds since the Unix
    /// epoch: what has expired by then is not there.
    ///
    /// When this returns, the change is on the disk and every read that begins now sees it. If its future is dropped, it
    /// may or may not be made. One that neither writes nor emits anything is not checked, and costs no commit.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if something that the call read has changed, or if a number that it adds to is none any
    /// more or would overflow; [`CommitError::Quota`] if more would be kept than before, and more than the quota;
    /// [`CommitError::Unavailable`] if the database cannot be written, or the store is closed.
    pub async fn commit(&self, change: Change, now_ms: u64) -> Result<(), CommitError> {
        if change.is_empty() {
            return Ok(());
        }
        self.inner.writer.write(move |sql| commit::commit(sql, &change, now_ms)).await
    }

    /// Makes events of the timers that are due by `now_ms`, at most as many as there are `ids` for them, the one that is
    /// due for longest first. Each goes to the plugin that set it, and the timer is gone in the same commit.
    ///
    /// # Errors
    /// If the database cannot be written, or the store is closed; then no timer is gone.
    pub async fn fire_timers(&self, now_ms: u64, ids: Vec<String>) -> Result<Fired, WriteError> {
        self.write_plainly(move |sql| timers::fire(sql, now_ms, ids)).await
    }

    /// Registers those that are not known yet, and tells the key of each, in their order.
    ///
    /// # Errors
    /// If the database cannot be written, or the store is closed; so with all that follow.
    pub async fn subscribers_of(&self, ids: Vec<SubscriberId>) -> Result<Vec<SubscriberKey>, WriteError> {
        self.write_plainly(move |sql| subscribers::register(sql, &ids)).await
    }

    /// Keeps those events that were not accepted before, with their deliveries, in one commit; tells what became of each,
    /// in their order. A repetition within `events` is one too.
    ///
    /// A delivery is due at once, unless an earlier one of the same subscriber and conversation is open: then it waits
    /// for that. Those of one conversation are delivered in the order of acceptance; those without one in any order.
    ///
    /// When this returns, they are on the disk. If its future is dropped, they may or may not be kept.
    pub async fn accept(&self, events: Vec<NewEvent>, now_ms: u64) -> Result<Vec<Accepted>, WriteError> {
        self.inner.writer.write_plainly(move |sql| accept::accept(sql, &events, now_ms)).await
    }

    /// Leases deliveries that are due by `now_ms`, or whose lease has ended, until `lease_until_ms`. Of subscribers that
    /// are absent, paused or disabled, none.
    pub async fn claim(
        &self,
        requests: Vec<ClaimRequest>,
        now_ms: u64,
        lease_until_ms: u64,
    ) -> Result<Claims, WriteError> {
        self.write_plainly(move |sql| claims::claim(sql, &requests, now_ms, lease_until_ms)).await
    }

    /// Records how an attempt ended, moves the delivery on and keeps what the call changes, all or none. If that closes
    /// the delivery, the next one of its conversation is due at once: tells which, if there is one.
    ///
    /// # Errors
    /// See [`FinishError`]; after a conflict, and over a quota, the delivery is leased as before.
    pub async fn finish(&self, finished: Finished, now_ms: u64) -> Result<Option<DeliveryKey>, FinishError> {
        // That a change may not be made may be found when some of it is.
        if finished.change.as_ref().is_some_and(|change| !change.is_empty()) {
            let finish = move |sql: &Connection| attempts::finish(sql, &finished, now_ms).map_err(Fault::sql)?;
            return self.inner.writer.write(finish).await;
        }
        self.inner.writer.write_plainly(move |sql| attempts::finish(sql, &finished, now_ms)).await
    }

    /// Gives a lease back: the delivery is due at that time (milliseconds since the Unix epoch), and no attempt was made.
    ///
    /// # Errors
    /// [`FinishError::Fenced`] if the lease is no longer held, or [`FinishError::Unavailable`].
    pub async fn hand_back(&self, delivery: DeliveryKey, claim: u32, at_ms: u64) -> Result<(), FinishError> {
        self.inner.writer.write_plainly(move |sql| attempts::hand_back(sql, delivery, claim, at_ms)).await
    }

    /// Ends every lease: what was leased is due now. For a start: nobody else has the store, so that all leases are the
    /// previous run's. Tells how many there were.
    pub async fn release_leases(&self, now_ms: u64) -> Result<u64, WriteError> {
        self.write_plainly(move |sql| deliveries::release_all(sql, now_ms)).await
    }

    /// Notes since when subscribers are not there (milliseconds since the Unix epoch), or with `None` that they are.
    /// Deliveries of one that is absent are accepted and parked.
    pub async fn set_absent(&self, subscribers: Vec<(SubscriberKey, Option<u64>)>) -> Result<(), WriteError> {
        self.write_plainly(move |sql| {
            subscribers.into_iter().try_for_each(|(key, since_ms)| subscribers::set_absent(sql, key, since_ms))
        })
        .await
    }

    /// Notes how subscribers fare.
    pub async fn set_health(&self, health: Vec<(SubscriberKey, Health)>) -> Result<(), WriteError> {
        self.write_plainly(move |sql| {
            health.into_iter().try_for_each(|(key, health)| subscribers::set_health(sql, key, health))
        })
        .await
    }

    /// Has a subscriber wait: its deliveries are accepted, and none is claimed until it is resumed. `now_ms` is the time, in
    /// milliseconds since the Unix epoch.
    pub async fn pause(&self, subscriber: SubscriberKey, now_ms: u64) -> Result<(), WriteError> {
        self.write_plainly(move |sql| subscribers::pause(sql, subscriber, now_ms)).await
    }

    /// Has a subscriber go on that is paused or disabled, as if it had never failed: what waits for another attempt is due
    /// now; of very many such deliveries, those that are due soonest.
    pub async fn resume(&self, subscriber: SubscriberKey, now_ms: u64) -> Result<(), WriteError> {
        self.write_plainly(move |sql| {
            subscribers::resume(sql, subscriber)?;
            deliveries::hurry(sql, subscriber, now_ms)
        })
        .await
    }

    /// Makes due now what waits for another attempt of these subscribers; of very many such deliveries, those that are due
    /// soonest.
    pub async fn hurry(&self, subscribers: Vec<SubscriberKey>, now_ms: u64) -> Result<(), WriteError> {
        self.write_plainly(move |sql| subscribers.into_iter().try_for_each(|key| deliveries::hurry(sql, key, now_ms)))
            .await
    }

    /// Takes deliveries out of the order of their conversations: nobody waits for them any longer, and the next ones are due
    /// now. Those that are closed, or under way, are left as they are. Tells which were taken.
    pub async fn set_aside(&self, deliveries: Vec<DeliveryKey>, now_ms: u64) -> Result<Vec<DeliveryKey>, WriteError> {
        self.write_plainly(move |sql| {
            let mut taken = Vec::new();
            for key in deliveries {
                taken.extend(deliveries::set_aside(sql, key, now_ms)?.then_some(key));
            }
            Ok(taken)
        })
        .await
    }

    /// Notes which version of each subscriber is there. If it is another than the one before, what waits for its next
    /// attempt is due now; of very many such deliveries, those that are due soonest.
    pub async fn set_revisions(&self, revisions: Vec<(SubscriberKey, String)>, now_ms: u64) -> Result<(), WriteError> {
        self.write_plainly(move |sql| {
            revisions.iter().try_for_each(|(key, revision)| revisions::set(sql, *key, revision, now_ms))
        })
        .await
    }

    /// Has deliveries made once more, with all attempts of their schedule, in one commit: those of their own subscribers, or of
    /// another one. Those of a conversation are made in the order in which they stand here, after what is under way of it. Tells
    /// what became of each, in their order.
    pub async fn replay(
        &self,
        deliveries: Vec<DeliveryKey>,
        to: ReplayTo,
        now_ms: u64,
    ) -> Result<Vec<Replayed>, WriteError> {
        self.write_plainly(move |sql| replays::replay(sql, &deliveries, &to, now_ms)).await
    }

    /// Makes dead letters of open deliveries, the oldest first; those whose attempt is under way are left as they are. The next
    /// ones of their conversations are due now. It does so much that others wait for milliseconds only, and tells whether it
    /// is to be asked again.
    pub async fn give_up(&self, which: GiveUp, now_ms: u64) -> Result<GivenUp, WriteError> {
        self.write_plainly(move |sql| dead_letters::give_up(sql, which, now_ms)).await
    }

    /// Removes text, envelope and data of events whose deliveries have all arrived, the oldest first. It does so much that
    /// others wait for milliseconds only, and tells whether it is to be asked again.
    pub async fn remove_payloads(&self, span: Span) -> Result<Removed, WriteError> {
        self.write_plainly(move |sql| retention::remove_payloads(sql, span)).await
    }

    /// Removes events with all of their deliveries and attempts, unless one is open, or dead since a later time than this (in
    /// milliseconds since the Unix epoch). Otherwise as [`remove_payloads`](Self::remove_payloads).
    pub async fn remove_events(&self, span: Span, dead_since_ms: u64) -> Result<Removed, WriteError> {
        self.write_plainly(move |sql| retention::remove_events(sql, span, dead_since_ms)).await
    }

    /// Gives a plugin another name, for those tenants of which `whose` says so: what it keeps, its timers, and the
    /// deliveries that are open go along, those that are closed unless some have come under the new name already. Tells what
    /// went along. For a time when nobody calls the plugin; it takes as long as writing all of that anew.
    ///
    /// # Errors
    /// [`RenameError::Taken`] if both names keep something for a tenant; [`RenameError::Unavailable`] if the database
    /// cannot be written, or the store is closed.
    pub async fn rename_plugin(
        &self,
        from: String,
        to: String,
        whose: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<Vec<Moved>, RenameError> {
        self.inner.writer.write_plainly(move |sql| rename::plugin(sql, &from, &to, whose)).await
    }

    /// The side that only reads.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.inner.readers))
    }

    /// Finishes the reads and writes that came before, then gives the data directory free. Every clone is closed with
    /// it: later reads and writes fail. Closing twice is no error.
    pub async fn close(self) {
        // The readers first: the log can be brought into the database's file when nobody reads it any more.
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// Has writes made that only the database can fail.
    async fn write_plainly<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        self.inner.writer.write_plainly(move |sql| work(sql).map(Ok)).await
    }

    fn start(database: &Database, dir: Option<DataDir>) -> Result<Self, OpenError> {
        let path = database.path();
        let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
        let mut sql = database.open_writer().map_err(unusable)?;
        migrate(&mut sql).map_err(|error| match error {
            MigrateError::Newer { found, known } => OpenError::Newer { path: path.to_owned(), found, known },
            MigrateError::Sql(error) => unusable(Fault::sql(error)),
        })?;
        let readers = Arc::new(Pools::open(database).map_err(unusable)?);
        let writer = Writer::start(sql, dir).map_err(|error| unusable(Fault::io("starting the writer", error)))?;
        Ok(Self { inner: Arc::new(Inner { readers, writer }) })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.readers.shut();
    }
}
