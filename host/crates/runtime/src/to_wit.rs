//! Core types as the interface's.

use slashbox_core::{Command, Event, Origin, Sender};

use crate::bindings::slashbox::plugin::types as wit;

/// A command, with what is left of its time.
pub(crate) fn command(command: &Command, deadline_ms: u32) -> wit::Command<'_> {
    wit::Command {
        id: &command.id,
        name: command.name.as_str(),
        args: &command.args,
        conversation: command.conversation.as_deref(),
        operator: command.operator.as_deref(),
        contact: command.contact.as_deref(),
        occurred_at_ms: command.occurred_at_ms,
        deadline_ms,
        origin: origin(&command.origin),
        data: &command.data,
    }
}

/// An event, with how often it was tried.
pub(crate) fn event(event: &Event, attempt: u32) -> wit::Event<'_> {
    wit::Event {
        id: &event.id,
        kind: &event.kind,
        native_kind: &event.native_kind,
        conversation: event.conversation.as_deref(),
        contact: event.contact.as_deref(),
        operator: event.operator.as_deref(),
        sender: sender(event.sender),
        message: event.message.as_deref(),
        text: event.text.as_deref(),
        occurred_at_ms: event.occurred_at_ms,
        attempt,
        origin: origin(&event.origin),
        data: &event.data,
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

fn origin(origin: &Origin) -> wit::Origin<'_> {
    wit::Origin {
        tenant: &origin.tenant,
        source: &origin.source,
        dialect: &origin.dialect,
        instance: origin.instance.as_deref(),
    }
}
