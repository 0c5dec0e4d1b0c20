//! A plugin under another name: what it keeps, and what is on its way to it, goes along.
//!
//! Invariants: what two plugins keep is never mixed; what does not go along stays where it was.

use std::collections::BTreeSet;

use rusqlite::Connection;
use slashbox_core::{Scope, SubscriberId, SubscriberKind};

use crate::numbers::{kind_to_sql, number, to_sql};
use crate::{RenameError, SubscriberKey, Usage, deliveries, kv, subscribers, timers, usage};

/// Whoever has something under a name, or had.
const TENANTS: &str = "SELECT tenant FROM usage WHERE plugin = ?1
    UNION SELECT tenant FROM subscriber WHERE kind = ?2 AND name = ?1 ORDER BY tenant";

const OPEN: &str = "SELECT count(*) FROM delivery INDEXED BY delivery_by_outcome WHERE subscriber = ?1 AND outcome = 0";

/// The events that are on their way to the one subscriber, and not to the other one too.
const OPEN_APART: &str = "SELECT event FROM delivery AS open INDEXED BY delivery_by_outcome
    WHERE subscriber = ?1 AND outcome = 0
        AND NOT EXISTS (SELECT 1 FROM delivery WHERE event = open.event AND subscriber = ?2)
    ORDER BY event";

const MOVE_DELIVERY: &str = "UPDATE delivery SET subscriber = ?3 WHERE event = ?1 AND subscriber = ?2";

const MOVE_ATTEMPTS: &str = "UPDATE attempt SET subscriber = ?3 WHERE event = ?1 AND subscriber = ?2";

/// Of those of a lane that are ready, the oldest alone stays so.
const ONE_HEAD_A_LANE: &str = "UPDATE delivery SET ready_at_ms = NULL, leased = 0
    WHERE subscriber = ?1 AND outcome = 0 AND lane >= 0 AND ready_at_ms IS NOT NULL AND event > (
        SELECT min(event) FROM delivery AS head INDEXED BY delivery_by_lane
        WHERE head.subscriber = ?1 AND head.lane = delivery.lane AND head.outcome = 0
            AND head.ready_at_ms IS NOT NULL)";

const LANE: &str = "SELECT lane FROM delivery WHERE event = ?1 AND subscriber = ?2";

const HAS_ACTIVE: &str = "SELECT 1 FROM delivery INDEXED BY delivery_by_lane
    WHERE subscriber = ?1 AND lane = ?2 AND outcome = 0 AND ready_at_ms IS NOT NULL";

/// What went along for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// For whom it is kept.
    pub tenant: String,
    /// Keys and timers.
    pub usage: Usage,
    /// Deliveries that are open.
    pub deliveries: u64,
}

/// Has all that plugin `from` keeps for these tenants kept by plugin `to`; tells what that is, for whom there is any.
pub(crate) fn plugin(
    sql: &Connection,
    from: &str,
    to: &str,
    whose: impl Fn(&str) -> bool,
) -> rusqlite::Result<Result<Vec<Moved>, RenameError>> {
    let mut scopes = Vec::new();
    for tenant in tenants(sql, from)?.into_iter().filter(|tenant| whose(tenant)) {
        let [from, to] = [from, to].map(|plugin| Scope { tenant: tenant.clone(), plugin: plugin.into() });
        let (usage, there) = (usage::get(sql, &from)?, usage::get(sql, &to)?);
        if usage != Usage::default() && there != Usage::default() {
            return Ok(Err(RenameError::Taken { tenant, plugin: to.plugin, usage: there }));
        }
        scopes.push((from, to, usage));
    }
    let mut moved = Vec::new();
    for (from, to, usage) in scopes {
        if usage != Usage::default() {
            kv::rename(sql, &from, &to.plugin)?;
            timers::rename(sql, &from, &to.plugin)?;
            usage::rename(sql, &from, &to.plugin)?;
        }
        let deliveries = deliver(sql, &from, &to)?;
        if usage != Usage::default() || deliveries > 0 {
            moved.push(Moved { tenant: from.tenant, usage, deliveries });
        }
    }
    Ok(Ok(moved))
}

fn tenants(sql: &Connection, plugin: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = sql.prepare(TENANTS)?;
    let rows = statement.query_map((plugin, kind_to_sql(SubscriberKind::Plugin)), |row| row.get(0))?;
    rows.collect()
}

/// What is on its way; what has arrived too, unless others have arrived under the new name already. Tells how many are on
/// their way.
fn deliver(sql: &Connection, from: &Scope, to: &Scope) -> rusqlite::Result<u64> {
    let Some(from) = subscribers::find(sql, &subscriber(from))? else { return Ok(0) };
    let Some(known) = subscribers::find(sql, &subscriber(to))? else {
        subscribers::rename(sql, from, &to.plugin)?;
        return sql.query_row(OPEN, [to_sql(from.0)], |row| number(row, 0));
    };
    let (from, known) = (to_sql(from.0), to_sql(known.0));
    let mut statement = sql.prepare(OPEN_APART)?;
    let open: Vec<i64> = statement.query_map((from, known), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    sql.pragma_update(None, "defer_foreign_keys", true)?; // An attempt refers to its delivery; ends with the transaction.
    for event in &open {
        sql.prepare_cached(MOVE_ATTEMPTS)?.execute((event, from, known))?;
        sql.prepare_cached(MOVE_DELIVERY)?.execute((event, from, known))?;
    }
    sql.execute(ONE_HEAD_A_LANE, [known])?;
    promote_all(sql, SubscriberKey(known.cast_unsigned()), &open)?;
    Ok(open.len() as u64)
}

/// Has those that moved without the one that they waited for wait no longer.
fn promote_all(sql: &Connection, subscriber: SubscriberKey, moved: &[i64]) -> rusqlite::Result<()> {
    let mut lanes = BTreeSet::new();
    for event in moved {
        let lane: Option<i64> = sql.prepare_cached(LANE)?.query_row((event, to_sql(subscriber.0)), |row| row.get(0))?;
        lanes.extend(lane.filter(|lane| *lane >= 0));
    }
    for lane in lanes {
        if !sql.prepare_cached(HAS_ACTIVE)?.exists((to_sql(subscriber.0), lane))? {
            deliveries::promote(sql, subscriber, lane, 0)?;
        }
    }
    Ok(())
}

fn subscriber(scope: &Scope) -> SubscriberId {
    SubscriberId { tenant: scope.tenant.clone(), kind: SubscriberKind::Plugin, name: scope.plugin.clone() }
}
