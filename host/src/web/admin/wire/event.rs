//! Events.

use serde::Serialize;
use slashbox_core as core;
use slashbox_store::{DeliveryRecord, EventRecord, Page, Payload};
use utoipa::ToSchema;

use super::{data::Data, delivery::Delivery, time::rfc3339};

/// A part of the events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The newest first. It may have fewer than asked for, or none, and not be the last.
    items: Vec<Event>,
    /// What to ask for as `before` to get the next page; null if there is nothing more.
    next: Option<String>,
}

/// Something that happened on a platform.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    /// Stable over all attempts to deliver it: a ULID.
    #[schema(example = "01JQ7K4E8Z7V0M2D3N4P5Q6R7S")]
    id: String,
    /// Whose it is.
    #[schema(example = "default")]
    tenant: String,
    /// The source that it came in by.
    #[schema(example = "support")]
    source: String,
    /// How its platform writes.
    #[schema(example = "hotline")]
    dialect: String,
    /// Which of the platform's installations it came from.
    instance: Option<String>,
    /// What happened; of a command, its name with the slash.
    #[schema(example = "message.sent")]
    kind: String,
    /// The platform's own name for it.
    #[schema(example = "message_sent")]
    native_kind: String,
    /// The platform's id of the conversation.
    conversation: Option<String>,
    /// The platform's id of the person whom the conversation is with.
    contact: Option<String>,
    /// The platform's id of the person who gives support.
    operator: Option<String>,
    /// Who wrote the message.
    sender: Sender,
    /// The platform's id of the message.
    message: Option<String>,
    /// When it happened.
    #[schema(format = DateTime)]
    occurred_at: String,
    /// When it was stored.
    #[schema(format = DateTime)]
    accepted_at: String,
}

/// An event with what its platform said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventContent {
    #[serde(flatten)]
    event: Event,
    /// The text of the message; of a command, its arguments.
    text: Option<String>,
    /// The platform's own JSON, its numbers unaltered, without credentials.
    #[schema(value_type = serde_json::Value)]
    data: Data,
    /// Whether text and data were removed in the course of time; then it cannot be replayed.
    payload_gone: bool,
}

/// An event with what its platform said, and its deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventDetail {
    #[serde(flatten)]
    content: EventContent,
    /// One for each subscriber.
    deliveries: Vec<Delivery>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sender {
    Contact,
    Operator,
    Bot,
    System,
    Unknown,
}

impl From<core::Sender> for Sender {
    fn from(sender: core::Sender) -> Self {
        match sender {
            core::Sender::Contact => Self::Contact,
            core::Sender::Operator => Self::Operator,
            core::Sender::Bot => Self::Bot,
            core::Sender::System => Self::System,
            core::Sender::Unknown => Self::Unknown,
        }
    }
}

impl EventPage {
    pub(crate) fn new(page: Page<EventRecord, u64>) -> Self {
        let items = page.items.into_iter().map(|record| EventContent::from(record).event).collect();
        Self { items, next: page.next.map(|before| before.to_string()) }
    }
}

impl EventDetail {
    pub(crate) fn new(event: EventRecord, deliveries: Vec<DeliveryRecord>) -> Self {
        Self { content: event.into(), deliveries: deliveries.into_iter().map(Delivery::from).collect() }
    }
}

impl From<EventRecord> for EventContent {
    fn from(record: EventRecord) -> Self {
        let EventRecord { accepted_at_ms, event, payload, .. } = record;
        let payload_gone = payload == Payload::Gone;
        let data = if payload_gone { "null".to_owned() } else { event.data };
        let core::Origin { tenant, source, dialect, instance } = event.origin;
        Self {
            event: Event {
                id: event.id,
                tenant,
                source,
                dialect,
                instance,
                kind: event.kind,
                native_kind: event.native_kind,
                conversation: event.conversation,
                contact: event.contact,
                operator: event.operator,
                sender: event.sender.into(),
                message: event.message,
                occurred_at: rfc3339(event.occurred_at_ms),
                accepted_at: rfc3339(accepted_at_ms),
            },
            text: event.text,
            data: data.into(),
            payload_gone,
        }
    }
}
