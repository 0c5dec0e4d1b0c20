//! `slashbox call`: one call of one plugin, for its author.

use std::process::ExitCode;

use slashbox::{CommandError, NewCommand, Outcome, Trial};

use super::{
    Call, Usage, block_on,
    paint::{self, line},
    text::plain_lines,
    trial,
};

pub(super) fn run(arguments: &Call) -> anyhow::Result<ExitCode> {
    let Call { plugin: tried, json, .. } = arguments;
    block_on(async {
        let command = command(arguments)?;
        let (host, plugin) = tried.start().await?;
        let trial = host.try_command(&plugin, tried.tenant(), command).await.map_err(usage)?;
        if *json {
            let reply = match &trial.outcome {
                Outcome::Replied(reply) => reply.as_ref().map(|reply| reply.text.as_str()),
                _ => None,
            };
            trial::show_json(&trial, plugin.id(), ("reply", reply.into()));
        } else {
            show(&trial);
            trial::show_changes(&trial, plugin.id());
        }
        Ok(trial::code(&trial))
    })
}

fn command(arguments: &Call) -> anyhow::Result<NewCommand> {
    let Call { name, args, conversation, operator, data, .. } = arguments;
    let command = NewCommand::new(name).args(args).conversation(conversation).operator(operator).source("call");
    Ok(match data {
        Some(file) => command.data_text(trial::json_of(file)?),
        None => command,
    })
}

/// A command that nobody could type is a mistake in the command line.
pub(super) fn usage(error: CommandError) -> anyhow::Error {
    match error {
        CommandError::Name(_) => Usage(error.to_string()).into(),
        error => error.into(),
    }
}

fn show(trial: &Trial) {
    match (trial::failure(&trial.outcome), &trial.outcome) {
        (Some(failure), _) => paint::error(&failure),
        (None, Outcome::Replied(Some(reply))) => line(plain_lines(&reply.text)),
        (None, _) => paint::note("done, nothing to show"),
    }
}
