//! What slashbox's database tells from outside, while slashbox has it: how many commits there were, and whether
//! all is delivered.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};

/// Where the index of SQLite's write-ahead log counts transactions: a 32-bit number in the machine's order.
/// Source: sqlite.org/walformat.html, "WAL-Index Header", `iChange`.
const COMMITS_AT: u64 = 8;

/// The database's file in a data directory.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("slashbox.db")
}

/// A database that somebody else writes.
#[derive(Debug)]
pub(crate) struct Database {
    index: File,
    sql: Connection,
}

impl Database {
    /// Opens that of a folder that a server was given.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let file = file(&folder.join("data"));
        let index = file.with_extension("db-shm");
        let index = File::open(&index).with_context(|| format!("cannot open {index:?}"))?;
        let sql = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { index, sql })
    }

    /// How many commits there were so far.
    pub(crate) fn commits(&mut self) -> Result<u64> {
        let mut number = [0; 4];
        self.index.seek(SeekFrom::Start(COMMITS_AT))?;
        self.index.read_exact(&mut number)?;
        Ok(u64::from(u32::from_ne_bytes(number)))
    }

    /// Whether no delivery of the first subscriber is open any more.
    pub(crate) fn is_delivered(&self) -> Result<bool> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM delivery WHERE subscriber = 1 AND outcome = 0)";
        Ok(self.sql.query_row(sql, [], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let writer = Connection::open(file(&data)).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer.execute_batch("CREATE TABLE delivery (subscriber, outcome)").unwrap();
        let mut database = Database::in_folder(folder.path()).unwrap();
        let before = database.commits().unwrap();
        for outcome in [0, 1, 1] {
            writer.execute("INSERT INTO delivery VALUES (1, ?1)", [outcome]).unwrap();
        }
        assert_eq!(database.commits().unwrap() - before, 3);
        assert!(!database.is_delivered().unwrap());
        writer.execute("UPDATE delivery SET outcome = 1", ()).unwrap();
        assert!(database.is_delivered().unwrap());
        assert_eq!(database.commits().unwrap() - before, 4);
    }
}
