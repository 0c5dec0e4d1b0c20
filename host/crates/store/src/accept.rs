//! Accepting events: what is new is written with its deliveries, what was there before is told apart.
//!
//! Never fails once it has begun to write, but with the database: whatever is wrong with a request is found before.

use rusqlite::Connection;
use slashbox_core::{Dedupe, Event};

use crate::{Fault, SubscriberKey, WriteError, dedupe, deliveries, events, subscribers};

/// An event that came in, and who gets it.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event. Its id is its own for ever: accepted a second time, it is a duplicate of itself.
    pub event: Event,
    /// By what it is known again; `None` if it never is.
    pub dedupe: Option<Dedupe>,
    /// Who gets it; each once, however often it stands there. It is kept if nobody does.
    pub subscribers: Vec<SubscriberKey>,
}

/// What became of an event that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is kept, with its deliveries.
    New,
    /// It was accepted before; nothing was written.
    Duplicate {
        /// The id of the event that it repeats.
        of: String,
    },
}

/// Keeps what is new; tells what became of each.
pub(crate) fn accept(
    sql: &Connection,
    new: &[NewEvent],
    now_ms: u64,
) -> rusqlite::Result<Result<Vec<Accepted>, WriteError>> {
    if let Some(unknown) = unknown_subscriber(sql, new)? {
        return Ok(Err(Fault::unknown_subscriber(unknown).into()));
    }
    let accepted = new.iter().map(|new| accept_one(sql, new, now_ms)).collect::<rusqlite::Result<_>>()?;
    Ok(Ok(accepted))
}

/// The events of a request mostly go to the same few subscribers, so each is looked up once.
fn unknown_subscriber(sql: &Connection, new: &[NewEvent]) -> rusqlite::Result<Option<SubscriberKey>> {
    let mut known = Vec::new();
    for &key in new.iter().flat_map(|new| &new.subscribers) {
        if known.contains(&key) {
            continue;
        }
        if !subscribers::is_known(sql, key)? {
            return Ok(Some(key));
        }
        known.push(key);
    }
    Ok(None)
}

/// Keeps an event whose subscribers are known, if it is new.
pub(crate) fn accept_one(sql: &Connection, new: &NewEvent, now_ms: u64) -> rusqlite::Result<Accepted> {
    let NewEvent { event, dedupe, subscribers } = new;
    let source = events::source(sql, &event.origin)?;
    if let Some(dedupe) = dedupe
        && let Some(of) = dedupe::find(sql, source, dedupe, now_ms)?
    {
        return Ok(Accepted::Duplicate { of });
    }
    let Some(inserted) = events::insert(sql, event, source, dedupe.as_ref(), now_ms)? else {
        return Ok(Accepted::Duplicate { of: event.id.clone() });
    };
    if let Some(dedupe) = dedupe {
        dedupe::remember(sql, source, dedupe, inserted.seq, now_ms)?;
    }
    for &subscriber in subscribers {
        deliveries::insert(sql, inserted, subscriber, now_ms)?;
    }
    Ok(Accepted::New)
}
