//! By what events are known again, and for how long.
//!
//! The tree holds a hash a key, as the digests lie anywhere in it: what is small stays in memory, and dirties few pages.
//! The digest itself is the event's, where it costs next to nothing, and decides.
//!
//! Invariants: what has expired is known to nobody, whether its row is still there or not; two keys with one hash are
//! never taken for each other, but the older one is forgotten.

use rusqlite::{Connection, OptionalExtension};
use slashbox_core::Dedupe;

use crate::numbers::to_sql;

/// How many neighbours of a new row are looked at, and removed if they have expired. They stand on the page that is
/// written anyway; and as hashes lie anywhere, everybody is a neighbour some time. In the long run every new row removes
/// one, so about one in this many of all rows has expired.
const NEIGHBOURS: usize = 8;

/// An event that is gone is repeated by none.
const FIND: &str = "SELECT id FROM dedupe JOIN event ON seq = event
    WHERE hash = ?1 AND until_ms > ?2 AND source = ?3 AND dedupe = ?4";

const REMEMBER: &str = "INSERT OR REPLACE INTO dedupe (hash, event, until_ms) VALUES (?1, ?2, ?3)";

pub(crate) const AFTER: &str = "SELECT hash, until_ms FROM dedupe WHERE hash > ?1 ORDER BY hash LIMIT ?2";

const REMOVE: &str = "DELETE FROM dedupe WHERE hash = ?1";

/// The id of the event that one with this key repeats.
pub(crate) fn find(sql: &Connection, source: i64, dedupe: &Dedupe, now_ms: u64) -> rusqlite::Result<Option<String>> {
    let mut statement = sql.prepare_cached(FIND)?;
    let key = (hash(source, dedupe), to_sql(now_ms), source, &dedupe.key);
    statement.query_row(key, |row| row.get(0)).optional()
}

/// Knows the event by its key from now on.
pub(crate) fn remember(
    sql: &Connection,
    source: i64,
    dedupe: &Dedupe,
    event: i64,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let hash = hash(source, dedupe);
    let until_ms = to_sql(now_ms.saturating_add(dedupe.ttl_ms));
    sql.prepare_cached(REMEMBER)?.execute((hash, event, until_ms))?;
    remove_expired_after(sql, hash, to_sql(now_ms))
}

fn remove_expired_after(sql: &Connection, hash: i64, now_ms: i64) -> rusqlite::Result<()> {
    let mut expired = [None; NEIGHBOURS];
    let mut statement = sql.prepare_cached(AFTER)?;
    let mut rows = statement.query((hash, NEIGHBOURS as i64))?;
    for slot in &mut expired {
        let Some(row) = rows.next()? else { break };
        let until_ms: i64 = row.get(1)?;
        *slot = (until_ms <= now_ms).then(|| row.get(0)).transpose()?;
    }
    drop(rows);
    for hash in expired.into_iter().flatten() {
        let hash: i64 = hash;
        sql.prepare_cached(REMOVE)?.execute([hash])?;
    }
    Ok(())
}

/// The same key of two sources is two keys: so their hashes lie apart.
fn hash(source: i64, dedupe: &Dedupe) -> i64 {
    /// An odd number without a pattern (the golden ratio's), so that small ones are spread over all bits.
    const SPREAD: i64 = 0x9e37_79b9_7f4a_7c15_u64.cast_signed();
    let [a, b, c, d, e, f, g, h, ..] = dedupe.key;
    i64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ source.wrapping_mul(SPREAD)
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [FIND, REMEMBER, AFTER, REMOVE];

#[cfg(test)]
mod tests {
    //! What cannot be seen from outside: the rows that nobody sees any more.

    use super::*;
    use crate::database::Database;
    use crate::lanes::lane;
    use crate::migrations::migrate;
    use crate::numbers::number;

    #[test]
    fn what_expires_makes_room() {
        const TTL_MS: u64 = 1000;
        let mut sql = Database::in_memory().open_writer().unwrap();
        migrate(&mut sql).unwrap();
        // Keys that lie anywhere, one a millisecond: as many live at any time as the time to live is long.
        for now_ms in 0..20 * TTL_MS {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&(lane("", &now_ms.to_string()) << 1).to_be_bytes());
            remember(&sql, 1, &Dedupe { key, ttl_ms: TTL_MS }, 0, now_ms).unwrap();
        }
        let rows = sql.query_row("SELECT count(*) FROM dedupe", (), |row| number(row, 0)).unwrap();
        assert!((TTL_MS..TTL_MS * 5 / 4).contains(&rows), "{rows}");
    }
}
