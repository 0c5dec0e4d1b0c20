//! `slashbox emit`: one event for one plugin, for its author.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};
use slashbox::{Effects, EmitError, Host, NewEvent, Outcome, Settings, TimerWrite, Trial, Write, telemetry};

use super::{
    Emit, Usage, block_on, call,
    paint::{self, line},
};

pub(super) fn run(arguments: Emit) -> anyhow::Result<ExitCode> {
    // What the plugin says is what its author wants to see.
    telemetry::start_log("warn,slashbox::guest=trace", telemetry::LogFormat::Text)?;
    let trial = block_on(async {
        let host = Host::of_file(&Settings::default(), &arguments.file).await;
        let host = host.with_context(|| arguments.file.display().to_string())?;
        let plugins = host.plugins();
        let plugin = plugins.plugins().next().context("the file holds no plugin")?;
        let trial = host.try_event(plugin, "default", event(&arguments)?).await;
        trial.map_err(|error| match error {
            EmitError::Kind(_) => anyhow::Error::new(Usage(error.to_string())),
            error => error.into(),
        })
    })?;
    if arguments.json {
        line(format_args!("{:#}", as_json(&trial)));
    } else {
        show(&trial, &arguments.kind);
    }
    Ok(if trial.outcome.succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn event(arguments: &Emit) -> anyhow::Result<NewEvent> {
    let mut event =
        NewEvent::new(&arguments.kind).conversation(&arguments.conversation).sender(arguments.sender).source("emit");
    if let Some(text) = &arguments.text {
        event = event.text(text);
    }
    if let Some(message) = &arguments.message {
        event = event.message(message);
    }
    if let Some(file) = &arguments.data {
        event = event.data_text(call::json_of(file)?);
    }
    Ok(event)
}

fn show(trial: &Trial, kind: &str) {
    if !trial.wanted {
        paint::note(&format!("the plugin does not ask for {kind}: no host would give it this event"));
    }
    match call::inside(&trial.outcome) {
        Some(problem) => paint::error(&problem),
        None => line(format_args!("taken in {} ms", trial.took.as_millis())),
    }
    for change in changes(&trial.effects) {
        line(format_args!("  {change}"));
    }
}

/// What it would change, a line each.
fn changes(effects: &Effects) -> Vec<String> {
    let shown = |value: &[u8]| String::from_utf8_lossy(value).chars().take(200).collect::<String>();
    let writes = effects.writes.iter().map(|(key, write)| match write {
        Write::Set { value, .. } => format!("kv     {key} = {}", shown(value)),
        Write::Delete => format!("kv     {key} deleted"),
        Write::Add(by) => format!("kv     {key} {by:+}"),
    });
    let timers = effects.timers.iter().map(|(key, timer)| match timer {
        TimerWrite::Set { payload, .. } => format!("timer  {key} set: {}", shown(payload.as_bytes())),
        TimerWrite::Cancel => format!("timer  {key} cancelled"),
    });
    let emits = effects.emits.iter().map(|emit| format!("event  {}: {}", emit.kind, shown(emit.data.as_bytes())));
    writes.chain(timers).chain(emits).collect()
}

fn as_json(trial: &Trial) -> Value {
    let Effects { writes, timers, emits, sent_http, .. } = &trial.effects;
    let write = |(key, write): (&String, &Write)| match write {
        Write::Set { value, expires_at_ms } => {
            json!({ "key": key, "value": String::from_utf8_lossy(value), "expires_at_ms": expires_at_ms })
        }
        Write::Delete => json!({ "key": key, "deleted": true }),
        Write::Add(by) => json!({ "key": key, "add": by }),
    };
    let timer = |(key, timer): (&String, &TimerWrite)| match timer {
        TimerWrite::Set { due_at_ms, payload } => json!({ "key": key, "due_at_ms": due_at_ms, "payload": payload }),
        TimerWrite::Cancel => json!({ "key": key, "cancelled": true }),
    };
    let detail = match &trial.outcome {
        Outcome::Replied(_) => None,
        outcome => call::inside(outcome),
    };
    json!({
        "outcome": trial.outcome.name(),
        "detail": detail,
        "wanted": trial.wanted,
        "took_ms": u64::try_from(trial.took.as_millis()).unwrap_or(u64::MAX),
        "kv": writes.iter().map(write).collect::<Vec<_>>(),
        "timers": timers.iter().map(timer).collect::<Vec<_>>(),
        "events": emits.iter().map(|emit| json!({ "kind": emit.kind, "conversation": emit.conversation, "data": emit.data })).collect::<Vec<_>>(),
        "sent_http": sent_http,
    })
}
