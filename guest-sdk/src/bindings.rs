//! The generated side of the interface, and the way between its types and the SDK's. For [`export!`](crate::export)
//! alone: nothing here is meant for plugins.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub)]

// What is generated from the WIT files calls across the sandbox's edge.
#[allow(unsafe_code, clippy::all, clippy::indexing_slicing, clippy::unwrap_used)]
mod generated {
    wit_bindgen::generate!({
        world: "plugin",
        path: "wit",
        pub_export_macro: true,
        export_macro_name: "export_plugin",
        default_bindings_module: "slashbox_sdk::bindings",
    });
}

pub use generated::*;

pub use exports::slashbox::plugin::handler::Guest;
pub use slashbox::plugin::types::{Command, Descriptor, Event, Failure, Reply};

use crate::{
    host,
    plugin::{CommandSpec, SettingSpec},
};
use slashbox::plugin::types;

pub fn describe(plugin: &crate::Plugin) -> Descriptor {
    Descriptor {
        name: plugin.name.to_owned(),
        version: plugin.version.to_owned(),
        summary: plugin.summary.to_owned(),
        commands: plugin.commands.iter().map(|(spec, _)| to_command_spec(spec)).collect(),
        events: plugin.patterns().map(str::to_owned).collect(),
        http_hosts: plugin.http_hosts.iter().map(|&host| host.to_owned()).collect(),
        settings: plugin.settings.iter().map(to_setting_spec).collect(),
    }
}

pub fn on_command(plugin: &crate::Plugin, command: Command) -> Result<Option<Reply>, Failure> {
    host::begin_call(command.conversation.as_deref());
    let reply = plugin.on_command(from_command(command)).map_err(to_failure)?;
    Ok(reply.map(to_reply))
}

pub fn on_event(plugin: &crate::Plugin, event: Event) -> Result<(), Failure> {
    host::begin_call(event.conversation.as_deref());
    plugin.on_event(&from_event(event)).map_err(to_failure)
}

fn to_command_spec(spec: &CommandSpec) -> types::CommandSpec {
    types::CommandSpec { name: spec.name.to_owned(), usage: spec.usage.to_owned(), summary: spec.summary.to_owned() }
}

fn to_setting_spec(spec: &SettingSpec) -> types::SettingSpec {
    types::SettingSpec {
        name: spec.name.to_owned(),
        summary: spec.summary.to_owned(),
        secret: spec.secret,
        required: spec.required,
    }
}

fn to_reply(reply: crate::Reply) -> Reply {
    let format = match reply.format {
        crate::Format::Plain => types::Format::Plain,
        crate::Format::MarkdownV2 => types::Format::MarkdownV2,
    };
    Reply { text: reply.text, format }
}

fn to_failure(failure: crate::Failure) -> Failure {
    match failure {
        crate::Failure::Refused(text) => Failure::Refused(text),
        crate::Failure::Unavailable(text) => Failure::Unavailable(text),
    }
}

fn from_command(command: Command) -> crate::Command {
    crate::Command {
        id: command.id,
        name: command.name,
        args: command.args,
        conversation: command.conversation,
        operator: command.operator,
        contact: command.contact,
        occurred_at_ms: command.occurred_at_ms,
        deadline_ms: command.deadline_ms,
        origin: from_origin(command.origin),
        data_json: command.data,
    }
}

fn from_event(event: Event) -> crate::Event {
    crate::Event {
        id: event.id,
        kind: event.kind,
        native_kind: event.native_kind,
        conversation: event.conversation,
        contact: event.contact,
        operator: event.operator,
        sender: from_sender(event.sender),
        message: event.message,
        text: event.text,
        occurred_at_ms: event.occurred_at_ms,
        attempt: event.attempt,
        origin: from_origin(event.origin),
        data_json: event.data,
    }
}

fn from_sender(sender: types::Sender) -> crate::Sender {
    match sender {
        types::Sender::Contact => crate::Sender::Contact,
        types::Sender::Operator => crate::Sender::Operator,
        types::Sender::Bot => crate::Sender::Bot,
        types::Sender::System => crate::Sender::System,
        types::Sender::Unknown => crate::Sender::Unknown,
    }
}

fn from_origin(origin: types::Origin) -> crate::Origin {
    crate::Origin { tenant: origin.tenant, source: origin.source, dialect: origin.dialect, instance: origin.instance }
}
