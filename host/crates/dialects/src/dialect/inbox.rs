//! The inbox: one JSON object a request, with the id of its delivery.
//!
//! Source: the platform's page "Events Reference". `{event, delivery_id, data}`, nine events; ids are strings, times are
//! RFC 3339 under a name that differs by the event. It states no authentication, so a source takes a token or a header.
//!
//! Owns nothing but the shape: what does not fit the page is left out of the typed fields, and still stands in the data,
//! which is that of the request as it was written. The other members are the envelope.

use slashbox_core::{Event, Sender};

use super::Wire;
use crate::{
    Arrival, Credential, Credentials, Incoming, Kind, Received, Recipient, Refusal, Rendered, Request, Sample, dedupe,
    json::{self, Members, Object, shown},
    kind,
    request::check_size,
    sample::samples,
    time,
    translate::{own_envelope, with_own_data},
};

/// The dialect.
pub(super) struct Inbox;

/// All that the platform documents. A handoff and a draft come from its assistant; who edits or deletes a message it does
/// not say.
const KINDS: &[Kind] = &[
    Kind::new("message.received", "message.received", &[Sender::Contact]),
    Kind::new("message.updated", "message.updated", &[Sender::Unknown]),
    Kind::new("message.deleted", "message.deleted", &[Sender::Unknown]),
    Kind::new("conversation.started", "conversation.created", &[Sender::System]),
    Kind::new(CONVERSATION_UPDATED, CONVERSATION_UPDATED, &[Sender::System]),
    Kind::new("conversation.closed", "conversation.closed", &[Sender::System]),
    Kind::new("handoff.requested", "handoff.requested", &[Sender::Bot]),
    Kind::new("draft.created", "draft.created", &[Sender::Bot]),
    Kind::new("contact.updated", "contact.updated", &[Sender::System]),
];

/// Its changes tell who has the conversation now; those of a contact are other ones.
const CONVERSATION_UPDATED: &str = "conversation.updated";

const SAMPLES: &[Sample] = samples!["inbox":
    "message_received" "a message from the contact",
    "message_updated" "a message was edited",
    "message_deleted" "a message was deleted",
    "conversation_started" "a new conversation",
    "conversation_updated" "a conversation was assigned to an agent",
    "conversation_closed" "a conversation was closed",
    "handoff_requested" "the assistant asks for a human to take over",
    "draft_created" "the assistant has drafted a reply, which awaits approval",
    "contact_updated" "a contact's name and address were changed",
];

/// Under which names the document has a time, and others would.
const TIMES: [&str; 7] =
    ["timestamp", "created_at", "updated_at", "closed_at", "deleted_at", "requested_at", "edited_at"];

impl Wire for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn credentials(&self) -> &'static [Credential] {
        &[Credential::Token, Credential::AuthHeader]
    }

    fn samples(&self) -> &'static [Sample] {
        SAMPLES
    }

    fn read(
        &self,
        received: &Received<'_>,
        credentials: &Credentials,
        arrival: Arrival<'_>,
    ) -> Result<Request, Refusal> {
        let body = credentials.taken_out_of_json(json::text_of(received.body)?);
        let members = Members::of_body(&body)?;
        let name = name(&members)?;
        let (data, envelope) = (members.get("data").unwrap_or("null"), members.without("data").finish());
        check_size(None, data.len() + envelope.len())?;
        Ok(Request::Events(vec![incoming(&name, &members, data, envelope, arrival)]))
    }

    /// What came from the inbox goes out with its own members in their order, `data` byte for byte. `data` is always
    /// there, `null` where the platform sent none.
    fn render(&self, event: &Event, _to: &Recipient<'_>) -> Rendered {
        let Some(mut body) = own_envelope(event, self.name()) else { return Rendered::json(translated(event)) };
        body.json("data", &json::sound(&event.data));
        Rendered::json(body.finish())
    }
}

fn name(members: &Members<'_>) -> Result<String, Refusal> {
    let raw = members.get("event");
    match raw.filter(|raw| raw.starts_with('"')).and_then(|_| members.text(&["event"])) {
        Some(name) => Ok(name),
        None => {
            let found = raw.map_or_else(|| "missing".into(), shown);
            let problem = "expected a string such as \"message.received\"";
            Err(Refusal::Malformed(format!("`event` is {found}: {problem}")))
        }
    }
}

fn incoming(name: &str, members: &Members<'_>, data: &str, envelope: String, arrival: Arrival<'_>) -> Incoming {
    let known = kind::of_native(KINDS, name);
    let told = Members::of(data).unwrap_or_default();
    let occurred_at_ms = time_of(&told).or_else(|| time_of(members));
    let message = told.id(&["message_id"]);
    let identifies = occurred_at_ms.is_some() || message.is_some();
    let dedupe = match members.id(&["delivery_id"]) {
        Some(id) => Some(dedupe::by_id(&id)),
        None => identifies.then(|| dedupe::by_content([name, &envelope, data])),
    };
    let event = Event {
        id: (arrival.new_id)(),
        kind: known.map_or_else(|| kind::unknown(name), |kind| kind.canonical.into()),
        native_kind: kind::beginning(name).into(),
        conversation: told.id(&["thread_id"]),
        contact: told.object("from").id(&["id"]).or_else(|| told.id(&["contact_id"])),
        operator: if name == CONVERSATION_UPDATED { assignee(&told.object("changes")) } else { None },
        sender: known.map_or(Sender::Unknown, Kind::sender),
        message,
        text: told.text(&["text", "new_text", "draft_text"]),
        occurred_at_ms: occurred_at_ms.unwrap_or(arrival.now_ms),
        origin: arrival.origin(Inbox.name(), None),
        data: data.into(),
        envelope,
        hops: 0,
    };
    Incoming { event, dedupe }
}

fn time_of(members: &Members<'_>) -> Option<u64> {
    TIMES.iter().find_map(|name| time::rfc3339(&members.text(&[name])?))
}

/// Whom a conversation was assigned to: a string, since a number may count anything.
fn assignee(changes: &Members<'_>) -> Option<String> {
    changes.get("assigned_to").filter(|raw| raw.starts_with('"')).and_then(|_| changes.id(&["assigned_to"]))
}

/// What another platform wrote, as this one would have. A delivery has its event's id: it is the same over all attempts.
fn translated(event: &Event) -> String {
    let mut body = Object::new();
    body.text("event", kind::native_of(KINDS, &event.kind)).text("delivery_id", &event.id);
    body.json("data", &with_own_data(fields(event), event));
    body.finish()
}

fn fields(event: &Event) -> Object {
    let Event { kind, conversation, contact, operator, message, text, .. } = event;
    let mut fields = Object::new();
    fields.text_if("thread_id", conversation.as_deref()).text_if("message_id", message.as_deref());
    fields.text("channel", &event.origin.dialect).text_if(text_name(kind), text.as_deref());
    match contact {
        Some(contact) if event.sender == Sender::Contact && kind.starts_with("message.") => {
            fields.json("from", &object("id", contact));
        }
        contact => {
            fields.text_if("contact_id", contact.as_deref());
        }
    }
    if let Some(operator) = operator.as_deref().filter(|_| kind == CONVERSATION_UPDATED) {
        fields.json("changes", &object("assigned_to", operator));
    }
    fields.text(time_name(kind), &time::to_rfc3339(event.occurred_at_ms));
    fields
}

fn object(name: &str, value: &str) -> String {
    let mut object = Object::new();
    object.text(name, value);
    object.finish()
}

/// What the document calls the text of a kind.
fn text_name(kind: &str) -> &'static str {
    match kind {
        "message.updated" => "new_text",
        "draft.created" => "draft_text",
        _ => "text",
    }
}

/// What the document calls the time of a kind. Where it has none, it is told all the same.
fn time_name(kind: &str) -> &'static str {
    match kind {
        "conversation.created" | "draft.created" => "created_at",
        "conversation.closed" => "closed_at",
        _ => "timestamp",
    }
}

#[cfg(test)]
mod tests;
