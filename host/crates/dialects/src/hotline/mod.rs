//! Hotline: one JSON object a request, the key inside of it.
//!
//! Source: the platform's page "Webhooks module". `{event_type, timestamp, instance_id, data, api_key}`; an
//! `event_type` with a leading slash is a command, and `data.command_data` its arguments; any other is a system event.
//! Ids are 64-bit numbers, possibly negative; fields may be null or absent. Both ways: what the platform sends, and
//! what its receivers are sent in its stead.

mod body;
mod event;
mod fields;
mod kinds;
mod remote;
mod render;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use slashbox_core::{Command, CommandName, Origin};

pub use self::remote::{REMOTE_ANSWER_BYTES_MAX, answer_of_remote};
pub(crate) use self::render::{command, event};
use self::{
    body::{Body, Content},
    fields::Fields,
};
use crate::{Answer, Arrival, Refusal, Request, Secret, Shown, Taken};

/// The dialect's name.
pub(crate) const NAME: &str = "hotline";

/// How the platform writes times, in UTC.
const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S";

/// How a source wants its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyStyle {
    /// `{"message": …}` or `{"error": …}`.
    #[default]
    Json,
    /// The text alone.
    Text,
}

/// A source that speaks Hotline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotline {
    /// What `api_key` must be.
    pub api_key: Secret,
    /// How answers are written.
    pub reply: ReplyStyle,
}

impl Hotline {
    pub(crate) fn read(&self, body: &[u8], arrival: Arrival<'_>) -> Result<Request, Refusal> {
        let body = Body::read(body)?;
        body.authenticate(&self.api_key)?;
        let content = body.without(&self.api_key);
        let name = content.event_type()?;
        if name.starts_with('/') {
            let name = name.parse().map_err(|error| Refusal::Malformed(format!("`event_type`: {error}")))?;
            return Ok(Request::Command(command_of(name, content, arrival)?));
        }
        Ok(Request::Events(vec![event::incoming(&name, content, arrival)?]))
    }

    pub(crate) fn answer(&self, shown: Shown) -> Answer {
        // The platform shows an error's text only if the status is that of a success.
        self.write(200, shown)
    }

    /// The platform shows nothing of it, and counts the status alone; the rest is for whoever reads along.
    pub(crate) fn accepted(&self, events: &[Taken]) -> Answer {
        let body = match self.reply {
            ReplyStyle::Json => match events {
                [event] => told(event).to_string(),
                events => events.iter().map(told).collect::<Value>().to_string(),
            },
            ReplyStyle::Text => events.iter().map(told_in_words).collect::<Vec<_>>().join("\n"),
        };
        Answer { status: 200, content_type: Some(self.content_type()), body, retry_after_s: None }
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Answer {
        let answer = self.write(refusal.status(), Shown::Error(refusal.to_string()));
        Answer { retry_after_s: refusal.retry_after_s(), ..answer }
    }

    fn write(&self, status: u16, shown: Shown) -> Answer {
        let (node, text) = match shown {
            Shown::Nothing => {
                return Answer { status, content_type: None, body: String::new(), retry_after_s: None };
            }
            Shown::Message(text) => ("message", text),
            Shown::Error(text) => ("error", text),
        };
        let body = match self.reply {
            ReplyStyle::Json => format!("{{\"{node}\":{}}}", Value::String(text)),
            ReplyStyle::Text => text,
        };
        Answer { status, content_type: Some(self.content_type()), body, retry_after_s: None }
    }

    fn content_type(&self) -> &'static str {
        match self.reply {
            ReplyStyle::Json => "application/json",
            ReplyStyle::Text => "text/plain; charset=utf-8",
        }
    }
}

fn told(event: &Taken) -> Value {
    json!({ "duplicate": event.duplicate, "id": event.id })
}

fn told_in_words(event: &Taken) -> String {
    let Taken { id, duplicate } = event;
    if *duplicate { format!("duplicate of {id}") } else { format!("accepted as {id}") }
}

fn command_of(name: CommandName, content: Content<'_>, arrival: Arrival<'_>) -> Result<Command, Refusal> {
    let fields = Fields::read(&content.data)?;
    Ok(Command {
        id: (arrival.new_id)(),
        name,
        args: fields.command_data()?.unwrap_or_default(),
        conversation: fields.dialog()?,
        operator: fields.sender_user_id()?,
        contact: fields.user_id()?,
        message: fields.message_id()?,
        occurred_at_ms: content.occurred_at_ms()?.unwrap_or(arrival.now_ms),
        origin: origin(&content, arrival)?,
        data: content.data.into_owned(),
        envelope: content.envelope,
    })
}

fn origin(content: &Content<'_>, arrival: Arrival<'_>) -> Result<Origin, Refusal> {
    Ok(Origin {
        tenant: arrival.tenant.into(),
        source: arrival.source.into(),
        dialect: NAME.into(),
        instance: content.instance()?,
    })
}
