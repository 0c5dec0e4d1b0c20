//! The data directory, and the lock that keeps it to one process.
//!
//! Owns the directory's creation and its lock file. Never looks at what else is in it.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Fault, OpenError};

/// The file that is locked. It has no content: the lock is the file system's, so that it ends with its process, however
/// that ends.
const LOCK_FILE: &str = "lock";

/// A data directory that belongs to this process until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory if it is missing, and takes its lock.
    pub(crate) fn claim(path: &Path) -> Result<Self, OpenError> {
        let unusable =
            |doing| move |error| OpenError::Unusable { path: path.to_owned(), source: Fault::io(doing, error) };
        create(path).map_err(unusable("creating the data directory"))?;
        let lock = open_lock(path).map_err(unusable("opening the lock file"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(unusable("locking the data directory")(error)),
        }
    }

    /// Where the directory is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What customers wrote is in there, so nobody else may look into it. A directory that exists keeps the rights that its
/// owner gave it.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open_lock(dir: &Path) -> io::Result<File> {
    File::options().create(true).write(true).truncate(false).open(dir.join(LOCK_FILE))
}
