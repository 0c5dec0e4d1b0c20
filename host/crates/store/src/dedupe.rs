//! By what events are known again, and for how long.
//!
//! Invariant: what has expired is known to nobody, whether its row is still there or not.

use rusqlite::{Connection, OptionalExtension};
use slashbox_core::Dedupe;

use crate::numbers::to_sql;

/// An event that is gone is repeated by none.
const FIND: &str = "SELECT id FROM dedupe JOIN event ON seq = event
    WHERE dedupe.source = ?1 AND key = ?2 AND until_ms > ?3";

const REMEMBER: &str = "INSERT INTO dedupe (source, key, event, until_ms) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (source, key) DO UPDATE SET event = excluded.event, until_ms = excluded.until_ms";

const REMOVE_EXPIRED: &str = "DELETE FROM dedupe WHERE (source, key) IN (
    SELECT source, key FROM dedupe WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)";

/// The id of the event that one with this key repeats.
pub(crate) fn find(sql: &Connection, source: i64, dedupe: &Dedupe, now_ms: u64) -> rusqlite::Result<Option<String>> {
    let mut statement = sql.prepare_cached(FIND)?;
    statement.query_row((source, &dedupe.key, to_sql(now_ms)), |row| row.get(0)).optional()
}

/// Knows the event by its key from now on.
pub(crate) fn remember(
    sql: &Connection,
    source: i64,
    dedupe: &Dedupe,
    event: i64,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let until_ms = to_sql(now_ms.saturating_add(dedupe.ttl_ms));
    sql.prepare_cached(REMEMBER)?.execute((source, &dedupe.key, event, until_ms))?;
    Ok(())
}

/// Removes up to `limit` rows that have expired, the oldest first.
pub(crate) fn remove_expired(sql: &Connection, now_ms: u64, limit: usize) -> rusqlite::Result<usize> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql.prepare_cached(REMOVE_EXPIRED)?.execute((to_sql(now_ms), limit))
}
