//! Listing events: by source, or by conversation.

use rusqlite::{Connection, OptionalExtension};

use super::merge::page;
use super::{LOOKED_AT_MAX, of_event};
use crate::lanes::lane;
use crate::numbers::to_sql;
use crate::{DeliveryRecord, EventFilter, EventRecord, Page, events as rows};

const SOURCES: &str = "SELECT key, name FROM source
    WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY key";

/// One step down one index, and no further.
const SEEK_SOURCE: &str =
    "SELECT seq FROM event INDEXED BY event_by_source WHERE source = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1";

const IN_PIECE: &str = "SELECT seq FROM event INDEXED BY event_by_lane
    WHERE seq >> 12 = ?1 AND lane = ?2 AND lane IS NOT NULL AND seq < ?3";

/// As in the index.
const PIECE_BITS: u32 = 12;

/// The most times that a conversation is looked for in a piece of the log, for a page: each is a microsecond where the index
/// is in memory, and a page read from the disk where it is not. One conversation of one source is so found in four million
/// events.
const PIECES_MAX: usize = 1_000;

const ENDS: &str = "SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event)";

/// From the index alone: the events that are left out cost no look at their row.
const KIND_IN_SOURCE: &str =
    "SELECT 1 FROM event INDEXED BY event_by_source WHERE source = ?1 AND seq = ?2 AND kind = ?3";

/// The events that fit the filter, the newest first.
pub(crate) fn events(
    sql: &Connection,
    filter: &EventFilter,
    before: Option<u64>,
    limit: u32,
) -> rusqlite::Result<Page<EventRecord, u64>> {
    // One state of the database for the whole page.
    let sql = sql.unchecked_transaction()?;
    let sources = sources(&sql, filter)?;
    let before = before.map(to_sql);
    let found = match &filter.conversation {
        Some(conversation) => of_lanes(&sql, filter, &lanes(&sources, conversation), before, limit)?,
        None => page(
            &sources,
            before,
            limit,
            |(source, _), below| seek(&sql, *source, below.unwrap_or(i64::MAX)),
            |(source, _), seq| item_of_source(&sql, filter, *source, seq),
        )?,
    };
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

/// Keys and names.
fn sources(sql: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = sql.prepare_cached(SOURCES)?;
    let rows = statement.query_map((&filter.tenant, &filter.source), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Where a conversation of any of these sources may be.
fn lanes(sources: &[(i64, String)], conversation: &str) -> Vec<i64> {
    let mut lanes: Vec<i64> = sources.iter().map(|(_, name)| lane(name, conversation)).collect();
    // Sources of several tenants may have one name.
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

/// From piece to piece, as long as that takes little time.
fn of_lanes(
    sql: &Connection,
    filter: &EventFilter,
    lanes: &[i64],
    before: Option<i64>,
    limit: u32,
) -> rusqlite::Result<Page<EventRecord, i64>> {
    let mut items = Vec::new();
    let limit = limit.max(1) as usize;
    let ends = sql.prepare_cached(ENDS)?.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = ends else { return Ok(Page { items, next: None }) };
    let (first, last): (i64, i64) = (first, last);
    let below = before.unwrap_or(i64::MAX).min(last.saturating_add(1));
    let (mut looked_for, mut looked_at) = (0, 0);
    for piece in (first >> PIECE_BITS..=below.saturating_sub(1) >> PIECE_BITS).rev() {
        let start = piece << PIECE_BITS;
        let found = in_piece(sql, lanes, piece, below)?;
        looked_for += lanes.len();
        looked_at += found.len();
        for seq in found {
            items.extend(rows::brief(sql, seq)?.filter(|record| fits(filter, record)));
            if items.len() == limit {
                return Ok(Page { items, next: (seq > first).then_some(seq) });
            }
        }
        if looked_for >= PIECES_MAX || looked_at >= LOOKED_AT_MAX {
            return Ok(Page { items, next: (start > first).then_some(start) });
        }
    }
    Ok(Page { items, next: None })
}

/// The events of a piece that are in these lanes, the newest first.
fn in_piece(sql: &Connection, lanes: &[i64], piece: i64, below: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = sql.prepare_cached(IN_PIECE)?;
    let mut found: Vec<i64> = Vec::new();
    for lane in lanes {
        for seq in statement.query_map((piece, lane, below), |row| row.get(0))? {
            found.push(seq?);
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

fn seek(sql: &Connection, source: i64, below: i64) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached(SEEK_SOURCE)?.query_row((source, below), |row| row.get(0)).optional()
}

fn item_of_source(
    sql: &Connection,
    filter: &EventFilter,
    source: i64,
    seq: i64,
) -> rusqlite::Result<Option<EventRecord>> {
    if let Some(kind) = &filter.kind
        && !sql.prepare_cached(KIND_IN_SOURCE)?.exists((source, seq, kind))?
    {
        return Ok(None);
    }
    Ok(rows::brief(sql, seq)?.filter(|record| fits(filter, record)))
}

/// Also what they were found by: a lane may be that of several conversations.
fn fits(filter: &EventFilter, EventRecord { event, .. }: &EventRecord) -> bool {
    let EventFilter { tenant, source, kind, conversation } = filter;
    tenant.as_ref().is_none_or(|tenant| *tenant == event.origin.tenant)
        && source.as_ref().is_none_or(|source| *source == event.origin.source)
        && kind.as_ref().is_none_or(|kind| *kind == event.kind)
        && (conversation.is_none() || *conversation == event.conversation)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [SEEK_SOURCE, IN_PIECE, KIND_IN_SOURCE, ENDS];
