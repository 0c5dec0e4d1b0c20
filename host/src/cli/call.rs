//! `slashbox call`: one call of one plugin, for its author.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use serde_json::json;
use slashbox::{Answer, CommandError, Host, NewCommand, Outcome, Settings, Shown, telemetry};

use super::{
    Call, Usage, block_on,
    paint::{self, line},
};

pub(super) fn run(arguments: Call) -> anyhow::Result<ExitCode> {
    // What the plugin says is what its author wants to see.
    telemetry::start_log("warn,slashbox::guest=trace", telemetry::LogFormat::Text)?;
    let mut command = NewCommand::new(&arguments.name)
        .args(&arguments.args)
        .conversation(&arguments.conversation)
        .operator(&arguments.operator)
        .source("call");
    if let Some(file) = &arguments.data {
        command = command.data_text(json_of(file)?);
    }
    let answer = block_on(async {
        let host = Host::of_file(&Settings::default(), &arguments.file).await;
        let host = host.with_context(|| arguments.file.display().to_string())?;
        let answer = host.command("default", command).await;
        answer.map_err(|error| match error {
            CommandError::Name(_) => anyhow::Error::new(Usage(error.to_string())),
            error => error.into(),
        })
    })?;
    if arguments.json {
        line(format_args!("{:#}", as_json(&answer)));
    } else {
        show(&answer);
    }
    Ok(if answer.outcome.succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A file's JSON, as it was written.
pub(super) fn json_of(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let json = serde_json::from_str::<&serde_json::value::RawValue>(&text);
    let json = json.map_err(|error| Usage(format!("{}: expected JSON: {error}", file.display())))?;
    Ok(json.get().to_owned())
}

fn show(answer: &Answer) {
    match (inside(&answer.outcome), answer.shown()) {
        (Some(problem), _) => paint::error(&problem),
        (None, Shown::Message(text)) => line(text),
        (None, Shown::Nothing) => paint::note("done, nothing to show"),
        (None, Shown::Error(text)) => paint::error(&text),
    }
}

/// Why a call did not do what it was asked. The inside of a plugin that broke is its author's to see.
pub(super) fn inside(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Trapped(trap) => Some(format!("trapped: {}\n{}", trap.cause, trap.backtrace)),
        Outcome::Limit(limit) => Some(limit.to_string()),
        Outcome::Unavailable(why) => Some(format!("unavailable: {why}")),
        Outcome::Refused(why) => Some(format!("refused: {why}")),
        Outcome::Replied(_) | Outcome::Busy | Outcome::SetAside(_) => None,
    }
}

fn as_json(answer: &Answer) -> serde_json::Value {
    let (reply, detail) = match (&answer.outcome, answer.shown()) {
        (Outcome::Replied(_), Shown::Message(text)) => (Some(text), None),
        (Outcome::Replied(_), _) => (None, None),
        (Outcome::Trapped(trap), _) => (None, Some(trap.cause.clone())),
        (Outcome::Limit(limit), _) => (None, Some(limit.to_string())),
        (Outcome::Refused(why) | Outcome::Unavailable(why), _) => (None, Some(why.clone())),
        (Outcome::Busy | Outcome::SetAside(_), _) => (None, None),
    };
    json!({ "outcome": answer.outcome.name(), "reply": reply, "detail": detail })
}
