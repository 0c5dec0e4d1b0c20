//! How a call ended.

use std::time::Duration;

use crate::{Limit, Reply};

/// How a call of a plugin ended: one closed set, the same words in logs, metrics and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked; with nothing to show if `None`.
    Replied(Option<Reply>),
    /// It refused for good, and says why.
    Refused(String),
    /// It cannot now, and says why.
    Unavailable(String),
    /// It broke.
    Trapped(Trap),
    /// It reached a limit.
    Limit(Limit),
    /// It was not called: every place was taken until the call's time was up.
    Busy,
    /// It was not called: it keeps crashing, and is tried again after this time. One kind of being unavailable.
    SetAside(Duration),
}

/// Where and why a guest broke. For the log alone: it names the inside of the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The cause in one line, e.g. `wasm trap: integer divide by zero`.
    pub cause: String,
    /// The guest's functions, the innermost first, a line each; empty where the component carries no names.
    pub backtrace: String,
}

impl Outcome {
    /// The outcome's name, as it stands in logs, metrics and answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Replied(_) => "replied",
            Self::Refused(_) => "refused",
            Self::Unavailable(_) | Self::SetAside(_) => "unavailable",
            Self::Trapped(_) => "trapped",
            Self::Limit(_) => "limit",
            Self::Busy => "busy",
        }
    }

    /// Whether it was the guest that broke, or that went too far: if it keeps doing so, it is no use to call it.
    pub fn crashed(&self) -> bool {
        match self {
            // The command's own time may have been up before the plugin was called.
            Self::Limit(limit) => !matches!(limit, Limit::Deadline),
            Self::Trapped(_) => true,
            Self::Replied(_) | Self::Refused(_) | Self::Unavailable(_) | Self::Busy | Self::SetAside(_) => false,
        }
    }

    /// Whether what the call wrote is to be kept.
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Replied(_))
    }
}
