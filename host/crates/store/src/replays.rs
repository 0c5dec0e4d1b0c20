//! Deliveries that somebody wants made once more: reopened, or made anew for another subscriber.
//!
//! Invariant: one that is open stays as it is. It arrives by itself, and its conversation keeps its order.

use rusqlite::{Connection, OptionalExtension};
use slashbox_core::{PrivateUrl, SubscriberId, TIMER_FIRED};

use crate::deliveries::{self, from_columns, to_columns};
use crate::events::{self, Inserted};
use crate::numbers::to_sql;
use crate::{DeliveryKey, SubscriberKey, subscribers};

/// How deliveries are made once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayTo {
    /// To this subscriber; to its own if `None`.
    pub subscriber: Option<SubscriberKey>,
    /// To this URL, instead of the one where the subscriber is.
    pub url: Option<PrivateUrl>,
}

/// What became of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is on its way: this delivery.
    OnItsWay(DeliveryKey),
    /// It is open, and left as it is: this delivery.
    Open(DeliveryKey),
    /// It cannot be made: there is no such delivery any more, nothing is left of its event that could be delivered, or it is of
    /// a timer, which belongs to the plugin that set it.
    Gone,
}

/// Its attempts until now are history, and so is that it was set aside. It waits for those of its conversation that are open.
const REOPEN: &str =
    "UPDATE delivery SET outcome = 0, leased = 0, again = 1, replay = ?3, replay_url = coalesce(?4, replay_url),
        uncounted = attempts, dead_since_ms = NULL, dead_why = NULL, lane = ?5,
        ready_at_ms = CASE WHEN EXISTS (
            SELECT 1 FROM delivery INDEXED BY delivery_by_lane WHERE subscriber = ?2 AND lane = ?5 AND outcome = 0)
            THEN NULL ELSE ?3 END
    WHERE event = ?1 AND subscriber = ?2 AND outcome <> 0";

const MARK: &str = "UPDATE delivery SET again = 1, replay = ?4, replay_url = ?3 WHERE event = ?1 AND subscriber = ?2";

const IS_OF_KIND: &str = "SELECT 1 FROM event WHERE seq = ?1 AND kind = ?2";

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

/// What would become of each.
pub(crate) fn try_out(
    sql: &Connection,
    keys: &[DeliveryKey],
    to: Option<&SubscriberId>,
) -> rusqlite::Result<Vec<Replayed>> {
    // Whoever is not known has nothing that is open.
    let unknown = SubscriberKey(i64::MAX.cast_unsigned());
    let known = |id| Ok::<_, rusqlite::Error>(subscribers::find(sql, id)?.unwrap_or(unknown));
    let to = to.map(known).transpose()?;
    let outlook = |key: &DeliveryKey| Ok(outlook(sql, *key, to)?.replayed());
    keys.iter().map(outlook).collect()
}

/// What can become of a wish.
enum Outlook {
    Reopen(Inserted, DeliveryKey),
    Insert(Inserted, DeliveryKey),
    Open(DeliveryKey),
    Gone,
}

impl Outlook {
    fn replayed(&self) -> Replayed {
        match self {
            Self::Reopen(_, key) | Self::Insert(_, key) => Replayed::OnItsWay(*key),
            Self::Open(key) => Replayed::Open(*key),
            Self::Gone => Replayed::Gone,
        }
    }
}

fn outlook(sql: &Connection, key: DeliveryKey, to: Option<SubscriberKey>) -> rusqlite::Result<Outlook> {
    let is_there = is_open(sql, key)?.is_some();
    let Some(event) = events::inserted(sql, to_sql(key.event))?.filter(|_| is_there) else {
        return Ok(Outlook::Gone);
    };
    let to = to.unwrap_or(key.subscriber);
    if to != key.subscriber && sql.prepare_cached(IS_OF_KIND)?.exists((event.seq, TIMER_FIRED))? {
        return Ok(Outlook::Gone);
    }
    let key = from_columns(event.seq, to_sql(to.0));
    Ok(match is_open(sql, key)? {
        Some(true) => Outlook::Open(key),
        Some(false) => Outlook::Reopen(event, key),
        None => Outlook::Insert(event, key),
    })
}

fn replay_one(sql: &Connection, key: DeliveryKey, to: &ReplayTo, now_ms: u64) -> rusqlite::Result<Replayed> {
    let outlook = outlook(sql, key, to.subscriber)?;
    let url = to.url.as_ref().map(PrivateUrl::expose);
    match outlook {
        Outlook::Reopen(event, key) => {
            let (seq, subscriber) = to_columns(key);
            sql.prepare_cached(REOPEN)?.execute((seq, subscriber, to_sql(now_ms), url, event.lane))?;
        }
        Outlook::Insert(event, key) => {
            let (seq, subscriber) = to_columns(key);
            deliveries::insert(sql, event, key.subscriber, now_ms)?;
            sql.prepare_cached(MARK)?.execute((seq, subscriber, url, to_sql(now_ms)))?;
        }
        Outlook::Open(_) | Outlook::Gone => {}
    }
    Ok(outlook.replayed())
}

/// Whether a delivery is open, if it is there.
fn is_open(sql: &Connection, key: DeliveryKey) -> rusqlite::Result<Option<bool>> {
    sql.prepare_cached(IS_THERE)?.query_row(to_columns(key), |row| row.get(0)).optional()
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [REOPEN, MARK, IS_OF_KIND, IS_THERE];
