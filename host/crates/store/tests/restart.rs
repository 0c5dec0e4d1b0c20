//! What is there when a store is opened again, and when it may be.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use slashbox_core::{Effects, Scope, Version, Write};
use slashbox_store::{CommitError, OpenError, Store};

fn scope() -> Scope {
    Scope { tenant: "default".to_owned(), plugin: "notes".to_owned() }
}

async fn write(store: &Store, key: &str, write: Write) -> Result<(), CommitError> {
    store.commit(&scope(), Effects { writes: [(key.to_owned(), write)].into(), ..Effects::default() }, 1000).await
}

async fn add(store: &Store) {
    write(store, "n", Write::Add(1)).await.unwrap();
}

/// The number and its version.
async fn number(store: &Store) -> Option<(String, Version)> {
    let entry = store.reader().get(&scope(), "n", 1000).await.unwrap()?;
    Some((String::from_utf8(entry.value).unwrap(), entry.version))
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_committed_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    for (n, close) in [(1, true), (2, false), (3, true)] {
        let store = Store::open(dir.path()).unwrap();
        add(&store).await;
        assert_eq!(number(&store).await.unwrap().0, n.to_string());
        // Dropped instead of closed, it gives the directory free just as well.
        if close {
            store.close().await;
        }
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_committed() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(dir.path()).unwrap();
    add(&store).await;
    // What is on the disk now is what a crash would leave.
    for file in files(dir.path()) {
        fs::copy(dir.path().join(&file), copy.path().join(&file)).unwrap();
    }
    store.close().await;
    let crashed = Store::open(copy.path()).unwrap();
    assert_eq!(number(&crashed).await.unwrap().0, "1");
}

#[tokio::test]
async fn versions_never_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = Version(0);
    for _ in 0..3 {
        let store = Store::open(dir.path()).unwrap();
        add(&store).await;
        let (_, version) = number(&store).await.unwrap();
        assert!(last < version, "{last:?} {version:?}");
        last = version;
        write(&store, "n", Write::Delete).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn one_at_a_time_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let (clone, reader) = (first.clone(), first.reader());
    let error = Store::open(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("data directory {:?} is in use by another slashbox", dir.path()));
    assert!(matches!(error, OpenError::InUse { path } if path == dir.path()));

    // Closing is for all clones and readers; they do not keep the directory.
    first.close().await;
    let second = Store::open(dir.path()).unwrap();
    add(&second).await;
    write(&clone, "n", Write::Delete).await.unwrap_err();
    reader.get(&scope(), "n", 1000).await.unwrap_err();
    drop((clone, reader));
    Store::open(dir.path()).unwrap_err();
    assert_eq!(number(&second).await.unwrap().0, "1");
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let reader = store.reader();
    add(&store).await;
    assert_eq!(files(dir.path()), ["lock", "slashbox.db", "slashbox.db-shm", "slashbox.db-wal"]);
    store.close().await;
    assert_eq!(files(dir.path()), ["lock", "slashbox.db"]);
    drop(reader);
}

#[tokio::test]
async fn a_newer_database_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path()).unwrap().close().await;
    let path = dir.path().join("slashbox.db");
    let sql = rusqlite::Connection::open(&path).unwrap();
    let known: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    sql.pragma_update(None, "user_version", known + 1).unwrap();
    sql.close().unwrap();

    // Also the second time: the refusal gives the directory free.
    for _ in 0..2 {
        let error = Store::open(dir.path()).unwrap_err();
        let expected =
            format!("database {path:?} has schema version {}, this slashbox knows versions up to {known}", known + 1);
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, OpenError::Newer { .. }));
    }
}

#[tokio::test]
async fn a_missing_directory_is_created_for_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("srv").join("data");
    let store = Store::open(&data_dir).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&data_dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
    }
    store.close().await;
}

#[test]
fn what_is_no_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(&error, OpenError::Unusable { path, .. } if *path == file), "{error:?}");

    let path = dir.path().join("slashbox.db");
    fs::write(&path, "no database at all, but long enough to look like one".repeat(100)).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("{path:?} cannot be used as a store"));
}
