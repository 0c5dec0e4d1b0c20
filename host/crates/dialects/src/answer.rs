//! What a platform gets back, and why a request is not taken.

use serde_json::{Value, json};
use slashbox_core::Reply;

use crate::{Credentials, EVENT_BYTES_MAX, Taken, json::string};

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
    /// The body is larger than the host takes.
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge {
        /// How large it may be.
        bytes_max: usize,
    },
    /// An event in the body has more than [`EVENT_BYTES_MAX`](crate::EVENT_BYTES_MAX) bytes, where the body may have more.
    #[error("{} has {bytes} bytes: expected at most {EVENT_BYTES_MAX}", which_event(*.at))]
    EventTooLarge {
        /// Its place in a batch, counted from 0.
        at: Option<usize>,
        /// How large it is.
        bytes: usize,
    },
    /// It has more events than the host takes at once.
    #[error("the body has {events} events: expected at most {events_max}", events_max = crate::EVENTS_MAX)]
    TooMany {
        /// How many it has.
        events: usize,
    },
    /// Nobody answers this command.
    #[error("{0}")]
    UnknownCommand(String),
    /// The host cannot take it now.
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    /// What programs go by, and the log says: one of the codes of slashbox's problems. The text, which may repeat what somebody
    /// wrote, does not belong into the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unauthorized(_) => "unauthorized",
            Self::TooLarge { .. } | Self::EventTooLarge { .. } | Self::TooMany { .. } => "too-large",
            Self::UnknownCommand(_) => "unknown-command",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::TooLarge { .. } | Self::EventTooLarge { .. } | Self::TooMany { .. } => 413,
            Self::UnknownCommand(_) => 404,
            Self::Unavailable(_) => 503,
        }
    }

    /// When the same request may be taken, in seconds; none if it never is.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Unavailable(_) => Some(RETRY_AFTER_S),
            Self::Malformed(_)
            | Self::Unauthorized(_)
            | Self::TooLarge { .. }
            | Self::EventTooLarge { .. }
            | Self::TooMany { .. }
            | Self::UnknownCommand(_) => None,
        }
    }

    /// What repeats what was sent repeats no credential of it.
    pub(crate) fn without(self, credentials: &Credentials) -> Self {
        match self {
            Self::Malformed(text) => Self::Malformed(credentials.taken_out_of(&text)),
            other => other,
        }
    }
}

fn which_event(at: Option<usize>) -> String {
    at.map_or_else(|| "the event".into(), |at| format!("element {at}"))
}

/// What an operator is to see of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It was done, and there is nothing to show.
    Nothing,
    /// It was done.
    Message(Reply),
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

/// How a source wants its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyStyle {
    /// `{"message": …}` or `{"error": …}`.
    #[default]
    Json,
    /// The text alone.
    Text,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The command's id.
    pub id: String,
    /// The command's name.
    pub command: String,
    /// How it ended: one of the names of [`Outcome`](slashbox_core::Outcome).
    pub outcome: &'static str,
    /// What is to be seen of it.
    pub shown: Shown,
}

/// The text alone, or as the node of an object.
pub(crate) fn write(status: u16, shown: Shown, style: ReplyStyle) -> Answer {
    let (node, text) = match shown {
        Shown::Nothing => return Answer { status, content_type: None, body: String::new(), retry_after_s: None },
        Shown::Message(reply) => ("message", reply.text),
        Shown::Error(text) => ("error", text),
    };
    let body = match style {
        ReplyStyle::Json => format!("{{\"{node}\":{}}}", string(&text)),
        ReplyStyle::Text => text,
    };
    Answer { status, content_type: Some(content_type(style)), body, retry_after_s: None }
}

/// The platforms show nothing of it, and count the status alone; the rest is for whoever reads along.
pub(crate) fn accepted(status: u16, events: &[Taken], style: ReplyStyle) -> Answer {
    let body = match style {
        ReplyStyle::Json => match events {
            [event] => told(event).to_string(),
            events => events.iter().map(told).collect::<Value>().to_string(),
        },
        ReplyStyle::Text => events.iter().map(told_in_words).collect::<Vec<_>>().join("\n"),
    };
    Answer { status, content_type: Some(content_type(style)), body, retry_after_s: None }
}

pub(crate) fn refuse(refusal: &Refusal, style: ReplyStyle) -> Answer {
    let answer = write(refusal.status(), Shown::Error(refusal.to_string()), style);
    Answer { retry_after_s: refusal.retry_after_s(), ..answer }
}

fn content_type(style: ReplyStyle) -> &'static str {
    match style {
        ReplyStyle::Json => "application/json",
        ReplyStyle::Text => "text/plain; charset=utf-8",
    }
}

fn told(event: &Taken) -> Value {
    json!({ "duplicate": event.duplicate, "id": event.id })
}

fn told_in_words(event: &Taken) -> String {
    let Taken { id, duplicate } = event;
    if *duplicate { format!("duplicate of {id}") } else { format!("accepted as {id}") }
}
