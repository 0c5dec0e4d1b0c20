//! Something that happened on a platform.

use std::{fmt, str::FromStr};

use crate::{Command, Origin};

/// Who wrote the message that an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The person who asked for support.
    Contact,
    /// A person who gives it.
    Operator,
    /// A program, a flow, or an assistant.
    Bot,
    /// The platform, or slashbox itself.
    System,
    /// The platform does not say.
    Unknown,
}

impl Sender {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Contact, Self::Operator, Self::Bot, Self::System, Self::Unknown];

    /// Its name in configuration, in the store and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Operator => "operator",
            Self::Bot => "bot",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no sender: expected contact, operator, bot, system or unknown")]
pub struct SenderError(String);

impl FromStr for Sender {
    type Err = SenderError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|sender| sender.name() == name).ok_or_else(|| SenderError(name.into()))
    }
}

/// The kind of what a plugin gets that set a timer. It comes without being asked for; its `message` is the timer's key.
pub const TIMER_FIRED: &str = "timer.fired";

/// The kind of what a webhook is sent when somebody tests it.
pub const TEST: &str = "slashbox.test";

/// The kind of what a webhook is sent to see whether it is there.
pub const PING: &str = "slashbox.ping";

/// How many emissions an event may be away from what came from outside: a longer chain is a loop.
pub const HOPS_MAX: u8 = 8;

/// Something that happened on a platform, e.g. a conversation was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique, and the same over all attempts to deliver it. 26 characters (ULID).
    pub id: String,
    /// The canonical kind, e.g. `conversation.closed`; of a command, its name with the slash.
    pub kind: String,
    /// The platform's own name for it, e.g. `dialog_closed`.
    pub native_kind: String,
    /// The conversation that it belongs to: unique within the origin's tenant and source.
    pub conversation: Option<String>,
    /// The platform's id of the person whom the conversation is with.
    pub contact: Option<String>,
    /// The platform's id of the person who gives support.
    pub operator: Option<String>,
    /// Who wrote the message.
    pub sender: Sender,
    /// The platform's id of the message.
    pub message: Option<String>,
    /// The text of the message; of a command, its arguments.
    pub text: Option<String>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: u64,
    /// Where it came from.
    pub origin: Origin,
    /// The sender's own JSON text, numbers unaltered, without credentials; `null` if it sent none.
    pub data: String,
    /// The rest of the sender's request as its dialect keeps it, without `data` and credentials: what it takes to send
    /// the request on as it came. Empty if there is none.
    pub envelope: String,
    /// How many emissions of plugins it is away from what came from outside; 0 if it came from there.
    pub hops: u8,
}

impl Event {
    /// Whether it tells of a command.
    pub fn is_command(&self) -> bool {
        self.kind.starts_with('/')
    }
}

/// A command as those get it who do not answer it, but want to know of it.
impl From<&Command> for Event {
    fn from(command: &Command) -> Self {
        let name = command.name.to_string();
        Self {
            id: command.id.clone(),
            kind: name.clone(),
            native_kind: name,
            conversation: command.conversation.clone(),
            contact: command.contact.clone(),
            operator: command.operator.clone(),
            sender: Sender::Operator,
            message: command.message.clone(),
            text: Some(command.args.clone()),
            occurred_at_ms: command.occurred_at_ms,
            origin: command.origin.clone(),
            data: command.data.clone(),
            envelope: command.envelope.clone(),
            hops: 0,
        }
    }
}

/// By what an event is known again if its sender repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedupe {
    /// A digest of the sender's own id, or of the event's content. Unique within the origin's tenant and source.
    pub key: [u8; 32],
    /// For how long it is remembered, in milliseconds.
    pub ttl_ms: u64,
}
