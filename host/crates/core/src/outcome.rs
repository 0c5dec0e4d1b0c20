//! How a call ended.

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
            Self::Unavailable(_) => "unavailable",
            Self::Trapped(_) => "trapped",
            Self::Limit(_) => "limit",
            Self::Busy => "busy",
        }
    }

    /// Whether what the call wrote is to be kept.
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Replied(_))
    }
}
