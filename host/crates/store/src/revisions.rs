//! Which version of a subscriber is there. A new one may do what the one before could not, so what waits for its next
//! attempt is due at once.

use rusqlite::{Connection, OptionalExtension};

use crate::SubscriberKey;
use crate::numbers::to_sql;

/// The most deliveries of a subscriber that are brought forward at once: the writer serves nobody else meanwhile. The
/// others are due as they were.
const HURRIED_MAX: u32 = 10_000;

const REVISION: &str = "SELECT revision FROM subscriber WHERE key = ?1";

const SET_REVISION: &str = "UPDATE subscriber SET revision = ?2 WHERE key = ?1";

/// Those that are due earliest, by the index alone. Leases are left as they are: an attempt is under way.
const LATER: &str = "SELECT event FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND ready_at_ms > ?2 AND leased = 0 ORDER BY ready_at_ms, event LIMIT ?3";

const SET_READY: &str = "UPDATE delivery SET ready_at_ms = ?3 WHERE event = ?1 AND subscriber = ?2";

/// Notes the version. If it is another than the one before, makes due now what is due later.
pub(crate) fn set(sql: &Connection, subscriber: SubscriberKey, revision: &str, now_ms: u64) -> rusqlite::Result<()> {
    let key = to_sql(subscriber.0);
    let before: Option<Option<String>> = sql.prepare_cached(REVISION)?.query_row([key], |row| row.get(0)).optional()?;
    if before.as_ref().and_then(Option::as_deref) == Some(revision) {
        return Ok(());
    }
    sql.prepare_cached(SET_REVISION)?.execute((key, revision))?;
    hurry(sql, key, to_sql(now_ms))
}

fn hurry(sql: &Connection, subscriber: i64, now_ms: i64) -> rusqlite::Result<()> {
    let mut later = sql.prepare_cached(LATER)?;
    let events: Vec<i64> =
        later.query_map((subscriber, now_ms, HURRIED_MAX), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut set_ready = sql.prepare_cached(SET_READY)?;
    for event in events {
        set_ready.execute((event, subscriber, now_ms))?;
    }
    Ok(())
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [REVISION, SET_REVISION, LATER, SET_READY];
