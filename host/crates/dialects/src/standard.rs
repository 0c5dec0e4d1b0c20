//! The payload of Standard Webhooks: `{type, timestamp, data}`. Source: <https://www.standardwebhooks.com>, "Payload
//! structure".

use slashbox_core::Event;

use crate::{Rendered, dialect::members, json::Object, time};

pub(crate) fn render(event: &Event) -> Rendered {
    let mut body = Object::new();
    body.text("type", &event.kind).text("timestamp", &time::to_rfc3339(event.occurred_at_ms));
    body.json("data", &data(event));
    Rendered::json(body.finish())
}

/// What the native dialect says of an event, and where it came from.
pub(crate) fn data(event: &Event) -> String {
    let mut data = members(event);
    data.text("source", &event.origin.source).text("dialect", &event.origin.dialect);
    data.json("data", &crate::json::sound(&event.data));
    data.finish()
}
