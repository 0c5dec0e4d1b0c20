//! Core types as the interface's.

use slashbox_core::{Command, Event, Origin, Sender};

use crate::bindings::slashbox::plugin::types as wit;

/// A command, with what is left of its time.
pub(crate) fn command(command: &Command, deadline_ms: u32) -> wit::Command {
    wit::Command {
        id: command.id.clone(),
        name: command.name.to_string(),
        args: command.args.clone(),
        conversation: command.conversation.clone(),
        operator: command.operator.clone(),
        contact: command.contact.clone(),
        occurred_at_ms: command.occurred_at_ms,
        deadline_ms,
        origin: origin(&command.origin),
        data: command.data.clone(),
    }
}

/// An event, with how often it was tried.
pub(crate) fn event(event: &Event, attempt: u32) -> wit::Event {
    wit::Event {
        id: event.id.clone(),
        kind: event.kind.clone(),
        native_kind: event.native_kind.clone(),
        conversation: event.conversation.clone(),
        contact: event.contact.clone(),
        operator: event.operator.clone(),
        sender: sender(event.sender),
        message: event.message.clone(),
        text: event.text.clone(),
        occurred_at_ms: event.occurred_at_ms,
        attempt,
        origin: origin(&event.origin),
        data: event.data.clone(),
    }
}

fn sender(sender: Sender) -> wit::Sender {
    match sender {
        Sender::Contact => wit::Sender::Contact,
        Sender::Operator => wit::Sender::Operator,
        Sender::Bot => wit::Sender::Bot,
        Sender::System => wit::Sender::System,
        Sender::Unknown => wit::Sender::Unknown,
    }
}

fn origin(origin: &Origin) -> wit::Origin {
    wit::Origin {
        tenant: origin.tenant.clone(),
        source: origin.source.clone(),
        dialect: origin.dialect.clone(),
        instance: origin.instance.clone(),
    }
}
