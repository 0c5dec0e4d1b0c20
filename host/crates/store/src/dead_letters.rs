//! Open deliveries that become dead letters without an attempt: those beyond a subscriber's backlog, those that have waited
//! for too long, those of somebody who was absent for too long.
//!
//! Owns which rules there are. Never decides their figures, nor when it is time to look.
//!
//! Invariant: of an attempt under way the lease is held, so its delivery is left alone.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use slashbox_core::{DeadWhy, SubscriberId};

use crate::numbers::{decoded, kind_from_sql, number, number_or_null, to_sql};
use crate::{DeliveryKey, SubscriberKey, deliveries, subscribers};

/// The most deliveries that are looked at in one commit, and the most that end in it: a few milliseconds' work.
const LOOKED_AT_MAX: usize = 2_000;
/// See [`LOOKED_AT_MAX`].
const ENDED_MAX: u64 = 250;

/// Everybody, with the oldest of what is open.
pub(crate) const BACKLOGS: &str = "SELECT (SELECT min(event) FROM delivery INDEXED BY delivery_by_outcome
        WHERE subscriber = subscriber.key AND outcome = 0), key, tenant, kind, name, absent_since_ms
    FROM subscriber ORDER BY key";

/// A walk over one index, which has all that it asks for: a million steps take some 20 ms, on a reader.
pub(crate) const BEYOND: &str = "SELECT event FROM delivery INDEXED BY delivery_by_outcome
    WHERE subscriber = ?1 AND outcome = 0 ORDER BY event DESC LIMIT 1 OFFSET ?2";

pub(crate) const OPEN: &str = "SELECT event FROM delivery INDEXED BY delivery_by_outcome
    WHERE subscriber = ?1 AND outcome = 0 AND event > ?2 AND event <= ?3 ORDER BY event LIMIT ?4";

/// Which of a subscriber's open deliveries are to become dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GiveUp {
    /// Whose.
    pub subscriber: SubscriberKey,
    /// By which rule.
    pub rule: Rule,
    /// Those of events after this one, …
    pub after: u64,
    /// … up to this one.
    pub last: u64,
}

/// Why open deliveries are to become dead letters. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// There are too many of them.
    Backlog,
    /// They have waited for too long: since this time, or longer. One that was replayed waits since then.
    Waited {
        /// Since when.
        since_ms: u64,
    },
    /// Their subscriber was absent for too long: since this time, or longer. If it has come back, nothing is given up.
    Absent {
        /// Since when.
        since_ms: u64,
    },
}

impl Rule {
    /// What is told of a delivery that this rule has ended.
    pub fn why(self) -> DeadWhy {
        match self {
            Self::Backlog => DeadWhy::Backlog,
            Self::Waited { .. } => DeadWhy::Waited,
            Self::Absent { .. } => DeadWhy::Absent,
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// How many are dead letters now.
    pub count: u64,
    /// Whether the next ones of their conversations are due instead.
    pub promoted: bool,
    /// After which event to go on; `None` if that was all.
    pub next: Option<u64>,
}

/// A subscriber that has open deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Whose.
    pub subscriber: SubscriberKey,
    /// Who that is.
    pub id: SubscriberId,
    /// Since when it is absent, in milliseconds since the Unix epoch.
    pub absent_since_ms: Option<u64>,
    /// The event of the oldest one.
    pub oldest: u64,
}

/// Gives up some of those that are asked for, the oldest first.
pub(crate) fn give_up(sql: &Connection, which: GiveUp, now_ms: u64) -> rusqlite::Result<GivenUp> {
    if let Rule::Absent { since_ms } = which.rule
        && !subscribers::is_absent_since(sql, which.subscriber, since_ms)?
    {
        return Ok(GivenUp::default());
    }
    let replayed_by_ms = if let Rule::Waited { since_ms } = which.rule { since_ms } else { u64::MAX };
    let open = open(sql, which)?;
    let mut given_up = GivenUp::default();
    let mut lanes = BTreeSet::new();
    for (looked_at, &event) in (1..).zip(&open) {
        let key = DeliveryKey { event, subscriber: which.subscriber };
        if let Some(lane) = deliveries::give_up(sql, key, which.rule.why(), replayed_by_ms, now_ms)? {
            given_up.count += 1;
            lanes.extend(lane);
        }
        if looked_at == LOOKED_AT_MAX || given_up.count == ENDED_MAX {
            given_up.next = Some(event);
            break;
        }
    }
    // Once for all of a lane: the next one may have ended too.
    for lane in lanes {
        given_up.promoted |= deliveries::promote(sql, which.subscriber, lane, now_ms)?.is_some();
    }
    Ok(given_up)
}

fn open(sql: &Connection, which: GiveUp) -> rusqlite::Result<Vec<u64>> {
    let GiveUp { subscriber, after, last, .. } = which;
    let mut statement = sql.prepare_cached(OPEN)?;
    let range = (to_sql(subscriber.0), to_sql(after), to_sql(last), LOOKED_AT_MAX as i64);
    let rows = statement.query_map(range, |row| number(row, 0))?;
    rows.collect()
}

/// Everybody who has open deliveries, by key.
pub(crate) fn backlogs(sql: &Connection) -> rusqlite::Result<Vec<Backlog>> {
    let mut statement = sql.prepare_cached(BACKLOGS)?;
    let rows = statement.query_map((), |row| {
        let Some(oldest) = number_or_null(row, 0)? else { return Ok(None) };
        Ok(Some(Backlog {
            subscriber: SubscriberKey(number(row, 1)?),
            id: SubscriberId { tenant: row.get(2)?, kind: decoded(row, 3, kind_from_sql)?, name: row.get(4)? },
            absent_since_ms: number_or_null(row, 5)?,
            oldest,
        }))
    })?;
    rows.filter_map(rusqlite::Result::transpose).collect()
}

/// The newest event of a subscriber's open deliveries that so many newer ones are before.
pub(crate) fn beyond(sql: &Connection, subscriber: SubscriberKey, max: u64) -> rusqlite::Result<Option<u64>> {
    let mut statement = sql.prepare_cached(BEYOND)?;
    statement.query_row((to_sql(subscriber.0), to_sql(max)), |row| number(row, 0)).optional()
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [BEYOND, OPEN];
