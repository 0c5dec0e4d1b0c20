//! SendPulse: an array of objects a request, each an event; and payments, one object a request.
//!
//! Source: the platform's page "Webhooks". `{info, service, title, bot, contact, date}`, in an array, `title` the event's
//! name or that which a flow's author chose; of a payment `{timestamp, version, event, order}`, in none. Both ways: what
//! the platform sends, and what its receivers are sent in its stead.
//!
//! Fields come and go, and the document contradicts itself on their types: whatever is an object is taken, and what does
//! not fit stays in its `data` alone. Only what is no object refuses the request.

mod places;
mod translated;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};
use serde_json::value::RawValue;
use slashbox_core::{Event, Sender};

use self::places::{Field, Found, OBJECT, ORDER};
use super::{Others, Wire};
use crate::{
    Arrival, Credential, Credentials, EVENTS_MAX, Incoming, Kind, Received, Recipient, Refusal, Rendered, Request,
    Sample, dedupe,
    json::{self, Members, shown},
    kind,
    request::check_size,
    sample::samples,
    time,
};

/// The dialect.
pub(super) struct SendPulse;

/// All that the platform documents. Only messages are written by somebody; of all else the platform tells.
const KINDS: &[Kind] = &[
    Kind::new("new_subscriber", "contact.subscribed", &[Sender::System]),
    Kind::new("unsubscribe", "contact.unsubscribed", &[Sender::System]),
    Kind::new("bot_block", "contact.blocked", &[Sender::System]),
    Kind::new("open_chat", "livechat.opened", &[Sender::System]),
    Kind::new("link_click", "link.clicked", &[Sender::System]),
    Kind::new("run_custom_flow", "flow.started", &[Sender::System]),
    Kind::new("incoming_message", RECEIVED, &[Sender::Contact]),
    Kind::new("outgoing_message", SENT, &[Sender::Bot]),
    Kind::new(PAYMENT_ORDER, PAYMENT, &[Sender::System]),
];

const RECEIVED: &str = "message.received";
const SENT: &str = "message.sent";
const PAYMENT: &str = "payment.updated";

/// The kind of every event with another title: somebody reached the element of a flow, whose author called it so.
const FLOW: &str = "flow.reached";

/// What a payment calls itself.
const PAYMENT_ORDER: &str = "payment_order";

const SAMPLES: &[Sample] = samples!["sendpulse":
    "new_subscriber" "somebody subscribed to the bot",
    "unsubscribe" "somebody unsubscribed from the bot",
    "bot_block" "somebody blocked the bot",
    "open_chat" "somebody asked for a person",
    "link_click" "somebody clicked a link",
    "run_custom_flow" "a flow was started",
    "incoming_message" "a message from the contact",
    "outgoing_message" "a message to the contact",
    "flow" "somebody reached an element of a flow, which its author called \"Reserved. Apartment #3\"",
    "payment_order" "a payment was completed",
];

/// The envelope of an object that came in an array. All that an object says is its event's data: the envelope has only
/// to say whether it stood in an array, so that it can be sent on as it came.
const ELEMENT: &str = "[]";

/// The envelope of an object that came in no array, as payments do. Not empty: what is made in the host has none.
const BARE: &str = "{}";

impl Wire for SendPulse {
    fn name(&self) -> &'static str {
        "sendpulse"
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn others(&self) -> Others {
        Others::Chosen(FLOW)
    }

    /// The document names none: the token is part of the address, the header comes from whatever stands in front.
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
        let (objects, envelope) = objects(&body)?;
        let incoming = |(at, object)| incoming(at, object, envelope, arrival);
        objects.into_iter().enumerate().map(incoming).collect::<Result<_, _>>().map(Request::Events)
    }

    /// What came from SendPulse goes out byte for byte. All else is an array of one, unless it is a payment.
    fn render(&self, event: &Event, _to: &Recipient<'_>) -> Rendered {
        let own = Some(event.envelope.as_str()).filter(|_| event.origin.dialect == self.name());
        Rendered::json(match own {
            Some(ELEMENT) => format!("[{}]", json::sound(&event.data)),
            Some(BARE) => json::sound(&event.data).into_owned(),
            _ if event.kind == PAYMENT => translated::payment(event),
            _ => format!("[{}]", translated::element(event)),
        })
    }
}

/// What a body has, as it was written, and the envelope of each.
fn objects(body: &str) -> Result<(Vec<&str>, &'static str), Refusal> {
    let unsound = |error| Refusal::Malformed(format!("the body is no sound JSON: {error}"));
    match body.trim_start().as_bytes().first() {
        Some(b'{') => {
            let object: &RawValue = serde_json::from_str(body).map_err(unsound)?;
            Ok((vec![object.get()], BARE))
        }
        Some(b'[') | None => {
            let Elements { first, count } = serde_json::from_str(body).map_err(unsound)?;
            if count > EVENTS_MAX {
                return Err(Refusal::TooMany { events: count });
            }
            Ok((first, ELEMENT))
        }
        Some(_) => {
            let shown = shown(body.trim_start());
            Err(Refusal::Malformed(format!("the body is {shown}: expected a JSON array or object")))
        }
    }
}

/// An array's elements as they were written. Of those that are too many, nothing is kept: an array of a million costs no
/// more than going over it.
struct Elements<'b> {
    first: Vec<&'b str>,
    count: usize,
}

impl<'de: 'b, 'b> Deserialize<'de> for Elements<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> de::Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        while first.len() < EVENTS_MAX {
            let Some(element) = elements.next_element::<&RawValue>()? else { break };
            first.push(element.get());
        }
        let mut count = first.len();
        while let Some(IgnoredAny) = elements.next_element()? {
            count += 1;
        }
        Ok(Elements { first, count })
    }
}

/// `at` is the place in the array, counted from 0.
fn incoming(at: usize, object: &str, envelope: &str, arrival: Arrival<'_>) -> Result<Incoming, Refusal> {
    if !object.starts_with('{') {
        let shown = shown(object);
        return Err(Refusal::Malformed(format!("element {at} is {shown}: expected an object")));
    }
    check_size(Some(at), object.len() + envelope.len())?;
    let found = Found::of(object, OBJECT);
    let told = match found.get(Field::Order).filter(|order| order.starts_with('{')) {
        Some(order) => Told::payment(&found, &Found::of(order, ORDER)),
        None => Told::element(&found),
    };
    let occurred_at_ms = found.get(told.time).and_then(|time| time::any(time, arrival.now_ms));
    // 0 is what a platform writes that does not know the time.
    let has_time = found.id(&[told.time]).is_some_and(|time| time != "0");
    let dedupe = (has_time || told.message.is_some()).then(|| dedupe::by_content([object]));
    let event = Event {
        id: (arrival.new_id)(),
        kind: told.kind,
        native_kind: told.native_kind,
        conversation: told.conversation,
        contact: told.contact,
        operator: told.operator,
        sender: told.sender,
        message: told.message,
        text: told.text,
        occurred_at_ms: occurred_at_ms.unwrap_or(arrival.now_ms),
        origin: arrival.origin(SendPulse.name(), told.bot),
        data: object.into(),
        envelope: envelope.into(),
        hops: 0,
    };
    Ok(Incoming { event, dedupe })
}

/// What an object says that every handler may want to know.
struct Told {
    kind: String,
    native_kind: String,
    bot: Option<String>,
    conversation: Option<String>,
    contact: Option<String>,
    operator: Option<String>,
    sender: Sender,
    message: Option<String>,
    text: Option<String>,
    /// Where it says when it happened.
    time: Field,
}

impl Told {
    fn element(found: &Found<'_>) -> Self {
        let (kind, native_kind, sender) = named(found);
        let (bot, contact) = (found.id(&[Field::Bot]), found.id(&[Field::Contact]));
        Self {
            kind,
            native_kind,
            conversation: bot.as_ref().zip(contact.as_ref()).map(|(bot, contact)| format!("{bot}:{contact}")),
            bot,
            contact,
            operator: found.id(&[Field::Operator]),
            sender,
            message: found.id(&[Field::Message, Field::ChannelMessage, Field::ChannelOwnMessage]),
            text: text(found, sender),
            time: Field::Date,
        }
    }

    /// The document names no bot of a payment, which may as well come from a website: the contact is the conversation.
    fn payment(found: &Found<'_>, order: &Found<'_>) -> Self {
        let contact = order.id(&[Field::OrderContact]);
        let name = found.text(&[Field::Event]).filter(|name| !name.is_empty());
        Self {
            kind: PAYMENT.into(),
            native_kind: kind::beginning(name.as_deref().unwrap_or(PAYMENT_ORDER)).into(),
            bot: None,
            conversation: contact.clone(),
            contact,
            operator: None,
            sender: Sender::System,
            message: order.id(&[Field::OrderId]),
            text: order.text(&[Field::OrderDescription]),
            time: Field::Timestamp,
        }
    }
}

/// The kind, its native name and the sender. A title is a flow's unless the document has it; only an `order` makes a
/// payment, however a flow is called.
fn named(found: &Found<'_>) -> (String, String, Sender) {
    let Some(title) = found.text(&[Field::Title]).filter(|title| !title.is_empty()) else {
        let name = found.text(&[Field::Event]).unwrap_or_default();
        return (kind::unknown(&name), kind::beginning(&name).into(), Sender::System);
    };
    let known = kind::of_native(KINDS, &title).filter(|kind| kind.canonical != PAYMENT);
    let (canonical, sender) = known.map_or((FLOW, Sender::System), |kind| (kind.canonical, kind.sender()));
    (canonical.into(), kind::beginning(&title).into(), sender)
}

/// The channel's text is the whole one. `last_message` is the contact's: it is not what somebody else wrote, and may be cut.
fn text(found: &Found<'_>, sender: Sender) -> Option<String> {
    let channels = || {
        let body = found.get(Field::ChannelText).and_then(Members::of).and_then(|text| text.text(&["body"]));
        body.or_else(|| found.text(&[Field::ChannelText]))
    };
    let last_message = || found.text(&[Field::LastMessage]);
    match sender {
        Sender::Contact => channels().or_else(last_message),
        Sender::Bot => channels(),
        Sender::Operator | Sender::System | Sender::Unknown => last_message(),
    }
}
