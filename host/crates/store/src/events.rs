//! The rows of events, of what they carry and of their sources: written once, read by number.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use slashbox_core::{Dedupe, Event, Origin};

use crate::lanes::lane;
use crate::numbers::{decoded, number, sender_from_sql, sender_to_sql, to_sql};
use crate::{EventRecord, Payload};

const FIND_SOURCE: &str = "SELECT key FROM source WHERE tenant = ?1 AND name = ?2";

const ADD_SOURCE: &str = "INSERT INTO source (tenant, name) VALUES (?1, ?2)";

const INSERT: &str =
    "INSERT INTO event (id, source, accepted_at_ms, occurred_at_ms, sender, lane, dialect, instance, kind,
        native_kind, conversation, contact, operator, message, dedupe, hops)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT (id) DO NOTHING";

const INSERT_PAYLOAD: &str = "INSERT INTO payload (event, text, envelope, data) VALUES (?1, ?2, ?3, ?4)";

const GET: &str =
    "SELECT accepted_at_ms, id, occurred_at_ms, sender, tenant, name, dialect, instance, kind, native_kind,
        conversation, contact, operator, message, hops, payload.event IS NOT NULL, text, coalesce(envelope, ''),
        coalesce(data, '')
    FROM event JOIN source ON source.key = event.source LEFT JOIN payload ON payload.event = seq WHERE seq = ?1";

/// The same columns, without what the event carries: those of a thousand events would be hundreds of megabytes.
const BRIEF: &str =
    "SELECT accepted_at_ms, id, occurred_at_ms, sender, tenant, name, dialect, instance, kind, native_kind,
        conversation, contact, operator, message, hops, EXISTS (SELECT 1 FROM payload WHERE payload.event = seq), NULL,
        '', ''
    FROM event JOIN source ON source.key = event.source WHERE seq = ?1";

const AT_OR_AFTER: &str = "SELECT seq, accepted_at_ms FROM event WHERE seq >= ?1 ORDER BY seq LIMIT 1";

const LAST: &str = "SELECT max(seq) FROM event";

const LANE: &str = "SELECT lane FROM event WHERE seq = ?1 AND EXISTS (SELECT 1 FROM payload WHERE payload.event = seq)";

const SEQ: &str = "SELECT seq FROM event WHERE id = ?1";

/// An event that was written.
#[derive(Clone, Copy)]
pub(crate) struct Inserted {
    pub(crate) seq: i64,
    pub(crate) lane: Option<i64>,
}

/// The key of a source; if it is new, it gets one.
pub(crate) fn source(sql: &Connection, origin: &Origin) -> rusqlite::Result<i64> {
    let name = (&origin.tenant, &origin.source);
    let known = sql.prepare_cached(FIND_SOURCE)?.query_row(name, |row| row.get(0)).optional()?;
    known.map_or_else(|| sql.prepare_cached(ADD_SOURCE)?.insert(name), Ok)
}

/// Writes an event; `None` if there is one with its id.
pub(crate) fn insert(
    sql: &Connection,
    event: &Event,
    source: i64,
    dedupe: Option<&Dedupe>,
    now_ms: u64,
) -> rusqlite::Result<Option<Inserted>> {
    let lane = event.conversation.as_deref().map(|conversation| lane(&event.origin.source, conversation));
    let written = sql.prepare_cached(INSERT)?.execute(params![
        event.id,
        source,
        to_sql(now_ms),
        to_sql(event.occurred_at_ms),
        sender_to_sql(event.sender),
        lane,
        event.origin.dialect,
        event.origin.instance,
        event.kind,
        event.native_kind,
        event.conversation,
        event.contact,
        event.operator,
        event.message,
        dedupe.map(|dedupe| dedupe.key),
        event.hops,
    ])?;
    if written == 0 {
        return Ok(None);
    }
    let seq = sql.last_insert_rowid();
    sql.prepare_cached(INSERT_PAYLOAD)?.execute((seq, &event.text, &event.envelope, &event.data))?;
    Ok(Some(Inserted { seq, lane }))
}

/// The event with this number.
pub(crate) fn get(sql: &Connection, seq: i64) -> rusqlite::Result<Option<EventRecord>> {
    sql.prepare_cached(GET)?.query_row([seq], |row| record(row, seq, Payload::There)).optional()
}

/// The event with this number, without its text, envelope and data.
pub(crate) fn brief(sql: &Connection, seq: i64) -> rusqlite::Result<Option<EventRecord>> {
    sql.prepare_cached(BRIEF)?.query_row([seq], |row| record(row, seq, Payload::LeftOut)).optional()
}

/// The event with this number. It and what it carries have to be there: it has an open delivery.
pub(crate) fn shared(sql: &Connection, seq: i64) -> rusqlite::Result<Arc<Event>> {
    let record = sql.prepare_cached(GET)?.query_row([seq], |row| record(row, seq, Payload::There))?;
    if record.payload == Payload::Gone { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(Arc::new(record.event)) }
}

/// The number of the first event that was accepted at this time or later; one more than the last if there is none. Events are
/// in the order of time as long as nobody sets the clock back; where somebody did, it is the first of either side.
pub(crate) fn first_since(sql: &Connection, at_ms: u64) -> rusqlite::Result<i64> {
    let last: Option<i64> = sql.prepare_cached(LAST)?.query_row((), |row| row.get(0))?;
    let (mut first, mut end) = (0, last.unwrap_or_default().saturating_add(1));
    let mut statement = sql.prepare_cached(AT_OR_AFTER)?;
    while first < end {
        let middle = first + (end - first) / 2;
        let found: Option<(i64, u64)> =
            statement.query_row([middle], |row| Ok((row.get(0)?, number(row, 1)?))).optional()?;
        match found {
            Some((seq, accepted_at_ms)) if accepted_at_ms < at_ms => first = seq.saturating_add(1),
            Some(_) | None => end = middle,
        }
    }
    Ok(first)
}

/// The number of the event that was accepted last.
pub(crate) fn last(sql: &Connection) -> rusqlite::Result<Option<u64>> {
    let last: Option<i64> = sql.prepare_cached(LAST)?.query_row((), |row| row.get(0))?;
    Ok(last.map(i64::cast_unsigned))
}

/// What of an event its deliveries have too, if it is there with what it carries.
pub(crate) fn inserted(sql: &Connection, seq: i64) -> rusqlite::Result<Option<Inserted>> {
    let lane = sql.prepare_cached(LANE)?.query_row([seq], |row| row.get(0)).optional()?;
    Ok(lane.map(|lane| Inserted { seq, lane }))
}

/// The number of the event with this id.
pub(crate) fn seq(sql: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached(SEQ)?.query_row([id], |row| row.get(0)).optional()
}

/// `payload`: how it stands with what the event carries, unless that is gone.
fn record(row: &Row<'_>, seq: i64, payload: Payload) -> rusqlite::Result<EventRecord> {
    Ok(EventRecord {
        seq: seq.cast_unsigned(),
        accepted_at_ms: number(row, 0)?,
        event: Event {
            id: row.get(1)?,
            occurred_at_ms: number(row, 2)?,
            sender: decoded(row, 3, sender_from_sql)?,
            origin: Origin { tenant: row.get(4)?, source: row.get(5)?, dialect: row.get(6)?, instance: row.get(7)? },
            kind: row.get(8)?,
            native_kind: row.get(9)?,
            conversation: row.get(10)?,
            contact: row.get(11)?,
            operator: row.get(12)?,
            message: row.get(13)?,
            hops: row.get(14)?,
            text: row.get(16)?,
            envelope: row.get(17)?,
            data: row.get(18)?,
        },
        payload: if row.get(15)? { payload } else { Payload::Gone },
    })
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] =
    [FIND_SOURCE, INSERT, INSERT_PAYLOAD, GET, BRIEF, AT_OR_AFTER, LAST, LANE, SEQ];
