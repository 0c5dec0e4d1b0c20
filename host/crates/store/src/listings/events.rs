//! Listing events: by source, or by conversation.

use rusqlite::{Connection, OptionalExtension};

use super::merge::page;
use super::of_event;
use crate::lanes::lane;
use crate::numbers::to_sql;
use crate::{DeliveryRecord, EventFilter, EventRecord, Page, events as rows};

const SOURCES: &str = "SELECT key, name FROM source
    WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY key";

/// Each of these is one step down one index, and no further.
const SEEK_SOURCE: &str =
    "SELECT seq FROM event INDEXED BY event_by_source WHERE source = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1";

const SEEK_LANE: &str = "SELECT max(seq) FROM event INDEXED BY event_by_lane
    WHERE seq >> 12 = ?1 AND lane = ?2 AND lane IS NOT NULL AND seq < ?3";

/// As in the index.
const PIECE_BITS: u32 = 12;

const ENDS: &str = "SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event)";

/// From the index alone: the events that are left out cost no look at their row.
const KIND_IN_SOURCE: &str =
    "SELECT 1 FROM event INDEXED BY event_by_source WHERE source = ?1 AND seq = ?2 AND kind = ?3";

/// A part of the log that is in order by itself.
enum Part {
    Source(i64),
    Lane { lane: i64, first: i64, last: i64 },
}

/// The events that fit the filter, the newest first.
pub(crate) fn events(
    sql: &Connection,
    filter: &EventFilter,
    before: Option<u64>,
    limit: u32,
) -> rusqlite::Result<Page<EventRecord, u64>> {
    // One state of the database for the whole page.
    let sql = sql.unchecked_transaction()?;
    let parts = parts(&sql, filter)?;
    let found = page(
        &parts,
        before.map(to_sql),
        limit,
        |part, below| seek(&sql, part, below.unwrap_or(i64::MAX)),
        |part, seq| item(&sql, filter, part, seq),
    )?;
    Ok(Page { items: found.items, next: found.next.map(i64::cast_unsigned) })
}

/// The event with this id, and its deliveries, by subscriber.
pub(crate) fn event(sql: &Connection, id: &str) -> rusqlite::Result<Option<(EventRecord, Vec<DeliveryRecord>)>> {
    let sql = sql.unchecked_transaction()?;
    let Some(seq) = rows::seq(&sql, id)? else { return Ok(None) };
    let Some(event) = rows::get(&sql, seq)? else { return Ok(None) };
    let deliveries = of_event(&sql, seq)?;
    Ok(Some((event, deliveries)))
}

fn parts(sql: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<Part>> {
    let mut statement = sql.prepare_cached(SOURCES)?;
    let rows = statement.query_map((&filter.tenant, &filter.source), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sources: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let Some(conversation) = &filter.conversation else {
        return Ok(sources.into_iter().map(|(key, _)| Part::Source(key)).collect());
    };
    let mut lanes: Vec<i64> = sources.iter().map(|(_, name)| lane(name, conversation)).collect();
    // Sources of several tenants may have one name.
    lanes.sort_unstable();
    lanes.dedup();
    let ends = sql.prepare_cached(ENDS)?.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = ends else { return Ok(Vec::new()) };
    Ok(lanes.into_iter().map(|lane| Part::Lane { lane, first, last }).collect())
}

fn seek(sql: &Connection, part: &Part, below: i64) -> rusqlite::Result<Option<i64>> {
    match part {
        Part::Source(source) => {
            sql.prepare_cached(SEEK_SOURCE)?.query_row((source, below), |row| row.get(0)).optional()
        }
        Part::Lane { lane, first, last } => seek_lane(sql, *lane, *first, below.min(last.saturating_add(1))),
    }
}

/// From piece to piece, a microsecond each, until one has an event of the lane.
fn seek_lane(sql: &Connection, lane: i64, first: i64, below: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = sql.prepare_cached(SEEK_LANE)?;
    for piece in (first >> PIECE_BITS..=(below >> PIECE_BITS)).rev() {
        let found: Option<i64> = statement.query_row((piece, lane, below), |row| row.get(0))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn item(sql: &Connection, filter: &EventFilter, part: &Part, seq: i64) -> rusqlite::Result<Option<EventRecord>> {
    if let (Part::Source(source), Some(kind)) = (part, &filter.kind)
        && !sql.prepare_cached(KIND_IN_SOURCE)?.exists((source, seq, kind))?
    {
        return Ok(None);
    }
    Ok(rows::brief(sql, seq)?.filter(|record| fits(filter, record)))
}

/// Also what the parts were chosen by: a lane may be that of several conversations.
fn fits(filter: &EventFilter, EventRecord { event, .. }: &EventRecord) -> bool {
    let EventFilter { tenant, source, kind, conversation } = filter;
    tenant.as_ref().is_none_or(|tenant| *tenant == event.origin.tenant)
        && source.as_ref().is_none_or(|source| *source == event.origin.source)
        && kind.as_ref().is_none_or(|kind| *kind == event.kind)
        && (conversation.is_none() || *conversation == event.conversation)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [SEEK_SOURCE, SEEK_LANE, KIND_IN_SOURCE, ENDS];
