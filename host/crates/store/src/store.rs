//! The store as others see it: opening, committing, closing.
//!
//! Owns the order in which the parts begin and end: lock, writer's connection, migrations, readers, thread; and back.

use std::path::Path;
use std::sync::Arc;

use slashbox_core::{Effects, Scope};

use crate::data_dir::DataDir;
use crate::database::Database;
use crate::migrations::{MigrateError, migrate};
use crate::reader::Pool;
use crate::writer::Writer;
use crate::{CommitError, Fault, OpenError, Reader, commit};

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
    readers: Arc<Pool>,
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

    /// Applies what a call wrote, all or nothing, provided that every key and listing that it read is still as it saw
    /// them. `now_ms` is the time, in milliseconds since the Unix epoch: what has expired by then is not there.
    ///
    /// When this returns, the writes are on the disk and every read that begins now sees them. If its future is dropped,
    /// they may or may not be made. Without any writes, nothing is checked and nothing is done.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if something that the call read has changed, or if a number that it adds to is none any
    /// more or would overflow; [`CommitError::Unavailable`] if the database cannot be written, or the store is closed.
    pub async fn commit(&self, scope: &Scope, effects: Effects, now_ms: u64) -> Result<(), CommitError> {
        if effects.is_empty() {
            return Ok(());
        }
        let scope = scope.clone();
        self.inner.writer.write(move |sql| commit::commit(sql, &scope, &effects, now_ms)).await
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

    fn start(database: &Database, dir: Option<DataDir>) -> Result<Self, OpenError> {
        let path = database.path();
        let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
        let mut sql = database.open_writer().map_err(unusable)?;
        migrate(&mut sql).map_err(|error| match error {
            MigrateError::Newer { found, known } => OpenError::Newer { path: path.to_owned(), found, known },
            MigrateError::Sql(error) => unusable(Fault::sql(error)),
        })?;
        let readers = Arc::new(Pool::open(database).map_err(unusable)?);
        let writer = Writer::start(sql, dir).map_err(|error| unusable(Fault::io("starting the writer", error)))?;
        Ok(Self { inner: Arc::new(Inner { readers, writer }) })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.readers.shut();
    }
}
