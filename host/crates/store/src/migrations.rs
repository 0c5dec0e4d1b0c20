//! The database's shape, brought up to date when it is opened.
//!
//! Owns the list of migrations. A migration that was released is never changed: the next one changes what it did.
//! `PRAGMA user_version` counts those that a database has had, in the same transaction as what they do.

use rusqlite::{Connection, TransactionBehavior};

/// The first one brings an empty database to version 1, and so on.
const MIGRATIONS: [&str; 4] = [
    include_str!("../migrations/0001_kv.sql"),
    include_str!("../migrations/0002_events.sql"),
    include_str!("../migrations/0003_timers.sql"),
    include_str!("../migrations/0004_policy.sql"),
];

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error("schema version {found} is newer than {known}")]
    Newer { found: i64, known: i64 },
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// Applies what the database has not had yet. A crash in between leaves it at a version, never between two.
pub(crate) fn migrate(sql: &mut Connection) -> Result<(), MigrateError> {
    let found: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut known = 0;
    for migration in MIGRATIONS {
        known += 1;
        if known > found {
            apply(sql, migration, known)?;
        }
    }
    if found > known { Err(MigrateError::Newer { found, known }) } else { Ok(()) }
}

fn apply(sql: &mut Connection, migration: &str, version: i64) -> rusqlite::Result<()> {
    let transaction = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(sql: &Connection) -> i64 {
        sql.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_empty_database_gets_every_migration_once() {
        let mut sql = Connection::open_in_memory().unwrap();
        migrate(&mut sql).unwrap();
        assert_eq!(version(&sql), MIGRATIONS.len() as i64);
        // A second run of any would fail: its tables exist.
        migrate(&mut sql).unwrap();
    }

    #[test]
    fn a_newer_database_is_left_as_it_is() {
        let mut sql = Connection::open_in_memory().unwrap();
        let newer = MIGRATIONS.len() as i64 + 1;
        sql.pragma_update(None, "user_version", newer).unwrap();
        let error = migrate(&mut sql).unwrap_err();
        assert!(
            matches!(error, MigrateError::Newer { found, known } if found == newer && known == newer - 1),
            "{error}"
        );
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut sql = Connection::open_in_memory().unwrap();
        apply(&mut sql, "CREATE TABLE one (a); CREATE TABLE one (a);", 1).unwrap_err();
        assert_eq!(version(&sql), 0);
        sql.execute_batch("CREATE TABLE one (a)").unwrap();
    }
}
