//! Something that happened on a platform.

use crate::{Command, Origin, command::TEST_TIME_MS, millis};
use serde::de::DeserializeOwned;
use std::time::SystemTime;

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

/// Something that happened on a platform, e.g. a conversation was closed.
///
/// It may come more than once, with the same [`id`](Event::id) and a higher [`attempt`](Event::attempt): after a handler
/// failed, or if the host stopped before it could record that the handler did not. What a call changed through the
/// host's services counts only once.
///
/// A handler gets one from the host. A test makes one with [`Event::new`] and the methods that follow it, which bear the
/// names of the fields that they set.
///
/// ```
/// use slashbox_sdk::{Event, Sender};
///
/// let event = Event::new("message.received").conversation("-100:5").sender(Sender::Contact).text("Hello?");
/// assert_eq!(event.text.as_deref(), Some("Hello?"));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique for this event, and the same over all attempts to deliver it.
    pub id: String,
    /// The canonical kind, e.g. `conversation.closed`; of a command that is observed, its name with the slash.
    pub kind: String,
    /// The platform's own name for it, e.g. `dialog_closed`.
    pub native_kind: String,
    /// The conversation that it belongs to, spelled as in a [`Command`](crate::Command).
    pub conversation: Option<String>,
    /// The platform's id of the person whom the conversation is with.
    pub contact: Option<String>,
    /// The platform's id of the person who gives support.
    pub operator: Option<String>,
    /// Who wrote the message.
    pub sender: Sender,
    /// The platform's id of the message; of `timer.fired`, the timer's key.
    pub message: Option<String>,
    /// The text of the message; of a command that is observed, its arguments.
    pub text: Option<String>,
    /// When it happened, in milliseconds since 1970-01-01T00:00:00Z.
    pub occurred_at_ms: u64,
    /// 1 at the first attempt to deliver it to this plugin.
    pub attempt: u32,
    /// Where it came from.
    pub origin: Origin,
    /// The sender's own JSON text, numbers unaltered and without credentials; `null` if it sent none. [`data`] reads it.
    ///
    /// [`data`]: Event::data
    pub data_json: String,
}

impl Event {
    /// Reads the sender's own data as any type that serde can deserialise.
    ///
    /// # Errors
    /// If the data does not have the type's shape. As a [`Failure`](crate::Failure) it is refused: the event is not
    /// delivered again.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.data_json)
    }

    /// A key for what belongs to its conversation, `SOURCE/CONVERSATION`: unlike the conversation alone, it is unique for
    /// the whole tenant. None if it belongs to none. The key of the conversation's commands is the same.
    pub fn conversation_key(&self) -> Option<String> {
        self.origin.key_of(self.conversation.as_deref())
    }

    /// When it happened.
    pub fn occurred_at(&self) -> SystemTime {
        millis::to_time(self.occurred_at_ms)
    }
}

/// For tests: a command as those get it who [observe](crate::Plugin::on) it while another answers. A command does not
/// tell the id of its message, so a test that needs it sets [`message`](Event::message).
impl From<Command> for Event {
    fn from(command: Command) -> Self {
        Self {
            id: command.id,
            kind: command.name.clone(),
            native_kind: command.name,
            conversation: command.conversation,
            contact: command.contact,
            operator: command.operator,
            sender: Sender::Operator,
            message: None,
            text: Some(command.args),
            occurred_at_ms: command.occurred_at_ms,
            attempt: 1,
            origin: command.origin,
            data_json: command.data_json,
        }
    }
}

/// For tests: an event piece by piece.
impl Event {
    /// An event of a canonical kind, for tests: its native kind is the same, nobody wrote it, it happened at
    /// 2025-10-08T20:41:00Z, and this is the first attempt.
    pub fn new(kind: impl Into<String>) -> Self {
        let kind = kind.into();
        Self {
            id: "01K72QGBF0000000000000TEST".into(),
            native_kind: kind.clone(),
            kind,
            conversation: None,
            contact: None,
            operator: None,
            sender: Sender::Unknown,
            message: None,
            text: None,
            occurred_at_ms: TEST_TIME_MS,
            attempt: 1,
            origin: Origin::default(),
            data_json: "null".into(),
        }
    }

    /// Sets the id.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: id.into(), ..self }
    }

    /// Sets the platform's own name for it.
    pub fn native_kind(self, native_kind: impl Into<String>) -> Self {
        Self { native_kind: native_kind.into(), ..self }
    }

    /// Sets the conversation.
    pub fn conversation(self, conversation: impl Into<String>) -> Self {
        Self { conversation: Some(conversation.into()), ..self }
    }

    /// Sets whom the conversation is with.
    pub fn contact(self, contact: impl Into<String>) -> Self {
        Self { contact: Some(contact.into()), ..self }
    }

    /// Sets who gives support.
    pub fn operator(self, operator: impl Into<String>) -> Self {
        Self { operator: Some(operator.into()), ..self }
    }

    /// Sets who wrote the message.
    pub fn sender(self, sender: Sender) -> Self {
        Self { sender, ..self }
    }

    /// Sets the id of the message; of `timer.fired`, the timer's key.
    pub fn message(self, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    /// Sets the text of the message.
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..self }
    }

    /// Sets when it happened, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn occurred_at_ms(self, occurred_at_ms: u64) -> Self {
        Self { occurred_at_ms, ..self }
    }

    /// Sets which attempt to deliver it this is.
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// Sets where it came from.
    pub fn origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Sets the sender's own JSON text.
    pub fn data_json(self, data_json: impl Into<String>) -> Self {
        Self { data_json: data_json.into(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_one_key_for_events_and_commands() {
        let origin = Origin { source: "sales".into(), ..Origin::default() };
        let event = Event::new("x").conversation("-100:5").origin(origin.clone());
        let command = Command::new("/x").conversation("-100:5").origin(origin);
        assert_eq!(event.conversation_key().as_deref(), Some("sales/-100:5"));
        assert_eq!(command.conversation_key(), event.conversation_key());
        assert_eq!(Event::new("x").conversation_key(), None);
    }

    #[test]
    fn a_command_is_observed_as_the_event_of_its_name() {
        let origin = Origin { source: "sales".into(), ..Origin::default() };
        let command = Command::new("/mark").args("deal").conversation("-100:5").operator("7").contact("8");
        let command = command.id("1").occurred_at_ms(2).origin(origin.clone()).data_json("{}");
        let expected = Event::new("/mark").text("deal").conversation("-100:5").operator("7").contact("8");
        let expected = expected.id("1").occurred_at_ms(2).origin(origin).data_json("{}").sender(Sender::Operator);
        assert_eq!(Event::from(command), expected);
        assert_eq!(Event::from(Command::new("/mark")).text.as_deref(), Some(""));
    }

    #[test]
    fn data_keeps_its_numbers() {
        let event = Event::new("x").data_json("{\"id\":-9007199254740993}");
        let data: std::collections::BTreeMap<String, i64> = event.data().unwrap();
        assert_eq!(data["id"], -9_007_199_254_740_993);
        assert!(event.data::<String>().is_err());
        assert_eq!(Event::new("x").data::<Option<String>>().unwrap(), None);
    }
}
