//! What `data` says that every handler may want to know.
//!
//! A dialog has `chat_id`, `topic_id` and `user_id`, a message `backend_*` and `sender_user_id`: what is there is
//! taken. Ids are texts from here on, their digits as they were written.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::shown;
use crate::Refusal;

/// The most bytes of an id. The platform's have 20 at most; what orders deliveries and stands in logs must have an end.
const ID_BYTES_MAX: usize = 256;

/// By what a topic's number is multiplied in the ids of its thread: the platform's library counts messages so.
/// Source: the document's own figures, thread 5602541568 of topic 5343.
const THREAD_STEP: i64 = 1 << 20;

/// The members, still as they were written; `None` if null or absent.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Fields<'d> {
    #[serde(borrow, default)]
    command_data: Option<&'d RawValue>,
    #[serde(borrow, default)]
    chat_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    topic_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    backend_chat_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    backend_thread_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    user_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    sender_user_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    message_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    backend_message_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    text: Option<&'d RawValue>,
}

impl<'d> Fields<'d> {
    pub(super) fn read(data: &'d str) -> Result<Self, Refusal> {
        if data == "null" {
            return Ok(Self::default());
        }
        if !data.starts_with('{') {
            return Err(Refusal::Malformed(format!("`data` is {}: expected an object", shown(data))));
        }
        serde_json::from_str(data).map_err(|error| Refusal::Malformed(format!("`data`: {error}")))
    }

    /// Of an event that nobody knows: its members may mean anything, so what does not fit is left out.
    pub(super) fn read_what_fits(data: &'d str) -> Self {
        let mut fields = Self::read(data).unwrap_or_default();
        let chats =
            [&mut fields.chat_id, &mut fields.topic_id, &mut fields.backend_chat_id, &mut fields.backend_thread_id];
        let others = [&mut fields.user_id, &mut fields.message_id, &mut fields.backend_message_id];
        for field in chats.into_iter().chain(others) {
            *field = field.filter(|raw| id("", Some(raw.get())).is_ok());
        }
        fields.text = fields.text.filter(|raw| text("", Some(raw.get())).is_ok());
        fields
    }

    pub(super) fn command_data(&self) -> Result<Option<String>, Refusal> {
        text("data.command_data", self.command_data.map(RawValue::get))
    }

    pub(super) fn text(&self) -> Result<Option<String>, Refusal> {
        text("data.text", self.text.map(RawValue::get))
    }

    pub(super) fn user_id(&self) -> Result<Option<String>, Refusal> {
        id("data.user_id", self.user_id.map(RawValue::get))
    }

    pub(super) fn sender_user_id(&self) -> Result<Option<String>, Refusal> {
        id("data.sender_user_id", self.sender_user_id.map(RawValue::get))
    }

    pub(super) fn message_id(&self) -> Result<Option<String>, Refusal> {
        id("data.message_id", self.message_id.map(RawValue::get))
    }

    pub(super) fn backend_message_id(&self) -> Result<Option<String>, Refusal> {
        id("data.backend_message_id", self.backend_message_id.map(RawValue::get))
    }

    /// The conversation as dialogs and commands name it.
    pub(super) fn dialog(&self) -> Result<Option<String>, Refusal> {
        let chat = id("data.chat_id", self.chat_id.map(RawValue::get))?;
        let topic = id("data.topic_id", self.topic_id.map(RawValue::get))?;
        Ok(chat.zip(topic).map(|(chat, topic)| format!("{chat}:{topic}")))
    }

    /// The conversation as messages name it; the same text as that of its dialog.
    pub(super) fn thread(&self) -> Result<Option<String>, Refusal> {
        let chat = id("data.backend_chat_id", self.backend_chat_id.map(RawValue::get))?;
        let thread = id("data.backend_thread_id", self.backend_thread_id.map(RawValue::get))?;
        Ok(chat.zip(thread).map(|(chat, thread)| match topic_of(&thread) {
            Some(topic) => format!("{chat}:{topic}"),
            None => format!("{chat}:t{thread}"),
        }))
    }
}

/// None if the thread's id is no whole multiple of the step, or no 64-bit number at all.
fn topic_of(thread: &str) -> Option<i64> {
    let number: i64 = thread.parse().ok()?;
    let as_written = number.to_string() == thread; // `+1048576` and `-0` are other texts, so they are other threads.
    (as_written && number % THREAD_STEP == 0).then_some(number / THREAD_STEP)
}

/// As [`text`], of at most [`ID_BYTES_MAX`].
pub(super) fn id(key: &str, value: Option<&str>) -> Result<Option<String>, Refusal> {
    match text(key, value)? {
        Some(id) if id.len() > ID_BYTES_MAX => {
            let bytes = id.len();
            Err(Refusal::Malformed(format!("`{key}` has {bytes} bytes: expected an id of at most {ID_BYTES_MAX}")))
        }
        id => Ok(id),
    }
}

/// A string's text or a number's digits as they were written; none if it is null or absent.
pub(super) fn text(key: &str, value: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(raw) = value else { return Ok(None) };
    let malformed = |problem: &str| Refusal::Malformed(format!("`{key}` is {}: {problem}", shown(raw)));
    match raw.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => match serde_json::from_str(raw) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(malformed("expected whole characters, found half of a surrogate pair")),
        },
        Some(b'-' | b'0'..=b'9') => Ok(Some(raw.into())),
        _ => Err(malformed("expected a string or a number")),
    }
}
