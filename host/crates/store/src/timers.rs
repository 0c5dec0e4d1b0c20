//! The rows of timers: set, cancelled, and made events when they are due.
//!
//! Invariant: of a timer there is either its row, or the one event that it became.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::{Connection, OptionalExtension, Row, params};
use slashbox_core::{Event, Origin, Scope, Sender, SubscriberId, SubscriberKind, TIMER_FIRED};

use crate::numbers::{number, number_or_null, to_sql};
use crate::usage::{self, Sums};
use crate::{Accepted, Change, NewEvent, SubscriberKey, accept, subscribers};

const SET: &str = "INSERT INTO timer (tenant, plugin, key, due_at_ms, source, dialect, instance, conversation, payload)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const REMOVE: &str = "DELETE FROM timer WHERE tenant = ?1 AND plugin = ?2 AND key = ?3
    RETURNING octet_length(key) + octet_length(payload)";

/// Of those that are due at the same time, the order is that of their names.
pub(crate) const DUE: &str = "SELECT tenant, plugin, key, due_at_ms, source, dialect, instance, conversation, payload
    FROM timer INDEXED BY timer_by_time WHERE due_at_ms <= ?1 ORDER BY due_at_ms, tenant, plugin, key LIMIT ?2";

pub(crate) const NEXT: &str = "SELECT min(due_at_ms) FROM timer";

/// What came of the timers that were due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Who has something to get by that, each once.
    pub subscribers: Vec<(SubscriberKey, SubscriberId)>,
    /// When the next timer is due, in milliseconds since the Unix epoch: not later than now if more were due than could
    /// be fired. `None` if none is set.
    pub next_at_ms: Option<u64>,
}

/// A timer that is due.
struct Due {
    scope: Scope,
    key: String,
    /// What it becomes, as soon as that has an id.
    event: Event,
}

/// Sets a timer for a call. Tells by how much there is more now.
pub(crate) fn set(
    sql: &Connection,
    change: &Change,
    key: &str,
    due_at_ms: u64,
    payload: &str,
) -> rusqlite::Result<Sums> {
    let mut more = remove(sql, &change.scope, key)?;
    let Change { scope, origin, conversation, .. } = change;
    sql.prepare_cached(SET)?.execute(params![
        scope.tenant,
        scope.plugin,
        key,
        to_sql(due_at_ms),
        origin.source,
        origin.dialect,
        origin.instance,
        conversation,
        payload,
    ])?;
    more += Sums::of_timer((key.len() + payload.len()) as i64);
    Ok(more)
}

/// Removes a timer, if it is there. Tells by how much there is more now: less, or nothing.
pub(crate) fn remove(sql: &Connection, scope: &Scope, key: &str) -> rusqlite::Result<Sums> {
    let bytes = sql.prepare_cached(REMOVE)?.query_row((&scope.tenant, &scope.plugin, key), |row| row.get(0));
    Ok(bytes.optional()?.map(|bytes| -Sums::of_timer(bytes)).unwrap_or_default())
}

/// Has the timers of a plugin set by one of another name, which has none.
pub(crate) fn rename(sql: &Connection, from: &Scope, to: &str) -> rusqlite::Result<()> {
    let statement = "UPDATE timer SET plugin = ?3 WHERE tenant = ?1 AND plugin = ?2";
    sql.execute(statement, (&from.tenant, &from.plugin, to))?;
    Ok(())
}

/// When the first timer is due.
pub(crate) fn next_at_ms(sql: &Connection) -> rusqlite::Result<Option<u64>> {
    sql.prepare_cached(NEXT)?.query_row((), |row| number_or_null(row, 0))
}

/// Makes events with these ids of as many timers that are due, the one that is due for longest first.
pub(crate) fn fire(sql: &Connection, now_ms: u64, ids: Vec<String>) -> rusqlite::Result<Fired> {
    let mut fired = Fired::default();
    let mut plugins: BTreeMap<Scope, (SubscriberKey, Sums)> = BTreeMap::new();
    for (due, id) in due(sql, now_ms, ids.len())?.into_iter().zip(ids) {
        let (subscriber, more) = match plugins.entry(due.scope.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let id = subscriber(&due.scope);
                let key = subscribers::key_of(sql, &id)?;
                fired.subscribers.push((key, id));
                new.insert((key, Sums::default()))
            }
        };
        *more += fire_one(sql, due, id, *subscriber, now_ms)?;
    }
    for (scope, (_, more)) in plugins {
        usage::add(sql, &scope, more)?;
    }
    fired.next_at_ms = next_at_ms(sql)?;
    Ok(fired)
}

/// The plugin alone gets what its timers become, whether it is there or not.
fn subscriber(scope: &Scope) -> SubscriberId {
    SubscriberId { tenant: scope.tenant.clone(), kind: SubscriberKind::Plugin, name: scope.plugin.clone() }
}

fn fire_one(sql: &Connection, due: Due, id: String, subscriber: SubscriberKey, now_ms: u64) -> rusqlite::Result<Sums> {
    let new = NewEvent { event: Event { id, ..due.event }, dedupe: None, subscribers: vec![subscriber] };
    match accept::accept_one(sql, &new, now_ms)? {
        Accepted::New => remove(sql, &due.scope, &due.key),
        // The id is another event's; with the next one it fires.
        Accepted::Duplicate { .. } => Ok(Sums::default()),
    }
}

fn due(sql: &Connection, now_ms: u64, limit: usize) -> rusqlite::Result<Vec<Due>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = sql.prepare_cached(DUE)?;
    let rows = statement.query_map((to_sql(now_ms), limit), |row| {
        let (tenant, plugin, key): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let event = event(row, tenant.clone(), key.clone())?;
        Ok(Due { scope: Scope { tenant, plugin }, key, event })
    })?;
    rows.collect()
}

/// What a timer becomes, but for its id.
fn event(row: &Row<'_>, tenant: String, key: String) -> rusqlite::Result<Event> {
    Ok(Event {
        id: String::new(),
        kind: TIMER_FIRED.to_owned(),
        native_kind: TIMER_FIRED.to_owned(),
        conversation: row.get(7)?,
        contact: None,
        operator: None,
        sender: Sender::System,
        message: Some(key),
        text: None,
        occurred_at_ms: number(row, 3)?,
        origin: Origin { tenant, source: row.get(4)?, dialect: row.get(5)?, instance: row.get(6)? },
        data: row.get(8)?,
        envelope: String::new(),
        hops: 0,
    })
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [SET, REMOVE, DUE, NEXT];
