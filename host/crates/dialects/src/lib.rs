//! How each platform writes commands, and how it wants them answered. One file per dialect.
//!
//! Pure: bytes in, core types out, and back; no IO, no clock. Invariant: what leaves this crate holds no credential; a
//! sender is authenticated before anything else of its request is judged.

mod hotline;
mod secret;

use slashbox_core::Command;

pub use hotline::{Hotline, ReplyStyle};
pub use secret::{EmptySecret, Secret};

/// How a source's platform writes.
#[derive(Clone, Debug)]
pub enum Dialect {
    /// Hotline, a Telegram help desk.
    Hotline(Hotline),
}

/// What a dialect cannot read from the request itself.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The id that the command gets.
    pub id: String,
    /// The source's tenant.
    pub tenant: String,
    /// The source's name.
    pub source: String,
    /// When the request came in, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// Why a request is not taken. The text is for the sender: it names the thing, its value and what was expected, and never
/// a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is not what the dialect says.
    #[error("{0}")]
    Malformed(String),
    /// The sender did not prove who it is.
    #[error("{0}")]
    Unauthorized(String),
    /// The dialect has this, this version of slashbox does not.
    #[error("{0}")]
    NotServed(String),
    /// The body is larger than the host takes.
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
            Self::NotServed(_) => "not served",
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
            Self::NotServed(_) => 501,
            Self::Unavailable(_) => 503,
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
}

impl Dialect {
    /// The dialect's name in configuration, origins and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hotline(_) => hotline::NAME,
        }
    }

    /// Authenticates a request and reads its command.
    ///
    /// # Errors
    /// A [`Refusal`], to be answered with [`Dialect::refuse`].
    pub fn command(&self, body: &[u8], arrival: Arrival) -> Result<Command, Refusal> {
        match self {
            Self::Hotline(hotline) => hotline.command(body, arrival),
        }
    }

    /// The answer to a command.
    pub fn answer(&self, shown: Shown) -> Answer {
        match self {
            Self::Hotline(hotline) => hotline.answer(shown),
        }
    }

    /// The answer to a request that is not taken.
    pub fn refuse(&self, refusal: &Refusal) -> Answer {
        match self {
            Self::Hotline(hotline) => hotline.refuse(refusal),
        }
    }
}
