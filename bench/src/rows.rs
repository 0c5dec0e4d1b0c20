//! The floor of the store: rusqlite with the same tables and indexes, the same settings and the same rows, and nothing
//! else. No queue, no thread of its own, no look at what is there already, no expiry, no order of conversations.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, Statement, params};
use slashbox_bench_round::{Laps, Order, Round, answer};
use slashbox_store::Store;

use crate::{
    cpu,
    cpu::Timed,
    database,
    event::{self, Template},
    payload,
    receiver::ANSWER_BODY,
};

/// Deliveries in a round, so that it has an end.
const DELIVERIES: u64 = 20_000;

/// What the store's writer has in memory, in KiB, and after how many pages it brings the log into the database's file.
const CACHE_KIB: i64 = 16 * 1024;
const LOG_PAGES: i64 = 4_000;

/// How many rows are written in a commit before a round begins.
const FILL_BATCH: u64 = 256;

/// How long slashbox knows an event of Hotline again.
const DEDUPE_TTL_MS: i64 = 15 * 60 * 1_000;

/// The key of the only source and of the only subscriber.
const KEY: i64 = 1;

/// When an attempt is made, and how long its lease is: values that take as many bytes as real ones.
const NOW_MS: i64 = event::OCCURRED_AT_MS + 1_000;
const LEASE_MS: i64 = 45_000;

const EVENT: &str =
    "INSERT INTO event (id, source, accepted_at_ms, occurred_at_ms, sender, lane, dialect, instance, kind,
        native_kind, conversation, contact, operator, message, dedupe, hops)
    VALUES (?1, ?2, ?3, ?4, 1, ?5, 'hotline', ?6, ?7, ?8, ?9, NULL, NULL, ?10, ?11, 0)";

const PAYLOAD: &str = "INSERT INTO payload (event, text, envelope, data) VALUES (?1, ?2, ?3, ?4)";

const DEDUPE: &str = "INSERT INTO dedupe (hash, event, until_ms) VALUES (?1, ?2, ?3)";

const DELIVERY: &str = "INSERT INTO delivery (event, subscriber, outcome, ready_at_ms, leased, claims, attempts, lane)
    VALUES (?1, ?2, 0, ?3, 0, 0, 0, ?4)";

const LEASE: &str = "UPDATE delivery SET leased = 1, ready_at_ms = ?3, claims = claims + 1
    WHERE event = ?1 AND subscriber = ?2";

const ATTEMPT: &str = "INSERT INTO attempt (event, subscriber, number, at_ms, took_ms, fault, status, detail, answer)
    VALUES (?1, ?2, 1, ?3, 2, NULL, 200, 'answered with status 200', ?4)";

const CLOSE: &str = "UPDATE delivery SET leased = 0, ready_at_ms = NULL, attempts = 1, outcome = 1
    WHERE event = ?1 AND subscriber = ?2";

/// Answers orders: `accept` writes events, `deliver` the rows of deliveries; as many in a commit as are abreast.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let data = folder.join("data");
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The store itself makes the tables, so that they are the same.
    tokio.block_on(Store::open(&data)?.close());
    let sql = open(&data)?;
    let mut rows = Rows::of(&sql)?;
    answer(|order| match order.what.as_str() {
        "accept" => rows.accept(order),
        "deliver" => rows.deliver(order),
        other => bail!("expected accept or deliver, got {other:?}"),
    })
}

/// As the store does for its writer.
fn open(data: &Path) -> Result<Connection> {
    let sql = Connection::open(database::file(data))?;
    let mode: String = sql.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    ensure!(mode == "wal", "the database is in mode {mode}");
    sql.pragma_update(None, "synchronous", "full")?;
    sql.pragma_update(None, "foreign_keys", true)?;
    sql.pragma_update(None, "cache_size", -CACHE_KIB)?;
    sql.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    sql.execute("INSERT INTO source (key, tenant, name) VALUES (?1, 'default', ?2)", params![KEY, payload::SOURCE])?;
    sql.execute("INSERT INTO subscriber (key, tenant, kind, name) VALUES (?1, 'default', 1, 'receiver')", [KEY])?;
    Ok(sql)
}

struct Rows<'c> {
    sql: &'c Connection,
    event: Statement<'c>,
    payload: Statement<'c>,
    dedupe: Statement<'c>,
    delivery: Statement<'c>,
    lease: Statement<'c>,
    attempt: Statement<'c>,
    close: Statement<'c>,
    data: Template,
    envelope: String,
    /// Events that were written.
    written: u64,
}

impl<'c> Rows<'c> {
    fn of(sql: &'c Connection) -> Result<Self> {
        Ok(Self {
            sql,
            event: sql.prepare(EVENT)?,
            payload: sql.prepare(PAYLOAD)?,
            dedupe: sql.prepare(DEDUPE)?,
            delivery: sql.prepare(DELIVERY)?,
            lease: sql.prepare(LEASE)?,
            attempt: sql.prepare(ATTEMPT)?,
            close: sql.prepare(CLOSE)?,
            data: Template::of(event::data())?,
            envelope: event::envelope(),
            written: 0,
        })
    }

    fn accept(&mut self, order: &Order) -> Result<Timed> {
        let before = cpu::ns();
        let mut laps = Laps::start(order.lasting);
        loop {
            self.commit(|rows| (0..order.abreast).try_for_each(|_| rows.write_event().map(drop)))?;
            if !laps.lap() {
                return Ok(Timed::since(before, Round::of(vec![laps])?));
            }
        }
    }

    /// Leases a batch and finishes the one before in the same commit, as many as there are deliveries. What it tells as
    /// one call is a commit.
    fn deliver(&mut self, order: &Order) -> Result<Timed> {
        let events = self.fill()?;
        let before = cpu::ns();
        let mut laps = Laps::start(Duration::ZERO);
        let batches: Vec<&[i64]> = events.chunks(order.abreast.max(1)).collect();
        for at in 0..=batches.len() {
            let leased = batches.get(at).copied().unwrap_or_default();
            let finished = at.checked_sub(1).and_then(|before| batches.get(before).copied()).unwrap_or_default();
            self.commit(|rows| {
                leased.iter().try_for_each(|&event| rows.lease(event))?;
                finished.iter().try_for_each(|&event| rows.finish(event))
            })?;
            laps.lap();
        }
        Ok(Timed::since(before, Round::of(vec![laps])?))
    }

    /// Writes the events of a round with their deliveries; gives back their numbers.
    fn fill(&mut self) -> Result<Vec<i64>> {
        let mut events = Vec::new();
        for _ in 0..DELIVERIES.div_ceil(FILL_BATCH) {
            self.commit(|rows| {
                for _ in 0..FILL_BATCH {
                    let (event, lane) = rows.write_event()?;
                    rows.delivery.execute(params![event, KEY, NOW_MS, lane])?;
                    events.push(event);
                }
                Ok(())
            })?;
        }
        Ok(events)
    }

    fn commit(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.sql.execute_batch("BEGIN IMMEDIATE")?;
        work(self)?;
        self.sql.execute_batch("COMMIT")?;
        Ok(())
    }

    /// The next event's rows; gives back its number and its lane.
    fn write_event(&mut self) -> Result<(i64, i64)> {
        let number = self.written;
        self.written += 1;
        let topic = event::topic(number);
        let lane = mixed(topic) & i64::MAX;
        let (hash, digest) = (mixed(number), digest(number));
        let data = std::str::from_utf8(self.data.number(number)?).context("an event is no text")?;
        let event = self.event.insert(params![
            event::id(number),
            KEY,
            NOW_MS,
            event::OCCURRED_AT_MS,
            lane,
            payload::INSTANCE,
            event::KIND,
            event::NATIVE_KIND,
            format!("{}:{topic}", event::CHAT),
            event::message(number).to_string(),
            digest,
        ])?;
        self.payload.execute(params![event, event::TEXT, self.envelope, data])?;
        self.dedupe.execute(params![hash, event, NOW_MS + DEDUPE_TTL_MS])?;
        Ok((event, lane))
    }

    fn lease(&mut self, event: i64) -> Result<()> {
        self.lease.execute(params![event, KEY, NOW_MS + LEASE_MS])?;
        Ok(())
    }

    fn finish(&mut self, event: i64) -> Result<()> {
        self.attempt.execute(params![event, KEY, NOW_MS, ANSWER_BODY])?;
        self.close.execute(params![event, KEY])?;
        Ok(())
    }
}

/// How many deliveries a round of `deliver` has.
pub(crate) fn deliveries() -> u64 {
    DELIVERIES.div_ceil(FILL_BATCH) * FILL_BATCH
}

/// Lies anywhere, as hashes do.
fn mixed(number: u64) -> i64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).cast_signed()
}

/// As long as a digest.
fn digest(number: u64) -> [u8; 32] {
    let mut digest = [0; 32];
    for (part, salt) in digest.chunks_exact_mut(8).zip(1..) {
        part.copy_from_slice(&mixed(number.wrapping_mul(salt)).to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests;
