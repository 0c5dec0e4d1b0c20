//! Requests as Hotline writes them, for receivers that were made for it.
//!
//! What came from Hotline goes out with its own members in their order, `data` byte for byte, and the subscriber's key
//! in place of the source's. `data` is always there, `null` where the platform sent none.

use serde::de::IgnoredAny;
use serde_json::Value;
use slashbox_core::{Command, Event, Origin};

use super::{NAME, TIMESTAMP, body::push_member, kinds};
use crate::Rendered;

/// What a request is made of.
struct Parts<'a> {
    event_type: &'a str,
    occurred_at_ms: u64,
    origin: &'a Origin,
    data: &'a str,
    envelope: &'a str,
}

pub(crate) fn event(event: &Event, api_key: Option<&str>) -> Rendered {
    let Event { kind, occurred_at_ms, origin, data, envelope, .. } = event;
    let event_type = kinds::of_canonical(kind).map_or(kind.as_str(), |kind| kind.native);
    render(&Parts { event_type, occurred_at_ms: *occurred_at_ms, origin, data, envelope }, api_key)
}

pub(crate) fn command(command: &Command, api_key: Option<&str>) -> Rendered {
    let Command { name, occurred_at_ms, origin, data, envelope, .. } = command;
    render(&Parts { event_type: name.as_str(), occurred_at_ms: *occurred_at_ms, origin, data, envelope }, api_key)
}

fn render(parts: &Parts<'_>, api_key: Option<&str>) -> Rendered {
    let mut body = String::with_capacity(parts.envelope.len() + parts.data.len() + 256);
    match own_members(parts) {
        Some(members) => body.push_str(members),
        None => push_members(&mut body, parts),
    }
    push_data(&mut body, parts.data);
    if let Some(api_key) = api_key {
        push_member(&mut body, "api_key", &Value::from(api_key).to_string());
    }
    body.push('}');
    Rendered { content_type: "application/json", body }
}

/// The members that came from Hotline, with the object's first brace and without its last; `None` if none did.
fn own_members<'a>(parts: &Parts<'a>) -> Option<&'a str> {
    if parts.origin.dialect != NAME || !parts.envelope.starts_with('{') || !is_json(parts.envelope) {
        return None;
    }
    parts.envelope.trim_end().strip_suffix('}').map(str::trim_end)
}

fn push_members(body: &mut String, parts: &Parts<'_>) {
    body.push('{');
    push_member(body, "event_type", &Value::from(parts.event_type).to_string());
    push_member(body, "timestamp", &format!("\"{}\"", timestamp(parts.occurred_at_ms)));
    if let Some(instance) = &parts.origin.instance {
        push_member(body, "instance_id", &Value::from(instance.as_str()).to_string());
    }
}

/// An embedding program may pass anything as `data`: what is no JSON goes as a string of it, nothing as null.
fn push_data(body: &mut String, data: &str) {
    if data.trim().is_empty() {
        push_member(body, "data", "null");
    } else if is_json(data) {
        push_member(body, "data", data);
    } else {
        push_member(body, "data", &Value::from(data).to_string());
    }
}

/// Takes no stack for what is nested.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// In UTC; a time that no calendar has is its last one.
fn timestamp(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.unwrap_or(jiff::Timestamp::MAX).strftime(TIMESTAMP).to_string()
}
