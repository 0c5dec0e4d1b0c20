//! A call's effects: whether they may be applied, and applying them.
//!
//! Owns the rules of a conflict and of an increment. Never begins or ends a transaction: it works in the one that it is
//! given, which undoes what it did if it fails.

use rusqlite::Connection;
use slashbox_core::{Effects, RangeRead, Scope, Version, Write, counter};

use crate::{CommitError, Fault, kv};

/// How many rows that have expired a commit removes at least. Enough to catch up in time, few enough to go unnoticed in
/// the commit's own time.
const EXPIRED_REMOVED_MIN: usize = 64;

/// Checks all that the call read, then applies all that it wrote.
pub(crate) fn commit(sql: &Connection, scope: &Scope, effects: &Effects, now_ms: u64) -> Result<(), CommitError> {
    check_and_apply(sql, scope, effects, now_ms).map_err(|failure| match failure {
        Failure::Conflict { key } => CommitError::Conflict { key },
        Failure::Sql(error) => CommitError::Unavailable(Fault::sql(error)),
    })
}

/// As [`CommitError`], with the SQL library's own error.
enum Failure {
    Conflict { key: String },
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn check_and_apply(sql: &Connection, scope: &Scope, effects: &Effects, now_ms: u64) -> Result<(), Failure> {
    for (key, version) in &effects.reads {
        check_read(sql, scope, key, *version, now_ms)?;
    }
    for range in &effects.ranges {
        check_range(sql, scope, range, now_ms)?;
    }
    for (key, write) in &effects.writes {
        apply(sql, scope, key, write, now_ms)?;
    }
    // Twice what is written, so that removal keeps up even if all that is written expires.
    kv::remove_expired(sql, now_ms, EXPIRED_REMOVED_MIN.max(2 * effects.writes.len()))?;
    Ok(())
}

fn check_read(sql: &Connection, scope: &Scope, key: &str, seen: Option<Version>, now_ms: u64) -> Result<(), Failure> {
    if kv::version(sql, scope, key, now_ms)? == seen { Ok(()) } else { Err(conflict(key)) }
}

fn check_range(sql: &Connection, scope: &Scope, range: &RangeRead, now_ms: u64) -> Result<(), Failure> {
    let RangeRead { prefix, after, limit, seen } = range;
    let now = kv::list(sql, scope, prefix, after.as_deref(), *limit, now_ms)?;
    match first_difference(seen, &now) {
        None => Ok(()),
        Some(key) => Err(conflict(key)),
    }
}

/// The first key that is only in one of two sorted listings. What a key holds is no part of a listing.
fn first_difference<'a>(seen: &'a [String], now: &'a [(String, Version)]) -> Option<&'a str> {
    let same = seen.iter().zip(now).take_while(|(seen, (now, _))| *seen == now).count();
    let different = [seen.get(same), now.get(same).map(|(key, _)| key)];
    different.into_iter().flatten().map(String::as_str).min()
}

fn apply(sql: &Connection, scope: &Scope, key: &str, write: &Write, now_ms: u64) -> Result<(), Failure> {
    match write {
        Write::Set { value, expires_at_ms } => kv::put(sql, scope, key, value, *expires_at_ms)?,
        Write::Delete => kv::delete(sql, scope, key)?,
        Write::Add(number) => add(sql, scope, key, *number, now_ms)?,
    }
    Ok(())
}

/// Adds to what is there now, which need not be what the call saw: so increments never conflict with each other.
fn add(sql: &Connection, scope: &Scope, key: &str, number: i64, now_ms: u64) -> Result<(), Failure> {
    let entry = kv::get(sql, scope, key, now_ms)?;
    let present = counter(entry.as_ref().map(|entry| &*entry.value));
    let expires_at_ms = entry.and_then(|entry| entry.expires_at_ms);
    // No number, or none that can grow by so much: it was one when the call looked. Run again, the call sees it itself.
    let sum = present.and_then(|present| present.checked_add(number)).ok_or_else(|| conflict(key))?;
    kv::put(sql, scope, key, sum.to_string().as_bytes(), expires_at_ms)?;
    Ok(())
}

fn conflict(key: &str) -> Failure {
    Failure::Conflict { key: key.to_owned() }
}

#[cfg(test)]
mod tests {
    //! What cannot be seen from outside: the rows that nobody sees any more.

    use super::*;
    use crate::database::Database;
    use crate::migrations::migrate;

    fn set(keys: std::ops::Range<usize>, expires_at_ms: Option<u64>) -> Effects {
        let write = Write::Set { value: Vec::new(), expires_at_ms };
        Effects { writes: keys.map(|key| (format!("{key:05}"), write.clone())).collect(), ..Effects::default() }
    }

    /// How many rows are left when `before` were written to expire at 100, and then `writes` were made at `now_ms`.
    fn rows_left(before: usize, writes: usize, now_ms: u64) -> usize {
        let mut sql = Database::in_memory().open_writer().unwrap();
        migrate(&mut sql).unwrap();
        let scope = |plugin: &str| Scope { tenant: "default".to_owned(), plugin: plugin.to_owned() };
        commit(&sql, &scope("one"), &set(0..before, Some(100)), 0).unwrap();
        commit(&sql, &scope("two"), &set(0..writes, None), now_ms).unwrap();
        sql.query_row("SELECT count(*) FROM kv", (), |row| row.get::<_, i64>(0)).unwrap() as usize
    }

    #[test]
    fn a_commit_removes_some_of_what_has_expired() {
        assert_eq!(rows_left(10, 1, 99), 11);
        assert_eq!(rows_left(10, 1, 100), 1);
        assert_eq!(rows_left(EXPIRED_REMOVED_MIN, 1, 100), 1);
        assert_eq!(rows_left(EXPIRED_REMOVED_MIN + 1, 1, 100), 2);
        assert_eq!(rows_left(1000, 300, 100), 400 + 300);
    }
}
