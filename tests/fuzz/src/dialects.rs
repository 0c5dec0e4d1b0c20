//! Requests of each dialect.

use std::collections::BTreeSet;

use http::HeaderMap;
use serde::de::IgnoredAny;
use slashbox_core::{Command, Event, is_kind};
use slashbox_dialects::{
    Arrival, Credential, Credentials, Dialect, EVENT_BYTES_MAX, EVENTS_MAX, Format, Received, Recipient, Refusal,
    ReplyStyle, Request, Secret,
};

/// The key of the documents' examples, so that the samples are let in.
const KEY: &str = "pQTngMZLh0NmAh";

/// When whatever came in came in, in milliseconds since the Unix epoch.
const NOW_MS: u64 = 1_790_000_000_000;

/// The longest piece of a name, or of a value that is wrong, each of its bytes escaped, and the words around it.
const REFUSAL_BYTES_MAX: usize = 8_000;

/// Hotline.
pub fn hotline(input: &[u8]) {
    dialect("hotline", input);
}

/// SendPulse.
pub fn sendpulse(input: &[u8]) {
    dialect("sendpulse", input);
}

/// TG-Staff.
pub fn tg_staff(input: &[u8]) {
    dialect("tg-staff", input);
}

/// Inbox events.
pub fn inbox(input: &[u8]) {
    dialect("inbox", input);
}

/// slashbox's own.
pub fn native(input: &[u8]) {
    dialect("native", input);
}

fn dialect(name: &str, body: &[u8]) {
    let dialect: Dialect = name.parse().expect("a dialect");
    match read(dialect, body) {
        Ok(Request::Command { command, .. }) => check_command(dialect, &command),
        Ok(Request::Events(events)) => {
            assert!(events.len() <= EVENTS_MAX);
            let ids: BTreeSet<_> = events.iter().map(|incoming| &incoming.event.id).collect();
            assert_eq!(ids.len(), events.len(), "each has an id of its own");
            events.iter().for_each(|incoming| check_event(dialect, &incoming.event));
        }
        Ok(Request::Ping) => assert_eq!(dialect.pong().status, 200),
        Err(refusal) => {
            assert!([400, 401, 413].contains(&refusal.status()), "{refusal}");
            let answer = dialect.refuse(&refusal, ReplyStyle::Json);
            assert!(is_json(&answer.body) && answer.body.len() < REFUSAL_BYTES_MAX, "{}", answer.body);
        }
    }
}

fn credentials(dialect: Dialect) -> Credentials {
    let secret = Some(Secret::new(KEY).expect("long enough"));
    match dialect.credentials().contains(&Credential::ApiKey) {
        true => Credentials { api_key: secret, ..Credentials::default() },
        false => Credentials { token: secret, ..Credentials::default() },
    }
}

fn read(dialect: Dialect, body: &[u8]) -> Result<Request, Refusal> {
    let credentials = credentials(dialect);
    let made = std::cell::Cell::new(0);
    let new_id = || {
        made.set(made.get() + 1);
        format!("id-{}", made.get())
    };
    let path_token = credentials.token.is_some().then_some(KEY);
    let arrival = Arrival { tenant: "acme", source: "support", now_ms: NOW_MS, new_id: &new_id };
    dialect.read(&Received { body, headers: &HeaderMap::new(), path_token }, &credentials, arrival)
}

fn check_command(dialect: Dialect, command: &Command) {
    check_texts(&command.data, &command.envelope);
    let event = Event::from(command);
    check_rendered(&event);
    match read(dialect, as_received(&event).as_bytes()) {
        Ok(Request::Command { command: again, .. }) => {
            assert_eq!(&again, &Command { id: again.id.clone(), ..command.clone() })
        }
        other => panic!("{other:?}"),
    }
}

fn check_event(dialect: Dialect, event: &Event) {
    let Event { kind, native_kind, conversation, contact, operator, message, data, envelope, .. } = event;
    assert!(is_kind(kind), "{kind:?}");
    assert!(native_kind.len() <= 256 && data.len() + envelope.len() <= EVENT_BYTES_MAX);
    for id in [contact, operator, message].into_iter().flatten() {
        assert!(id.len() <= 256, "{id}");
    }
    assert!(conversation.as_ref().is_none_or(|conversation| conversation.len() <= 520));
    check_texts(data, envelope);
    check_rendered(event);
    match read(dialect, as_received(event).as_bytes()) {
        Ok(Request::Events(again)) => {
            let [again] = again.try_into().expect("one event");
            assert_eq!(&again.event, &Event { id: again.event.id.clone(), ..event.clone() });
        }
        other => panic!("{other:?}"),
    }
}

/// What is stored is sound, and has no credential.
fn check_texts(data: &str, envelope: &str) {
    assert!(is_json(data), "{data}");
    assert!(envelope.is_empty() || is_json(envelope), "{envelope}");
    assert!(!data.contains(KEY) && !envelope.contains(KEY));
}

fn check_rendered(event: &Event) {
    for format in Format::all() {
        let rendered = format.event(event, &Recipient::default());
        assert!(is_json(&rendered.body), "{format}: {}", rendered.body);
        assert!(!rendered.body.contains(KEY), "{format}");
    }
}

fn as_received(event: &Event) -> String {
    let to = Recipient { api_key: Some(KEY), ..Recipient::default() };
    Format::AsReceived.event(event, &to).body
}

/// Takes no stack for what is nested.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}
