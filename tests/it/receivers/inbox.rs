//! A receiver for the inbox: its messages, conversations, drafts and contacts.
//!
//! Written from the inbox's page "Events Reference", and from nothing else. Each event has one example there. What an
//! integrator finds a message, a thread or a contact by is required, and so are times and changes; what a person may
//! have left out is not: a text, a name, a reason.

mod cases;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{ID, Kind, MAP, Object, Posted, STRING, assert_refused, post};

const TIME: Kind<Timestamp> =
    Kind { expected: "a time such as 2026-03-11T10:00:00Z", read: |value| value.as_str()?.parse().ok() };

/// The page knows no key and no signature: there is nothing to configure.
pub(crate) struct Receiver {}

#[derive(Debug, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) delivery_id: String,
    pub(crate) event: Event,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    MessageReceived { message: Message, text: Option<String>, from: Option<From>, timestamp: Timestamp },
    MessageUpdated { message: Message, new_text: Option<String> },
    MessageDeleted { message: Message },
    ConversationStarted { thread: Thread, contact_name: Option<String>, created_at: Timestamp },
    ConversationUpdated { thread: Thread, changes: Map<String, Value> },
    ConversationClosed { thread: Thread, closed_at: Timestamp },
    HandoffRequested { thread: Thread, reason: Option<String> },
    DraftCreated { thread: Thread, draft_text: String, created_at: Timestamp },
    ContactUpdated { contact_id: String, changes: Map<String, Value> },
    Unknown { event: String },
}

/// Where a message is.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) thread: Thread,
    pub(crate) message_id: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Thread {
    pub(crate) thread_id: String,
    pub(crate) channel: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct From {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

impl Receiver {
    pub(crate) fn receive(&self, posted: &Posted<'_>) -> Result<Delivery, String> {
        let body = posted.json()?;
        let body = Object::body(&body)?;
        let event = body.required("event", &STRING)?;
        let delivery_id = body.required("delivery_id", &STRING)?;
        let data = body.object("data")?;
        Ok(Delivery { delivery_id, event: read(event, &data)? })
    }
}

fn read(event: String, data: &Object<'_>) -> Result<Event, String> {
    match event.as_str() {
        "message.received" => message_received(data),
        "message.updated" => message_updated(data),
        "message.deleted" => Ok(Event::MessageDeleted { message: message(data)? }),
        "conversation.started" => conversation_started(data),
        "conversation.updated" => conversation_updated(data),
        "conversation.closed" => conversation_closed(data),
        "handoff.requested" => handoff_requested(data),
        "draft.created" => draft_created(data),
        "contact.updated" => contact_updated(data),
        _ => Ok(Event::Unknown { event }),
    }
}

fn message_received(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::MessageReceived {
        message: message(data)?,
        text: data.optional("text", &STRING)?,
        from: data.optional_object("from")?.as_ref().map(from).transpose()?,
        timestamp: data.required("timestamp", &TIME)?,
    })
}

fn message_updated(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::MessageUpdated { message: message(data)?, new_text: data.optional("new_text", &STRING)? })
}

fn conversation_started(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::ConversationStarted {
        thread: thread(data)?,
        contact_name: data.optional("contact_name", &STRING)?,
        created_at: data.required("created_at", &TIME)?,
    })
}

fn conversation_updated(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::ConversationUpdated { thread: thread(data)?, changes: data.required("changes", &MAP)? })
}

fn conversation_closed(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::ConversationClosed { thread: thread(data)?, closed_at: data.required("closed_at", &TIME)? })
}

fn handoff_requested(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::HandoffRequested { thread: thread(data)?, reason: data.optional("reason", &STRING)? })
}

fn draft_created(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::DraftCreated {
        thread: thread(data)?,
        draft_text: data.required("draft_text", &STRING)?,
        created_at: data.required("created_at", &TIME)?,
    })
}

fn contact_updated(data: &Object<'_>) -> Result<Event, String> {
    Ok(Event::ContactUpdated {
        contact_id: data.required("contact_id", &ID)?,
        changes: data.required("changes", &MAP)?,
    })
}

fn message(data: &Object<'_>) -> Result<Message, String> {
    Ok(Message { thread: thread(data)?, message_id: data.required("message_id", &ID)? })
}

fn thread(data: &Object<'_>) -> Result<Thread, String> {
    Ok(Thread { thread_id: data.required("thread_id", &ID)?, channel: data.required("channel", &STRING)? })
}

fn from(from: &Object<'_>) -> Result<From, String> {
    Ok(From { id: from.required("id", &ID)?, name: from.optional("name", &STRING)? })
}

fn receive(posted: &Posted<'_>) -> Result<Delivery, String> {
    Receiver {}.receive(posted)
}

#[test]
fn the_examples_of_the_page_are_understood() {
    for (body, delivery_id, event) in cases::examples() {
        assert_eq!(post(body, receive), Ok(Delivery { delivery_id: delivery_id.to_owned(), event }));
    }
}

#[test]
fn an_event_that_the_page_does_not_name_is_a_value() {
    let body = r#"{ "event": "draft.sent", "delivery_id": "1", "data": {} }"#;
    let event = Event::Unknown { event: "draft.sent".to_owned() };
    assert_eq!(post(body, receive), Ok(Delivery { delivery_id: "1".to_owned(), event }));
}

#[test]
fn a_person_may_leave_things_out() {
    let body = r#"{ "event": "message.received", "delivery_id": "1", "data": { "thread_id": "t", "message_id": "m",
        "channel": "telegram", "text": null, "timestamp": "2026-03-11T10:00:00Z" } }"#;
    let said = post(body, receive).unwrap().event;
    assert!(matches!(said, Event::MessageReceived { text: None, from: None, .. }), "{said:?}");
}

#[test]
fn what_is_no_delivery_of_the_inbox_is_refused() {
    let with = |from: &str, to: &str| cases::MESSAGE_RECEIVED.replace(from, to);
    assert_refused(
        &[
            ("[]", "body is [], expected an object"),
            (&with("\"event\"", "\"event_type\""), "event is absent, expected a string"),
            (&with("\"12345\"", "12345"), "delivery_id is 12345, expected a string"),
            (&with("\"data\"", "\"date\""), "data is absent, expected an object"),
            (&with("\"telegram:123456789\"", "null"), "data.thread_id is absent, expected an id"),
            (&with("\"msg_abc123\"", "1.5"), "data.message_id is 1.5, expected an id"),
            (&with("\"telegram\"", "7"), "data.channel is 7, expected a string"),
            (&with("\"Alice Smith\"", "[]"), "data.from.name is [], expected a string"),
            (&with("2026-03-11T10:00:00Z", "11 March"), "data.timestamp is \"11 March\", expected a time such as"),
            (&cases::CONTACT_UPDATED.replace("\"changes\"", "\"change\""), "data.changes is absent"),
        ],
        receive,
    );
}
