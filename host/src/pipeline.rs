//! The way of a command: who owns it, the call, the commit, the answer.
//!
//! Read this first: every command, whichever way it came in, passes through [`answer`]. Invariants: who answers is decided
//! before the call, and a failing owner is never replaced by another; what a call changes is committed before its reply
//! leaves; whoever asked gets exactly one answer, and nothing internal in it.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use slashbox_core::{Command, Limit, Outcome, Trap, check_markdown_v2};
use slashbox_dialects::Shown;
use slashbox_runtime::{Call, Owner, Plugin};
use slashbox_store::CommitError;
use tracing::{debug, error, warn};

use crate::{
    host::{CommandError, Inner},
    telemetry::COMMANDS,
};

/// How often a call runs again because another changed what it had read.
const RERUNS_MAX: u32 = 3;

/// The most bytes of a plugin's text in a line of the log: a backtrace of many frames.
const LOGGED_BYTES_MAX: usize = 8 * 1024;

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command's id: what the log calls it, and the ref that an operator is shown.
    pub id: String,
    /// The command's name.
    pub command: String,
    /// Who answered it.
    pub plugin: String,
    /// How the call ended; a reply is no longer than platforms take.
    pub outcome: Outcome,
}

/// Finds the owner of a command and has it answered, in a task of its own: it runs to its end if the sender hangs up.
pub(crate) async fn answer(inner: &Arc<Inner>, command: Command) -> Result<Answer, CommandError> {
    let (tenant, name) = (&command.origin.tenant, command.name.as_str());
    let catalog = inner.runtime.catalog();
    let Some(owner) = catalog.owner(tenant, name).cloned() else {
        let near = catalog.near(tenant, name);
        debug!(target: COMMANDS, tenant, command = name, "unknown");
        return Err(CommandError::Unknown { name: name.into(), near });
    };
    drop(catalog);
    if inner.tasks.is_closed() {
        return Err(CommandError::ShuttingDown);
    }
    let (id, name) = (command.id.clone(), name.to_owned());
    let (plugin, outcome) = match owner {
        Owner::Plugin(plugin) => {
            let task = inner.tasks.spawn(run(inner.clone(), plugin.clone(), command));
            let outcome = task.await.unwrap_or_else(|panic| host_panic(&id, &plugin, &panic));
            (plugin.id().to_string(), outcome)
        }
        Owner::Absent(plugin) => {
            let why = "its plugin is broken or disabled";
            let outcome = Outcome::Unavailable(why.into());
            warn!(target: COMMANDS, call = id, tenant, %plugin, command = %name, outcome = outcome.name(), why);
            (plugin.to_string(), outcome)
        }
    };
    Ok(Answer { id, command: name, plugin, outcome })
}

/// Calls the plugin until its effects are committed, and makes its reply fit.
async fn run(inner: Arc<Inner>, plugin: Arc<Plugin>, command: Command) -> Outcome {
    let began = Instant::now();
    let call = Call { now_ms: now_ms(), deadline: began + inner.command_budget, command };
    let mut outcome = committed(&inner, &plugin, &call).await;
    if let Outcome::Replied(Some(reply)) = &mut outcome {
        if let Some(cut) = reply.cut() {
            let from = cut.from_units;
            warn!(target: COMMANDS, call = call.command.id, plugin = %plugin.id(), from, "reply too long, cut to 4096");
        }
        if reply.format == slashbox_core::Format::MarkdownV2
            && let Err(error) = check_markdown_v2(&reply.text)
        {
            warn!(target: COMMANDS, call = call.command.id, plugin = %plugin.id(), %error, "reply is no sound MarkdownV2");
        }
    }
    report(&plugin, &call.command, &outcome, began.elapsed());
    outcome
}

/// Runs again while others change what the call had read.
async fn committed(inner: &Inner, plugin: &Plugin, call: &Call) -> Outcome {
    let scope = plugin.scope(&call.command.origin.tenant);
    for _ in 0..=RERUNS_MAX {
        if call.deadline <= Instant::now() {
            return Outcome::Limit(Limit::Deadline);
        }
        let (outcome, effects) = inner.runtime.on_command(plugin, call).await;
        if effects.is_empty() {
            return outcome;
        }
        match inner.store.commit(&scope, effects, call.now_ms).await {
            Ok(()) => return outcome,
            Err(CommitError::Conflict { key }) => {
                debug!(target: COMMANDS, call = call.command.id, plugin = %plugin.id(), key, "conflict, runs again");
            }
            Err(error @ CommitError::Unavailable { .. }) => {
                let error: &dyn std::error::Error = &error;
                error!(target: COMMANDS, call = call.command.id, plugin = %plugin.id(), error, "not committed");
                return Outcome::Unavailable("what it changed cannot be saved now".into());
            }
        }
    }
    Outcome::Unavailable("others keep changing the same data".into())
}

/// A fault of ours: it costs this command alone.
fn host_panic(call: &str, plugin: &Plugin, panic: &tokio::task::JoinError) -> Outcome {
    error!(target: COMMANDS, call, plugin = %plugin.id(), %panic, "the host failed in a call");
    Outcome::Trapped(Trap { cause: "the host failed".into(), backtrace: String::new() })
}

/// As much of a plugin's own text as a line of the log takes.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LOGGED_BYTES_MAX)).unwrap_or(text)
}

/// One line a command, at a level that says who should care.
fn report(plugin: &Plugin, command: &Command, outcome: &Outcome, took: Duration) {
    let (call, tenant) = (&command.id, &command.origin.tenant);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX); // JSON has no number of 128 bits.
    let (plugin, command, name) = (plugin.id(), &command.name, outcome.name());
    match outcome {
        Outcome::Replied(_) | Outcome::Refused(_) => {
            debug!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms);
        }
        Outcome::Unavailable(why) => {
            let why = beginning(why);
            warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms, why);
        }
        Outcome::Busy => warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms),
        Outcome::Limit(limit) => warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms, %limit),
        Outcome::Trapped(trap) => {
            let (cause, backtrace) = (beginning(&trap.cause), beginning(&trap.backtrace));
            warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms, cause, backtrace);
        }
    }
}

impl Answer {
    /// What the operator is to see of it.
    pub fn shown(&self) -> Shown {
        let Self { id, command, .. } = self;
        match &self.outcome {
            Outcome::Replied(Some(reply)) => Shown::Message(reply.text.clone()),
            Outcome::Replied(None) => Shown::Nothing,
            Outcome::Refused(why) if why.is_empty() => Shown::Error(format!("{command} was refused (ref {id})")),
            Outcome::Refused(why) => Shown::Error(fitting(why.clone())),
            // Why is in the log: it may be an error's text from deep inside of the plugin, which nobody wrote for operators.
            Outcome::Unavailable(_) | Outcome::Trapped(_) | Outcome::Limit(_) => {
                Shown::Error(format!("{command} is temporarily unavailable (ref {id})"))
            }
            Outcome::Busy => Shown::Error(format!("{command} is busy, try again in a moment (ref {id})")),
        }
    }
}

/// An error is a reply too, and no longer than one.
fn fitting(text: String) -> String {
    let mut reply = slashbox_core::Reply { text, format: slashbox_core::Format::Plain };
    reply.cut();
    reply.text
}

/// The wall clock, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
