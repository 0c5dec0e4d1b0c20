//! What is old is removed: first what events carry, later all that is known of them.
//!
//! Owns what is kept for longer: whatever is not delivered yet, and dead letters, which may be replayed. Never decides how
//! long anything is kept.
//!
//! Invariants: an open delivery has its event, whole; an event goes together with all of its deliveries and their attempts.
//! What is removed in a commit is little, so that others are not kept waiting; and as the oldest goes first, neighbours go
//! together, and their pages are free for what comes next.

use rusqlite::{Connection, OptionalExtension};

use crate::events;
use crate::numbers::{number, to_sql};

/// The most events that are looked at in one commit, and the most pages' or rows' worth that is removed in it: a few
/// milliseconds' work.
const LOOKED_AT_MAX: usize = 1_000;
/// See [`LOOKED_AT_MAX`].
const REMOVED_MAX: u64 = 500;

/// Of the database.
const PAGE_BYTES: u64 = 4_096;

const PAYLOADS: &str = "SELECT event FROM payload WHERE event > ?1 AND event <= ?2 ORDER BY event LIMIT ?3";

const EVENTS: &str = "SELECT seq FROM event WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";

/// From the row's own head, however long the texts are.
const PAYLOAD_BYTES: &str = "SELECT coalesce(octet_length(text), 0) + octet_length(envelope) + octet_length(data)
    FROM payload WHERE event = ?1";

/// Whether somebody may still need what it carries.
pub(crate) const NEEDED: &str = "SELECT 1 FROM delivery WHERE event = ?1 AND outcome <> 1";

/// As before, without those that are dead since a time or longer.
pub(crate) const KEPT: &str = "SELECT 1 FROM delivery WHERE event = ?1 AND (outcome = 0 OR dead_since_ms > ?2)";

const REMOVE_PAYLOAD: &str = "DELETE FROM payload WHERE event = ?1";

pub(crate) const REMOVE_ATTEMPTS: &str = "DELETE FROM attempt WHERE event = ?1";

pub(crate) const REMOVE_DELIVERIES: &str = "DELETE FROM delivery WHERE event = ?1";

pub(crate) const REMOVE_EVENT: &str = "DELETE FROM event WHERE seq = ?1";

/// A part of the log: the events after one, up to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// After this one, …
    pub after: u64,
    /// … up to this one.
    pub last: u64,
}

/// What was removed of a part of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Of how many events.
    pub events: u64,
    /// After which event to go on; `None` if that was all.
    pub next: Option<u64>,
}

/// Removes some of what events carry that nobody needs any more, the oldest first.
pub(crate) fn remove_payloads(sql: &Connection, span: Span) -> rusqlite::Result<Removed> {
    walk(sql, PAYLOADS, span, |event| {
        if sql.prepare_cached(NEEDED)?.exists([event])? { Ok(None) } else { remove_payload(sql, event).map(Some) }
    })
}

/// Removes some of the events of which nothing is open, or dead for less long than since that time; the oldest first.
pub(crate) fn remove_events(sql: &Connection, span: Span, dead_since_ms: u64) -> rusqlite::Result<Removed> {
    walk(sql, EVENTS, span, |event| {
        let is_kept = sql.prepare_cached(KEPT)?.exists((event, to_sql(dead_since_ms)))?;
        if is_kept { Ok(None) } else { remove_event(sql, event).map(Some) }
    })
}

/// `remove` tells how much it was, if it was anything.
fn walk(
    sql: &Connection,
    events: &str,
    span: Span,
    mut remove: impl FnMut(i64) -> rusqlite::Result<Option<u64>>,
) -> rusqlite::Result<Removed> {
    let mut statement = sql.prepare_cached(events)?;
    let rows = statement.query_map((to_sql(span.after), to_sql(span.last), LOOKED_AT_MAX as i64), |row| row.get(0))?;
    // None is read on from where something was removed.
    let events: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    let (mut removed, mut amount) = (Removed::default(), 0);
    for (looked_at, event) in (1..).zip(events) {
        if let Some(more) = remove(event)? {
            removed.events += 1;
            amount += more;
        }
        if looked_at == LOOKED_AT_MAX || amount >= REMOVED_MAX {
            removed.next = Some(event.cast_unsigned());
            break;
        }
    }
    Ok(removed)
}

/// Tells how many pages it took up.
fn remove_payload(sql: &Connection, event: i64) -> rusqlite::Result<u64> {
    let bytes = sql.prepare_cached(PAYLOAD_BYTES)?.query_row([event], |row| number(row, 0)).optional()?;
    let Some(bytes) = bytes else { return Ok(0) };
    sql.prepare_cached(REMOVE_PAYLOAD)?.execute([event])?;
    Ok(1 + bytes / PAGE_BYTES)
}

/// Tells how many rows it had, and pages.
fn remove_event(sql: &Connection, event: i64) -> rusqlite::Result<u64> {
    let mut amount = remove_payload(sql, event)?;
    for statement in [REMOVE_ATTEMPTS, REMOVE_DELIVERIES, REMOVE_EVENT] {
        amount += sql.prepare_cached(statement)?.execute([event])? as u64;
    }
    Ok(amount)
}

/// The number of the last event that was accepted by a time, or one between that and the next; 0 if there is none.
pub(crate) fn last_accepted_by(sql: &Connection, at_ms: u64) -> rusqlite::Result<u64> {
    let first_later = events::first_since(sql, at_ms.saturating_add(1))?;
    Ok(first_later.saturating_sub(1).max(0).cast_unsigned())
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] =
    [PAYLOADS, EVENTS, PAYLOAD_BYTES, NEEDED, KEPT, REMOVE_PAYLOAD, REMOVE_ATTEMPTS, REMOVE_DELIVERIES, REMOVE_EVENT];
