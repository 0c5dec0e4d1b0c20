//! The end of an attempt: its record, the delivery's next state and what the call changes, all or none.

use rusqlite::{Connection, Row};
use slashbox_core::{Attempt, Next};

use crate::deliveries::{self, Held, Outcome};
use crate::numbers::{decoded, fault_from_sql, fault_to_sql, number, to_sql};
use crate::{Change, DeliveryKey, FinishError, commit};

/// How the attempt at a claimed delivery ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Which delivery.
    pub delivery: DeliveryKey,
    /// The claim under which it was attempted.
    pub claim: u32,
    /// How the attempt ended.
    pub attempt: Attempt,
    /// Whether the attempt uses up one of its schedule.
    pub counts: bool,
    /// What becomes of the delivery.
    pub next: Next,
    /// What the call changes, if it was a plugin's.
    pub change: Option<Change>,
}

const INSERT: &str = "INSERT INTO attempt (event, subscriber, number, at_ms, took_ms, fault, status, detail, answer)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const OF_DELIVERY: &str = "SELECT number, at_ms, took_ms, fault, status, detail, answer FROM attempt
    WHERE event = ?1 AND subscriber = ?2 AND number >= ?3 ORDER BY number";

/// Records the end of an attempt, if its lease is held. Unless something is changed besides, it writes nothing once it
/// refuses.
pub(crate) fn finish(
    sql: &Connection,
    finished: &Finished,
    now_ms: u64,
) -> rusqlite::Result<Result<Option<DeliveryKey>, FinishError>> {
    let Finished { delivery, claim, attempt, counts, next, change } = finished;
    let Some(Held { attempts, uncounted, lane }) = deliveries::held(sql, *delivery, *claim)? else {
        return Ok(Err(FinishError::Fenced));
    };
    if let Some(change) = change
        && !change.is_empty()
        && let Err(error) = commit::commit(sql, change, now_ms)
    {
        return Ok(Err(error.into()));
    }
    let attempts = attempts.saturating_add(1);
    insert(sql, *delivery, attempts, attempt)?;
    let promoted = match next {
        Next::RetryAt(at_ms) => {
            let uncounted = uncounted.saturating_add(u32::from(!counts));
            deliveries::retry(sql, *delivery, *at_ms, attempts, uncounted).map(|()| None)?
        }
        Next::Succeeded => deliveries::close(sql, *delivery, lane, Outcome::Succeeded, attempts, now_ms)?,
        Next::Dead => deliveries::close(sql, *delivery, lane, Outcome::Dead, attempts, now_ms)?,
    };
    Ok(Ok(promoted))
}

/// Gives a lease back, if it is held.
pub(crate) fn hand_back(
    sql: &Connection,
    delivery: DeliveryKey,
    claim: u32,
    at_ms: u64,
) -> rusqlite::Result<Result<(), FinishError>> {
    match deliveries::held(sql, delivery, claim)? {
        Some(_) => deliveries::hand_back(sql, delivery, at_ms).map(Ok),
        None => Ok(Err(FinishError::Fenced)),
    }
}

fn insert(sql: &Connection, delivery: DeliveryKey, number: u32, attempt: &Attempt) -> rusqlite::Result<()> {
    let (event, subscriber) = deliveries::to_columns(delivery);
    sql.prepare_cached(INSERT)?.execute((
        event,
        subscriber,
        number,
        to_sql(attempt.at_ms),
        to_sql(attempt.took_ms),
        attempt.fault.map(fault_to_sql),
        attempt.status,
        &attempt.detail,
        &attempt.answer,
    ))?;
    Ok(())
}

/// The attempts at a delivery that have ended, with their numbers, from `first` on.
pub(crate) fn of_delivery(
    sql: &Connection,
    delivery: DeliveryKey,
    first: u32,
) -> rusqlite::Result<Vec<(u32, Attempt)>> {
    let (event, subscriber) = deliveries::to_columns(delivery);
    let mut statement = sql.prepare_cached(OF_DELIVERY)?;
    let rows = statement.query_map((event, subscriber, first), |row| Ok((row.get(0)?, attempt(row)?)))?;
    rows.collect()
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let fault: Option<i64> = row.get(3)?;
    Ok(Attempt {
        at_ms: number(row, 1)?,
        took_ms: number(row, 2)?,
        fault: fault.map(|_| decoded(row, 3, fault_from_sql)).transpose()?,
        status: row.get(4)?,
        detail: row.get(5)?,
        answer: row.get(6)?,
    })
}

/// The statements that run often, to see how SQLite goes about them.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [INSERT, OF_DELIVERY];
