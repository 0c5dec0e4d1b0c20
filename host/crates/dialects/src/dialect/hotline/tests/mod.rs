//! The platform's own requests, word for word (`documents/`), and what hostile senders make of them.

mod answers;
mod commands;
mod events;
mod json;
mod properties;
mod render;

use slashbox_core::{Command, Event};

use http::HeaderMap;

use crate::{Arrival, Credentials, Dialect, Incoming, Received, Recipient, Refusal, ReplyStyle, Request, Secret};

pub(super) const KEY: &str = "pQTngMZLh0NmAh";

pub(super) const MARK: &str = include_str!("../../../../samples/hotline/mark.json");
pub(super) const DIALOG_REOPENED: &str = include_str!("../../../../samples/hotline/dialog_reopened.json");
pub(super) const MESSAGE_SENT: &str = include_str!("../../../../samples/hotline/message_sent.json");

/// The documents have no requests of these: they are made from those that they have.
pub(super) const DIALOG_CREATED: &str = include_str!("../../../../samples/hotline/dialog_created.json");
pub(super) const DIALOG_CLOSED: &str = include_str!("../../../../samples/hotline/dialog_closed.json");
pub(super) const MESSAGE_RECEIVED: &str = include_str!("../../../../samples/hotline/message_received.json");
pub(super) const MESSAGE_INTERCEPTED: &str = include_str!("../../../../samples/hotline/message_intercepted.json");

pub(super) const DOCUMENTS: [&str; 7] =
    [MARK, DIALOG_REOPENED, MESSAGE_SENT, DIALOG_CREATED, DIALOG_CLOSED, MESSAGE_RECEIVED, MESSAGE_INTERCEPTED];

pub(super) fn hotline() -> Dialect {
    "hotline".parse().unwrap()
}

pub(super) fn credentials() -> Credentials {
    Credentials { api_key: Some(Secret::new(KEY).unwrap()), ..Credentials::default() }
}

/// A subscriber with this key.
pub(super) fn to(api_key: Option<&str>) -> Recipient<'_> {
    Recipient { api_key, ..Recipient::default() }
}

pub(super) fn read(body: impl AsRef<[u8]>) -> Result<Request, Refusal> {
    let new_id = || "01J".into();
    let arrival = Arrival { tenant: "acme", source: "support", now_ms: 7, new_id: &new_id };
    read_at(body, arrival)
}

pub(super) fn read_at(body: impl AsRef<[u8]>, arrival: Arrival<'_>) -> Result<Request, Refusal> {
    let headers = HeaderMap::new();
    let received = Received { body: body.as_ref(), headers: &headers, path_token: None };
    hotline().read(&received, &credentials(), arrival)
}

pub(super) fn command(body: impl AsRef<[u8]>) -> Command {
    match read(body) {
        Ok(Request::Command { command, idempotency_key: None }) => command,
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
