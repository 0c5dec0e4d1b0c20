//! Where the database is, and how a connection to it is set up.
//!
//! Owns the file's name and every pragma, and that what is found in the log is on the disk. Never knows a table.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::Fault;

const DATABASE_FILE: &str = "slashbox.db";

/// What SQLite calls the write-ahead log of that.
const LOG_FILE: &str = "slashbox.db-wal";

/// How much of the log is in memory while it is written anew.
const REWRITTEN_BYTES: usize = 1024 * 1024;

/// How long a connection waits for another one's lock. In WAL mode that is a stranger's (an operator's shell, a backup);
/// a command's whole budget is 5 s, so waiting longer would serve nobody.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many compiled statements a connection keeps: all that there are, so that none is compiled twice.
const STATEMENTS_MAX: usize = 64;

/// How much of the database the writer keeps in memory, in KiB: the pages that a commit under load comes back to, with a
/// backlog too; more brought nothing.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// After how many pages (of 4 KiB) the log is brought into the database's file. A page that many commits have written is
/// then written once there; four times SQLite's own figure spares a fifth of the writer's time under load.
const LOG_PAGES: i64 = 4_000;

/// A database that several connections can be opened to.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// A file, with its write-ahead log beside it.
    File(PathBuf),
    /// The name of a database in this process's memory.
    ///
    /// It is one of SQLite's `memdb` file system, which locks as a file does: connections see what is committed, and wait
    /// for each other. The older way, a shared cache, locks by table and fails at once, whatever the busy timeout is; its
    /// remedy is reading what is not committed yet. A temporary file would leave customers' data behind after a crash.
    Memory(String),
}

impl Database {
    /// The database of a data directory.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        Self::File(dir.join(DATABASE_FILE))
    }

    /// A new, empty database, which vanishes with the last connection to it.
    pub(crate) fn in_memory() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::Memory(format!("file:/slashbox-{number}?vfs=memdb"))
    }

    /// What to call it in an error.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory(name) => Path::new(name),
        }
    }

    /// The connection that may write; it creates the file.
    pub(crate) fn open_writer(&self) -> Result<Connection, Fault> {
        if let Self::File(path) = self {
            rewrite(&path.with_file_name(LOG_FILE)).map_err(|error| Fault::io("writing the log anew", error))?;
        }
        let sql = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).map_err(Fault::sql)?;
        if let Self::File(_) = self {
            use_wal(&sql)?;
        }
        sql.pragma_update(None, "foreign_keys", true).map_err(Fault::sql)?;
        // Negative for KiB, positive would be pages.
        sql.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(Fault::sql)?;
        Ok(sql)
    }

    /// A connection that only reads. The writer's has to be open: it creates what this one reads.
    pub(crate) fn open_reader(&self) -> Result<Connection, Fault> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(Fault::sql)
    }

    fn open(&self, access: OpenFlags) -> rusqlite::Result<Connection> {
        // Each connection is used by one thread at a time, so SQLite need not lock it once more.
        let access = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = match self {
            Self::File(path) => Connection::open_with_flags(path, access)?,
            Self::Memory(name) => Connection::open_with_flags(name, access | OpenFlags::SQLITE_OPEN_URI)?,
        };
        sql.busy_timeout(BUSY_TIMEOUT)?;
        // A statement's plan is made once. Otherwise SQLite makes a new one whenever values are bound to a range or a limit,
        // as its statistics might tell something about them; we keep none, and each statement has one good plan.
        sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        sql.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(sql)
    }
}

/// Brings onto the disk what the log seems to have, before anything is written behind it (docs/adr/0024). If a sync has
/// failed in an earlier run, some of it may be in the system's memory alone, where no later sync finds it: the system counts
/// it as written. What is written anew is synced anew.
fn rewrite(log: &Path) -> io::Result<()> {
    let mut log = match File::options().read(true).write(true).open(log) {
        Ok(log) => log,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let (mut at, mut piece) = (0, Vec::new());
    loop {
        piece.clear();
        Read::take(&log, REWRITTEN_BYTES as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return log.sync_all();
        }
        log.seek(SeekFrom::Start(at))?;
        log.write_all(&piece)?;
        at = log.stream_position()?;
    }
}

/// Readers do not wait for the writer, nor it for them; and a commit is on the disk before it is confirmed.
fn use_wal(sql: &Connection) -> Result<(), Fault> {
    // SQLite answers with the mode that it has now, e.g. where a file system cannot share memory between processes.
    let mode: String =
        sql.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(Fault::sql)?;
    if mode != "wal" {
        return Err(Fault::journal_mode(mode));
    }
    sql.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(Fault::sql)?;
    sql.pragma_update(None, "synchronous", "full").map_err(Fault::sql)
}
