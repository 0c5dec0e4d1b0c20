//! `client`: who writes in this conversation, for whoever opens it next. `/client` shows since when the client is known,
//! how much was written, the client's last words and the mark.
//!
//! What is known of a conversation is one record, read and written in one event. A conversation's events come one after
//! the other, so its record knows no conflicts, and a call's writes count once, so the counts are exact. They may still
//! come late: what is first and what is last is decided by when it happened.

mod card;
mod record;

use card::Card;
use record::{Mark, Record};
use slashbox_sdk::{Command, Event, OrRefuse, Plugin, Result, Sender, export, kv};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("client", env!("CARGO_PKG_VERSION"))
        .summary("What is known of the client of a conversation")
        .command("/client", "", "shows since when the client is known, how much was written, last words and mark", show)
        .on("message.received", from_client)
        .on("message.sent", to_client)
        .on("message.intercepted", intercepted)
        .on("conversation.*", |event| change(&event, |record| record.describe(&event)))
        .on("/mark", marked)
}

fn show(command: Command) -> Result<String> {
    let key = command.conversation_key().or_refuse("/client works only in a conversation")?;
    let record: Option<Record> = kv::get(key)?;
    let card = |record: Record| Card { record, contact: command.contact }.to_string();
    Ok(record.map_or("Nothing is known of this client yet".to_owned(), card))
}

fn from_client(event: Event) -> Result {
    change(&event, |record| {
        record.received += 1;
        record.hear(&event);
    })
}

fn to_client(event: Event) -> Result {
    change(&event, |record| record.sent += 1)
}

/// A message of a parallel session: of the account that writes to clients, unless the platform says otherwise.
fn intercepted(event: Event) -> Result {
    if event.sender == Sender::Contact { from_client(event) } else { to_client(event) }
}

/// Another plugin or a remote answers `/mark`; what it takes as a status is taken here. Without arguments it only shows.
fn marked(event: Event) -> Result {
    match Mark::from_event(&event) {
        Some(mark) => change(&event, |record| record.mark(mark, event.occurred_at_ms)),
        None => Ok(()),
    }
}

/// Changes what is known of the event's conversation; what belongs to none says nothing of a client.
fn change(event: &Event, change: impl FnOnce(&mut Record)) -> Result {
    let Some(key) = event.conversation_key() else { return Ok(()) };
    let mut record: Record = kv::get(&key)?.unwrap_or_default();
    record.see(event);
    change(&mut record);
    kv::set(key, &record)?;
    Ok(())
}

#[cfg(test)]
mod tests;
