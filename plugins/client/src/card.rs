//! What an operator gets to read: a few lines of plain text, each there as far as it is known.

use crate::record::{Latest, Mark, Record};
use jiff::{Timestamp, civil::DateTime, tz::Offset};
use std::fmt;

/// A record as it is shown.
pub struct Card {
    pub record: Record,
    /// Whom the platform says that the conversation is with now.
    pub contact: Option<String>,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { first_seen_ms, received, sent, contact, title, words, mark } = &self.record;
        let contact = self.contact.as_ref().or(contact.as_ref().map(|contact| &contact.value));
        match (title, contact) {
            (Some(title), Some(contact)) => writeln!(f, "{} (id {contact})", title.value)?,
            (Some(title), None) => writeln!(f, "{}", title.value)?,
            (None, Some(contact)) => writeln!(f, "Client {contact}")?,
            (None, None) => {}
        }
        if let Some(at) = first_seen_ms.and_then(utc) {
            writeln!(f, "First seen: {at}")?;
        }
        write!(f, "Messages: {received} received, {sent} sent")?;
        if let Some(words) = words {
            write!(f, "\nLast words{}: {}", on(words.at_ms), words.value)?;
        }
        match mark {
            Some(mark) => write_mark(f, mark),
            None => Ok(()),
        }
    }
}

fn write_mark(f: &mut fmt::Formatter<'_>, mark: &Latest<Mark>) -> fmt::Result {
    let Mark { status: Some(status), by } = &mark.value else { return Ok(()) };
    write!(f, "\nMark: {status} — marked")?;
    if let Some(operator) = by {
        write!(f, " by {operator}")?;
    }
    write!(f, "{}", on(mark.at_ms))
}

/// ` on 2025-10-08 20:41 UTC`, or nothing.
fn on(since_epoch_ms: u64) -> String {
    utc(since_epoch_ms).map_or(String::new(), |at| format!(" on {at}"))
}

/// None if no calendar has it: a platform may send any number.
fn utc(since_epoch_ms: u64) -> Option<String> {
    let timestamp = Timestamp::from_millisecond(since_epoch_ms.try_into().ok()?).ok()?;
    let at: DateTime = Offset::UTC.to_datetime(timestamp);
    Some(format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute()))
}
