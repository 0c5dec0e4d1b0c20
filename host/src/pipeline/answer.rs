//! What became of a command, and what the operator is shown of it.

use std::time::Duration;

use slashbox_core::{Format, Outcome, Reply};
use slashbox_dialects::Shown;

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command's id: what the log calls it, and the ref that an operator is shown.
    pub id: String,
    /// The command's name.
    pub command: String,
    /// Who answered it.
    pub by: Answered,
    /// How it ended; a reply is no longer than platforms take.
    pub outcome: Outcome,
}

/// Who answered a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The plugin that owns it, e.g. `mark`, or `acme/mark` for a tenant's own.
    ByPlugin(String),
    /// The webhook to which it fell back, since no plugin owns it.
    ByWebhook(String),
}

impl Answered {
    /// The plugin's or the webhook's name.
    pub fn name(&self) -> &str {
        match self {
            Self::ByPlugin(name) | Self::ByWebhook(name) => name,
        }
    }
}

impl Answer {
    /// What the operator is to see of it.
    pub fn shown(&self) -> Shown {
        let Self { id, command, by, .. } = self;
        match &self.outcome {
            Outcome::Replied(Some(reply)) => Shown::Message(reply.clone()),
            Outcome::Replied(None) => Shown::Nothing,
            Outcome::Refused(why) if why.is_empty() => Shown::Error(format!("{command} was refused (ref {id})")),
            Outcome::Refused(why) => Shown::Error(fitting(why.clone())),
            // Of a webhook, the host says itself what went wrong, in words that are meant for operators.
            Outcome::Unavailable(why) if matches!(by, Answered::ByWebhook(_)) => {
                Shown::Error(format!("{command}: {why} (ref {id})"))
            }
            // Of a plugin, it may be an error's text from deep inside, which nobody wrote for operators: it is in the log.
            Outcome::Unavailable(_) | Outcome::Trapped(_) | Outcome::Limit(_) => {
                Shown::Error(format!("{command} is temporarily unavailable (ref {id})"))
            }
            Outcome::SetAside(left) => {
                let seconds = seconds(*left).max(1);
                Shown::Error(format!(
                    "{command} is set aside for {seconds} s, since its plugin keeps crashing (ref {id})"
                ))
            }
            Outcome::Busy => Shown::Error(format!("{command} is busy, try again in a moment (ref {id})")),
        }
    }
}

/// In whole seconds; one that has begun counts: whoever waits for as long is not told to wait again.
pub(crate) fn seconds(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// An error is a reply too, and no longer than one.
fn fitting(text: String) -> String {
    let mut reply = Reply { text, format: Format::Plain };
    reply.cut();
    reply.text
}
