//! Deliveries that wait, written as rows: a million of them in seconds, each in a conversation of its own.

use std::{path::Path, time::SystemTime};

use anyhow::{Context, Result};
use rusqlite::{Connection, params};
use slashbox_core::{SubscriberId, SubscriberKind};
use slashbox_store::Store;

use crate::{database, event, payload};

const EVENTS: &str = "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
    INSERT INTO event (seq, id, source, accepted_at_ms, occurred_at_ms, sender, lane, dialect, instance, kind, native_kind,
        conversation, message, dedupe)
    SELECT n, printf('01P%023d', n), ?3, ?4, ?4, 1, n, 'hotline', ?5, ?6, ?7, n, n, randomblob(32) FROM number";

const PAYLOADS: &str = "INSERT INTO payload (event, text, envelope, data)
    SELECT seq, ?3, ?4, ?5 FROM event WHERE seq BETWEEN ?1 AND ?2";

const DELIVERIES: &str =
    "INSERT INTO delivery (event, subscriber, outcome, ready_at_ms, leased, claims, attempts, lane, again)
    SELECT seq, ?3, 0, ?4, 0, ?5, ?5, lane, ?5 FROM event WHERE seq BETWEEN ?1 AND ?2";

const ATTEMPTS: &str = "INSERT INTO attempt (event, subscriber, number, at_ms, took_ms, fault, status, detail, answer)
    SELECT seq, ?3, 1, ?4, 2, 5, 503, 'answered with status 503', '' FROM event WHERE seq BETWEEN ?1 AND ?2";

/// What waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pile<'p> {
    /// The webhook that is to get it.
    pub(crate) webhook: &'p str,
    pub(crate) deliveries: u64,
    /// Whether each was attempted once.
    pub(crate) again: bool,
}

/// Writes it into a data directory that nobody has. Gives back the key of the webhook.
pub(crate) fn fill(data: &Path, pile: Pile<'_>) -> Result<u64> {
    let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: pile.webhook.into() };
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The store itself makes the tables and the subscriber, so that they are the same.
    let key = tokio.block_on(async {
        let store = Store::open(data)?;
        let keys = store.subscribers_of(vec![id]).await?;
        store.close().await;
        keys.first().copied().context("the store gave no key")
    })?;
    if pile.deliveries > 0 {
        write(data, key.0.cast_signed(), pile)?;
    }
    Ok(key.0)
}

fn write(data: &Path, subscriber: i64, pile: Pile<'_>) -> Result<()> {
    let mut sql = Connection::open(database::file(data))?;
    let now_ms = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
    let transaction = sql.transaction()?;
    let source = ("default", payload::SOURCE);
    transaction.execute("INSERT OR IGNORE INTO source (tenant, name) VALUES (?1, ?2)", source)?;
    let find = "SELECT key FROM source WHERE tenant = ?1 AND name = ?2";
    let source: i64 = transaction.query_row(find, source, |row| row.get(0))?;
    let before: i64 = transaction.query_row("SELECT coalesce(max(seq), 0) FROM event", (), |row| row.get(0))?;
    let (first, last) = (before + 1, before + pile.deliveries.cast_signed());
    let kinds = (event::KIND, event::NATIVE_KIND);
    transaction.execute(EVENTS, params![first, last, source, now_ms, payload::INSTANCE, kinds.0, kinds.1])?;
    transaction.execute(PAYLOADS, params![first, last, event::TEXT, event::envelope(), event::data()])?;
    transaction.execute(DELIVERIES, params![first, last, subscriber, now_ms, i64::from(pile.again)])?;
    if pile.again {
        transaction.execute(ATTEMPTS, params![first, last, subscriber, now_ms])?;
    }
    Ok(transaction.commit()?)
}
