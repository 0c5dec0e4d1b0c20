//! Which version of a subscriber is there. A new one may do what the one before could not, so what waits for its next
//! attempt is due at once.

use rusqlite::{Connection, OptionalExtension};

use crate::numbers::to_sql;
use crate::{SubscriberKey, deliveries};

const REVISION: &str = "SELECT revision FROM subscriber WHERE key = ?1";

const SET_REVISION: &str = "UPDATE subscriber SET revision = ?2 WHERE key = ?1";

/// Notes the version. If it is another than the one before, makes due now what is due later.
pub(crate) fn set(sql: &Connection, subscriber: SubscriberKey, revision: &str, now_ms: u64) -> rusqlite::Result<()> {
    let key = to_sql(subscriber.0);
    let before: Option<Option<String>> = sql.prepare_cached(REVISION)?.query_row([key], |row| row.get(0)).optional()?;
    if before.as_ref().and_then(Option::as_deref) == Some(revision) {
        return Ok(());
    }
    sql.prepare_cached(SET_REVISION)?.execute((key, revision))?;
    deliveries::hurry(sql, subscriber, now_ms)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [REVISION, SET_REVISION];
