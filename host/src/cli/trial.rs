//! A call of a plugin that was tried: how it ended and what it would change, shown to the plugin's author.
//!
//! Invariant: a text of the plugin's does nothing to the terminal, and takes one line wherever it is one of several things.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use jiff::SignedDuration;
use serde_json::{Value, json};
use slashbox::{Effects, Emit, Outcome, PluginId, TimerWrite, Trial, Write};

use super::{
    Usage,
    paint::{line, print_json},
    text::plain,
};

/// How much of a value is shown to people.
const VALUE_CHARS_MAX: usize = 200;

/// A file's JSON, as it was written.
pub(super) fn json_of(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let json = serde_json::from_str::<&serde_json::value::RawValue>(&text);
    let json = json.map_err(|error| Usage(format!("{}: expected JSON: {error}", file.display())))?;
    Ok(json.get().to_owned())
}

/// The exit code of a command that tried a call.
pub(super) fn code(trial: &Trial) -> ExitCode {
    if trial.outcome.succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Why a call did not do what it was asked; none if it did. The inside of a plugin that broke is its author's to see.
pub(super) fn failure(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Replied(_) => None,
        Outcome::Trapped(trap) => Some(format!("trapped: {}\n{}", trap.cause, trap.backtrace)),
        Outcome::Limit(limit) => Some(limit.to_string()),
        Outcome::Unavailable(why) | Outcome::Refused(why) => Some(format!("{}: {why}", outcome.name())),
        Outcome::Busy | Outcome::SetAside(_) => Some(outcome.name().replace('_', " ")),
    }
}

/// Shows people what a call would change, a line each.
pub(super) fn show_changes(trial: &Trial, plugin: &PluginId) {
    for change in changes(trial, plugin) {
        line(format_args!("  {change}"));
    }
}

fn changes(trial: &Trial, plugin: &PluginId) -> Vec<String> {
    let Effects { writes, timers, emits, sent_http, .. } = &trial.effects;
    let after = |at_ms: u64| after(trial.called_at_ms, at_ms);
    let writes = writes.iter().map(|(key, write)| {
        let key = plain(key);
        match write {
            Write::Set { value, expires_at_ms } => {
                let lives = expires_at_ms.map(|at_ms| format!(" (for {})", after(at_ms))).unwrap_or_default();
                format!("kv     {key} = {}{lives}", beginning(&String::from_utf8_lossy(value)))
            }
            Write::Delete => format!("kv     {key} deleted"),
            Write::Add(by) => format!("kv     {key} {by:+}"),
        }
    });
    let timers = timers.iter().map(|(key, timer)| match timer {
        TimerWrite::Set { due_at_ms, payload } => {
            format!("timer  {} in {}: {}", plain(key), after(*due_at_ms), beginning(payload))
        }
        TimerWrite::Cancel => format!("timer  {} cancelled", plain(key)),
    });
    let emits = emits.iter().map(|emit| {
        let Emit { conversation, data, .. } = emit;
        let of = conversation.as_ref().map_or("no conversation".into(), |id| format!("conversation {}", plain(id)));
        format!("event  {} ({of}): {}", emit.full_kind(plugin), beginning(data))
    });
    let sent = sent_http.then(|| "http   requests were sent, and nothing takes them back".to_owned());
    writes.chain(timers).chain(emits).chain(sent).collect()
}

/// Tells programs how a call ended and what it would change, with more that only this command has.
pub(super) fn show_json(trial: &Trial, plugin: &PluginId, more: (&str, Value)) {
    let Trial { outcome, effects, took, .. } = trial;
    let Effects { writes, timers, emits, sent_http, .. } = effects;
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
    let emit =
        |emit: &Emit| json!({ "kind": emit.full_kind(plugin), "conversation": emit.conversation, "data": emit.data });
    let (detail, backtrace) = match outcome {
        Outcome::Trapped(trap) => (Some(trap.cause.clone()), Some(&trap.backtrace)),
        Outcome::Limit(limit) => (Some(limit.to_string()), None),
        Outcome::Refused(why) | Outcome::Unavailable(why) => (Some(why.clone()), None),
        Outcome::Replied(_) | Outcome::Busy | Outcome::SetAside(_) => (None, None),
    };
    let (name, value) = more;
    print_json(&json!({
        "outcome": outcome.name(),
        name: value,
        "detail": detail,
        "backtrace": backtrace,
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "kv": writes.iter().map(write).collect::<Vec<_>>(),
        "timers": timers.iter().map(timer).collect::<Vec<_>>(),
        "events": emits.iter().map(emit).collect::<Vec<_>>(),
        "sent_http": sent_http,
    }));
}

fn beginning(value: &str) -> String {
    plain(&value.chars().take(VALUE_CHARS_MAX).collect::<String>())
}

/// How long from one time to another.
fn after(from_ms: u64, to_ms: u64) -> String {
    let ms = i64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_the_call_on() {
        for (ms, expected) in [(1_000, "1s"), (1_500, "1s 500ms"), (1_800_000, "30m"), (90_000_000, "25h")] {
            assert_eq!(after(1_000, 1_000 + ms), expected);
        }
        assert_eq!(after(1_000, 0), "0s");
    }
}
