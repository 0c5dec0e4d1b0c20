//! The way of a command: who owns it, the call, the commit, the answer.
//!
//! Read this first: every command, whichever way it came in, passes through [`answer`]. Invariants: who answers is decided
//! before the call, and a failing owner is never replaced by another; what a call changes is committed before its reply
//! leaves; whoever asked gets exactly one answer, and nothing internal in it.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use slashbox_core::{Command, Effects, Outcome, Scope, Trap, check_markdown_v2};
use slashbox_dialects::Shown;
use slashbox_runtime::{Call, Plugin};
use slashbox_store::CommitError;
use tracing::{debug, error, warn};

use crate::{
    host::{CommandError, Inner},
    telemetry::COMMANDS,
};

/// How often a call runs again because another changed what it had read.
const RERUNS_MAX: u32 = 3;

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
    let Some(plugin) = catalog.owner(tenant, name).cloned() else {
        let near = catalog.near(tenant, name);
        debug!(target: COMMANDS, tenant, command = name, "unknown");
        return Err(CommandError::Unknown { name: name.into(), near });
    };
    drop(catalog);
    if inner.tasks.is_closed() {
        return Err(CommandError::ShuttingDown);
    }
    let mut answer = Answer {
        id: command.id.clone(),
        command: name.into(),
        plugin: plugin.id().to_string(),
        outcome: Outcome::Busy,
    };
    let task = inner.tasks.spawn(run(inner.clone(), plugin, command));
    answer.outcome = task.await.unwrap_or_else(|panic| host_panic(&answer, &panic));
    Ok(answer)
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
    let scope = Scope { tenant: call.command.origin.tenant.clone(), plugin: plugin.id().stem.to_string() };
    for _ in 0..=RERUNS_MAX {
        let (outcome, effects) = inner.runtime.on_command(plugin, call).await;
        if effects.is_empty() {
            return outcome;
        }
        match commit(inner, &scope, effects, call).await {
            Ok(()) => return outcome,
            Err(CommitError::Conflict { key }) => {
                debug!(target: COMMANDS, call = call.command.id, plugin = %plugin.id(), key, "conflict, runs again");
            }
            Err(error @ CommitError::Unavailable { .. }) => {
                error!(target: COMMANDS, call = call.command.id, plugin = %plugin.id(), %error, "not committed");
                return Outcome::Unavailable("what it changed cannot be saved now".into());
            }
        }
    }
    Outcome::Unavailable("others keep changing the same data".into())
}

async fn commit(inner: &Inner, scope: &Scope, effects: Effects, call: &Call) -> Result<(), CommitError> {
    inner.store.commit(scope, effects, call.now_ms).await
}

/// A fault of ours: it costs this command alone.
fn host_panic(answer: &Answer, panic: &tokio::task::JoinError) -> Outcome {
    error!(target: COMMANDS, call = answer.id, plugin = answer.plugin, %panic, "the host failed in a call");
    Outcome::Trapped(Trap { cause: "the host failed".into(), backtrace: String::new() })
}

/// One line a command, at a level that says who should care.
fn report(plugin: &Plugin, command: &Command, outcome: &Outcome, took: Duration) {
    let (call, tenant, ms) = (&command.id, &command.origin.tenant, took.as_millis());
    let (plugin, command, name) = (plugin.id(), &command.name, outcome.name());
    match outcome {
        Outcome::Replied(_) | Outcome::Refused(_) => {
            debug!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms);
        }
        Outcome::Unavailable(why) => warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms, why),
        Outcome::Busy => warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms),
        Outcome::Limit(limit) => warn!(target: COMMANDS, call, tenant, %plugin, %command, outcome = name, ms, %limit),
        Outcome::Trapped(trap) => {
            let (cause, backtrace) = (&trap.cause, &trap.backtrace);
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
