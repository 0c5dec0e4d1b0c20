//! The event that all contestants get, in each of its shapes. Each one differs from all others by the id of its message,
//! so that none is a repetition.

use std::io::Write;

use anyhow::{Context, Result};

use crate::payload::{INSTANCE, KEY, SOURCE};

/// The platform's name for what happened, …
pub(crate) const NATIVE_KIND: &str = "message_sent";
/// … and slashbox's.
pub(crate) const KIND: &str = "message.sent";
/// The time in the request, …
const TIMESTAMP: &str = "2025-10-09 00:21:57";
/// … in milliseconds.
pub(crate) const OCCURRED_AT_MS: i64 = 1_759_969_317_000;
/// What was written.
pub(crate) const TEXT: &str = "Your parcel left our warehouse this morning and should be with you by Friday.";
/// The chat in which operators write.
pub(crate) const CHAT: &str = "-1002146012345";

/// The first message's id, and as many digits as all of them have.
const MESSAGE_FIRST: u64 = 6_000_000_000;
/// The first conversation's topic.
const TOPIC_FIRST: u64 = 10_000;
/// Conversations that messages go round: more than a backlog has, so that none waits for another of its own.
const TOPICS: u64 = 65_536;
/// A thread's id is that of its topic, times this.
const THREAD_STEP: u64 = 1 << 20;

/// The `data` of an event, with the fields of the platform's own example. The ids of thread and message have the same
/// number of digits in all events.
const DATA: &str = r#"{
        "backend_chat_id": -1002146012345,
        "backend_thread_id": 10485760000,
        "backend_message_id": 6000000000,
        "sender_user_id": 5339212345,
        "frontend_user_id": 640675123,
        "frontend_message_id": 3260022784,
        "text": "TEXT",
        "content_type": "messageText",
        "department": "default",
        "backend_reply_message_id": 0
    }"#;

/// What a source answers when an event is new, before the event's id.
const ANSWER: &str = r#"{"duplicate":false,"id":""#;
/// What follows the id.
const ANSWER_END: &str = r#""}"#;
/// How long an id is.
const ID_BYTES: usize = 26;

/// The topic of an event: its conversation is `CHAT:topic`.
pub(crate) fn topic(number: u64) -> u64 {
    TOPIC_FIRST + number % TOPICS
}

/// The id of an event's message.
pub(crate) fn message(number: u64) -> u64 {
    MESSAGE_FIRST + number
}

/// The `data` of the first event.
pub(crate) fn data() -> String {
    DATA.replace("TEXT", TEXT)
}

/// What is left of a request without `data` and the key.
pub(crate) fn envelope() -> String {
    format!(r#"{{"event_type":"{NATIVE_KIND}","timestamp":"{TIMESTAMP}","instance_id":"{INSTANCE}"}}"#)
}

/// The body of a webhook's request for the first event.
pub(crate) fn webhook_body() -> String {
    format!("{},\"data\":{}}}", envelope().trim_end_matches('}'), data())
}

/// An id such as the host gives.
pub(crate) fn id(number: u64) -> String {
    format!("01K72QGBF0{number:016}")
}

/// Whether an answer ends with the body that it must have.
pub(crate) fn is_answered(answer: &[u8]) -> bool {
    let Some(begin) = answer.len().checked_sub(ANSWER.len() + ID_BYTES + ANSWER_END.len()) else { return false };
    let body = answer.get(begin..).unwrap_or_default();
    body.starts_with(ANSWER.as_bytes()) && body.ends_with(ANSWER_END.as_bytes())
}

/// A text with an event in it, whose numbers are written over with those of others: it costs no more than these digits.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    text: Vec<u8>,
    message_at: usize,
    thread_at: usize,
}

impl Template {
    /// The request as Hotline sends it.
    pub(crate) fn request() -> Result<Self> {
        let envelope = envelope();
        let members = envelope.trim_end_matches('}');
        let body = format!("{members},\"data\":{},\"api_key\":\"{KEY}\"}}", data());
        let bytes = body.len();
        let head = "HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length:";
        Self::of(format!("POST /in/{SOURCE} {head} {bytes}\r\n\r\n{body}"))
    }

    /// A text that has the `data` of the first event.
    pub(crate) fn of(text: String) -> Result<Self> {
        let at = |number: u64| text.find(&number.to_string()).context("the text has no event");
        let (message_at, thread_at) = (at(MESSAGE_FIRST)?, at(TOPIC_FIRST * THREAD_STEP)?);
        Ok(Self { text: text.into_bytes(), message_at, thread_at })
    }

    /// The same of another event.
    pub(crate) fn number(&mut self, number: u64) -> Result<&[u8]> {
        write!(self.text.get_mut(self.message_at..).unwrap_or_default(), "{}", message(number))?;
        write!(self.text.get_mut(self.thread_at..).unwrap_or_default(), "{}", topic(number) * THREAD_STEP)?;
        Ok(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_any_event() {
        let mut template = Template::of(data()).unwrap();
        let first = template.number(0).unwrap().to_vec();
        assert_eq!(String::from_utf8(first).unwrap(), data());
        let other = String::from_utf8(template.number(70_001).unwrap().to_vec()).unwrap();
        assert_eq!(other.len(), data().len());
        assert!(other.contains(&format!("\"backend_message_id\": {},", message(70_001))));
        assert!(other.contains(&format!("\"backend_thread_id\": {},", topic(70_001) << 20)));
        assert!(Template::of("nothing".into()).is_err());
    }

    #[test]
    fn an_answer_is_known_by_its_end() {
        let answer = format!("HTTP/1.1 200 OK\r\n\r\n{{\"duplicate\":false,\"id\":\"{}\"}}", id(7));
        assert!(is_answered(answer.as_bytes()));
        assert!(!is_answered(answer.replace("false", "true").as_bytes()));
        assert!(!is_answered(answer.trim_end_matches('}').as_bytes()));
    }
}
