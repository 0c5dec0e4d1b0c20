//! TG-Staff: one JSON object a request, signed in a header or known by one.
//!
//! Source: the platform's page "Webhook Event Integration Guide". It names four events and, in prose, what they carry:
//! the ids of conversation, user and sender, `sender_type`, text, status, `referrer`. It shows no payload, and does not
//! say whether the members stand beside `event_type` or in `data`. So both are looked at, under the names that such
//! members usually have; what is elsewhere, or does not fit, is in the event's data, which is the whole body.
//!
//! Invariant: a body that says of no event is a ping, since the platform asks by one whether somebody is there, and
//! anything but 200 fails it.

use slashbox_core::{Event, Sender};

use super::Wire;
use crate::{
    Arrival, Credential, Credentials, Incoming, Kind, Received, Recipient, Refusal, Rendered, Request, Sample,
    credentials::{SIGNATURE_HEADER, signature},
    dedupe,
    json::{self, Members, Object, shown},
    kind,
    request::check_size,
    sample::samples,
    time,
    translate::{sender_id, with_own_data},
};

/// The dialect.
pub(super) struct TgStaff;

const MESSAGE_RECEIVED: &str = "message.received";
const MESSAGE_SENT: &str = "message.sent";
const STATUS_CHANGED: &str = "conversation.status_changed";
const CLOSED: &str = "conversation.closed";

/// All that the platform documents. Everybody's messages have one name, and all statuses have one.
const KINDS: &[Kind] = &[
    Kind::new("conversation.created", "conversation.created", &[Sender::System]),
    Kind::new(MESSAGE_RECEIVED, MESSAGE_RECEIVED, &[Sender::Contact, Sender::Unknown]),
    Kind::new(MESSAGE_RECEIVED, MESSAGE_SENT, &[Sender::Operator, Sender::Bot, Sender::System]),
    Kind::new(STATUS_CHANGED, CLOSED, &[Sender::System]),
    Kind::new(STATUS_CHANGED, STATUS_CHANGED, &[Sender::System]),
    Kind::new("agent.status_changed", "agent.status_changed", &[Sender::System]),
];

const SAMPLES: &[Sample] = samples!["tg-staff":
    "conversation_created" "a user writes for the first time, who came by an advertisement's link",
    "message_received" "a message from the user",
    "message_from_agent" "a message to the user, from an agent",
    "status_assigned" "a conversation was assigned to an agent",
    "status_closed" "a conversation was closed",
    "agent_status_changed" "an agent went offline",
    "ping" "the test whether somebody is there: no event",
];

/// What the platform may call that which it sends when an address is saved.
const PING: &str = "ping";

/// What it may call that which its button "Send Test Event" sends.
const TEST: &str = "test";

/// Who `sender_type` means, in any case. The document has `user`, `agent` and `system`.
const SENDER_TYPES: [(&str, Sender); 11] = [
    ("user", Sender::Contact),
    ("agent", Sender::Operator),
    ("system", Sender::System),
    ("bot", Sender::Bot),
    ("contact", Sender::Contact),
    ("customer", Sender::Contact),
    ("visitor", Sender::Contact),
    ("client", Sender::Contact),
    ("operator", Sender::Operator),
    ("staff", Sender::Operator),
    ("support", Sender::Operator),
];

/// Under which names an event's time may stand.
const TIMES: [&str; 3] = ["timestamp", "occurred_at", "time"];

/// Beside `event_type`, that is the event's too; in `data`, it may be the conversation's.
const CREATED: &str = "created_at";

impl Wire for TgStaff {
    fn name(&self) -> &'static str {
        "tg-staff"
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn credentials(&self) -> &'static [Credential] {
        &[Credential::HmacSecret, Credential::AuthHeader, Credential::Token]
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
        let body = credentials.taken_out_of_json(json::text_of(received.body)?.trim());
        if body.is_empty() {
            return Ok(Request::Ping);
        }
        let told = Told::of(&body)?;
        let Some(name) = told.event_type()?.filter(|name| name != PING && name != TEST) else {
            return Ok(Request::Ping);
        };
        check_size(None, body.len())?;
        Ok(Request::Events(vec![incoming(&name, &told, &body, arrival)]))
    }

    /// What came from TG-Staff goes out byte for byte.
    fn render(&self, event: &Event, to: &Recipient<'_>) -> Rendered {
        let body = if is_own(event) { event.data.clone() } else { translated(event) };
        let signature = to.hmac_secret.map(|secret| (SIGNATURE_HEADER, signature(secret, body.as_bytes())));
        Rendered { signature, ..Rendered::json(body) }
    }
}

/// A body, in which the source's credentials are nowhere.
struct Told<'b> {
    data: Option<Members<'b>>,
    body: Members<'b>,
}

impl<'b> Told<'b> {
    fn of(body: &'b str) -> Result<Self, Refusal> {
        let body = Members::of_body(body)?;
        Ok(Self { data: body.get("data").and_then(Members::of), body })
    }

    /// None if it is no event.
    fn event_type(&self) -> Result<Option<String>, Refusal> {
        match self.body.get("event_type").filter(|raw| !raw.starts_with('"')) {
            Some(raw) => {
                let problem = "expected a string such as \"message.received\"";
                Err(Refusal::Malformed(format!("`event_type` is {}: {problem}", shown(raw))))
            }
            None => Ok(self.body.text(&["event_type"])),
        }
    }

    /// The first that is found, in `data` before it is looked for beside it.
    fn first<T>(&self, find: impl Fn(&Members<'b>) -> Option<T>) -> Option<T> {
        self.data.as_ref().and_then(&find).or_else(|| find(&self.body))
    }

    fn conversation(&self) -> Option<String> {
        self.first(|members| {
            let id = members.id(&["conversation_id", "session_id"]);
            id.or_else(|| inner_id(members, "conversation")).or_else(|| inner_id(members, "session"))
        })
    }

    fn contact(&self, author: Sender) -> Option<String> {
        let id = |members: &Members<'_>| members.id(&["user_id"]).or_else(|| inner_id(members, "user"));
        let id = self.first(|members| id(members).or_else(|| members.id(&["contact_id"])));
        id.or_else(|| if author == Sender::Contact { self.author_id() } else { None })
    }

    fn operator(&self, author: Sender) -> Option<String> {
        let id = self.first(|members| members.id(&["agent_id"]).or_else(|| inner_id(members, "agent")));
        id.or_else(|| if author == Sender::Operator { self.author_id() } else { None })
    }

    fn author_id(&self) -> Option<String> {
        self.first(|members| members.id(&["sender_id"]).or_else(|| inner_id(members, "sender")))
    }

    /// Who wrote it, if it says so.
    fn author(&self) -> Sender {
        let in_sender = |members: &Members<'_>| members.object("sender").text(&["type"]);
        let Some(written) = self.first(|members| members.text(&["sender_type"]).or_else(|| in_sender(members))) else {
            return Sender::Unknown;
        };
        let known = SENDER_TYPES.iter().find(|(name, _)| written.eq_ignore_ascii_case(name));
        known.map_or(Sender::Unknown, |(_, sender)| *sender)
    }

    fn message(&self) -> Option<String> {
        self.first(|members| members.id(&["message_id"]).or_else(|| inner_id(members, "message")))
    }

    /// The first words that are found: of a message that is an object, its `text`.
    fn words(&self) -> Option<String> {
        let said = |members: &Members<'_>, name: &str| match members.get(name)?.as_bytes().first()? {
            b'"' => members.text(&[name]),
            _ => members.object(name).text(&["text"]),
        };
        let in_message = |members: &Members<'_>| said(members, "message").or_else(|| said(members, "first_message"));
        self.first(|members| members.text(&["text"]).or_else(|| in_message(members)))
    }

    fn is_closed(&self) -> bool {
        let status = self.first(|members| members.text(&["status", "new_status", "to"]));
        status.is_some_and(|status| status.eq_ignore_ascii_case("closed"))
    }

    /// When it happened, and nothing else did.
    fn own_time(&self, now_ms: u64) -> Option<u64> {
        let time = |members: &Members<'_>, name: &str| time::any(members.get(name)?, now_ms);
        let beside = || TIMES.iter().chain([&CREATED]).find_map(|name| time(&self.body, name));
        beside().or_else(|| TIMES.iter().find_map(|name| time(self.data.as_ref()?, name)))
    }

    /// `None` if the platform does not say. What stands beside `event_type` goes first here: it is the event's time, while
    /// in `data` there may be that of the conversation's beginning.
    fn occurred_at_ms(&self, now_ms: u64) -> Option<u64> {
        self.own_time(now_ms).or_else(|| time::any(self.data.as_ref()?.get(CREATED)?, now_ms))
    }
}

fn inner_id(members: &Members<'_>, object: &str) -> Option<String> {
    Members::of(members.get(object)?)?.id(&["id"])
}

/// `body` is sound, and without the white space around it.
fn incoming(name: &str, told: &Told<'_>, body: &str, arrival: Arrival<'_>) -> Incoming {
    let author = told.author();
    let kind = kind_of(name, author, told);
    let message = told.message();
    let occurred_at_ms = told.occurred_at_ms(arrival.now_ms);
    // What changes may change back, and its `data` may have the time of the conversation's beginning, or its last message.
    let of_message = name == MESSAGE_RECEIVED && (message.is_some() || occurred_at_ms.is_some());
    let identifies = of_message || told.own_time(arrival.now_ms).is_some();
    let dedupe = identifies.then(|| dedupe::by_content([body]));
    let event = Event {
        id: (arrival.new_id)(),
        kind: kind.map_or_else(|| kind::unknown(name), |kind| kind.canonical.into()),
        native_kind: kind::beginning(name).into(),
        conversation: told.conversation(),
        contact: told.contact(author),
        operator: told.operator(author),
        // What is no message was written by nobody, whoever caused it: the platform tells of it.
        sender: kind.filter(|kind| !kind.senders.contains(&author)).map_or(author, Kind::sender),
        message,
        text: told.words(),
        occurred_at_ms: occurred_at_ms.unwrap_or(arrival.now_ms),
        origin: arrival.origin(TgStaff.name(), told.first(|members| members.id(&["project_id", "bot_id"]))),
        data: body.into(),
        envelope: String::new(),
        hops: 0,
    };
    Incoming { event, dedupe }
}

/// Of what has several kinds under one name, who wrote it or what it says decides.
fn kind_of(name: &str, author: Sender, told: &Told<'_>) -> Option<&'static Kind> {
    let fits = |kind: &&Kind| match name {
        MESSAGE_RECEIVED => kind.senders.contains(&author),
        STATUS_CHANGED => (kind.canonical == CLOSED) == told.is_closed(),
        _ => true,
    };
    KINDS.iter().filter(|kind| kind.native == name).find(fits)
}

/// Whether its data is a body that came from TG-Staff, and not what an embedding program has made of one.
fn is_own(Event { origin, data, .. }: &Event) -> bool {
    origin.dialect == TgStaff.name() && Members::of(data).is_some_and(|body| body.get("event_type").is_some())
}

/// What another platform wrote, as this one would have.
fn translated(event: &Event) -> String {
    let Event { kind, conversation, contact, operator, message, text, .. } = event;
    let mut body = Object::new();
    if kind == slashbox_core::PING {
        body.text("event_type", PING); // It says nothing else.
        return body.finish();
    }
    let name = if kind == slashbox_core::TEST { TEST } else { kind::native_of(KINDS, kind) };
    body.text("event_type", name).text("timestamp", &time::to_rfc3339(event.occurred_at_ms));
    // Of a message, the document promises the sender's id and the conversation's: also where nobody knows them.
    let unknown = (name == MESSAGE_RECEIVED).then_some("");
    body.id_if("conversation_id", conversation.as_deref().or(unknown));
    body.id_if("user_id", contact.as_deref()).id_if("agent_id", operator.as_deref());
    body.text_if("sender_type", sender_type(event)).id_if("sender_id", sender_id(event).or(unknown));
    body.id_if("message_id", message.as_deref()).text_if("text", text.as_deref());
    body.text_if("status", (kind == CLOSED).then_some("closed"));
    with_own_data(body, event)
}

/// A message that was sent is an agent's if nobody knows better: without a type, receivers would take it for the user's,
/// and may answer it, which is the loop that the platform's document warns of.
fn sender_type(event: &Event) -> Option<&'static str> {
    match event.sender {
        Sender::Contact => Some("user"),
        Sender::Operator => Some("agent"),
        // The document has no other word for what no person wrote.
        Sender::Bot | Sender::System => Some("system"),
        Sender::Unknown => (event.kind == MESSAGE_SENT).then_some("agent"),
    }
}

#[cfg(test)]
mod tests;
