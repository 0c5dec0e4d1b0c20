//! `slashbox call`: one call of one plugin, for its author.

use std::process::ExitCode;

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
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let json = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        let json = json.map_err(|error| Usage(format!("{}: expected JSON: {error}", file.display())))?;
        command = command.data_text(json.get().to_owned());
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

/// The inside of a plugin that broke is its author's to see.
fn show(answer: &Answer) {
    match &answer.outcome {
        Outcome::Trapped(trap) => paint::error(&format!("trapped: {}\n{}", trap.cause, trap.backtrace)),
        Outcome::Limit(limit) => paint::error(&limit.to_string()),
        Outcome::Unavailable(why) => paint::error(&format!("unavailable: {why}")),
        Outcome::Refused(why) => paint::error(&format!("refused: {why}")),
        Outcome::Replied(_) | Outcome::Busy => match answer.shown() {
            Shown::Message(text) => line(text),
            Shown::Nothing => paint::note("done, nothing to show"),
            Shown::Error(text) => paint::error(&text),
        },
    }
}

fn as_json(answer: &Answer) -> serde_json::Value {
    let (reply, detail) = match (&answer.outcome, answer.shown()) {
        (Outcome::Replied(_), Shown::Message(text)) => (Some(text), None),
        (Outcome::Replied(_), _) => (None, None),
        (Outcome::Trapped(trap), _) => (None, Some(trap.cause.clone())),
        (Outcome::Limit(limit), _) => (None, Some(limit.to_string())),
        (Outcome::Refused(why) | Outcome::Unavailable(why), _) => (None, Some(why.clone())),
        (Outcome::Busy, _) => (None, None),
    };
    json!({ "outcome": answer.outcome.name(), "reply": reply, "detail": detail })
}
