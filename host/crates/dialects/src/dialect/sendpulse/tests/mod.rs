//! The platform's own requests, word for word (`samples/`), and what hostile senders make of them.

mod documents;
mod events;
mod hostile;
mod json;
mod properties;
mod render;

use std::cell::Cell;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use slashbox_core::Origin;

use super::*;
use crate::{Dialect, Format, Secret};

/// After all that the document has, but for its times that are none.
const NOW_MS: u64 = 1_760_000_000_000;

const TOKEN: &str = "pQTngMZLh0NmAh";

const INCOMING_MESSAGE: &str = include_str!("../../../../samples/sendpulse/incoming_message.json");
const PAYMENT_SAMPLE: &str = include_str!("../../../../samples/sendpulse/payment_order.json");

fn dialect() -> Dialect {
    "sendpulse".parse().unwrap()
}

fn credentials() -> Credentials {
    Credentials { token: Some(Secret::new(TOKEN).unwrap()), ..Credentials::default() }
}

/// Reads a request at [`NOW_MS`]; its events' ids are `1`, `2` and so on.
fn read(body: impl AsRef<[u8]>) -> Result<Request, Refusal> {
    let made = Cell::new(0);
    let new_id = || {
        made.set(made.get() + 1);
        made.get().to_string()
    };
    let arrival = Arrival { tenant: "acme", source: "shop", now_ms: NOW_MS, new_id: &new_id };
    let headers = HeaderMap::new();
    let received = Received { body: body.as_ref(), headers: &headers, path_token: Some(TOKEN) };
    dialect().read(&received, &credentials(), arrival)
}

fn all(body: impl AsRef<[u8]>) -> Vec<Incoming> {
    match read(body) {
        Ok(Request::Events(events)) => events,
        other => panic!("{other:?}"),
    }
}

fn one(body: impl AsRef<[u8]>) -> Incoming {
    let mut events = all(body);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The event of an array of one object with these members.
fn with(members: &str) -> Event {
    one(format!("[{{{members}}}]")).event
}

fn sample(name: &str) -> &'static str {
    SAMPLES.iter().find(|sample| sample.name == name).unwrap().body
}

/// What a sample's event has as its data: the array's only element as it is written, or the whole object.
fn data_of(sample: &str) -> &str {
    let sample = sample.trim();
    sample.strip_prefix('[').map_or(sample, |rest| rest.strip_suffix(']').unwrap().trim())
}

/// JSON without what stands between its tokens. Numbers and strings stay as they are written.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let mut keep = |c: char| {
        let keep = in_string || !c.is_ascii_whitespace();
        in_string ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        keep
    };
    json.chars().filter(|&c| keep(c)).collect()
}

/// Checks how a request is refused.
fn refused(body: impl AsRef<[u8]>, expected: &str) {
    let refusal = read(body).unwrap_err();
    assert_eq!((refusal.status(), refusal.to_string().as_str()), (400, expected));
}

fn rendered(event: &Event, format: Format) -> String {
    format.event(event, &Recipient::default()).body
}
