//! The rows of the plugins' memory: how one is found, listed, written and removed.
//!
//! Owns the statements on `kv` and `kv_version`, and the rule by which a row has expired. Never decides whether something
//! may be written: that is [`commit`](crate::commit)'s.
//!
//! Invariants: no two writes get the same version; a row that has expired is seen by nobody, whether it is still there
//! or not. Whoever removes or replaces a row is told what it counted for: the sums over them stand elsewhere.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Sub};

use rusqlite::{Connection, OptionalExtension, Row};
use slashbox_core::{Scope, Version};

use crate::numbers::{number, number_or_null, to_sql};
use crate::usage::Sums;

const GET: &str = "SELECT version, expires_at_ms, value FROM kv WHERE tenant = ?1 AND plugin = ?2 AND key = ?3";

/// The value itself is not read for that.
const SIZE: &str = "SELECT octet_length(value), expires_at_ms FROM kv WHERE tenant = ?1 AND plugin = ?2 AND key = ?3";

const VERSION: &str = "SELECT version, expires_at_ms FROM kv WHERE tenant = ?1 AND plugin = ?2 AND key = ?3";

/// From a key on, in the order of the keys' bytes (the column's collation, BINARY, compares them so).
const FROM: &str = "SELECT version, expires_at_ms, key FROM kv
    WHERE tenant = ?1 AND plugin = ?2 AND key >= ?3 ORDER BY key";

const PUT: &str = "INSERT INTO kv (tenant, plugin, key, version, expires_at_ms, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (tenant, plugin, key) DO UPDATE SET
        version = excluded.version, expires_at_ms = excluded.expires_at_ms, value = excluded.value";

const DELETE: &str = "DELETE FROM kv WHERE tenant = ?1 AND plugin = ?2 AND key = ?3";

const NEXT_VERSION: &str = "UPDATE kv_version SET last = last + 1 RETURNING last";

const REMOVE_EXPIRED: &str = "DELETE FROM kv WHERE (tenant, plugin, key) IN (
        SELECT tenant, plugin, key FROM kv INDEXED BY kv_expiry WHERE expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2)
    RETURNING octet_length(key) + octet_length(value), tenant, plugin";

const REMOVE_EXPIRED_OF: &str = "DELETE FROM kv WHERE (tenant, plugin, key) IN (
        SELECT tenant, plugin, key FROM kv INDEXED BY kv_expiry_of_scope
        WHERE tenant = ?1 AND plugin = ?2 AND expires_at_ms <= ?3 ORDER BY expires_at_ms LIMIT ?4)
    RETURNING octet_length(key) + octet_length(value)";

/// From the index alone.
pub(crate) const EXPIRED_OF: &str = "SELECT count(*), coalesce(sum(octet_length(key) + octet_length(value)), 0)
    FROM kv INDEXED BY kv_expiry_of_scope WHERE tenant = ?1 AND plugin = ?2 AND expires_at_ms <= ?3";

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// The write that it comes from.
    pub version: Version,
    /// When it vanishes, in milliseconds since the Unix epoch; never if `None`.
    pub expires_at_ms: Option<u64>,
}

/// What the key holds; `None` if nothing, or if that has expired.
pub(crate) fn get(sql: &Connection, scope: &Scope, key: &str, now_ms: u64) -> rusqlite::Result<Option<Entry>> {
    let mut statement = sql.prepare_cached(GET)?;
    let entry = statement.query_row((&scope.tenant, &scope.plugin, key), |row| {
        let Stamp { version, expires_at_ms } = stamp(row)?;
        Ok(Entry { value: row.get(2)?, version, expires_at_ms })
    });
    Ok(entry.optional()?.filter(|entry| is_alive(entry.expires_at_ms, now_ms)))
}

/// The version of what the key holds, without loading it.
pub(crate) fn version(sql: &Connection, scope: &Scope, key: &str, now_ms: u64) -> rusqlite::Result<Option<Version>> {
    let mut statement = sql.prepare_cached(VERSION)?;
    let stamp = statement.query_row((&scope.tenant, &scope.plugin, key), stamp).optional()?;
    Ok(stamp.filter(|stamp| is_alive(stamp.expires_at_ms, now_ms)).map(|stamp| stamp.version))
}

/// Up to `limit` keys that begin with `prefix` and come after `after`, in the order of their bytes, with their versions.
pub(crate) fn list(
    sql: &Connection,
    scope: &Scope,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
    now_ms: u64,
) -> rusqlite::Result<Vec<(String, Version)>> {
    let mut statement = sql.prepare_cached(FROM)?;
    // The keys with a prefix stand together, and begin at the prefix itself: read from there until one has it no more.
    // An upper bound in the statement would need the text that comes next after all that have the prefix, which does not
    // always exist.
    let from = after.map_or(prefix, |after| after.max(prefix));
    let mut rows = statement.query((&scope.tenant, &scope.plugin, from))?;
    let mut keys = Vec::new();
    while keys.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        let key: String = row.get(2)?;
        let Stamp { version, expires_at_ms } = stamp(row)?;
        if !key.starts_with(prefix) {
            break;
        }
        if is_alive(expires_at_ms, now_ms) && after != Some(key.as_str()) {
            keys.push((key, version));
        }
    }
    Ok(keys)
}

/// What a row counts for; or the difference between two such rows, and sums over that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// In the sums over all rows.
    pub(crate) stored: Sums,
    /// In the sums over those that have not expired.
    pub(crate) alive: Sums,
}

impl Counted {
    fn of(key: &str, value_bytes: i64, expires_at_ms: Option<u64>, now_ms: u64) -> Self {
        // A text in memory is never longer than what fits.
        let stored = Sums::of_key(value_bytes.saturating_add(i64::try_from(key.len()).unwrap_or(i64::MAX)));
        let alive = if is_alive(expires_at_ms, now_ms) { stored } else { Sums::default() };
        Self { stored, alive }
    }
}

impl AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.stored += other.stored;
        self.alive += other.alive;
    }
}

impl Sub for Counted {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { stored: self.stored - other.stored, alive: self.alive - other.alive }
    }
}

/// What the key's row counts for; nothing if there is none.
pub(crate) fn counted(sql: &Connection, scope: &Scope, key: &str, now_ms: u64) -> rusqlite::Result<Counted> {
    let counted = sql.prepare_cached(SIZE)?.query_row((&scope.tenant, &scope.plugin, key), |row| {
        Ok(Counted::of(key, row.get(0)?, number_or_null(row, 1)?, now_ms))
    });
    Ok(counted.optional()?.unwrap_or_default())
}

/// Gives the key a value, whatever it held. Tells what its row counts for now.
pub(crate) fn put(
    sql: &Connection,
    scope: &Scope,
    key: &str,
    value: &[u8],
    expires_at_ms: Option<u64>,
    now_ms: u64,
) -> rusqlite::Result<Counted> {
    let version: i64 = sql.prepare_cached(NEXT_VERSION)?.query_row((), |row| row.get(0))?;
    let mut statement = sql.prepare_cached(PUT)?;
    statement.execute((&scope.tenant, &scope.plugin, key, version, expires_at_ms.map(to_sql), value))?;
    let value_bytes = i64::try_from(value.len()).unwrap_or(i64::MAX);
    Ok(Counted::of(key, value_bytes, expires_at_ms, now_ms))
}

/// Removes the key, if it is there.
pub(crate) fn delete(sql: &Connection, scope: &Scope, key: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(DELETE)?.execute((&scope.tenant, &scope.plugin, key))?;
    Ok(())
}

/// Has a plugin's keys kept by one of another name, which has none. Their versions stay.
pub(crate) fn rename(sql: &Connection, from: &Scope, to: &str) -> rusqlite::Result<()> {
    let statement = "UPDATE kv SET plugin = ?3 WHERE tenant = ?1 AND plugin = ?2";
    sql.execute(statement, (&from.tenant, &from.plugin, to))?;
    Ok(())
}

/// The sums over a scope's rows that have expired.
pub(crate) fn expired_of(sql: &Connection, scope: &Scope, now_ms: u64) -> rusqlite::Result<Sums> {
    let mut statement = sql.prepare_cached(EXPIRED_OF)?;
    statement.query_row((&scope.tenant, &scope.plugin, to_sql(now_ms)), |row| {
        Ok(Sums { keys: row.get(0)?, bytes: row.get(1)?, timers: 0 })
    })
}

/// Removes up to `limit` of a scope's rows that have expired, the oldest first. Tells the sums over them.
pub(crate) fn remove_expired_of(sql: &Connection, scope: &Scope, now_ms: u64, limit: usize) -> rusqlite::Result<Sums> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = sql.prepare_cached(REMOVE_EXPIRED_OF)?;
    let mut rows = statement.query((&scope.tenant, &scope.plugin, to_sql(now_ms), limit))?;
    let mut sums = Sums::default();
    while let Some(row) = rows.next()? {
        sums += Sums::of_key(row.get(0)?);
    }
    Ok(sums)
}

/// Removes up to `limit` rows that have expired, of whatever plugin, the oldest first. Tells the sums over each one's.
pub(crate) fn remove_expired(sql: &Connection, now_ms: u64, limit: usize) -> rusqlite::Result<BTreeMap<Scope, Sums>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = sql.prepare_cached(REMOVE_EXPIRED)?;
    let mut rows = statement.query((to_sql(now_ms), limit))?;
    let mut removed: BTreeMap<Scope, Sums> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let scope = Scope { tenant: row.get(1)?, plugin: row.get(2)? };
        *removed.entry(scope).or_default() += Sums::of_key(row.get(0)?);
    }
    Ok(removed)
}

/// What every row tells of its value, in the first two columns.
struct Stamp {
    version: Version,
    expires_at_ms: Option<u64>,
}

fn stamp(row: &Row<'_>) -> rusqlite::Result<Stamp> {
    Ok(Stamp { version: Version(number(row, 0)?), expires_at_ms: number_or_null(row, 1)? })
}

/// A value lives until the millisecond in which it expires, and no longer.
fn is_alive(expires_at_ms: Option<u64>, now_ms: u64) -> bool {
    expires_at_ms.is_none_or(|expires_at_ms| expires_at_ms > now_ms)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] =
    [GET, SIZE, VERSION, FROM, PUT, DELETE, REMOVE_EXPIRED, REMOVE_EXPIRED_OF, EXPIRED_OF];
