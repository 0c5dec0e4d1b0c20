//! How each platform writes commands and events, and how it wants them answered; how remote webhooks are written to,
//! and what their answers mean. One file per dialect, and a line of [`Dialect::ALL`] that names it.
//!
//! Pure: bytes in, core types out, and back; no IO, no clock. Invariant: what leaves this crate holds no credential but
//! the one that a subscriber's request is to carry; a sender is authenticated before anything else of its request is
//! judged.

mod answer;
mod cloudevents;
mod credentials;
mod dedupe;
mod dialect;
mod fields;
mod format;
mod json;
mod kind;
mod remote;
mod request;
mod sample;
mod secret;
mod standard;
mod time;
mod translate;

pub use answer::{Answer, Answered, RETRY_AFTER_S, Refusal, ReplyStyle, Shown};
pub use credentials::{Credential, Credentials, CredentialsError, bearer};
pub use dialect::{Dialect, DialectError, Others};
pub use format::{Format, FormatError, Recipient, Rendered};
pub use kind::{Kind, NAME_BYTES_MAX};
pub use remote::{REMOTE_ANSWER_BYTES_MAX, answer_of_remote};
pub use request::{Arrival, Incoming, Received, Request, Taken};
pub use sample::Sample;
pub use secret::{SECRET_CHARS_MIN, Secret, ShortSecret};

/// The most bytes that an event has, its `data` and its `envelope` together. A body may have more (a batch does, a
/// command may), but an event is stored, and kept for each of its subscribers.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// The most events in one request: they are one commit, for which others wait.
pub const EVENTS_MAX: usize = 1_000;
