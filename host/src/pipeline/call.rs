//! The steps of answering a command: the calls until one is committed, the reply's length, the line in the log.

use std::{
    fmt::Display,
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Command, Format, Limit, Outcome, PluginId, RERUNS_MAX, Reply, check_markdown_v2};
use slashbox_runtime::{Call, Plugin};
use slashbox_store::CommitError;
use tokio::time::timeout_at;
use tracing::{debug, error, warn};

use super::answer::seconds;
use crate::{host::Inner, subscribers::Emitting, telemetry::COMMANDS};

/// The most bytes of a plugin's text in a line of the log: a backtrace of many frames.
const LOGGED_BYTES_MAX: usize = 8 * 1024;

/// How long a commit may take, however late the call has ended: mostly it takes a few milliseconds.
const COMMIT_MIN: Duration = Duration::from_millis(250);

/// Runs again while others change what the call had read, unless it sent something that cannot be taken back.
pub(super) async fn committed(inner: &Inner, plugin: &Arc<Plugin>, command: &Command, call: &Call) -> Outcome {
    let (id, now_ms) = (&command.id, call.now_ms);
    let emitting = Emitting { plugin: plugin.id(), origin: &command.origin, hops: 0, now_ms };
    for _ in 0..=RERUNS_MAX {
        if call.deadline <= Instant::now() {
            return Outcome::Limit(Limit::Deadline);
        }
        let (outcome, effects) = inner.runtime.call(plugin, call).await;
        let sent_http = effects.sent_http;
        let Some(changed) = inner.subscribers.change(plugin, emitting, effects) else { return outcome };
        let conversation = command.conversation.as_deref();
        let commit = inner.deliveries.commit(&command.origin, conversation, changed, now_ms);
        let until = call.deadline.max(Instant::now() + COMMIT_MIN);
        let Ok(committed) = timeout_at(until.into(), commit).await else {
            error!(target: COMMANDS, call = id, plugin = %plugin.id(), "not committed in time; it may be all the same");
            return Outcome::Unavailable("what it changed was not saved in time".into());
        };
        match committed {
            Ok(()) => return outcome,
            Err(CommitError::Conflict { key }) if sent_http => {
                debug!(target: COMMANDS, call = id, plugin = %plugin.id(), key, "conflict after it sent http");
                return Outcome::Unavailable("others changed the same data, and it cannot run again after HTTP".into());
            }
            Err(CommitError::Conflict { key }) => {
                debug!(target: COMMANDS, call = id, plugin = %plugin.id(), key, "conflict, runs again");
            }
            Err(CommitError::Quota(limit)) => return Outcome::Limit(limit),
            Err(error @ CommitError::Unavailable { .. }) => {
                let error: &dyn std::error::Error = &error;
                error!(target: COMMANDS, call = id, plugin = %plugin.id(), error, "not committed");
                return Outcome::Unavailable("what it changed cannot be saved now".into());
            }
        }
    }
    Outcome::Unavailable("others keep changing the same data".into())
}

/// The outcome of a command whose owner is broken or disabled.
pub(super) fn absent(plugin: &PluginId, command: &Command) -> Outcome {
    let why = "its plugin is broken or disabled";
    let outcome = Outcome::Unavailable(why.into());
    let (call, tenant, name) = (&command.id, &command.origin.tenant, &command.name);
    warn!(target: COMMANDS, call, tenant, by = %plugin, command = %name, outcome = outcome.name(), why);
    outcome
}

/// Cuts a reply to what platforms take, and says so; of MarkdownV2 it says whether it is sound.
pub(crate) fn make_fit(outcome: &mut Outcome, call: &str, by: &dyn Display) {
    if let Outcome::Refused(why) = outcome {
        let mut reply = Reply { text: std::mem::take(why), format: Format::Plain };
        if let Some(cut) = reply.cut() {
            let from = cut.from_units;
            warn!(target: COMMANDS, call, %by, from, "refusal too long, cut to 4096");
        }
        *why = reply.text;
    }
    let Outcome::Replied(Some(reply)) = outcome else { return };
    if let Some(cut) = reply.cut() {
        let from = cut.from_units;
        warn!(target: COMMANDS, call, %by, from, "reply too long, cut to 4096");
    }
    if reply.format == Format::MarkdownV2
        && let Err(error) = check_markdown_v2(&reply.text)
    {
        warn!(target: COMMANDS, call, %by, %error, "reply is no sound MarkdownV2");
    }
}

/// As much of a plugin's own text as a line of the log takes.
pub(crate) fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LOGGED_BYTES_MAX)).unwrap_or(text)
}

/// One line a command, at a level that says who should care.
pub(super) fn report(by: &dyn Display, command: &Command, outcome: &Outcome, took: Duration) {
    let (call, tenant) = (&command.id, &command.origin.tenant);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX); // JSON has no number of 128 bits.
    let (command, name) = (&command.name, outcome.name());
    match outcome {
        Outcome::Replied(_) | Outcome::Refused(_) => {
            debug!(target: COMMANDS, call, tenant, %by, %command, outcome = name, ms);
        }
        Outcome::Unavailable(why) => {
            let why = beginning(why);
            warn!(target: COMMANDS, call, tenant, %by, %command, outcome = name, ms, why);
        }
        Outcome::Busy => warn!(target: COMMANDS, call, tenant, %by, %command, outcome = name, ms),
        Outcome::SetAside(left) => {
            let (why, left_s) = ("it keeps crashing, and is set aside", seconds(*left));
            warn!(target: COMMANDS, call, tenant, %by, %command, outcome = name, ms, why, left_s);
        }
        Outcome::Limit(limit) => warn!(target: COMMANDS, call, tenant, %by, %command, outcome = name, ms, %limit),
        Outcome::Trapped(trap) => {
            let (cause, backtrace) = (beginning(&trap.cause), beginning(&trap.backtrace));
            warn!(target: COMMANDS, call, tenant, %by, %command, outcome = name, ms, cause, backtrace);
        }
    }
}
