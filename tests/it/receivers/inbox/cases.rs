//! The examples of the inbox's page, as they stand there but for their line breaks, and what they say.

use serde_json::{Map, Value, json};

use super::{Event, From, Message, Thread};

pub(super) const MESSAGE_RECEIVED: &str = r#"{
    "event": "message.received", "delivery_id": "12345",
    "data": {
        "thread_id": "telegram:123456789", "message_id": "msg_abc123", "channel": "telegram",
        "text": "Hello, I need help with my order", "from": {"id": "123456789", "name": "Alice Smith"},
        "timestamp": "2026-03-11T10:00:00Z"
    }
}"#;

pub(super) const MESSAGE_UPDATED: &str = r#"{
    "event": "message.updated", "delivery_id": "12346",
    "data": {
        "thread_id": "telegram:123456789", "message_id": "msg_abc123", "channel": "telegram",
        "new_text": "Hello, I need help with my order (edited)"
    }
}"#;

pub(super) const MESSAGE_DELETED: &str = r#"{
    "event": "message.deleted", "delivery_id": "12347",
    "data": {"thread_id": "telegram:123456789", "message_id": "msg_abc123", "channel": "telegram"}
}"#;

pub(super) const CONVERSATION_STARTED: &str = r#"{
    "event": "conversation.started", "delivery_id": "12348",
    "data": {
        "thread_id": "telegram:123456789", "channel": "telegram", "contact_name": "Alice Smith",
        "created_at": "2026-03-11T10:00:00Z"
    }
}"#;

pub(super) const CONVERSATION_UPDATED: &str = r#"{
    "event": "conversation.updated", "delivery_id": "12349",
    "data": {
        "thread_id": "telegram:123456789", "channel": "telegram", "changes": {"assigned_to": "agent@company.com"}
    }
}"#;

pub(super) const CONVERSATION_CLOSED: &str = r#"{
    "event": "conversation.closed", "delivery_id": "12350",
    "data": {"thread_id": "telegram:123456789", "channel": "telegram", "closed_at": "2026-03-11T11:00:00Z"}
}"#;

pub(super) const HANDOFF_REQUESTED: &str = r#"{
    "event": "handoff.requested", "delivery_id": "12351",
    "data": {
        "thread_id": "telegram:123456789", "channel": "telegram",
        "reason": "Customer requested to speak with a human"
    }
}"#;

pub(super) const DRAFT_CREATED: &str = r#"{
    "event": "draft.created", "delivery_id": "12352",
    "data": {
        "thread_id": "telegram:123456789", "channel": "telegram",
        "draft_text": "Thank you for your message! Our team will respond shortly.",
        "created_at": "2026-03-11T10:00:30Z"
    }
}"#;

pub(super) const CONTACT_UPDATED: &str = r#"{
    "event": "contact.updated", "delivery_id": "12353",
    "data": {"contact_id": "person_123", "changes": {"name": "Alice Smith", "email": "alice@example.com"}}
}"#;

/// Each example, its delivery, and its event.
pub(super) fn examples() -> Vec<(&'static str, &'static str, Event)> {
    vec![
        (MESSAGE_RECEIVED, "12345", message_received()),
        (MESSAGE_UPDATED, "12346", message_updated()),
        (MESSAGE_DELETED, "12347", Event::MessageDeleted { message: message() }),
        (CONVERSATION_STARTED, "12348", conversation_started()),
        (CONVERSATION_UPDATED, "12349", conversation_updated()),
        (CONVERSATION_CLOSED, "12350", conversation_closed()),
        (HANDOFF_REQUESTED, "12351", handoff_requested()),
        (DRAFT_CREATED, "12352", draft_created()),
        (CONTACT_UPDATED, "12353", contact_updated()),
    ]
}

fn message_received() -> Event {
    Event::MessageReceived {
        message: message(),
        text: some("Hello, I need help with my order"),
        from: Some(From { id: "123456789".to_owned(), name: some("Alice Smith") }),
        timestamp: "2026-03-11T10:00:00Z".parse().unwrap(),
    }
}

fn message_updated() -> Event {
    Event::MessageUpdated { message: message(), new_text: some("Hello, I need help with my order (edited)") }
}

fn conversation_started() -> Event {
    Event::ConversationStarted {
        thread: thread(),
        contact_name: some("Alice Smith"),
        created_at: "2026-03-11T10:00:00Z".parse().unwrap(),
    }
}

fn conversation_updated() -> Event {
    Event::ConversationUpdated { thread: thread(), changes: map(json!({ "assigned_to": "agent@company.com" })) }
}

fn conversation_closed() -> Event {
    Event::ConversationClosed { thread: thread(), closed_at: "2026-03-11T11:00:00Z".parse().unwrap() }
}

fn handoff_requested() -> Event {
    Event::HandoffRequested { thread: thread(), reason: some("Customer requested to speak with a human") }
}

fn draft_created() -> Event {
    Event::DraftCreated {
        thread: thread(),
        draft_text: "Thank you for your message! Our team will respond shortly.".to_owned(),
        created_at: "2026-03-11T10:00:30Z".parse().unwrap(),
    }
}

fn contact_updated() -> Event {
    let changes = map(json!({ "name": "Alice Smith", "email": "alice@example.com" }));
    Event::ContactUpdated { contact_id: "person_123".to_owned(), changes }
}

fn message() -> Message {
    Message { thread: thread(), message_id: "msg_abc123".to_owned() }
}

fn thread() -> Thread {
    Thread { thread_id: "telegram:123456789".to_owned(), channel: "telegram".to_owned() }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}
