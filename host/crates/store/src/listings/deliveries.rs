//! Listing deliveries: by subscriber and outcome.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension, Row};
use slashbox_core::{DeliveryState, SubscriberId};

use super::LOOKED_AT_MAX;
use super::merge::page;
use crate::deliveries::{Outcome, from_columns, state, to_columns};
use crate::numbers::{decoded, kind_from_sql, kind_to_sql, number_or_null, to_sql, why_from_sql};
use crate::{DeliveryFilter, DeliveryKey, DeliveryRecord, DeliveryStory, Page, attempts, events};

const SUBSCRIBERS: &str = "SELECT key FROM subscriber
    WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR name = ?3)";

/// One step down one index, and no further.
const SEEK: &str = "SELECT max(event) FROM delivery INDEXED BY delivery_by_outcome
    WHERE subscriber = ?1 AND outcome = ?2 AND event BETWEEN ?3 AND ?4";

const STATE: &str = "SELECT outcome, ready_at_ms, leased FROM delivery WHERE event = ?1 AND subscriber = ?2";

const GET: &str = "SELECT outcome, ready_at_ms, leased, attempts, id, event.kind, tenant, subscriber.kind, name,
        absent_since_ms IS NOT NULL OR paused_since_ms IS NOT NULL OR disabled_since_ms IS NOT NULL,
        coalesce(delivery.lane < 0, 0), replay > 0, dead_since_ms, dead_why
    FROM delivery JOIN event ON seq = event JOIN subscriber ON subscriber.key = subscriber
    WHERE event = ?1 AND subscriber = ?2";

pub(crate) const OF_EVENT: &str = "SELECT subscriber FROM delivery WHERE event = ?1 ORDER BY subscriber";

/// The other way round.
const SEEK_OLDEST: &str = "SELECT min(event) FROM delivery INDEXED BY delivery_by_outcome
    WHERE subscriber = ?1 AND outcome = ?2 AND event BETWEEN ?3 AND ?4";

const OF_KIND: &str = "SELECT 1 FROM event WHERE seq = ?1 AND kind = ?2";

/// What is due or leased, by one index, which has all that it asks for.
pub(crate) const SOME_READY: &str = "SELECT event FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND again IN (0, 1) AND ready_at_ms IS NOT NULL LIMIT ?2";

/// What is in order by itself, of a subscriber's deliveries.
struct Part {
    subscriber: i64,
    which: Which,
}

enum Which {
    /// All of one outcome.
    Outcome(Outcome),
    /// Those of these events, which are in order.
    Few(Vec<i64>),
}

/// The deliveries that fit the filter, those of the newest event first.
pub(crate) fn deliveries(
    sql: &Connection,
    filter: &DeliveryFilter,
    before: Option<DeliveryKey>,
    limit: u32,
) -> rusqlite::Result<Page<DeliveryRecord, DeliveryKey>> {
    // One state of the database for the whole page.
    let sql = sql.unchecked_transaction()?;
    let (first, last) = range(&sql, filter)?;
    page(
        &parts(&sql, filter)?,
        before,
        limit,
        |part, below| {
            let last = below.map_or(last, |below| last.min(last_below(below, part.subscriber)));
            newest(&sql, part, first, last)
        },
        |_, key| item(&sql, filter, key),
    )
}

/// The deliveries that fit the filter, those of the oldest event first, from after `after` on.
pub(crate) fn oldest(
    sql: &Connection,
    filter: &DeliveryFilter,
    after: Option<DeliveryKey>,
    limit: u32,
) -> rusqlite::Result<Page<DeliveryKey, DeliveryKey>> {
    let sql = sql.unchecked_transaction()?;
    let (first, last) = range(&sql, filter)?;
    let found = page(
        &parts(&sql, filter)?,
        after.map(Reverse),
        limit,
        |part, above| {
            let first = above.map_or(first, |Reverse(above)| first.max(first_above(above, part.subscriber)));
            Ok(oldest_of(&sql, part, first, last)?.map(Reverse))
        },
        |_, Reverse(key)| Ok(fits(&sql, filter, key)?.then_some(key)),
    )?;
    Ok(Page { items: found.items, next: found.next.map(|Reverse(key)| key) })
}

/// The numbers of the first and the last event that the filter lets through.
fn range(sql: &Connection, filter: &DeliveryFilter) -> rusqlite::Result<(i64, i64)> {
    if let Some(event) = filter.event {
        return Ok((to_sql(event), to_sql(event)));
    }
    let first = filter.accepted_from_ms.map(|at_ms| events::first_since(sql, at_ms)).transpose()?;
    let end = filter.accepted_until_ms.map(|at_ms| events::first_since(sql, at_ms)).transpose()?;
    Ok((first.unwrap_or_default(), end.map_or(i64::MAX, |end| end - 1)))
}

/// A delivery, its event, and its attempts.
pub(crate) fn delivery(sql: &Connection, key: DeliveryKey) -> rusqlite::Result<Option<DeliveryStory>> {
    let sql = sql.unchecked_transaction()?;
    let Some(delivery) = get(&sql, key)? else { return Ok(None) };
    let Some(event) = events::get(&sql, to_sql(key.event))? else { return Ok(None) };
    let attempts = attempts::of_delivery(&sql, key, 1)?;
    Ok(Some((delivery, event, attempts)))
}

/// The deliveries of an event, by subscriber.
pub(crate) fn of_event(sql: &Connection, event: i64) -> rusqlite::Result<Vec<DeliveryRecord>> {
    let mut statement = sql.prepare_cached(OF_EVENT)?;
    let subscribers = statement.query_map([event], |row| row.get(0))?;
    let mut records = Vec::new();
    for subscriber in subscribers {
        records.extend(get(sql, from_columns(event, subscriber?))?);
    }
    Ok(records)
}

fn parts(sql: &Connection, filter: &DeliveryFilter) -> rusqlite::Result<Vec<Part>> {
    let mut statement = sql.prepare_cached(SUBSCRIBERS)?;
    let name = (&filter.tenant, filter.kind.map(kind_to_sql), &filter.name);
    let subscribers: Vec<i64> = statement.query_map(name, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut parts = Vec::new();
    let mut few_max = LOOKED_AT_MAX;
    for subscriber in subscribers {
        if matches!(filter.state, Some(DeliveryState::Due | DeliveryState::Leased))
            && let Some(few) = few_ready(sql, subscriber, few_max)?
        {
            few_max -= few.len();
            parts.push(Part { subscriber, which: Which::Few(few) });
            continue;
        }
        let outcomes = filter.state.map_or(Outcome::ALL.to_vec(), |state| vec![Outcome::of(state)]);
        parts.extend(outcomes.into_iter().map(|outcome| Part { subscriber, which: Which::Outcome(outcome) }));
    }
    Ok(parts)
}

/// The events of a subscriber's deliveries that are due or leased, unless there are more than so many: few of them may be
/// among millions that wait.
fn few_ready(sql: &Connection, subscriber: i64, max: usize) -> rusqlite::Result<Option<Vec<i64>>> {
    let mut statement = sql.prepare_cached(SOME_READY)?;
    let rows = statement.query_map((subscriber, max as i64 + 1), |row| row.get(0))?;
    let mut few: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    few.sort_unstable();
    Ok((few.len() <= max).then_some(few))
}

/// The last event of which this subscriber's delivery comes before a key.
fn last_below(key: DeliveryKey, subscriber: i64) -> i64 {
    let (event, before) = to_columns(key);
    if subscriber < before { event } else { event - 1 }
}

/// The first event of which this subscriber's delivery comes after a key.
fn first_above(key: DeliveryKey, subscriber: i64) -> i64 {
    let (event, after) = to_columns(key);
    if subscriber > after { event } else { event.saturating_add(1) }
}

fn newest(sql: &Connection, part: &Part, first: i64, last: i64) -> rusqlite::Result<Option<DeliveryKey>> {
    let event = match &part.which {
        Which::Outcome(outcome) => seek(sql, SEEK, part.subscriber, *outcome, first, last)?,
        Which::Few(few) => {
            let up_to = few.partition_point(|event| *event <= last);
            up_to.checked_sub(1).and_then(|at| few.get(at)).copied().filter(|event| *event >= first)
        }
    };
    Ok(event.map(|event| from_columns(event, part.subscriber)))
}

fn oldest_of(sql: &Connection, part: &Part, first: i64, last: i64) -> rusqlite::Result<Option<DeliveryKey>> {
    let event = match &part.which {
        Which::Outcome(outcome) => seek(sql, SEEK_OLDEST, part.subscriber, *outcome, first, last)?,
        Which::Few(few) => {
            let from = few.partition_point(|event| *event < first);
            few.get(from).copied().filter(|event| *event <= last)
        }
    };
    Ok(event.map(|event| from_columns(event, part.subscriber)))
}

fn seek(
    sql: &Connection,
    statement: &str,
    subscriber: i64,
    outcome: Outcome,
    first: i64,
    last: i64,
) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached(statement)?.query_row((subscriber, outcome.to_sql(), first, last), |row| row.get(0))
}

fn item(sql: &Connection, filter: &DeliveryFilter, key: DeliveryKey) -> rusqlite::Result<Option<DeliveryRecord>> {
    if fits(sql, filter, key)? { get(sql, key) } else { Ok(None) }
}

/// What the parts do not tell already; looks at no more than it has to.
fn fits(sql: &Connection, filter: &DeliveryFilter, key: DeliveryKey) -> rusqlite::Result<bool> {
    // Three states have one outcome.
    if let Some(expected) = filter.state
        && sql.prepare_cached(STATE)?.query_row(to_columns(key), |row| state(row, 0))?.0 != expected
    {
        return Ok(false);
    }
    match &filter.event_kind {
        Some(kind) => sql.prepare_cached(OF_KIND)?.exists((to_sql(key.event), kind)),
        None => Ok(true),
    }
}

fn get(sql: &Connection, key: DeliveryKey) -> rusqlite::Result<Option<DeliveryRecord>> {
    let mut statement = sql.prepare_cached(GET)?;
    let record = statement.query_row(to_columns(key), |row| record(row, key)).optional()?;
    let Some(mut record) = record else { return Ok(None) };
    if record.attempts > 0 {
        let last = attempts::of_delivery(sql, key, record.attempts)?;
        record.last = last.into_iter().next_back().map(|(_, attempt)| attempt);
    }
    Ok(Some(record))
}

/// All but the last attempt.
fn record(row: &Row<'_>, key: DeliveryKey) -> rusqlite::Result<DeliveryRecord> {
    let (state, ready_at_ms) = state(row, 0)?;
    let is_held: bool = row.get(9)?;
    Ok(DeliveryRecord {
        key,
        event_id: row.get(4)?,
        event_kind: row.get(5)?,
        subscriber: SubscriberId { tenant: row.get(6)?, kind: decoded(row, 7, kind_from_sql)?, name: row.get(8)? },
        parked: state.is_open() && is_held,
        set_aside: row.get(10)?,
        replay: row.get(11)?,
        state,
        attempts: row.get(3)?,
        ready_at_ms,
        last: None,
        dead_since_ms: number_or_null(row, 12)?,
        dead_why: row.get::<_, Option<i64>>(13)?.map(|_| decoded(row, 13, why_from_sql)).transpose()?,
    })
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 7] = [SEEK, SEEK_OLDEST, SOME_READY, OF_KIND, STATE, GET, OF_EVENT];
