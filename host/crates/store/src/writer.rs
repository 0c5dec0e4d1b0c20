//! The one thread that writes, and its queue.
//!
//! Owns the writing connection, every transaction, and the lock on the data directory. Never knows what is written: that
//! is the request's own work.
//!
//! Invariants: a request is answered after the commit that holds it, with that commit's result; a request that fails
//! leaves nothing, and does not touch its neighbours in the same commit, unless it is the database that failed; one that
//! is queued is carried out, whether anybody still waits for it or not.
//!
//! Requests that come while a commit is under way share the next one. So nobody waits for company, and under load the
//! disk is asked once for many.

use std::io;
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::Fault;
use crate::data_dir::DataDir;

/// The most requests that share a commit: the cost of a commit is spread far enough by then, and a failing one fails no
/// more than these.
const BATCH_MAX: usize = 256;

/// The most requests that wait for the thread: some commits' worth, so that it never idles under load. Whoever comes then
/// waits for a place, within the deadline of its own call, and not at the cost of memory.
const QUEUE_MAX: usize = 4 * BATCH_MAX;

/// The way to the writing thread.
#[derive(Debug)]
pub(crate) struct Writer {
    // Dropped before the thread: when its queue ends, it finishes what is in there, and can be joined.
    queue: mpsc::Sender<Message>,
    thread: Thread,
}

enum Message {
    Write(Request),
    /// Finish what came before this, then end.
    Stop,
}

struct Request {
    work: Work,
    answer: oneshot::Sender<Result<(), Fault>>,
}

/// What a request does. It keeps its own result back, to be looked at after the commit.
enum Work {
    /// What it wrote can be undone.
    Guarded(Job<Verdict>),
    /// Its failure is the commit's.
    Plain(Job<rusqlite::Result<()>>),
}

type Job<T> = Box<dyn FnOnce(&Connection) -> T + Send>;

/// What becomes of what a request's work has written.
enum Verdict {
    Keep,
    Undo,
}

impl Writer {
    /// Starts the thread. It gives the data directory free when it ends.
    pub(crate) fn start(sql: Connection, dir: Option<DataDir>) -> io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        let handle = thread::Builder::new().name("slashbox-store".to_owned()).spawn(move || {
            serve(sql, requests);
            drop(dir);
        })?;
        Ok(Self { queue, thread: Thread(Mutex::new(Some(handle))) })
    }

    /// Has `work` done in a transaction, and tells its result when that is committed. If it fails, what it wrote is
    /// undone; if the commit fails, that is told instead.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let (keep_back, kept_back) = oneshot::channel();
        let work = Work::Guarded(Box::new(move |sql| {
            let result = work(sql);
            let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
            // Nobody waits any longer if this fails; it is carried out all the same.
            let _ = keep_back.send(result);
            verdict
        }));
        self.request(work, kept_back).await
    }

    /// As [`write`](Self::write), for work that refuses, if it does, before it has written anything. If the database fails
    /// it, it fails the whole commit, since nothing of it can be undone alone. That spares it a savepoint, which costs as
    /// much as some writes.
    pub(crate) async fn write_plainly<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let (keep_back, kept_back) = oneshot::channel();
        let work = Work::Plain(Box::new(move |sql| {
            let _ = keep_back.send(work(sql)?);
            Ok(())
        }));
        self.request(work, kept_back).await
    }

    /// Has it done, and tells the result that it kept back when it is committed.
    async fn request<T, E: From<Fault>>(
        &self,
        work: Work,
        mut kept_back: oneshot::Receiver<Result<T, E>>,
    ) -> Result<T, E> {
        let (answer, committed) = oneshot::channel();
        let request = Message::Write(Request { work, answer });
        self.queue.send(request).await.map_err(|_| Fault::closed())?;
        committed.await.map_err(|_| Fault::closed())??;
        kept_back.try_recv().map_err(|_| Fault::closed())?
    }

    /// Finishes what is queued, and ends the thread. What comes later is told that the store is closed.
    pub(crate) async fn close(&self) {
        // If the queue is closed, it was told so before.
        let _ = self.queue.send(Message::Stop).await;
        self.thread.join().await;
    }
}

/// Joins the thread, at the latest when it is dropped.
#[derive(Debug)]
struct Thread(Mutex<Option<JoinHandle<()>>>);

impl Thread {
    async fn join(&self) {
        // Held until the thread has ended, so that everybody who closes comes back when it is closed.
        let mut handle = self.0.lock().await;
        if let Some(handle) = handle.take() {
            let joined = tokio::task::spawn_blocking(move || join(handle)).await;
            joined.unwrap_or_else(|error| tracing::error!(%error, "the store's thread was not waited for"));
        }
    }
}

impl Drop for Thread {
    /// Waits as long as it takes to commit what is queued: without that, the data directory would be free at some time
    /// that nobody knows.
    fn drop(&mut self) {
        if let Some(handle) = self.0.get_mut().take() {
            join(handle);
        }
    }
}

fn join(handle: JoinHandle<()>) {
    if handle.join().is_err() {
        tracing::error!("the store's thread panicked");
    }
}

fn serve(mut sql: Connection, mut queue: mpsc::Receiver<Message>) {
    let mut messages = Vec::with_capacity(BATCH_MAX);
    let mut stop = false;
    while !stop && queue.blocking_recv_many(&mut messages, BATCH_MAX) > 0 {
        let mut batch = Vec::with_capacity(messages.len());
        for message in messages.drain(..) {
            match message {
                Message::Write(request) => batch.push(request),
                Message::Stop => stop = true,
            }
        }
        commit_and_answer(&mut sql, batch);
    }
    finish(sql);
}

fn commit_and_answer(sql: &mut Connection, batch: Vec<Request>) {
    let (work, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|request| (request.work, request.answer)).unzip();
    let committed = Fault::catch(|| commit(sql, work).map_err(Fault::sql));
    if let Err(error) = &committed {
        tracing::error!(%error, requests = answers.len(), "nothing of a commit was written");
    }
    for answer in answers {
        // Whoever does not wait any longer needs no answer.
        let _ = answer.send(committed.clone());
    }
}

fn commit(sql: &mut Connection, batch: Vec<Work>) -> rusqlite::Result<()> {
    let mut transaction = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for work in batch {
        apply(&mut transaction, work)?;
    }
    transaction.commit()
}

fn apply(transaction: &mut Transaction<'_>, work: Work) -> rusqlite::Result<()> {
    match work {
        Work::Guarded(work) => apply_guarded(transaction, work),
        Work::Plain(work) => work(transaction),
    }
}

/// Fails if what the work wrote can be neither kept nor undone alone. So it does after errors that make SQLite roll back
/// the whole transaction by itself (a full disk is one): the savepoint is gone then, and the commit must not go on.
fn apply_guarded(transaction: &mut Transaction<'_>, work: impl FnOnce(&Connection) -> Verdict) -> rusqlite::Result<()> {
    let mut savepoint = transaction.savepoint()?;
    match work(&savepoint) {
        Verdict::Keep => {}
        Verdict::Undo => savepoint.rollback()?,
    }
    savepoint.commit()
}

/// Brings the log into the database's file. If it cannot, nothing is lost: whoever opens the database next reads the log.
fn finish(sql: Connection) {
    let checkpoint = sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0));
    let closed = sql.close().map_err(|(_, error)| error);
    match checkpoint.and_then(|busy| closed.map(|()| busy)) {
        Ok(false) => {}
        Ok(true) => tracing::warn!("the write-ahead log was left as it is: somebody reads it"),
        Err(error) => tracing::warn!(%error, "the write-ahead log was left as it is"),
    }
}

#[cfg(test)]
mod tests;
