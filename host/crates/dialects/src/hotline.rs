//! Hotline: one JSON object a request, the key inside of it.
//!
//! Source: the platform's page "Webhooks module". `{event_type, timestamp, instance_id, data, api_key}`; an `event_type`
//! with a leading slash is a command, and `data.command_data` its arguments. Ids are 64-bit numbers, possibly negative;
//! fields may be null or absent.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use slashbox_core::{Command, CommandName, Origin};

use crate::{Answer, Arrival, Refusal, Secret, Shown};

/// The dialect's name.
pub(crate) const NAME: &str = "hotline";

/// How the platform writes times, in UTC.
const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S";

/// The longest piece of a wrong value that an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;

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
#[derive(Clone, Debug)]
pub struct Hotline {
    /// What `api_key` must be.
    pub api_key: Secret,
    /// How answers are written.
    pub reply: ReplyStyle,
}

/// The request, its values still as they were written.
#[derive(Deserialize)]
struct Envelope<'b> {
    #[serde(borrow, default)]
    event_type: Option<&'b RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'b RawValue>,
    #[serde(borrow, default)]
    instance_id: Option<&'b RawValue>,
    #[serde(borrow, default)]
    data: Option<&'b RawValue>,
    #[serde(borrow, default)]
    api_key: Option<&'b RawValue>,
}

/// What a command's `data` says that every handler may want to know.
#[derive(Default, Deserialize)]
struct CommandData<'d> {
    #[serde(borrow, default)]
    command_data: Option<&'d RawValue>,
    #[serde(borrow, default)]
    chat_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    topic_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    sender_user_id: Option<&'d RawValue>,
    #[serde(borrow, default)]
    user_id: Option<&'d RawValue>,
}

impl Hotline {
    pub(crate) fn command(&self, body: &[u8], arrival: Arrival) -> Result<Command, Refusal> {
        let envelope = read(body)?;
        self.authenticate(envelope.api_key)?;
        let name = command_name(envelope.event_type)?;
        let raw = envelope.data.map_or("null", RawValue::get);
        let data = self.api_key.taken_out_of_json(raw).map_or(Cow::Borrowed(raw), Cow::Owned);
        let fields = command_data(&data)?;
        let chat = text("data.chat_id", fields.chat_id)?;
        let topic = text("data.topic_id", fields.topic_id)?;
        Ok(Command {
            id: arrival.id,
            name,
            args: text("data.command_data", fields.command_data)?.unwrap_or_default(),
            conversation: chat.zip(topic).map(|(chat, topic)| format!("{chat}:{topic}")),
            operator: text("data.sender_user_id", fields.sender_user_id)?,
            contact: text("data.user_id", fields.user_id)?,
            occurred_at_ms: occurred_at_ms(envelope.timestamp)?.unwrap_or(arrival.now_ms),
            origin: Origin {
                tenant: arrival.tenant,
                source: arrival.source,
                dialect: NAME.into(),
                instance: text("instance_id", envelope.instance_id)?.map(|id| self.api_key.taken_out_of(id)),
            },
            data: data.into_owned(),
        })
    }

    fn authenticate(&self, api_key: Option<&RawValue>) -> Result<(), Refusal> {
        let Some(api_key) = api_key.filter(|key| key.get() != "null") else {
            return Err(Refusal::Unauthorized("`api_key` is missing: expected this source's key".into()));
        };
        let right = serde_json::from_str::<Cow<'_, str>>(api_key.get()).is_ok_and(|key| self.api_key.is(&key));
        if right { Ok(()) } else { Err(Refusal::Unauthorized("`api_key` is not this source's key".into())) }
    }

    pub(crate) fn answer(&self, shown: Shown) -> Answer {
        // The platform shows an error's text only if the status is that of a success.
        self.write(200, shown)
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Answer {
        self.write(refusal.status(), Shown::Error(refusal.to_string()))
    }

    fn write(&self, status: u16, shown: Shown) -> Answer {
        let (node, text) = match shown {
            Shown::Nothing => return Answer { status, content_type: None, body: String::new() },
            Shown::Message(text) => ("message", text),
            Shown::Error(text) => ("error", text),
        };
        match self.reply {
            ReplyStyle::Json => {
                let text = serde_json::Value::String(text);
                Answer { status, content_type: Some("application/json"), body: format!("{{\"{node}\":{text}}}") }
            }
            ReplyStyle::Text => Answer { status, content_type: Some("text/plain; charset=utf-8"), body: text },
        }
    }
}

fn read(body: &[u8]) -> Result<Envelope<'_>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        Refusal::Malformed(format!("the body is no UTF-8: invalid byte at position {at}"))
    })?;
    if text.trim_start().as_bytes().first().is_some_and(|&first| first != b'{') {
        return Err(Refusal::Malformed(format!("the body is {}: expected a JSON object", shown(text.trim_start()))));
    }
    serde_json::from_str(text).map_err(|error| Refusal::Malformed(format!("the body is no sound JSON object: {error}")))
}

fn command_name(event_type: Option<&RawValue>) -> Result<CommandName, Refusal> {
    let Some(raw) = event_type.filter(|raw| raw.get() != "null") else {
        return Err(Refusal::Malformed("`event_type` is missing: expected a command such as \"/mark\"".into()));
    };
    let Ok(name) = serde_json::from_str::<Cow<'_, str>>(raw.get()) else {
        let value = shown(raw.get());
        return Err(Refusal::Malformed(format!("`event_type` is {value}: expected a string such as \"/mark\"")));
    };
    if !name.starts_with('/') {
        let (version, name) = (env!("CARGO_PKG_VERSION"), shown(&name));
        return Err(Refusal::NotServed(format!(
            "`event_type` is {name:?}: slashbox {version} takes commands (a leading /), not system events yet"
        )));
    }
    name.parse().map_err(|error| Refusal::Malformed(format!("`event_type`: {error}")))
}

fn command_data(data: &str) -> Result<CommandData<'_>, Refusal> {
    if data == "null" {
        return Ok(CommandData::default());
    }
    if !data.starts_with('{') {
        return Err(Refusal::Malformed(format!("`data` is {}: expected an object", shown(data))));
    }
    serde_json::from_str(data).map_err(|error| Refusal::Malformed(format!("`data`: {error}")))
}

/// A string's text or a number's digits as they were written; none if it is null or absent.
fn text(key: &str, value: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let Some(raw) = value.map(RawValue::get) else { return Ok(None) };
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

/// None if the sender does not say.
fn occurred_at_ms(timestamp: Option<&RawValue>) -> Result<Option<u64>, Refusal> {
    let Some(timestamp) = text("timestamp", timestamp)? else { return Ok(None) };
    let parsed = jiff::civil::DateTime::strptime(TIMESTAMP, &timestamp).ok();
    let parsed = parsed.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let ms = parsed.and_then(|time| u64::try_from(time.timestamp().as_millisecond()).ok());
    ms.map(Some).ok_or_else(|| {
        let timestamp = shown(&timestamp);
        Refusal::Malformed(format!("`timestamp` is {timestamp:?}: expected a time as 2025-10-08 20:41:20, in UTC"))
    })
}

/// The beginning of a wrong value.
fn shown(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", value.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "pQTngMZLh0NmAh";

    /// The platform's own example, word for word.
    const MARK: &str = r#"{
    "event_type": "/mark",
    "timestamp": "2025-10-08 20:41:20",
    "instance_id": "132099468746812345",
    "data": {
        "command_data": "deal",
        "chat_id": -1002146012345,
        "topic_id": 5,
        "topic_link": "https://t.me/c/2146012345/5",
        "message_id": 5850,
        "reply_message_id": null,
        "sender_user_id": 123456,
        "user_id": 7890123,
        "frontend_chat_id": 7890123,
        "frontend_thread_id": null
    },
    "api_key": "pQTngMZLh0NmAh"
}"#;

    fn hotline() -> Hotline {
        Hotline { api_key: Secret::new(KEY).unwrap(), reply: ReplyStyle::Json }
    }

    fn parse(body: impl AsRef<[u8]>) -> Result<Command, Refusal> {
        let arrival = Arrival { id: "01J".into(), tenant: "acme".into(), source: "support".into(), now_ms: 7 };
        hotline().command(body.as_ref(), arrival)
    }

    /// A request with these members besides the key.
    fn with(members: &str) -> String {
        format!("{{\"api_key\":\"{KEY}\",{members}}}")
    }

    #[test]
    fn the_documents_command() {
        let data = &MARK[MARK.find("{\n        \"command_data\"").unwrap()..MARK.find(",\n    \"api_key\"").unwrap()];
        let expected = Command {
            id: "01J".into(),
            name: "/mark".parse().unwrap(),
            args: "deal".into(),
            conversation: Some("-1002146012345:5".into()),
            operator: Some("123456".into()),
            contact: Some("7890123".into()),
            occurred_at_ms: 1_759_956_080_000,
            origin: Origin {
                tenant: "acme".into(),
                source: "support".into(),
                dialect: "hotline".into(),
                instance: Some("132099468746812345".into()),
            },
            data: data.into(),
        };
        assert_eq!(parse(MARK), Ok(expected));
    }

    #[test]
    fn fields_may_be_absent_or_null() {
        for members in [r#""event_type":"/a""#, r#""event_type":"/a","data":null,"timestamp":null,"instance_id":null"#]
        {
            let command = parse(with(members)).unwrap();
            assert_eq!((command.args.as_str(), command.conversation, command.occurred_at_ms), ("", None, 7));
            assert_eq!(command.data, "null");
        }
        let command = parse(with(r#""event_type":"/a","data":{"chat_id":1,"topic_id":null}"#)).unwrap();
        assert_eq!(command.conversation, None);
    }

    #[test]
    fn ids_are_passed_on_as_they_were_written() {
        let data = r#"{"chat_id":-9223372036854775808,"topic_id":18446744073709551615,"user_id":"x1","n":1e999}"#;
        let command = parse(with(&format!(r#""event_type":"/a","data":{data}"#))).unwrap();
        assert_eq!(command.conversation.as_deref(), Some("-9223372036854775808:18446744073709551615"));
        assert_eq!(command.contact.as_deref(), Some("x1"));
        assert_eq!(command.data, data);
    }

    #[test]
    fn a_key_that_the_sender_repeats_is_taken_out() {
        let command =
            parse(with(&format!(r#""event_type":"/a","data":{{"command_data":"{KEY}","k":["{KEY}"]}}"#))).unwrap();
        assert_eq!(command.data, r#"{"command_data":"[redacted]","k":["[redacted]"]}"#);
        assert_eq!(command.args, "[redacted]");
        let command = parse(with(&format!(r#""event_type":"/a","instance_id":"{KEY}""#))).unwrap();
        assert_eq!(command.origin.instance.as_deref(), Some("[redacted]"));
    }

    #[test]
    fn the_sender_is_asked_who_it_is_before_anything_else() {
        let check = |body: &str, expected: &str| {
            let refusal = parse(body).unwrap_err();
            assert_eq!((refusal.status(), refusal.to_string().as_str()), (401, expected));
        };
        let (missing, wrong) =
            ("`api_key` is missing: expected this source's key", "`api_key` is not this source's key");
        check("{}", missing);
        check(r#"{"event_type":5,"api_key":null}"#, missing);
        check(r#"{"event_type":"/a","api_key":""}"#, wrong);
        check(r#"{"event_type":"/a","api_key":"pQTngMZLh0NmA"}"#, wrong);
        check(r#"{"event_type":"/a","api_key":"pQTngMZLh0NmAhx"}"#, wrong);
        check(r#"{"event_type":"/a","api_key":["pQTngMZLh0NmAh"]}"#, wrong);
        check(r#"{"event_type":"/a","data":{"api_key":"pQTngMZLh0NmAh"}}"#, missing);
    }

    #[test]
    fn bad_bodies_are_told() {
        let check = |body: &[u8], status: u16, expected: &str| {
            let refusal = parse(body).unwrap_err();
            assert_eq!((refusal.status(), refusal.to_string().as_str()), (status, expected));
        };
        let malformed = |members: &str, expected: &str| check(with(members).as_bytes(), 400, expected);
        check(b"", 400, "the body is no sound JSON object: EOF while parsing a value at line 1 column 0");
        check(b"{\"a\xff\":1}", 400, "the body is no UTF-8: invalid byte at position 3");
        check(b"/mark deal", 400, "the body is /mark deal: expected a JSON object");
        check(b"[]", 400, "the body is []: expected a JSON object");
        check(b"{\"a\":1", 400, "the body is no sound JSON object: EOF while parsing an object at line 1 column 6");
        check(b"{} {}", 400, "the body is no sound JSON object: trailing characters at line 1 column 4");
        check(
            b"{\"event_type\":\"/a\",\"event_type\":\"/b\"}",
            400,
            "the body is no sound JSON object: duplicate field `event_type` at line 1 column 31",
        );
        malformed("\"event_type\":null", "`event_type` is missing: expected a command such as \"/mark\"");
        malformed("\"event_type\":5", "`event_type` is 5: expected a string such as \"/mark\"");
        malformed(
            "\"event_type\":\"/\"",
            "`event_type`: \"/\" is no command name: expected / and 1 to 64 characters without white space, / and *",
        );
        malformed(
            "\"event_type\":\"/a b\"",
            "`event_type`: \"/a b\" is no command name: expected / and 1 to 64 characters without white space, / and *",
        );
        malformed("\"event_type\":\"/a\",\"data\":[1]", "`data` is [1]: expected an object");
        malformed(
            "\"event_type\":\"/a\",\"data\":{\"chat_id\":true}",
            "`data.chat_id` is true: expected a string or a number",
        );
        malformed(
            "\"event_type\":\"/a\",\"data\":{\"command_data\":\"\\ud800\"}",
            "`data.command_data` is \"\\ud800\": expected whole characters, found half of a surrogate pair",
        );
        for timestamp in ["yesterday", "2025-13-08 20:41:20", "2025-10-08", "1969-12-31 23:59:59"] {
            malformed(
                &format!("\"event_type\":\"/a\",\"timestamp\":\"{timestamp}\""),
                &format!("`timestamp` is {timestamp:?}: expected a time as 2025-10-08 20:41:20, in UTC"),
            );
        }
        check(
            with("\"event_type\":\"dialog_closed\"").as_bytes(),
            501,
            "`event_type` is \"dialog_closed\": slashbox 0.1.0 takes commands (a leading /), not system events yet",
        );
    }

    #[test]
    fn long_values_are_not_repeated() {
        let members = format!("\"event_type\":\"/a\",\"data\":\"{}\"", "x".repeat(100_000));
        assert!(parse(with(&members)).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn answers() {
        let check = |reply: ReplyStyle, shown: Shown, content_type: Option<&str>, body: &str| {
            let answer = Hotline { reply, ..hotline() }.answer(shown);
            assert_eq!((answer.status, answer.content_type, answer.body.as_str()), (200, content_type, body));
        };
        let (json, text) = (Some("application/json"), Some("text/plain; charset=utf-8"));
        check(ReplyStyle::Json, Shown::Message("a \"b\"\n".into()), json, r#"{"message":"a \"b\"\n"}"#);
        check(ReplyStyle::Json, Shown::Error("no".into()), json, r#"{"error":"no"}"#);
        check(ReplyStyle::Json, Shown::Nothing, None, "");
        check(ReplyStyle::Text, Shown::Message("a \"b\"\n".into()), text, "a \"b\"\n");
        check(ReplyStyle::Text, Shown::Error("no".into()), text, "no");
        check(ReplyStyle::Text, Shown::Nothing, None, "");
    }

    #[test]
    fn refusals_keep_their_status() {
        let answer = hotline().refuse(&Refusal::Unauthorized("who are you?".into()));
        assert_eq!((answer.status, answer.body.as_str()), (401, r#"{"error":"who are you?"}"#));
    }
}
