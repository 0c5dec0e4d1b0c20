//! CloudEvents 1.0 in its structured mode. Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>,
//! and its JSON format.

use slashbox_core::Event;

use crate::{Rendered, json::Object, standard, time};

/// The media type of a structured event in JSON.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// `source` and `id` together are unique: the source is the tenant's.
pub(crate) fn render(event: &Event) -> Rendered {
    let Event { id, kind, conversation, occurred_at_ms, origin, .. } = event;
    let mut body = Object::new();
    body.text("specversion", "1.0").text("id", id).text("type", kind);
    body.text("source", &format!("/slashbox/{}/{}", origin.tenant, origin.source));
    // An attribute that is a string is never empty.
    body.text_if("subject", conversation.as_deref().filter(|conversation| !conversation.is_empty()));
    body.text("time", &time::to_rfc3339(*occurred_at_ms)).text("datacontenttype", "application/json");
    body.json("data", &standard::data(event));
    Rendered { content_type: CONTENT_TYPE, ..Rendered::json(body.finish()) }
}
