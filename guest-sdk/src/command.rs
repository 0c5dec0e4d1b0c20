//! A command that somebody typed.

use crate::{Origin, millis};
use serde::de::DeserializeOwned;
use std::{str::SplitWhitespace, time::SystemTime};

/// When things happen in tests that do not say when: 2025-10-08T20:41:00Z.
pub(crate) const TEST_TIME_MS: u64 = 1_759_956_060_000;

/// A command that somebody typed, e.g. `/invoice 42`.
///
/// A handler gets one from the host. A test makes one with [`Command::new`] and the methods that follow it, which bear
/// the names of the fields that they set.
///
/// ```
/// use slashbox_sdk::Command;
///
/// let command = Command::new("/invoice").args("42 EUR").conversation("-100:5").operator("123");
/// assert_eq!(command.args, "42 EUR");
/// assert_eq!(command.contact, None);
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Unique for this command, and the same if the call has to run again. 26 characters (ULID).
    pub id: String,
    /// With its slash, e.g. `/invoice`.
    pub name: String,
    /// What followed the name, as typed; empty if nothing did.
    pub args: String,
    /// The conversation in which it was typed, in the host's spelling: the same for the commands and the events of one
    /// conversation, and unique within the origin's tenant and source.
    pub conversation: Option<String>,
    /// The platform's id of the person who typed it.
    pub operator: Option<String>,
    /// The platform's id of the person whom the conversation is with.
    pub contact: Option<String>,
    /// When it was typed, in milliseconds since 1970-01-01T00:00:00Z.
    pub occurred_at_ms: u64,
    /// What is left of the command's time budget when the call starts, in milliseconds. A reply after it comes too late.
    pub deadline_ms: u32,
    /// Where it came from.
    pub origin: Origin,
    /// The sender's own JSON text, numbers unaltered and without credentials; `null` if it sent none. [`data`] reads it.
    ///
    /// [`data`]: Command::data
    pub data_json: String,
}

impl Command {
    /// Reads the sender's own data as any type that serde can deserialise.
    ///
    /// ```
    /// # use slashbox_sdk::{Command, Result};
    /// #[derive(serde::Deserialize)]
    /// struct Typed {
    ///     chat_id: i64,
    /// }
    ///
    /// fn chat(command: Command) -> Result<String> {
    ///     let typed: Typed = command.data()?;
    ///     Ok(format!("This is chat {}", typed.chat_id))
    /// }
    /// # let command = Command::new("/chat").data_json(r#"{"chat_id":-100}"#);
    /// # assert_eq!(chat(command), Ok("This is chat -100".to_owned()));
    /// ```
    ///
    /// # Errors
    /// If the data does not have the type's shape. As a [`Failure`](crate::Failure) it is refused.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.data_json)
    }

    /// The arguments, parted at white space.
    pub fn arg_words(&self) -> SplitWhitespace<'_> {
        self.args.split_whitespace()
    }

    /// A key for what belongs to its conversation, `SOURCE/CONVERSATION`: unlike the conversation alone, it is unique for
    /// the whole tenant. None if it was typed outside one. The key of the conversation's events is the same.
    pub fn conversation_key(&self) -> Option<String> {
        self.origin.key_of(self.conversation.as_deref())
    }

    /// When it was typed.
    pub fn occurred_at(&self) -> SystemTime {
        millis::to_time(self.occurred_at_ms)
    }
}

/// For tests: a command piece by piece.
impl Command {
    /// A command without arguments, for tests: typed outside a conversation by nobody in particular at
    /// 2025-10-08T20:41:00Z, 5 s before its deadline, from the default [`Origin`].
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: "01K72QGBF0000000000000TEST".into(),
            name: name.into(),
            args: String::new(),
            conversation: None,
            operator: None,
            contact: None,
            occurred_at_ms: TEST_TIME_MS,
            deadline_ms: 5_000,
            origin: Origin::default(),
            data_json: "null".into(),
        }
    }

    /// Sets the id.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: id.into(), ..self }
    }

    /// Sets what followed the name.
    pub fn args(self, args: impl Into<String>) -> Self {
        Self { args: args.into(), ..self }
    }

    /// Sets the conversation.
    pub fn conversation(self, conversation: impl Into<String>) -> Self {
        Self { conversation: Some(conversation.into()), ..self }
    }

    /// Sets who typed it.
    pub fn operator(self, operator: impl Into<String>) -> Self {
        Self { operator: Some(operator.into()), ..self }
    }

    /// Sets whom the conversation is with.
    pub fn contact(self, contact: impl Into<String>) -> Self {
        Self { contact: Some(contact.into()), ..self }
    }

    /// Sets when it was typed, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn occurred_at_ms(self, occurred_at_ms: u64) -> Self {
        Self { occurred_at_ms, ..self }
    }

    /// Sets what is left of its time budget, in milliseconds.
    pub fn deadline_ms(self, deadline_ms: u32) -> Self {
        Self { deadline_ms, ..self }
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
