//! The interface's types as core's.

use slashbox_core::{CommandSpec, Descriptor, DescriptorError, Format, Outcome, Pattern, Reply, SettingSpec};

use crate::bindings::slashbox::plugin::types as wit;

/// What a handler returned.
pub(crate) fn outcome(result: Result<Option<wit::Reply>, wit::Failure>) -> Outcome {
    match result {
        Ok(shown) => Outcome::Replied(shown.map(reply)),
        Err(wit::Failure::Refused(why)) => Outcome::Refused(why),
        Err(wit::Failure::Unavailable(why)) => Outcome::Unavailable(why),
    }
}

/// What the handler of an event returned.
pub(crate) fn outcome_of_event(result: Result<(), wit::Failure>) -> Outcome {
    outcome(result.map(|()| None))
}

fn reply(reply: wit::Reply) -> Reply {
    let format = match reply.format {
        wit::Format::Plain => Format::Plain,
        wit::Format::MarkdownV2 => Format::MarkdownV2,
    };
    Reply { text: reply.text, format }
}

/// What a plugin said of itself, checked.
pub(crate) fn descriptor(descriptor: wit::Descriptor) -> Result<Descriptor, DescriptorError> {
    Descriptor {
        name: descriptor.name,
        version: descriptor.version,
        summary: descriptor.summary,
        commands: descriptor.commands.into_iter().map(command_spec).collect::<Result<_, _>>()?,
        events: patterns(&descriptor.events)?,
        http_hosts: descriptor.http_hosts.iter().map(|host| host.parse()).collect::<Result<_, _>>()?,
        settings: descriptor.settings.into_iter().map(setting_spec).collect(),
    }
    .check()
}

fn patterns(patterns: &[String]) -> Result<Vec<Pattern>, DescriptorError> {
    patterns.iter().map(|pattern| Ok(pattern.parse()?)).collect()
}

fn command_spec(spec: wit::CommandSpec) -> Result<CommandSpec, DescriptorError> {
    Ok(CommandSpec { name: spec.name.parse()?, usage: spec.usage, summary: spec.summary })
}

fn setting_spec(spec: wit::SettingSpec) -> SettingSpec {
    SettingSpec { name: spec.name, summary: spec.summary, secret: spec.secret, required: spec.required }
}
