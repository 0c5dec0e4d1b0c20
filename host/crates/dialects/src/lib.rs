//! How each platform writes commands and events, and how it wants them answered; how remote webhooks are written to,
//! and what their answers mean. One module per dialect.
//!
//! Pure: bytes in, core types out, and back; no IO, no clock. Invariant: what leaves this crate holds no credential but
//! the one that a subscriber's request is to carry; a sender is authenticated before anything else of its request is
//! judged.

mod answer;
mod format;
mod hotline;
mod request;
mod secret;

pub use answer::{Answer, RETRY_AFTER_S, Refusal, Shown};
pub use format::{Format, FormatError, Rendered};
pub use hotline::{Hotline, REMOTE_ANSWER_BYTES_MAX, ReplyStyle, answer_of_remote};
pub use request::{Arrival, Incoming, Request, Taken};
pub use secret::{SECRET_CHARS_MIN, Secret, ShortSecret};

/// The most bytes that an event has, its `data` and its `envelope` together. A body may have more (a batch does, a
/// command may), but an event is stored, and kept for each of its subscribers.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// How a source's platform writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Hotline, a Telegram help desk.
    Hotline(Hotline),
}

impl Dialect {
    /// The dialect's name in configuration, origins and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hotline(_) => hotline::NAME,
        }
    }

    /// Authenticates a request and reads what it has.
    ///
    /// # Errors
    /// A [`Refusal`], to be answered with [`Dialect::refuse`].
    pub fn read(&self, body: &[u8], arrival: Arrival<'_>) -> Result<Request, Refusal> {
        match self {
            Self::Hotline(hotline) => hotline.read(body, arrival),
        }
    }

    /// The answer to a command.
    pub fn answer(&self, shown: Shown) -> Answer {
        match self {
            Self::Hotline(hotline) => hotline.answer(shown),
        }
    }

    /// The answer to events, after their commit, in the order of the request.
    pub fn accepted(&self, events: &[Taken]) -> Answer {
        match self {
            Self::Hotline(hotline) => hotline.accepted(events),
        }
    }

    /// The answer to a request that is not taken.
    pub fn refuse(&self, refusal: &Refusal) -> Answer {
        match self {
            Self::Hotline(hotline) => hotline.refuse(refusal),
        }
    }
}
