//! The platform's own requests, word for word (`documents/`), and what hostile senders make of them.

mod answers;
mod commands;
mod events;
mod json;
mod properties;
mod remote;
mod render;

use slashbox_core::{Command, Event};

use super::{Hotline, ReplyStyle};
use crate::{Arrival, Dialect, Incoming, Refusal, Request, Secret};

pub(super) const KEY: &str = "pQTngMZLh0NmAh";

pub(super) const MARK: &str = include_str!("documents/mark.json");
pub(super) const DIALOG_REOPENED: &str = include_str!("documents/dialog_reopened.json");
pub(super) const MESSAGE_SENT: &str = include_str!("documents/message_sent.json");

/// The documents have no requests of these: they are made from those that they have.
pub(super) const DIALOG_CREATED: &str = include_str!("documents/dialog_created.json");
pub(super) const DIALOG_CLOSED: &str = include_str!("documents/dialog_closed.json");
pub(super) const MESSAGE_RECEIVED: &str = include_str!("documents/message_received.json");
pub(super) const MESSAGE_INTERCEPTED: &str = include_str!("documents/message_intercepted.json");

pub(super) const DOCUMENTS: [&str; 7] =
    [MARK, DIALOG_REOPENED, MESSAGE_SENT, DIALOG_CREATED, DIALOG_CLOSED, MESSAGE_RECEIVED, MESSAGE_INTERCEPTED];

pub(super) fn hotline() -> Hotline {
    Hotline { api_key: Secret::new(KEY).unwrap(), reply: ReplyStyle::Json }
}

pub(super) fn read(body: impl AsRef<[u8]>) -> Result<Request, Refusal> {
    let new_id = || "01J".into();
    let arrival = Arrival { tenant: "acme", source: "support", now_ms: 7, new_id: &new_id };
    Dialect::Hotline(hotline()).read(body.as_ref(), arrival)
}

pub(super) fn command(body: impl AsRef<[u8]>) -> Command {
    match read(body) {
        Ok(Request::Command(command)) => command,
        other => panic!("{other:?}"),
    }
}

pub(super) fn incoming(body: impl AsRef<[u8]>) -> Incoming {
    match read(body) {
        Ok(Request::Events(mut events)) if events.len() == 1 => events.remove(0),
        other => panic!("{other:?}"),
    }
}

pub(super) fn event(body: impl AsRef<[u8]>) -> Event {
    incoming(body).event
}

/// A request with these members besides the key.
pub(super) fn with(members: &str) -> String {
    format!("{{\"api_key\":\"{KEY}\",{members}}}")
}

/// An event with this `data`.
pub(super) fn told(event_type: &str, data: &str) -> String {
    with(&format!("\"event_type\":\"{event_type}\",\"data\":{data}"))
}

/// The text of `data`, as it is written in one of the documents.
pub(super) fn data_of(document: &str) -> &str {
    let start = document.find("\"data\": ").unwrap() + "\"data\": ".len();
    &document[start..document.find(",\n    \"api_key\"").unwrap()]
}

/// Checks how a request is refused.
pub(super) fn refused(body: impl AsRef<[u8]>, status: u16, expected: &str) {
    let refusal = read(body).unwrap_err();
    assert_eq!((refusal.status(), refusal.to_string().as_str()), (status, expected));
}
