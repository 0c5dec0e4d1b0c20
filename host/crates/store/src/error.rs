//! How the store's operations fail: one enum per operation, its variants what a caller does differently.
//!
//! The cause behind a failure is a [`Fault`]: it can be shown and logged, and nothing can be decided by it.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use slashbox_core::Limit;

use crate::{SubscriberKey, Usage};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it. Stop that one, or choose another directory.
    #[error("data directory {path:?} is in use by another slashbox")]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// A newer slashbox has changed the database's shape. Run that one.
    #[error("database {path:?} has schema version {found}, this slashbox knows versions up to {known}")]
    Newer {
        /// The database's file.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file system or the database is not as it should be.
    #[error("{path:?} cannot be used as a store")]
    Unusable {
        /// The directory or file that it happened to.
        path: PathBuf,
        /// What happened.
        source: Fault,
    },
}

/// Why a change was not committed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// What the call read has changed since. Run it again.
    #[error("key {key:?} has changed since it was read")]
    Conflict {
        /// The key that changed; the first one of a listing that came out differently.
        key: String,
    },
    /// With it, the plugin would keep more than it may. Running it again changes nothing.
    #[error("{0}")]
    Quota(Limit),
    /// The store cannot write now.
    #[error("the store cannot write")]
    Unavailable(#[from] Fault),
}

/// Why something was not written. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store cannot write now.
    #[error("the store cannot write")]
    Unavailable(#[from] Fault),
}

/// Why a plugin was not renamed. All is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// Something is kept under the new name already, and would be mixed with it.
    #[error(
        "plugin {plugin:?} keeps {} keys and {} timers of its own for tenant {tenant:?}: expected none",
        .usage.kv_keys,
        .usage.timers
    )]
    Taken {
        /// For which tenant.
        tenant: String,
        /// The new name.
        plugin: String,
        /// How much it is.
        usage: Usage,
    },
    /// The store cannot write now.
    #[error("the store cannot write")]
    Unavailable(#[from] Fault),
}

/// Why the end of an attempt was not recorded. Nothing of it was written, nothing of the change either.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// What the call read has changed since. Run it again; the delivery is still leased.
    #[error("key {key:?} has changed since it was read")]
    Conflict {
        /// The key that changed; the first one of a listing that came out differently.
        key: String,
    },
    /// With it, the plugin would keep more than it may. The delivery is still leased.
    #[error("{0}")]
    Quota(Limit),
    /// The delivery is not leased under this claim any more: somebody else has it, or has finished it. Let it go.
    #[error("the delivery is leased under this claim no more")]
    Fenced,
    /// The store cannot write now.
    #[error("the store cannot write")]
    Unavailable(#[from] Fault),
}

impl From<WriteError> for CommitError {
    fn from(WriteError::Unavailable(fault): WriteError) -> Self {
        Self::Unavailable(fault)
    }
}

impl From<WriteError> for FinishError {
    fn from(WriteError::Unavailable(fault): WriteError) -> Self {
        Self::Unavailable(fault)
    }
}

impl From<CommitError> for FinishError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { key } => Self::Conflict { key },
            CommitError::Quota(limit) => Self::Quota(limit),
            CommitError::Unavailable(fault) => Self::Unavailable(fault),
        }
    }
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store cannot read now.
    #[error("the store cannot read")]
    Unavailable(#[from] Fault),
}

/// What went wrong inside the store, for people to read.
//
// Shared, since all requests of a failed commit are told the same.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Fault(Arc<Cause>);

impl Fault {
    /// Whether the store was closed, as it is when a host ends.
    pub fn is_closed(&self) -> bool {
        matches!(*self.0, Cause::Closed)
    }
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Sql(rusqlite::Error),
    // Not a `source`: the message has it already.
    #[error("{doing}: {error}")]
    Io { doing: &'static str, error: io::Error },
    #[error("the journal mode is {found:?}, expected \"wal\"")]
    JournalMode { found: String },
    #[error("a panic in the store: {message}")]
    Panicked { message: String },
    #[error("there is no subscriber with key {key}")]
    UnknownSubscriber { key: u64 },
    #[error("the store is closed")]
    Closed,
}

impl Fault {
    pub(crate) fn sql(error: rusqlite::Error) -> Self {
        Self(Arc::new(Cause::Sql(error)))
    }

    pub(crate) fn io(doing: &'static str, error: io::Error) -> Self {
        Self(Arc::new(Cause::Io { doing, error }))
    }

    pub(crate) fn journal_mode(found: String) -> Self {
        Self(Arc::new(Cause::JournalMode { found }))
    }

    pub(crate) fn unknown_subscriber(key: SubscriberKey) -> Self {
        Self(Arc::new(Cause::UnknownSubscriber { key: key.0 }))
    }

    pub(crate) fn closed() -> Self {
        Self(Arc::new(Cause::Closed))
    }

    /// Does `work`, and makes a panic in it a fault: it must reach the caller who waits, and must not end the thread
    /// that serves the others.
    ///
    /// A connection that `work` uses is left sound: its transactions and statements are guards, which roll back and
    /// reset while the panic passes.
    pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T, Self>) -> Result<T, Self> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Self::panicked(panic.as_ref())))
    }

    fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        Self(Arc::new(Cause::Panicked { message: message.to_owned() }))
    }
}
