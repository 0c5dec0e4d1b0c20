//! How much each plugin keeps: sums over its rows, and the quotas on them.
//!
//! Owns the table `usage`. Never counts rows: whoever writes or removes some tells the difference.
//!
//! Invariants: the sums are those of the tables at every commit; a quota refuses no change but one by which more is kept
//! than before, and what has expired is not kept.

use std::ops::{AddAssign, Neg, Sub};

use rusqlite::{Connection, OptionalExtension, Row};
use slashbox_core::{Limit, Quota, Scope};

use crate::kv;
use crate::numbers::{number, to_sql};

const GET: &str = "SELECT kv_keys, kv_bytes, timers FROM usage WHERE tenant = ?1 AND plugin = ?2";

const KEPT: &str = "SELECT tenant, plugin, kv_keys, kv_bytes, timers FROM usage
    WHERE (?1 IS NULL OR plugin = ?1) AND kv_keys + timers > 0 ORDER BY tenant, plugin";

const ADD: &str = "INSERT INTO usage (tenant, plugin, kv_keys, kv_bytes, timers) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (tenant, plugin) DO UPDATE SET kv_keys = kv_keys + excluded.kv_keys,
        kv_bytes = kv_bytes + excluded.kv_bytes, timers = timers + excluded.timers
    RETURNING kv_keys, kv_bytes, timers";

/// How much a plugin keeps for a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Keys in `kv`.
    pub kv_keys: u64,
    /// Bytes of all keys and values in `kv`, and of timers with what they carry.
    pub kv_bytes: u64,
    /// Timers that are set.
    pub timers: u64,
}

/// Sums over rows, or the difference between two such sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) keys: i64,
    pub(crate) bytes: i64,
    pub(crate) timers: i64,
}

impl Sums {
    /// One row of `kv`.
    pub(crate) fn of_key(bytes: i64) -> Self {
        Self { keys: 1, bytes, timers: 0 }
    }

    /// A timer: its key and its payload.
    pub(crate) fn of_timer(bytes: i64) -> Self {
        Self { timers: 1, bytes, keys: 0 }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.keys += other.keys;
        self.bytes += other.bytes;
        self.timers += other.timers;
    }
}

impl Neg for Sums {
    type Output = Self;

    fn neg(self) -> Self {
        Self { keys: -self.keys, bytes: -self.bytes, timers: -self.timers }
    }
}

impl Sub for Sums {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        self += -other;
        self
    }
}

/// What a plugin keeps, also what has expired and was not removed yet.
pub(crate) fn get(sql: &Connection, scope: &Scope) -> rusqlite::Result<Usage> {
    let usage = sql.prepare_cached(GET)?.query_row((&scope.tenant, &scope.plugin), |row| {
        Ok(Usage { kv_keys: number(row, 0)?, kv_bytes: number(row, 1)?, timers: number(row, 2)? })
    });
    Ok(usage.optional()?.unwrap_or_default())
}

/// What each plugin keeps, or the one of that name, for each tenant for which it keeps anything.
pub(crate) fn kept(sql: &Connection, plugin: Option<&str>) -> rusqlite::Result<Vec<(Scope, Usage)>> {
    let mut statement = sql.prepare_cached(KEPT)?;
    let rows = statement.query_map([plugin], |row| {
        let scope = Scope { tenant: row.get(0)?, plugin: row.get(1)? };
        Ok((scope, Usage { kv_keys: number(row, 2)?, kv_bytes: number(row, 3)?, timers: number(row, 4)? }))
    })?;
    rows.collect()
}

/// What a plugin keeps is kept by one of another name, which keeps nothing.
pub(crate) fn rename(sql: &Connection, from: &Scope, to: &str) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM usage WHERE tenant = ?1 AND plugin = ?2", (&from.tenant, to))?;
    let statement = "UPDATE usage SET plugin = ?3 WHERE tenant = ?1 AND plugin = ?2";
    sql.execute(statement, (&from.tenant, &from.plugin, to))?;
    Ok(())
}

/// What a plugin keeps that has not expired.
pub(crate) fn alive(sql: &Connection, scope: &Scope, now_ms: u64) -> rusqlite::Result<Usage> {
    // One state of the database for both.
    let sql = sql.unchecked_transaction()?;
    let (all, expired) = (get(&sql, scope)?, kv::expired_of(&sql, scope, now_ms)?);
    let less = |all: u64, expired: i64| all.saturating_sub(expired.unsigned_abs());
    Ok(Usage { kv_keys: less(all.kv_keys, expired.keys), kv_bytes: less(all.kv_bytes, expired.bytes), ..all })
}

/// Rows came or went. Tells the sums that this makes.
pub(crate) fn add(sql: &Connection, scope: &Scope, change: Sums) -> rusqlite::Result<Sums> {
    let Sums { keys, bytes, timers } = change;
    sql.prepare_cached(ADD)?.query_row((&scope.tenant, &scope.plugin, keys, bytes, timers), sums)
}

fn sums(row: &Row<'_>) -> rusqlite::Result<Sums> {
    Ok(Sums { keys: row.get(0)?, bytes: row.get(1)?, timers: row.get(2)? })
}

/// The quota that is passed by sums which have grown by so much.
pub(crate) fn passed(sums: Sums, growth: Sums, quota: Quota) -> Option<Limit> {
    let passed = |sum, growth, quota| growth > 0 && sum > to_sql(quota);
    if passed(sums.keys, growth.keys, quota.kv_keys) {
        Some(Limit::KvKeys { keys: figure(quota.kv_keys) })
    } else if passed(sums.bytes, growth.bytes, quota.kv_bytes) {
        Some(Limit::KvSize { mib: figure(quota.kv_bytes.div_ceil(MIB)) })
    } else if passed(sums.timers, growth.timers, quota.timers) {
        Some(Limit::Timers { timers: figure(quota.timers) })
    } else {
        None
    }
}

const MIB: u64 = 1024 * 1024;

/// As limits are shown; none of those that can be configured is larger.
fn figure(quota: u64) -> u32 {
    u32::try_from(quota).unwrap_or(u32::MAX)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [GET, ADD];

#[cfg(test)]
mod tests;
