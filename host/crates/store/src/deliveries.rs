//! The rows of deliveries: each step of the way from accepted to closed.
//!
//! Owns what the columns mean together (`migrations/0002_events.sql`, `0004_policy.sql`).
//!
//! Invariants: of the open deliveries of a subscriber and a lane, one is due or leased, and all others wait for it; when it
//! is closed or set aside, that of the oldest event comes next. One that was set aside waits for nobody, and nobody for it.

use rusqlite::{Connection, OptionalExtension, Row};
use slashbox_core::{DeadWhy, DeliveryState};

use crate::events::Inserted;
use crate::numbers::{number_or_null, to_sql, why_to_sql};
use crate::{DeliveryKey, SubscriberKey};

// Where a statement could use several indexes, it names its own: SQLite knows nothing of how many rows each would find,
// and a wrong choice is a walk over all of a subscriber's deliveries.

/// Due, unless an open one of its lane came before.
const INSERT: &str = "INSERT INTO delivery (event, subscriber, outcome, ready_at_ms, leased, claims, attempts, lane)
    VALUES (?1, ?2, 0,
        CASE WHEN EXISTS (
            SELECT 1 FROM delivery INDEXED BY delivery_by_lane WHERE subscriber = ?2 AND lane = ?3 AND outcome = 0)
            THEN NULL ELSE ?4 END,
        0, 0, 0, ?3)
    ON CONFLICT DO NOTHING";

/// Those that are due and those whose lease has ended: of both, the time has come.
pub(crate) const READY: &str = "SELECT event FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND again = ?2 AND ready_at_ms <= ?3 ORDER BY ready_at_ms, event LIMIT ?4";

pub(crate) const NEXT_READY: &str = "SELECT min(ready_at_ms) FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND again = ?2 AND ready_at_ms IS NOT NULL";

const LEASE: &str = "UPDATE delivery SET leased = 1, ready_at_ms = ?3, claims = claims + 1
    WHERE event = ?1 AND subscriber = ?2 RETURNING claims, attempts, uncounted, lane, again, replay, replay_url";

const LEASED: &str = "SELECT attempts, uncounted, lane FROM delivery
    WHERE event = ?1 AND subscriber = ?2 AND leased = 1 AND claims = ?3";

const HAND_BACK: &str = "UPDATE delivery SET leased = 0, ready_at_ms = ?3 WHERE event = ?1 AND subscriber = ?2";

const RETRY: &str = "UPDATE delivery SET leased = 0, ready_at_ms = ?3, attempts = ?4, uncounted = ?5, again = 1
    WHERE event = ?1 AND subscriber = ?2";

const CLOSE: &str =
    "UPDATE delivery SET leased = 0, ready_at_ms = NULL, attempts = ?4, outcome = ?3, dead_since_ms = ?5
    WHERE event = ?1 AND subscriber = ?2";

/// An attempt that is under way may arrive; one whose lease has ended is none.
/// Open, not under way, and neither accepted nor replayed after a time.
const OUGHT_TO_END: &str = "SELECT lane, ready_at_ms IS NOT NULL FROM delivery
    WHERE event = ?1 AND subscriber = ?2 AND outcome = 0 AND (leased = 0 OR ready_at_ms <= ?3) AND replay <= ?4
        AND (SELECT accepted_at_ms FROM event WHERE seq = ?1) <= ?5";

const GIVE_UP: &str =
    "UPDATE delivery SET outcome = 2, leased = 0, ready_at_ms = NULL, dead_since_ms = ?3, dead_why = ?4
    WHERE event = ?1 AND subscriber = ?2";

/// Those that wait for another attempt: one under way may arrive, and one that waits for others is none that others wait for.
const SET_ASIDE: &str = "UPDATE delivery SET lane = ~lane
    WHERE event = ?1 AND subscriber = ?2 AND outcome = 0 AND leased = 0 AND ready_at_ms IS NOT NULL AND lane >= 0
    RETURNING ~lane";

/// Whether one of its conversation that came earlier was set aside, and is still on its way.
const OVERTAKES: &str = "SELECT 1 FROM delivery INDEXED BY delivery_by_lane
    WHERE subscriber = ?1 AND lane = ~?2 AND outcome = 0 AND event < ?3";

/// Those that are due earliest, by the index alone. Leases are left as they are: an attempt is under way.
const LATER: &str = "SELECT event FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND again = ?2 AND ready_at_ms > ?3 AND leased = 0 ORDER BY ready_at_ms, event LIMIT ?4";

/// Those for which others of their conversation may wait for longest.
const HEADS: &str = "SELECT event FROM delivery INDEXED BY delivery_by_time
    WHERE subscriber = ?1 AND again = 1 AND ready_at_ms > ?2 AND leased = 0 AND lane >= 0
    ORDER BY ready_at_ms DESC, event DESC LIMIT ?3";

pub(crate) const HEAD: &str = "SELECT event, ready_at_ms FROM delivery INDEXED BY delivery_by_lane
    WHERE subscriber = ?1 AND lane = ?2 AND outcome = 0 ORDER BY event LIMIT 1";

const SET_READY: &str = "UPDATE delivery SET ready_at_ms = ?3 WHERE event = ?1 AND subscriber = ?2";

/// The most deliveries of a subscriber that are brought forward at once: the writer serves nobody else meanwhile. The
/// others are due as they were.
const HURRIED_MAX: u32 = 2_000;

/// A walk over one index, which has all that it asks for.
pub(crate) const ALL_LEASED: &str = "SELECT event, subscriber FROM delivery INDEXED BY delivery_by_time
    WHERE ready_at_ms IS NOT NULL AND leased = 1";

/// What has become of a delivery, as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Open = 0,
    Succeeded = 1,
    Dead = 2,
}

impl Outcome {
    pub(crate) const ALL: [Self; 3] = [Self::Open, Self::Succeeded, Self::Dead];

    /// The one that deliveries in a state have.
    pub(crate) fn of(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Waiting | DeliveryState::Due | DeliveryState::Leased => Self::Open,
            DeliveryState::Succeeded => Self::Succeeded,
            DeliveryState::Dead => Self::Dead,
        }
    }

    pub(crate) fn to_sql(self) -> i64 {
        self as i64
    }
}

/// A delivery whose lease was just given.
pub(crate) struct Lease {
    pub(crate) claim: u32,
    /// The attempts that have ended.
    pub(crate) attempts: u32,
    /// Those of them that use up nothing of its schedule.
    pub(crate) uncounted: u32,
    pub(crate) lane: Option<i64>,
    pub(crate) again: bool,
    pub(crate) replay: bool,
    pub(crate) replay_url: Option<String>,
}

/// A delivery whose lease is held.
pub(crate) struct Held {
    /// The attempts that have ended.
    pub(crate) attempts: u32,
    /// Those of them that use up nothing of its schedule.
    pub(crate) uncounted: u32,
    pub(crate) lane: Option<i64>,
}

/// The key as the database has it.
pub(crate) fn to_columns(key: DeliveryKey) -> (i64, i64) {
    (to_sql(key.event), to_sql(key.subscriber.0))
}

/// The key that its columns tell.
pub(crate) fn from_columns(event: i64, subscriber: i64) -> DeliveryKey {
    DeliveryKey { event: event.cast_unsigned(), subscriber: SubscriberKey(subscriber.cast_unsigned()) }
}

/// The state that the columns `outcome`, `ready_at_ms` and `leased` tell together, from this one on; with the time.
pub(crate) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<(DeliveryState, Option<u64>)> {
    let outcome: i64 = row.get(column)?;
    let ready_at_ms = number_or_null(row, column + 1)?;
    let state = match (outcome, ready_at_ms, row.get(column + 2)?) {
        (0, None, false) => DeliveryState::Waiting,
        (0, Some(_), false) => DeliveryState::Due,
        (0, Some(_), true) => DeliveryState::Leased,
        (1, None, false) => DeliveryState::Succeeded,
        (2, None, false) => DeliveryState::Dead,
        _ => return Err(rusqlite::Error::IntegralValueOutOfRange(column, outcome)),
    };
    Ok((state, ready_at_ms))
}

/// Brings an event on its way to a subscriber, unless it is already.
pub(crate) fn insert(
    sql: &Connection,
    event: Inserted,
    subscriber: SubscriberKey,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let Inserted { seq, lane } = event;
    sql.prepare_cached(INSERT)?.execute((seq, to_sql(subscriber.0), lane, to_sql(now_ms)))?;
    Ok(())
}

/// The events of up to `limit` deliveries that can be claimed, first tries or others, ready for longest first.
pub(crate) fn ready(
    sql: &Connection,
    subscriber: SubscriberKey,
    again: bool,
    now_ms: u64,
    limit: u32,
) -> rusqlite::Result<Vec<i64>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut statement = sql.prepare_cached(READY)?;
    let rows = statement.query_map((to_sql(subscriber.0), again, to_sql(now_ms), limit), |row| row.get(0))?;
    rows.collect()
}

/// When the first delivery of a subscriber is due, or the first lease ends, of first tries or of others.
pub(crate) fn next_ready(sql: &Connection, subscriber: SubscriberKey, again: bool) -> rusqlite::Result<Option<u64>> {
    sql.prepare_cached(NEXT_READY)?.query_row((to_sql(subscriber.0), again), |row| number_or_null(row, 0))
}

/// Leases a delivery, whoever had it before.
pub(crate) fn lease(sql: &Connection, key: DeliveryKey, until_ms: u64) -> rusqlite::Result<Lease> {
    let (event, subscriber) = to_columns(key);
    sql.prepare_cached(LEASE)?.query_row((event, subscriber, to_sql(until_ms)), |row| {
        Ok(Lease {
            claim: row.get(0)?,
            attempts: row.get(1)?,
            uncounted: row.get(2)?,
            lane: row.get(3)?,
            again: row.get(4)?,
            replay: row.get(5)?,
            replay_url: row.get(6)?,
        })
    })
}

/// The delivery, if it is leased under this claim.
pub(crate) fn held(sql: &Connection, key: DeliveryKey, claim: u32) -> rusqlite::Result<Option<Held>> {
    let (event, subscriber) = to_columns(key);
    let mut statement = sql.prepare_cached(LEASED)?;
    let held = statement.query_row((event, subscriber, claim), |row| {
        Ok(Held { attempts: row.get(0)?, uncounted: row.get(1)?, lane: row.get(2)? })
    });
    held.optional()
}

/// Ends a lease without an attempt; the delivery is due at that time.
pub(crate) fn hand_back(sql: &Connection, key: DeliveryKey, at_ms: u64) -> rusqlite::Result<()> {
    let (event, subscriber) = to_columns(key);
    sql.prepare_cached(HAND_BACK)?.execute((event, subscriber, to_sql(at_ms)))?;
    Ok(())
}

/// Ends a lease after an attempt; the delivery is due at that time.
pub(crate) fn retry(
    sql: &Connection,
    key: DeliveryKey,
    at_ms: u64,
    attempts: u32,
    uncounted: u32,
) -> rusqlite::Result<()> {
    let (event, subscriber) = to_columns(key);
    sql.prepare_cached(RETRY)?.execute((event, subscriber, to_sql(at_ms), attempts, uncounted))?;
    Ok(())
}

/// Ends a lease and closes the delivery; the next one of its lane is due now. Tells which.
pub(crate) fn close(
    sql: &Connection,
    key: DeliveryKey,
    lane: Option<i64>,
    outcome: Outcome,
    attempts: u32,
    now_ms: u64,
) -> rusqlite::Result<Option<DeliveryKey>> {
    let (event, subscriber) = to_columns(key);
    let dead_since_ms = (outcome == Outcome::Dead).then(|| to_sql(now_ms));
    sql.prepare_cached(CLOSE)?.execute((event, subscriber, outcome.to_sql(), attempts, dead_since_ms))?;
    lane.map_or(Ok(None), |lane| promote(sql, key.subscriber, lane, now_ms))
}

/// A delivery that was given up.
pub(crate) struct GivenUp {
    /// The lane that waited for it, if one did: somebody has to [`promote`] the next one.
    pub(crate) lane: Option<i64>,
}

/// Makes a dead letter of an open delivery, unless an attempt is under way, or it came or was replayed after a time.
pub(crate) fn give_up(
    sql: &Connection,
    key: DeliveryKey,
    why: DeadWhy,
    since_ms: u64,
    now_ms: u64,
) -> rusqlite::Result<Option<GivenUp>> {
    let (event, subscriber) = to_columns(key);
    let (now_ms, since_ms) = (to_sql(now_ms), to_sql(since_ms));
    let found = sql
        .prepare_cached(OUGHT_TO_END)?
        .query_row((event, subscriber, now_ms, since_ms, since_ms), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((lane, is_ready)) = found else { return Ok(None) };
    let lane: Option<i64> = lane;
    sql.prepare_cached(GIVE_UP)?.execute((event, subscriber, now_ms, why_to_sql(why)))?;
    Ok(Some(GivenUp { lane: lane.filter(|_| is_ready) }))
}

/// Takes a delivery out of its lane; the next one of that is due now. Tells whether it was there to be taken: open, not
/// leased, and in its lane.
pub(crate) fn set_aside(sql: &Connection, key: DeliveryKey, now_ms: u64) -> rusqlite::Result<bool> {
    let (event, subscriber) = to_columns(key);
    let lane: Option<i64> =
        sql.prepare_cached(SET_ASIDE)?.query_row((event, subscriber), |row| row.get(0)).optional()?;
    let Some(lane) = lane else { return Ok(false) };
    promote(sql, key.subscriber, lane, now_ms)?;
    Ok(true)
}

/// Whether a delivery comes before one that was accepted earlier in its conversation, or comes late itself.
pub(crate) fn is_out_of_order(sql: &Connection, key: DeliveryKey, lane: Option<i64>) -> rusqlite::Result<bool> {
    let (event, subscriber) = to_columns(key);
    match lane {
        None => Ok(false),
        Some(lane) if lane < 0 => Ok(true),
        Some(lane) => sql.prepare_cached(OVERTAKES)?.exists((subscriber, lane, event)),
    }
}

/// Makes due now what is due later: of very many, those that are due soonest.
pub(crate) fn hurry(sql: &Connection, subscriber: SubscriberKey, now_ms: u64) -> rusqlite::Result<()> {
    let (subscriber, now_ms) = (to_sql(subscriber.0), to_sql(now_ms));
    for again in [false, true] {
        let mut later = sql.prepare_cached(LATER)?;
        let rows = later.query_map((subscriber, again, now_ms, HURRIED_MAX), |row| row.get(0))?;
        let events: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
        let mut set_ready = sql.prepare_cached(SET_READY)?;
        for event in events {
            set_ready.execute((event, subscriber, now_ms))?;
        }
    }
    Ok(())
}

/// Those of a subscriber that failed, wait for their next attempt, and hold up whatever else their conversations have.
pub(crate) fn failed_heads(
    sql: &Connection,
    subscriber: SubscriberKey,
    now_ms: u64,
    limit: u32,
) -> rusqlite::Result<Vec<DeliveryKey>> {
    let mut heads = sql.prepare_cached(HEADS)?;
    let rows = heads.query_map((to_sql(subscriber.0), to_sql(now_ms), limit), |row| {
        Ok(DeliveryKey { event: row.get::<_, i64>(0)?.cast_unsigned(), subscriber })
    })?;
    rows.collect()
}

/// Makes the oldest of a lane due if it waits; if it is due or leased, that stays as it is.
pub(crate) fn promote(
    sql: &Connection,
    subscriber: SubscriberKey,
    lane: i64,
    now_ms: u64,
) -> rusqlite::Result<Option<DeliveryKey>> {
    let subscriber = to_sql(subscriber.0);
    let mut statement = sql.prepare_cached(HEAD)?;
    let head: Option<(i64, Option<i64>)> =
        statement.query_row((subscriber, lane), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((event, None)) = head else { return Ok(None) };
    sql.prepare_cached(SET_READY)?.execute((event, subscriber, to_sql(now_ms)))?;
    Ok(Some(from_columns(event, subscriber)))
}

/// Ends all leases; what was leased is due now. Tells how many there were.
pub(crate) fn release_all(sql: &Connection, now_ms: u64) -> rusqlite::Result<u64> {
    let mut statement = sql.prepare_cached(ALL_LEASED)?;
    let leased: Vec<(i64, i64)> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut release = sql.prepare_cached(HAND_BACK)?;
    for &(event, subscriber) in &leased {
        release.execute((event, subscriber, to_sql(now_ms)))?;
    }
    Ok(leased.len() as u64)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 16] = [
    INSERT,
    READY,
    NEXT_READY,
    LEASE,
    LEASED,
    HAND_BACK,
    RETRY,
    CLOSE,
    GIVE_UP,
    SET_ASIDE,
    OVERTAKES,
    LATER,
    HEAD,
    SET_READY,
    OUGHT_TO_END,
    HEADS,
];
