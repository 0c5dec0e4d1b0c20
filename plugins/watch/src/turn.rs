//! Whose turn it is in a conversation: since when its client waits for an answer.
//!
//! Two keys, both gone when nothing has happened for a month: `turn/CONVERSATION`, what is known of it; and, while its
//! client waits, `since/TIME/CONVERSATION`, so that those who wait are listed in their order and none has to be read.

use crate::period::Spoken;
use serde::{Deserialize, Serialize};
use slashbox_sdk::{Result, kv};
use std::{fmt, time::Duration};

/// After so long nobody waits any more.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The most that are counted: one listing of the host's.
const WAITING_MAX: u32 = 1_000;

/// A conversation. Events may come late, so it is kept until when all was answered too.
#[derive(Default, Serialize, Deserialize)]
struct Turn {
    /// When the client wrote the first thing that is not answered.
    waiting_since_ms: Option<u64>,
    settled_ms: u64,
}

/// The client wrote.
pub fn asked(conversation: &str, at_ms: u64) -> Result {
    let mut turn = read(conversation)?;
    let waits_already = turn.waiting_since_ms.is_some_and(|since_ms| since_ms <= at_ms);
    if waits_already || at_ms < turn.settled_ms {
        return Ok(());
    }
    if let Some(since_ms) = turn.waiting_since_ms.replace(at_ms) {
        kv::delete(since_key(since_ms, conversation))?;
    }
    kv::set_for(since_key(at_ms, conversation), &(), KEPT)?;
    write(conversation, &turn)
}

/// What the client wrote until then needs no answer any more. Gives back how long the client had waited. What was written
/// before the client asked is no answer, whenever it comes.
pub fn settled(conversation: &str, at_ms: u64) -> Result<Option<u64>> {
    let mut turn = read(conversation)?;
    let since_ms = turn.waiting_since_ms.take_if(|since_ms| *since_ms <= at_ms);
    if let Some(since_ms) = since_ms {
        kv::delete(since_key(since_ms, conversation))?;
    }
    turn.settled_ms = turn.settled_ms.max(at_ms);
    write(conversation, &turn)?;
    Ok(since_ms.map(|since_ms| at_ms - since_ms))
}

fn read(conversation: &str) -> Result<Turn> {
    Ok(kv::get(turn_key(conversation))?.unwrap_or_default())
}

fn write(conversation: &str, turn: &Turn) -> Result {
    kv::set_for(turn_key(conversation), turn, KEPT)?;
    Ok(())
}

fn turn_key(conversation: &str) -> String {
    format!("turn/{conversation}")
}

/// All numbers have the same length, so that the order of the keys is that of the times.
fn since_key(since_ms: u64, conversation: &str) -> String {
    format!("since/{since_ms:020}/{conversation}")
}

/// Who waits now.
pub struct Waiting {
    clients: usize,
    /// Whether there are more than were counted.
    more: bool,
    longest_ms: u64,
}

impl Waiting {
    pub fn read(now_ms: u64) -> Result<Self> {
        let page = kv::page("since/", None, WAITING_MAX)?;
        let since_ms = page.keys.first().and_then(|key| key.split('/').nth(1)?.parse().ok()).unwrap_or(now_ms);
        let longest_ms = now_ms.saturating_sub(since_ms);
        Ok(Self { clients: page.keys.len(), more: page.next.is_some(), longest_ms })
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = Spoken { ms: self.longest_ms };
        match self.clients {
            0 => f.write_str("nobody"),
            1 => write!(f, "1 client, for {longest}"),
            clients if self.more => write!(f, "more than {clients} clients, the longest for {longest}"),
            clients => write!(f, "{clients} clients, the longest for {longest}"),
        }
    }
}
