//! What a request becomes, and what it takes to read one.

use std::fmt;

use http::HeaderMap;
use slashbox_core::{Command, Dedupe, Event, Origin};

use crate::{EVENT_BYTES_MAX, Refusal};

/// A request as it came in.
#[derive(Clone, Copy)]
pub struct Received<'r> {
    /// Its body.
    pub body: &'r [u8],
    /// Its headers.
    pub headers: &'r HeaderMap,
    /// What its path has behind the source's name, percent-decoded.
    pub path_token: Option<&'r str>,
}

/// Without what may be a secret.
impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What a dialect cannot read from the request itself.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// The source's tenant.
    pub tenant: &'a str,
    /// The source's name.
    pub source: &'a str,
    /// When the request came in, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// Makes the id of a command or of an event: called once for each that the request has, in their order.
    pub new_id: &'a dyn Fn() -> String,
}

impl Arrival<'_> {
    /// Where what comes in is from.
    pub(crate) fn origin(&self, dialect: &str, instance: Option<String>) -> Origin {
        Origin { tenant: self.tenant.into(), source: self.source.into(), dialect: dialect.into(), instance }
    }
}

impl fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, source, now_ms, new_id: _ } = self;
        f.debug_struct("Arrival")
            .field("tenant", tenant)
            .field("source", source)
            .field("now_ms", now_ms)
            .finish_non_exhaustive()
    }
}

/// What a platform sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one a request, and it is taken apart at once")]
pub enum Request {
    /// A command, which waits for its reply: see [`Dialect::answer`](crate::Dialect::answer).
    Command {
        /// The command.
        command: Command,
        /// By what a repetition of it is known, if its sender says so: it is answered as the first one was, and not run
        /// again.
        idempotency_key: Option<String>,
    },
    /// Events in the order in which they were sent, to be committed together: see
    /// [`Dialect::accepted`](crate::Dialect::accepted).
    Events(Vec<Incoming>),
    /// Nothing but the question whether somebody is there: see [`Dialect::pong`](crate::Dialect::pong).
    Ping,
}

/// An event, and how a repetition of it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The event.
    pub event: Event,
    /// By what it is known again; `None` if it is never a duplicate.
    pub dedupe: Option<Dedupe>,
}

/// Whether an event may be stored: `bytes` of its `data` and its `envelope`; `at` is its place in a batch, counted from 0.
pub(crate) fn check_size(at: Option<usize>, bytes: usize) -> Result<(), Refusal> {
    if bytes > EVENT_BYTES_MAX { Err(Refusal::EventTooLarge { at, bytes }) } else { Ok(()) }
}

/// What became of an event when its request was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The event's id; of a duplicate, the id of the one that came first.
    pub id: String,
    /// Whether it had come before, and is not delivered again.
    pub duplicate: bool,
}
