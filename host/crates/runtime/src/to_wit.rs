//! Core types as the interface's.

use slashbox_core::{Command, Origin};

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

fn origin(origin: &Origin) -> wit::Origin {
    wit::Origin {
        tenant: origin.tenant.clone(),
        source: origin.source.clone(),
        dialect: origin.dialect.clone(),
        instance: origin.instance.clone(),
    }
}
