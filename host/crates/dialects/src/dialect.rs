//! What a dialect is, and which there are. A new one is a file beside the others, and its name in [`Dialect::ALL`].

mod hotline;
mod inbox;
mod native;
mod sendpulse;
mod tg_staff;

pub(crate) use native::members;

use std::{fmt, str::FromStr};

use slashbox_core::Event;

use crate::{
    Answer, Answered, Arrival, Credential, Credentials, CredentialsError, Kind, Received, Recipient, Refusal, Rendered,
    ReplyStyle, Request, Sample, Taken, answer, json,
};

/// How a platform writes: one of [`Dialect::ALL`].
#[derive(Clone, Copy)]
pub struct Dialect(&'static dyn Wire);

/// What one file has to say of its dialect. Functions without state: whatever a source or a subscriber is configured with
/// is given.
pub(crate) trait Wire: Sync {
    /// Its name in configuration, origins and logs.
    fn name(&self) -> &'static str;

    /// What its document names.
    fn kinds(&self) -> &'static [Kind];

    /// What becomes of a name that is not among [`Wire::kinds`].
    fn others(&self) -> Others {
        Others::Native
    }

    /// Whether it has commands, which are answered.
    fn has_commands(&self) -> bool {
        false
    }

    /// By what a sender may show who it is. One of them must be configured; of those that are, each must be right.
    fn credentials(&self) -> &'static [Credential];

    /// The requests of its document.
    fn samples(&self) -> &'static [Sample];

    /// What a request has whose sender is known, but for what the body says of it.
    fn read(
        &self,
        received: &Received<'_>,
        credentials: &Credentials,
        arrival: Arrival<'_>,
    ) -> Result<Request, Refusal>;

    /// The answer to a command.
    fn answer(&self, answered: Answered, style: ReplyStyle) -> Answer {
        answer::write(200, answered.shown, style)
    }

    /// The answer to events, after their commit, in the order of the request.
    fn accepted(&self, events: &[Taken], style: ReplyStyle) -> Answer {
        answer::accepted(200, events, style)
    }

    /// The answer to what is not taken.
    fn refuse(&self, refusal: &Refusal, style: ReplyStyle) -> Answer {
        answer::refuse(refusal, style)
    }

    /// The request that tells somebody of an event, or asks somebody to answer a command, who knows this dialect: as it
    /// came in, if it came in by it.
    fn render(&self, event: &Event, to: &Recipient<'_>) -> Rendered;

    /// A body as its platform would send it to a source with these credentials.
    fn signed(&self, body: String, _credentials: &Credentials) -> String {
        body
    }
}

/// What becomes of an event whose name its platform's document does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Its kind is `native.` and the name.
    Native,
    /// Somebody on the platform chose the name: its kind is always this one.
    Chosen(&'static str),
    /// The name is its kind.
    Kind,
}

/// A text that names no dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no dialect: expected {}", Dialect::names())]
pub struct DialectError {
    name: String,
}

impl Dialect {
    /// Each of them.
    pub const ALL: &[Self] =
        &[Self::HOTLINE, Self(&sendpulse::SendPulse), Self::TG_STAFF, Self(&inbox::Inbox), Self::NATIVE];

    /// Hotline's, a Telegram help desk.
    pub const HOTLINE: Self = Self(&hotline::Hotline);

    /// TG-Staff's, another Telegram help desk.
    pub const TG_STAFF: Self = Self(&tg_staff::TgStaff);

    /// slashbox's own: of platforms that integrate directly, of embedding programs, of plugins.
    pub const NATIVE: Self = Self(&native::Native);

    /// The names of all, for people: `hotline, sendpulse, … or native`.
    pub fn names() -> String {
        json::one_of(Self::ALL.iter().map(|dialect| dialect.name()))
    }

    /// Its name in configuration, origins and logs.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What its document names.
    pub fn kinds(self) -> &'static [Kind] {
        self.0.kinds()
    }

    /// What becomes of a name that is not among [`Dialect::kinds`].
    pub fn others(self) -> Others {
        self.0.others()
    }

    /// Whether it has commands.
    pub fn has_commands(self) -> bool {
        self.0.has_commands()
    }

    /// By what a sender may show who it is.
    pub fn credentials(self) -> &'static [Credential] {
        self.0.credentials()
    }

    /// The requests of its document.
    pub fn samples(self) -> &'static [Sample] {
        self.0.samples()
    }

    /// Whether a source of this dialect can tell its sender from others by these.
    ///
    /// # Errors
    /// If one is missing that it needs, or is there that it does not know.
    pub fn check(self, credentials: &Credentials) -> Result<(), CredentialsError> {
        credentials.check(self.0.credentials())
    }

    /// Authenticates a request and reads what it has.
    ///
    /// # Errors
    /// A [`Refusal`], to be answered with [`Dialect::refuse`].
    pub fn read(
        self,
        received: &Received<'_>,
        credentials: &Credentials,
        arrival: Arrival<'_>,
    ) -> Result<Request, Refusal> {
        credentials.authenticate(received)?;
        self.0.read(received, credentials, arrival).map_err(|refusal| refusal.without(credentials))
    }

    /// The answer to a command.
    pub fn answer(self, answered: Answered, style: ReplyStyle) -> Answer {
        self.0.answer(answered, style)
    }

    /// The answer to events, after their commit, in the order of the request.
    pub fn accepted(self, events: &[Taken], style: ReplyStyle) -> Answer {
        self.0.accepted(events, style)
    }

    /// The answer to [`Request::Ping`].
    pub fn pong(self) -> Answer {
        Answer { status: 200, content_type: None, body: String::new(), retry_after_s: None }
    }

    /// The answer to what is not taken.
    pub fn refuse(self, refusal: &Refusal, style: ReplyStyle) -> Answer {
        self.0.refuse(refusal, style)
    }

    /// The request that tells a subscriber of an event, or has it answer a command.
    pub(crate) fn render(self, event: &Event, to: &Recipient<'_>) -> Rendered {
        self.0.render(event, to)
    }

    /// A body as its platform would send it to a source with these credentials; those that go in headers are
    /// [`Credentials::headers`].
    pub fn signed(self, body: String, credentials: &Credentials) -> String {
        self.0.signed(body, credentials)
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialect({})", self.name())
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = DialectError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|dialect| dialect.name() == name);
        found.copied().ok_or_else(|| DialectError { name: name.chars().take(60).collect() })
    }
}
