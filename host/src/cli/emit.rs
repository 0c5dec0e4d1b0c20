//! `slashbox emit`: one event for one plugin, for its author.

use std::process::ExitCode;

use slashbox::{EmitError, NewCommand, NewEvent, Sender, Trial};
use slashbox_core::TIMER_FIRED;

use super::{
    Emit, Usage, block_on,
    call::usage,
    paint::{self, line},
    trial,
};

/// Who typed a command that the plugin observes, if nothing is said.
const OPERATOR: &str = "operator";

/// What the plugin gets.
enum Told {
    Event(NewEvent),
    /// A command that another answers.
    Command(NewCommand),
}

pub(super) fn run(arguments: &Emit) -> anyhow::Result<ExitCode> {
    let Emit { plugin: tried, kind, json, .. } = arguments;
    block_on(async {
        let told = if kind.starts_with('/') { command(arguments)? } else { event(arguments)? };
        let (host, plugin) = tried.start().await?;
        let trial = match told {
            Told::Event(event) => {
                host.try_event(&plugin, tried.tenant(), event).await.map_err(|error| match error {
                    EmitError::Kind(_) => anyhow::Error::new(Usage(error.to_string())),
                    error => error.into(),
                })?
            }
            Told::Command(command) => host.try_observed(&plugin, tried.tenant(), command).await.map_err(usage)?,
        };
        if *json {
            trial::show_json(&trial, plugin.id(), ("wanted", trial.wanted.into()));
        } else {
            show(&trial, kind);
            trial::show_changes(&trial, plugin.id());
        }
        Ok(trial::code(&trial))
    })
}

fn event(arguments: &Emit) -> anyhow::Result<Told> {
    let Emit { kind, data, text, message, sender, conversation, operator, .. } = arguments;
    let by_host = *kind == TIMER_FIRED || kind.starts_with(slashbox::Emit::PREFIX);
    let usual = if by_host { Sender::System } else { Sender::Contact };
    let mut event = NewEvent::new(kind).conversation(conversation).sender(sender.unwrap_or(usual)).source("emit");
    if let Some(text) = text {
        event = event.text(text);
    }
    if let Some(message) = message {
        event = event.message(message);
    }
    if let Some(operator) = operator {
        event = event.operator(operator);
    }
    if let Some(file) = data {
        event = event.data_text(trial::json_of(file)?);
    }
    Ok(Told::Event(event))
}

fn command(arguments: &Emit) -> anyhow::Result<Told> {
    let Emit { kind, data, text, message, sender, conversation, operator, .. } = arguments;
    if let Some(sender) = sender.filter(|sender| *sender != Sender::Operator) {
        return Err(Usage(format!("--sender {sender}: the sender of a command is an operator")).into());
    }
    let operator = operator.as_deref().unwrap_or(OPERATOR);
    let mut command = NewCommand::new(kind).conversation(conversation).operator(operator).source("emit");
    if let Some(text) = text {
        command = command.args(text);
    }
    if let Some(message) = message {
        command = command.message(message);
    }
    if let Some(file) = data {
        command = command.data_text(trial::json_of(file)?);
    }
    Ok(Told::Command(command))
}

fn show(trial: &Trial, kind: &str) {
    if !trial.wanted {
        paint::note(&format!("the plugin does not ask for {kind}: no host would give it this event"));
    }
    match trial::failure(&trial.outcome) {
        Some(failure) => paint::error(&failure),
        None => line(format_args!("taken in {} ms", trial.took.as_millis())),
    }
}
