//! Deliveries that somebody wants made once more: reopened, or made anew for another subscriber.
//!
//! Invariant: one that is open stays as it is. It arrives by itself, and its conversation keeps its order.

use rusqlite::{Connection, OptionalExtension};

use crate::deliveries::{self, from_columns, to_columns};
use crate::numbers::to_sql;
use crate::{DeliveryKey, SubscriberKey, events};

/// How deliveries are made once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayTo {
    /// To this subscriber; to its own if `None`.
    pub subscriber: Option<SubscriberKey>,
    /// To this URL, instead of the one where the subscriber is.
    pub url: Option<String>,
}

/// What became of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is on its way: this delivery.
    OnItsWay(DeliveryKey),
    /// It is open, and left as it is: this delivery.
    Open(DeliveryKey),
    /// There is no such delivery any more, or nothing is left of its event that could be delivered.
    Gone,
}

/// Its attempts until now are history, and so is that it was set aside. It waits for those of its conversation that are open.
const REOPEN: &str = "UPDATE delivery SET outcome = 0, leased = 0, again = 1, replay = ?3, replay_url = ?4,
        uncounted = attempts, dead_since_ms = NULL, dead_why = NULL, lane = ?5,
        ready_at_ms = CASE WHEN EXISTS (
            SELECT 1 FROM delivery INDEXED BY delivery_by_lane WHERE subscriber = ?2 AND lane = ?5 AND outcome = 0)
            THEN NULL ELSE ?3 END
    WHERE event = ?1 AND subscriber = ?2 AND outcome <> 0";

const MARK: &str = "UPDATE delivery SET again = 1, replay = ?4, replay_url = ?3 WHERE event = ?1 AND subscriber = ?2";

const IS_THERE: &str = "SELECT outcome = 0 FROM delivery WHERE event = ?1 AND subscriber = ?2";

/// Has each made once more; tells what became of each, in their order.
pub(crate) fn replay(
    sql: &Connection,
    keys: &[DeliveryKey],
    to: &ReplayTo,
    now_ms: u64,
) -> rusqlite::Result<Vec<Replayed>> {
    keys.iter().map(|key| replay_one(sql, *key, to, now_ms)).collect()
}

fn replay_one(sql: &Connection, key: DeliveryKey, to: &ReplayTo, now_ms: u64) -> rusqlite::Result<Replayed> {
    let is_there = is_open(sql, key)?.is_some();
    let Some(event) = events::inserted(sql, to_sql(key.event))?.filter(|_| is_there) else {
        return Ok(Replayed::Gone);
    };
    let subscriber = to.subscriber.unwrap_or(key.subscriber);
    let key = from_columns(event.seq, to_sql(subscriber.0));
    let (seq, subscriber_key) = to_columns(key);
    match is_open(sql, key)? {
        Some(true) => return Ok(Replayed::Open(key)),
        Some(false) => {
            let reopen = (seq, subscriber_key, to_sql(now_ms), &to.url, event.lane);
            sql.prepare_cached(REOPEN)?.execute(reopen)?;
        }
        None => {
            deliveries::insert(sql, event, subscriber, now_ms)?;
            sql.prepare_cached(MARK)?.execute((seq, subscriber_key, &to.url, to_sql(now_ms)))?;
        }
    }
    Ok(Replayed::OnItsWay(key))
}

/// Whether a delivery is open, if it is there.
fn is_open(sql: &Connection, key: DeliveryKey) -> rusqlite::Result<Option<bool>> {
    sql.prepare_cached(IS_THERE)?.query_row(to_columns(key), |row| row.get(0)).optional()
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [REOPEN, MARK, IS_THERE];
