//! Remembers every event that it gets, field by field, so that a test sees what was delivered: all kinds, and `/mark` as
//! an observer.
//!
//! Keys: `seen/NUMBER/ID` holds the event. The number is what a counter held: two events at once may have the same, but
//! none makes the other run again, and their ids still part them. `id/ID` counts how often the event was recorded, `count`
//! all records, and `again` those of events that had been recorded before.

use serde::Serialize;
use slashbox_sdk::{Command, Event, OrRefuse, Plugin, Result, Sender, export, kv};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("recorder", "1.0.0")
        .summary("Remembers events")
        .command("/seen", "", "replies how many events there are", seen)
        .command("/counted", "", "replies how many records there are, and how many of them are repetitions", counted)
        .command("/event", "NUMBER", "replies an event as JSON, the first being 1", event)
        .command("/forget", "", "forgets all events", forget)
        .on("*", record)
        .on("/mark", record)
}

fn record(event: Event) -> Result {
    let number = kv::increment("count", 1)?;
    if kv::increment(format!("id/{}", event.id), 1)? > 1 {
        kv::increment("again", 1)?;
    }
    kv::set(format!("seen/{number:08}/{}", event.id), &Seen::from(event))?;
    Ok(())
}

fn seen(_: Command) -> Result<String> {
    Ok(kv::keys("seen/").collect::<Result<Vec<_>, _>>()?.len().to_string())
}

fn counted(_: Command) -> Result<String> {
    Ok(format!("{} {}", number("count")?, number("again")?))
}

fn number(key: &str) -> Result<String> {
    Ok(String::from_utf8(kv::get_bytes(key)?.unwrap_or_else(|| b"0".to_vec()))?)
}

fn event(command: Command) -> Result<String> {
    let number: usize = command.args.parse().or_refuse("which event?")?;
    let index = number.checked_sub(1).or_refuse("the first event is 1")?;
    let key = kv::keys("seen/").nth(index).or_refuse(format!("no event {number}"))??;
    Ok(String::from_utf8(kv::get_bytes(key)?.unwrap_or_default())?)
}

fn forget(_: Command) -> Result<&'static str> {
    for key in kv::keys("") {
        kv::delete(key?)?;
    }
    Ok("forgotten")
}

/// An event as it is kept: one JSON object. What the event does not say is `null`.
#[derive(Serialize)]
struct Seen {
    id: String,
    kind: String,
    native_kind: String,
    conversation: Option<String>,
    contact: Option<String>,
    operator: Option<String>,
    sender: &'static str,
    message: Option<String>,
    text: Option<String>,
    occurred_at_ms: u64,
    attempt: u32,
    tenant: String,
    source: String,
    dialect: String,
    instance: Option<String>,
    /// The JSON text as it came, in a string.
    data: String,
}

impl From<Event> for Seen {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            native_kind: event.native_kind,
            conversation: event.conversation,
            contact: event.contact,
            operator: event.operator,
            sender: match event.sender {
                Sender::Contact => "contact",
                Sender::Operator => "operator",
                Sender::Bot => "bot",
                Sender::System => "system",
                Sender::Unknown => "unknown",
            },
            message: event.message,
            text: event.text,
            occurred_at_ms: event.occurred_at_ms,
            attempt: event.attempt,
            tenant: event.origin.tenant,
            source: event.origin.source,
            dialect: event.origin.dialect,
            instance: event.origin.instance,
            data: event.data_json,
        }
    }
}
