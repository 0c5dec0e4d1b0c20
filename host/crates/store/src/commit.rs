//! What a call changes: whether it may be, and changing it.
//!
//! Owns the rules of a conflict, of an increment and of a quota. Never begins or ends a transaction: it works in the one
//! that it is given, which undoes what it did if it fails.

use rusqlite::Connection;
use slashbox_core::{Effects, Limit, Origin, Quota, RangeRead, Scope, TimerWrite, Version, Write, counter};

use crate::kv::Counted;
use crate::{CommitError, Fault, NewEvent, WriteError, accept, kv, timers, usage};

/// How many rows that have expired a commit removes at least. Enough to catch up in time, few enough to go unnoticed in
/// the commit's own time.
const EXPIRED_REMOVED_MIN: usize = 64;

/// What a call changes, in whose memory, and where it was called from. All of it is kept, or nothing.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose keys and timers these are.
    pub scope: Scope,
    /// What it read, and what becomes of keys and timers. Of `emits`, nothing is looked at: see `events`.
    pub effects: Effects,
    /// How much may be kept in the scope.
    pub quota: Quota,
    /// Where the command or the event came from; the events of its timers come from there too, for the scope's tenant.
    pub origin: Origin,
    /// The conversation of the command or the event, and of the events of its timers.
    pub conversation: Option<String>,
    /// What it emits, as events with ids of their own and those who get them.
    pub events: Vec<NewEvent>,
}

impl Change {
    /// Whether there is nothing to commit. What a call only read needs no check.
    pub fn is_empty(&self) -> bool {
        self.effects.writes.is_empty() && self.effects.timers.is_empty() && self.events.is_empty()
    }
}

/// Checks all that the call read, then applies all that it changes.
pub(crate) fn commit(sql: &Connection, change: &Change, now_ms: u64) -> Result<(), CommitError> {
    check_and_apply(sql, change, now_ms).map_err(|failure| match failure {
        Failure::Conflict { key } => CommitError::Conflict { key },
        Failure::Quota(limit) => CommitError::Quota(limit),
        Failure::Sql(error) => CommitError::Unavailable(Fault::sql(error)),
        Failure::Unavailable(fault) => CommitError::Unavailable(fault),
    })
}

/// As [`CommitError`], with the SQL library's own error.
enum Failure {
    Conflict { key: String },
    Quota(Limit),
    Sql(rusqlite::Error),
    Unavailable(Fault),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<WriteError> for Failure {
    fn from(WriteError::Unavailable(fault): WriteError) -> Self {
        Self::Unavailable(fault)
    }
}

fn check_and_apply(sql: &Connection, change: &Change, now_ms: u64) -> Result<(), Failure> {
    let Change { scope, effects, .. } = change;
    for (key, version) in &effects.reads {
        check_read(sql, scope, key, *version, now_ms)?;
    }
    for range in &effects.ranges {
        check_range(sql, scope, range, now_ms)?;
    }
    let mut growth = Counted::default();
    for (key, write) in &effects.writes {
        growth += apply(sql, scope, key, write, now_ms)?;
    }
    for (key, write) in &effects.timers {
        growth += apply_timer(sql, change, key, write)?;
    }
    // Twice what is written, so that removal keeps up even if all that is written expires.
    let removed_max = EXPIRED_REMOVED_MIN.max(2 * effects.writes.len());
    count(sql, change, growth, removed_max, now_ms)?;
    for (scope, removed) in kv::remove_expired(sql, now_ms, removed_max)? {
        usage::add(sql, &scope, -removed)?;
    }
    accept::accept(sql, &change.events, now_ms)??;
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

/// Tells by how much the sums grow.
fn apply(sql: &Connection, scope: &Scope, key: &str, write: &Write, now_ms: u64) -> Result<Counted, Failure> {
    let before = kv::counted(sql, scope, key, now_ms)?;
    let after = match write {
        Write::Set { value, expires_at_ms } => kv::put(sql, scope, key, value, *expires_at_ms, now_ms)?,
        Write::Delete => kv::delete(sql, scope, key).map(|()| Counted::default())?,
        Write::Add(number) => add(sql, scope, key, *number, now_ms)?,
    };
    Ok(after - before)
}

/// Adds to what is there now, which need not be what the call saw: so increments never conflict with each other.
fn add(sql: &Connection, scope: &Scope, key: &str, number: i64, now_ms: u64) -> Result<Counted, Failure> {
    let entry = kv::get(sql, scope, key, now_ms)?;
    let present = counter(entry.as_ref().map(|entry| &*entry.value));
    let expires_at_ms = entry.and_then(|entry| entry.expires_at_ms);
    // No number, or none that can grow by so much: it was one when the call looked. Run again, the call sees it itself.
    let sum = present.and_then(|present| present.checked_add(number)).ok_or_else(|| conflict(key))?;
    Ok(kv::put(sql, scope, key, sum.to_string().as_bytes(), expires_at_ms, now_ms)?)
}

fn apply_timer(sql: &Connection, change: &Change, key: &str, write: &TimerWrite) -> Result<Counted, Failure> {
    let more = match write {
        TimerWrite::Set { due_at_ms, payload } => timers::set(sql, change, key, *due_at_ms, payload)?,
        TimerWrite::Cancel => timers::remove(sql, &change.scope, key)?,
    };
    Ok(Counted { stored: more, alive: more })
}

/// Brings the scope's sums up to date, and refuses a growth that passes a quota. What has expired does not count, so some
/// of it is removed where its rows alone pass one.
fn count(sql: &Connection, change: &Change, growth: Counted, removed_max: usize, now_ms: u64) -> Result<(), Failure> {
    if growth == Counted::default() {
        return Ok(());
    }
    let Change { scope, quota, .. } = change;
    let sums = usage::add(sql, scope, growth.stored)?;
    if usage::passed(sums, growth.alive, *quota).is_none() {
        return Ok(());
    }
    let alive = sums - kv::expired_of(sql, scope, now_ms)?;
    if let Some(limit) = usage::passed(alive, growth.alive, *quota) {
        return Err(Failure::Quota(limit));
    }
    let removed = kv::remove_expired_of(sql, scope, now_ms, removed_max)?;
    usage::add(sql, scope, -removed)?;
    Ok(())
}

fn conflict(key: &str) -> Failure {
    Failure::Conflict { key: key.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests {
    //! What cannot be seen from outside: the rows that nobody sees any more.

    use super::*;
    use crate::database::Database;
    use crate::migrations::migrate;

    /// One that changes nothing, within quotas that nothing passes.
    pub(crate) fn change(scope: Scope) -> Change {
        let origin = Origin {
            tenant: scope.tenant.clone(),
            source: "support".to_owned(),
            dialect: "native".to_owned(),
            instance: None,
        };
        let quota = Quota { kv_keys: u64::MAX, kv_bytes: u64::MAX, timers: u64::MAX };
        Change { scope, effects: Effects::default(), quota, origin, conversation: None, events: Vec::new() }
    }

    fn set(plugin: &str, keys: std::ops::Range<usize>, expires_at_ms: Option<u64>) -> Change {
        let write = Write::Set { value: Vec::new(), expires_at_ms };
        let writes = keys.map(|key| (format!("{key:05}"), write.clone())).collect();
        Change {
            effects: Effects { writes, ..Effects::default() },
            ..change(Scope { tenant: "default".to_owned(), plugin: plugin.to_owned() })
        }
    }

    /// How many rows are left when `before` were written to expire at 100, and then `writes` were made at `now_ms`.
    fn rows_left(before: usize, writes: usize, now_ms: u64) -> usize {
        let mut sql = Database::in_memory().open_writer().unwrap();
        migrate(&mut sql).unwrap();
        commit(&sql, &set("one", 0..before, Some(100)), 0).unwrap();
        commit(&sql, &set("two", 0..writes, None), now_ms).unwrap();
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
