//! The rows of the plugins' memory: how one is found, listed, written and removed.
//!
//! Owns the statements on `kv` and `kv_version`, and the rule by which a row has expired. Never decides whether something
//! may be written: that is [`commit`](crate::commit)'s.
//!
//! Invariants: no two writes get the same version; a row that has expired is seen by nobody, whether it is still there
//! or not.

use rusqlite::{Connection, OptionalExtension, Row};
use slashbox_core::{Scope, Version};

use crate::numbers::{number, number_or_null, to_sql};

const GET: &str = "SELECT version, expires_at_ms, value FROM kv WHERE tenant = ?1 AND plugin = ?2 AND key = ?3";

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
    SELECT tenant, plugin, key FROM kv WHERE expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2)";

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

/// Gives the key a value, whatever it held.
pub(crate) fn put(
    sql: &Connection,
    scope: &Scope,
    key: &str,
    value: &[u8],
    expires_at_ms: Option<u64>,
) -> rusqlite::Result<()> {
    let version: i64 = sql.prepare_cached(NEXT_VERSION)?.query_row((), |row| row.get(0))?;
    let expires_at_ms = expires_at_ms.map(to_sql);
    let mut statement = sql.prepare_cached(PUT)?;
    statement.execute((&scope.tenant, &scope.plugin, key, version, expires_at_ms, value))?;
    Ok(())
}

/// Removes the key, if it is there.
pub(crate) fn delete(sql: &Connection, scope: &Scope, key: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(DELETE)?.execute((&scope.tenant, &scope.plugin, key))?;
    Ok(())
}

/// Removes up to `limit` rows that have expired, of whatever plugin, the oldest first.
pub(crate) fn remove_expired(sql: &Connection, now_ms: u64, limit: usize) -> rusqlite::Result<usize> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql.prepare_cached(REMOVE_EXPIRED)?.execute((to_sql(now_ms), limit))
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
pub(crate) const STATEMENTS: [&str; 6] = [GET, VERSION, FROM, PUT, DELETE, REMOVE_EXPIRED];
