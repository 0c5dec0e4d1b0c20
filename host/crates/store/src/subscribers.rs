//! The rows of subscribers: registering, absence, what is ready for each.

use rusqlite::{Connection, OptionalExtension};
use slashbox_core::SubscriberId;

use crate::numbers::{decoded, kind_from_sql, kind_to_sql, number, number_or_null, to_sql};
use crate::{Health, Ready, Subscriber, SubscriberKey, claims};

const FIND: &str = "SELECT key FROM subscriber WHERE tenant = ?1 AND kind = ?2 AND name = ?3";

const REGISTER: &str = "INSERT INTO subscriber (tenant, kind, name) VALUES (?1, ?2, ?3)";

const IS_KNOWN: &str = "SELECT 1 FROM subscriber WHERE key = ?1";

const IS_SERVED: &str = "SELECT 1 FROM subscriber WHERE key = ?1
    AND absent_since_ms IS NULL AND paused_since_ms IS NULL AND disabled_since_ms IS NULL";

const IS_ABSENT_SINCE: &str = "SELECT 1 FROM subscriber WHERE key = ?1 AND absent_since_ms <= ?2";

const SET_ABSENT: &str = "UPDATE subscriber SET absent_since_ms = ?2 WHERE key = ?1";

const PAUSE: &str = "UPDATE subscriber SET paused_since_ms = coalesce(paused_since_ms, ?2) WHERE key = ?1";

const RESUME: &str = "UPDATE subscriber SET paused_since_ms = NULL, disabled_since_ms = NULL, failing_since_ms = NULL,
        failures = 0, gone_since_ms = NULL
    WHERE key = ?1";

const SET_HEALTH: &str = "UPDATE subscriber SET failing_since_ms = ?2, failures = ?3, gone_since_ms = ?4,
        disabled_since_ms = ?5
    WHERE key = ?1";

pub(crate) const ALL: &str =
    "SELECT key, tenant, kind, name, absent_since_ms, revision, paused_since_ms, failing_since_ms,
        failures, gone_since_ms, disabled_since_ms
    FROM subscriber ORDER BY key";

/// The key of each, in their order; those that are new get one.
pub(crate) fn register(sql: &Connection, ids: &[SubscriberId]) -> rusqlite::Result<Vec<SubscriberKey>> {
    ids.iter().map(|id| key_of(sql, id)).collect()
}

/// The key of one; if it is new, it gets one.
pub(crate) fn key_of(sql: &Connection, id: &SubscriberId) -> rusqlite::Result<SubscriberKey> {
    if let Some(key) = find(sql, id)? {
        return Ok(key);
    }
    let key = sql.prepare_cached(REGISTER)?.insert(name(id))?;
    Ok(SubscriberKey(key.cast_unsigned()))
}

/// The key of one, if it is known.
pub(crate) fn find(sql: &Connection, id: &SubscriberId) -> rusqlite::Result<Option<SubscriberKey>> {
    let key = sql.prepare_cached(FIND)?.query_row(name(id), |row| number(row, 0));
    Ok(key.optional()?.map(SubscriberKey))
}

fn name(id: &SubscriberId) -> (&str, i64, &str) {
    (&id.tenant, kind_to_sql(id.kind), &id.name)
}

/// Gives one another name, with all its deliveries.
pub(crate) fn rename(sql: &Connection, key: SubscriberKey, name: &str) -> rusqlite::Result<()> {
    sql.execute("UPDATE subscriber SET name = ?2 WHERE key = ?1", (to_sql(key.0), name))?;
    Ok(())
}

/// Whether there is a subscriber with this key.
pub(crate) fn is_known(sql: &Connection, key: SubscriberKey) -> rusqlite::Result<bool> {
    sql.prepare_cached(IS_KNOWN)?.exists([to_sql(key.0)])
}

/// Whether there is one, and it is neither absent nor paused nor disabled.
pub(crate) fn is_served(sql: &Connection, key: SubscriberKey) -> rusqlite::Result<bool> {
    sql.prepare_cached(IS_SERVED)?.exists([to_sql(key.0)])
}

/// Whether it is absent since this time, or longer.
pub(crate) fn is_absent_since(sql: &Connection, key: SubscriberKey, since_ms: u64) -> rusqlite::Result<bool> {
    sql.prepare_cached(IS_ABSENT_SINCE)?.exists((to_sql(key.0), to_sql(since_ms)))
}

/// Has one wait until it is resumed.
pub(crate) fn pause(sql: &Connection, key: SubscriberKey, now_ms: u64) -> rusqlite::Result<()> {
    sql.prepare_cached(PAUSE)?.execute((to_sql(key.0), to_sql(now_ms)))?;
    Ok(())
}

/// Has one go on, paused or disabled, as if it had never failed.
pub(crate) fn resume(sql: &Connection, key: SubscriberKey) -> rusqlite::Result<()> {
    sql.prepare_cached(RESUME)?.execute([to_sql(key.0)])?;
    Ok(())
}

/// Notes how it fares.
pub(crate) fn set_health(sql: &Connection, key: SubscriberKey, health: Health) -> rusqlite::Result<()> {
    let Health { failing_since_ms, failures, gone_since_ms, disabled_since_ms } = health;
    let [failing, gone, disabled] = [failing_since_ms, gone_since_ms, disabled_since_ms].map(|at_ms| at_ms.map(to_sql));
    sql.prepare_cached(SET_HEALTH)?.execute((to_sql(key.0), failing, failures, gone, disabled))?;
    Ok(())
}

/// Notes since when it is absent; `None` if it is there.
pub(crate) fn set_absent(sql: &Connection, key: SubscriberKey, since_ms: Option<u64>) -> rusqlite::Result<()> {
    sql.prepare_cached(SET_ABSENT)?.execute((to_sql(key.0), since_ms.map(to_sql)))?;
    Ok(())
}

/// Every subscriber, by key.
pub(crate) fn all(sql: &Connection) -> rusqlite::Result<Vec<Subscriber>> {
    let mut statement = sql.prepare_cached(ALL)?;
    let rows = statement.query_map((), |row| {
        Ok(Subscriber {
            key: SubscriberKey(number(row, 0)?),
            id: SubscriberId { tenant: row.get(1)?, kind: decoded(row, 2, kind_from_sql)?, name: row.get(3)? },
            absent_since_ms: number_or_null(row, 4)?,
            revision: row.get(5)?,
            paused_since_ms: number_or_null(row, 6)?,
            health: Health {
                failing_since_ms: number_or_null(row, 7)?,
                failures: row.get(8)?,
                gone_since_ms: number_or_null(row, 9)?,
                disabled_since_ms: number_or_null(row, 10)?,
            },
            ready: Ready::default(),
        })
    })?;
    let mut all: Vec<Subscriber> = rows.collect::<rusqlite::Result<_>>()?;
    for subscriber in &mut all {
        subscriber.ready = claims::next_ready(sql, subscriber.key)?;
    }
    Ok(all)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 8] =
    [FIND, IS_KNOWN, IS_SERVED, IS_ABSENT_SINCE, SET_ABSENT, PAUSE, RESUME, SET_HEALTH];
