//! What an embedding program gives the host: a command, an event.

use slashbox_core::{Command, CommandName, Event, Origin, Sender, check_name, is_kind};
use slashbox_dialects::{Dialect, EVENT_BYTES_MAX};
use ulid::Ulid;

use crate::{CommandError, EmitError, pipeline};

/// The most characters of a wrong kind that are quoted.
const QUOTED_CHARS_MAX: usize = 100;

/// The source of what the program gives itself, if it does not say.
pub(crate) const SOURCE: &str = "in-process";

/// A command that the embedding program itself gives.
#[derive(Clone, Debug)]
pub struct NewCommand {
    name: String,
    args: String,
    conversation: Option<String>,
    operator: Option<String>,
    contact: Option<String>,
    message: Option<String>,
    source: String,
    data: String,
}

impl NewCommand {
    /// A command by its name with the slash, e.g. `/invoice`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            args: String::new(),
            conversation: None,
            operator: None,
            contact: None,
            message: None,
            source: SOURCE.into(),
            data: "null".into(),
        }
    }

    /// What followed the name.
    #[must_use]
    pub fn args(mut self, args: &str) -> Self {
        self.args = args.into();
        self
    }

    /// The conversation in which it was typed.
    #[must_use]
    pub fn conversation(mut self, conversation: &str) -> Self {
        self.conversation = Some(conversation.into());
        self
    }

    /// Who typed it.
    #[must_use]
    pub fn operator(mut self, operator: &str) -> Self {
        self.operator = Some(operator.into());
        self
    }

    /// Whom the conversation is with.
    #[must_use]
    pub fn contact(mut self, contact: &str) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// The id of the message that it was.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(message.into());
        self
    }

    /// What plugins see as its source; `in-process` if nothing is said.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        self.source = source.into();
        self
    }

    /// What else plugins may want to know, as JSON.
    #[must_use]
    pub fn data(mut self, data: &serde_json::Value) -> Self {
        self.data = data.to_string();
        self
    }

    /// As [`NewCommand::data`], with the text of the JSON as it is to be passed on. Text that is no JSON is the plugin's
    /// to refuse.
    #[must_use]
    pub fn data_text(mut self, data: String) -> Self {
        self.data = data;
        self
    }

    pub(crate) fn into_command(self, tenant: &str) -> Result<Command, CommandError> {
        check_name(tenant)?;
        Ok(Command {
            id: new_id(),
            name: self.name.parse::<CommandName>()?,
            args: self.args,
            conversation: self.conversation,
            operator: self.operator,
            contact: self.contact,
            message: self.message,
            occurred_at_ms: pipeline::now_ms(),
            origin: origin(tenant, self.source),
            data: self.data,
            envelope: String::new(),
        })
    }
}

/// An event that the embedding program itself tells of.
#[derive(Clone, Debug)]
pub struct NewEvent {
    kind: String,
    conversation: Option<String>,
    contact: Option<String>,
    operator: Option<String>,
    sender: Sender,
    message: Option<String>,
    text: Option<String>,
    occurred_at_ms: Option<u64>,
    source: String,
    data: String,
}

impl NewEvent {
    /// An event by its kind, e.g. `message.received` or a kind of one's own with dots.
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.into(),
            conversation: None,
            contact: None,
            operator: None,
            sender: Sender::Unknown,
            message: None,
            text: None,
            occurred_at_ms: None,
            source: SOURCE.into(),
            data: "null".into(),
        }
    }

    /// The conversation that it belongs to: its events arrive at each subscriber in the order in which they were emitted.
    #[must_use]
    pub fn conversation(mut self, conversation: &str) -> Self {
        self.conversation = Some(conversation.into());
        self
    }

    /// Whom the conversation is with.
    #[must_use]
    pub fn contact(mut self, contact: &str) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// Who gives support in it.
    #[must_use]
    pub fn operator(mut self, operator: &str) -> Self {
        self.operator = Some(operator.into());
        self
    }

    /// Who wrote the message that it tells of.
    #[must_use]
    pub fn sender(mut self, sender: Sender) -> Self {
        self.sender = sender;
        self
    }

    /// The id of that message.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Its text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = Some(text.into());
        self
    }

    /// When it happened, in milliseconds since the Unix epoch; now if nothing is said.
    #[must_use]
    pub fn occurred_at_ms(mut self, occurred_at_ms: u64) -> Self {
        self.occurred_at_ms = Some(occurred_at_ms);
        self
    }

    /// What subscribers see as its source; `in-process` if nothing is said.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        self.source = source.into();
        self
    }

    /// What else subscribers may want to know, as JSON.
    #[must_use]
    pub fn data(mut self, data: &serde_json::Value) -> Self {
        self.data = data.to_string();
        self
    }

    /// As [`NewEvent::data`], with the text of the JSON as it is to be passed on.
    #[must_use]
    pub fn data_text(mut self, data: String) -> Self {
        self.data = data;
        self
    }

    pub(crate) fn into_event(self, tenant: &str) -> Result<Event, EmitError> {
        check_name(tenant)?;
        if !is_kind(&self.kind) {
            return Err(EmitError::Kind(self.kind.chars().take(QUOTED_CHARS_MAX).collect()));
        }
        let bytes = self.data.len() + self.text.as_ref().map_or(0, String::len);
        if bytes > EVENT_BYTES_MAX {
            return Err(EmitError::TooLarge { bytes });
        }
        Ok(Event {
            id: new_id(),
            native_kind: self.kind.clone(),
            kind: self.kind,
            conversation: self.conversation,
            contact: self.contact,
            operator: self.operator,
            sender: self.sender,
            message: self.message,
            text: self.text,
            occurred_at_ms: self.occurred_at_ms.unwrap_or_else(pipeline::now_ms),
            origin: origin(tenant, self.source),
            data: self.data,
            envelope: String::new(),
            hops: 0,
        })
    }
}

fn origin(tenant: &str, source: String) -> Origin {
    Origin { tenant: tenant.into(), source, dialect: Dialect::NATIVE.name().into(), instance: None }
}

/// A new id: sortable by time, 26 characters.
pub(crate) fn new_id() -> String {
    Ulid::generate().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_sizes_of_events() {
        let emit = |kind: &str, bytes: usize| {
            NewEvent::new(kind).text(&"x".repeat(bytes)).into_event("default").map(|_| ()).map_err(|e| e.to_string())
        };
        for kind in ["order", "order.paid", "a-b.c_d.счёт"] {
            assert_eq!(emit(kind, EVENT_BYTES_MAX - "null".len()), Ok(()), "{kind}");
        }
        for kind in ["", ".", "order.", "order.*", "*", "/order", "a b", &"x".repeat(201)] {
            assert!(emit(kind, 0).unwrap_err().starts_with("kind \""), "{kind}");
        }
        let over = emit("order", EVENT_BYTES_MAX - "null".len() + 1).unwrap_err();
        assert_eq!(over, "text and data of 262145 bytes: expected at most 262144");
    }
}
