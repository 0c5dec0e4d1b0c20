//! What a platform gets back, and why a request is not taken.

/// When a sender may come again whose request the host cannot take now, in seconds: a disk or a queue that is well again is
/// so within seconds, and nobody is to come again at once.
pub const RETRY_AFTER_S: u32 = 5;

/// Why a request is not taken. The text is for the sender: it names the thing, its value and what was expected, and
/// never a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is not what the dialect says.
    #[error("{0}")]
    Malformed(String),
    /// The sender did not prove who it is.
    #[error("{0}")]
    Unauthorized(String),
    /// The body, or an event in it ([`EVENT_BYTES_MAX`](crate::EVENT_BYTES_MAX)), is larger than the host takes.
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge {
        /// How large it may be.
        bytes_max: usize,
    },
    /// The host cannot take it now.
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    /// The refusal's name in the log, where its text, which may repeat what somebody wrote, does not belong.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unauthorized(_) => "unauthorized",
            Self::TooLarge { .. } => "too large",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::TooLarge { .. } => 413,
            Self::Unavailable(_) => 503,
        }
    }

    /// When the same request may be taken, in seconds; none if it never is.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Malformed(_) | Self::Unauthorized(_) | Self::TooLarge { .. } => None,
            Self::Unavailable(_) => Some(RETRY_AFTER_S),
        }
    }
}

/// What an operator is to see of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It was done, and there is nothing to show.
    Nothing,
    /// It was done.
    Message(String),
    /// It was not done.
    Error(String),
}

/// An answer to a platform's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body's type; none for an empty body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: String,
    /// What `Retry-After` says, in seconds; none for an answer without it.
    pub retry_after_s: Option<u32>,
}
