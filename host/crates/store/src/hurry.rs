//! Bringing retries forward: what waits for its next attempt is due now.

use rusqlite::Connection;

use crate::SubscriberKey;
use crate::numbers::to_sql;

/// The most deliveries of a subscriber that are brought forward at once: the writer serves nobody else meanwhile. The
/// others are due as they were.
const HURRIED_MAX: u32 = 10_000;

/// Those that are due earliest, by the index alone. Leases are left as they are: an attempt is under way.
const LATER: &str = "SELECT event FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND ready_at_ms > ?2 AND leased = 0 ORDER BY ready_at_ms, event LIMIT ?3";

const SET_READY: &str = "UPDATE delivery SET ready_at_ms = ?3 WHERE event = ?1 AND subscriber = ?2";

/// Makes due now what is due later.
pub(crate) fn hurry(sql: &Connection, subscriber: SubscriberKey, now_ms: u64) -> rusqlite::Result<()> {
    let (subscriber, now_ms) = (to_sql(subscriber.0), to_sql(now_ms));
    let mut later = sql.prepare_cached(LATER)?;
    let events: Vec<i64> =
        later.query_map((subscriber, now_ms, HURRIED_MAX), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut set_ready = sql.prepare_cached(SET_READY)?;
    for event in events {
        set_ready.execute((event, subscriber, now_ms))?;
    }
    Ok(())
}
