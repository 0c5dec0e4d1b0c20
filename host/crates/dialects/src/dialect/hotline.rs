//! Hotline: one JSON object a request, the key inside of it.
//!
//! Source: the platform's page "Webhooks module". `{event_type, timestamp, instance_id, data, api_key}`; an
//! `event_type` with a leading slash is a command, and `data.command_data` its arguments; any other is a system event.
//! Ids are 64-bit numbers, possibly negative; fields may be null or absent. Both ways: what the platform sends, and
//! what its receivers are sent in its stead.
//!
//! Owns the order of judgement: JSON, each member once, then the key, then everything else, from which the key has been
//! taken out by then.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use slashbox_core::{Command, CommandName, Event, Origin, Sender};

use super::Wire;
use crate::{
    Answer, Arrival, Credential, Credentials, Incoming, Kind, Received, Recipient, Refusal, Rendered, ReplyStyle,
    Request, Sample, answer, dedupe,
    fields::{id, lossy, text},
    json::{self, Members, Object, Text, shown},
    kind,
    request::check_size,
    sample::samples,
    time,
    translate::{sender_id, with_own_data},
};

/// The dialect.
pub(super) struct Hotline;

/// All that the platform documents. An intercepted message is one that left from a parallel session of the account.
const KINDS: &[Kind] = &[
    Kind::new("dialog_created", "conversation.created", &[Sender::System]),
    Kind::new("dialog_reopened", "conversation.reopened", &[Sender::System]),
    Kind::new("dialog_closed", "conversation.closed", &[Sender::System]),
    Kind::new("message_received", "message.received", &[Sender::Contact]),
    Kind::new("message_sent", "message.sent", &[Sender::Operator]),
    Kind::new("message_intercepted", "message.intercepted", &[Sender::Operator]),
];

const SAMPLES: &[Sample] = samples!["hotline":
    "dialog_created" "a new dialog",
    "dialog_reopened" "a dialog that was closed goes on",
    "dialog_closed" "a dialog was closed",
    "message_received" "a message from the contact",
    "message_sent" "a message to the contact",
    "message_intercepted" "a message to the contact, from a parallel session",
    "mark" "the command /mark, with the argument deal",
];

/// The members that the platform documents: each may be there once.
const MEMBERS: [&str; 5] = ["event_type", "timestamp", "instance_id", "data", "api_key"];

/// By what a topic's number is multiplied in the ids of its thread: the platform's library counts messages so.
/// Source: the document's own figures, thread 5602541568 of topic 5343.
const THREAD_STEP: i64 = 1 << 20;

impl Wire for Hotline {
    fn name(&self) -> &'static str {
        "hotline"
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn has_commands(&self) -> bool {
        true
    }

    fn credentials(&self) -> &'static [Credential] {
        &[Credential::ApiKey]
    }

    fn samples(&self) -> &'static [Sample] {
        SAMPLES
    }

    fn read(
        &self,
        received: &Received<'_>,
        credentials: &Credentials,
        arrival: Arrival<'_>,
    ) -> Result<Request, Refusal> {
        let members = Members::of_body(json::text_of(received.body)?)?;
        if let Some(name) = members.twice(&MEMBERS) {
            return Err(Refusal::Malformed(format!("the body has `{name}` twice: expected it once")));
        }
        authenticate(&members, credentials)?;
        let content = Content::of(&members, credentials);
        let name = content.event_type()?;
        if name.starts_with('/') {
            let name = name.parse().map_err(|error| Refusal::Malformed(format!("`event_type`: {error}")))?;
            return Ok(Request::Command { command: command(name, content, arrival)?, idempotency_key: None });
        }
        Ok(Request::Events(vec![incoming(&name, content, arrival)?]))
    }

    /// The platform shows an error's text only if the status is that of a success.
    fn refuse(&self, refusal: &Refusal, style: ReplyStyle) -> Answer {
        let answer = answer::refuse(refusal, style);
        match refusal {
            Refusal::UnknownCommand(_) => Answer { status: 200, ..answer },
            _ => answer,
        }
    }

    /// What came from Hotline goes out with its own members in their order, `data` byte for byte, and the subscriber's key
    /// in place of the source's. `data` is always there, `null` where the platform sent none.
    fn render(&self, event: &Event, to: &Recipient<'_>) -> Rendered {
        let mut body = match own_members(event) {
            Some(members) => {
                let mut body = Object::with(members);
                body.json("data", &json::sound(&event.data));
                body
            }
            None => translated(event),
        };
        body.text_if("api_key", to.api_key);
        Rendered::json(body.finish())
    }

    fn signed(&self, body: String, credentials: &Credentials) -> String {
        let (Ok(members), Some(key)) = (Members::of_body(&body), &credentials.api_key) else { return body };
        let mut signed = Object::new();
        for (name, value) in members.iter().filter(|(name, _)| *name != "api_key") {
            signed.json(name, value);
        }
        signed.text("api_key", key.expose());
        signed.finish()
    }
}

fn authenticate(members: &Members<'_>, credentials: &Credentials) -> Result<(), Refusal> {
    let Some(api_key) = members.get("api_key") else {
        return Err(Refusal::Unauthorized("`api_key` is missing: expected this source's key".into()));
    };
    let key = credentials.api_key.as_ref();
    let is_right = |Text(api_key): Text<'_>| key.is_some_and(|key| key.is(&api_key));
    if serde_json::from_str(api_key).is_ok_and(is_right) {
        return Ok(());
    }
    Err(Refusal::Unauthorized("`api_key` is not this source's key".into()))
}

/// What an authenticated body has. The source's credentials are nowhere in it.
struct Content<'b> {
    event_type: Option<Cow<'b, str>>,
    timestamp: Option<Cow<'b, str>>,
    instance_id: Option<Cow<'b, str>>,
    /// `data` as it was written; `null` if there is none.
    data: Cow<'b, str>,
    /// An object of all other members but `api_key`, in their order, the values as they were written.
    envelope: String,
}

impl<'b> Content<'b> {
    fn of(members: &Members<'b>, credentials: &Credentials) -> Self {
        let mut envelope = Object::new();
        let mut content =
            Self { event_type: None, timestamp: None, instance_id: None, data: "null".into(), envelope: String::new() };
        for (name, value) in members.iter().filter(|(name, _)| *name != "api_key") {
            let value = credentials.taken_out_of_json(value);
            if name == "data" {
                content.data = value;
                continue;
            }
            match MEMBERS.contains(&name) {
                true => envelope.json(name, &value),
                false => envelope.json(&credentials.taken_out_of(name), &value),
            };
            match name {
                "event_type" => content.event_type = Some(value),
                "timestamp" => content.timestamp = Some(value),
                "instance_id" => content.instance_id = Some(value),
                _ => {}
            }
        }
        content.envelope = envelope.finish();
        content
    }

    /// The event's or command's name, never empty.
    fn event_type(&self) -> Result<String, Refusal> {
        let malformed = |text: String| Err(Refusal::Malformed(text));
        let Some(raw) = self.event_type.as_deref().filter(|&raw| raw != "null") else {
            return malformed("`event_type` is missing: expected a command such as \"/mark\"".into());
        };
        if matches!(self.event_type, Some(Cow::Owned(_))) {
            // A name is shown everywhere, and one that had something taken out is another name.
            return malformed("`event_type` has this source's key in it".into());
        }
        match serde_json::from_str::<String>(raw) {
            Ok(name) if name.is_empty() => {
                let expected = "expected a command such as \"/mark\" or an event such as \"dialog_closed\"";
                malformed(format!("`event_type` is empty: {expected}"))
            }
            Ok(name) => Ok(name),
            Err(_) => malformed(format!("`event_type` is {}: expected a string such as \"/mark\"", shown(raw))),
        }
    }

    /// `None` if the sender does not say.
    fn occurred_at_ms(&self) -> Result<Option<u64>, Refusal> {
        let Some(timestamp) = text("timestamp", self.timestamp.as_deref())? else { return Ok(None) };
        time::civil(&timestamp).map(Some).ok_or_else(|| {
            let timestamp = shown(&timestamp);
            Refusal::Malformed(format!("`timestamp` is {timestamp:?}: expected a time as 2025-10-08 20:41:20, in UTC"))
        })
    }

    fn origin(&self, arrival: Arrival<'_>) -> Result<Origin, Refusal> {
        Ok(arrival.origin(Hotline.name(), id("instance_id", self.instance_id.as_deref())?))
    }
}

fn command(name: CommandName, content: Content<'_>, arrival: Arrival<'_>) -> Result<Command, Refusal> {
    let fields = Fields::read(&content.data)?;
    Ok(Command {
        id: (arrival.new_id)(),
        name,
        args: text("data.command_data", fields.command_data.map(RawValue::get))?.unwrap_or_default(),
        conversation: fields.dialog()?,
        operator: fields.sender_user_id()?,
        contact: fields.user_id()?,
        message: fields.message_id()?,
        occurred_at_ms: content.occurred_at_ms()?.unwrap_or(arrival.now_ms),
        origin: content.origin(arrival)?,
        data: content.data.into_owned(),
        envelope: content.envelope,
    })
}

fn incoming(name: &str, content: Content<'_>, arrival: Arrival<'_>) -> Result<Incoming, Refusal> {
    check_size(None, content.data.len() + content.envelope.len())?;
    let known = kind::of_native(KINDS, name);
    let sender = known.map_or(Sender::Unknown, Kind::sender);
    let fields = match known {
        Some(_) => Fields::read(&content.data)?,
        None => Fields::read_what_fits(&content.data),
    };
    let occurred_at_ms = content.occurred_at_ms()?;
    let message = fields.backend_message_id()?.or(fields.message_id()?);
    let identifies = occurred_at_ms.is_some() || message.is_some();
    let dedupe = identifies.then(|| dedupe::by_content([name, &content.envelope, &content.data]));
    let event = Event {
        id: (arrival.new_id)(),
        kind: known.map_or_else(|| kind::unknown(name), |kind| kind.canonical.into()),
        native_kind: kind::beginning(name).into(),
        conversation: fields.conversation(sender)?,
        contact: fields.contact(sender)?,
        // Nothing says for sure who it was: the document's example of a sent message has the contact's id as the
        // sender's.
        operator: None,
        sender,
        message,
        text: message_text(fields.text.map(RawValue::get))?,
        occurred_at_ms: occurred_at_ms.unwrap_or(arrival.now_ms),
        origin: content.origin(arrival)?,
        data: content.data.into_owned(),
        envelope: content.envelope,
        hops: 0,
    };
    Ok(Incoming { event, dedupe })
}

/// A message may have been cut in the midst of a character: that is no reason to lose it.
fn message_text(raw: Option<&str>) -> Result<Option<String>, Refusal> {
    match raw.filter(|raw| raw.starts_with('"')) {
        Some(string) => Ok(lossy(string)),
        None => text("data.text", raw),
    }
}

/// What `data` says that every handler may want to know, still as it was written; `None` if null or absent. A dialog has
/// `chat_id`, `topic_id` and `user_id`, a message `backend_*` and `sender_user_id`: what is there is taken.
#[derive(Debug, Default, Deserialize)]
struct Fields<'d> {
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
    fn read(data: &'d str) -> Result<Self, Refusal> {
        if data == "null" {
            return Ok(Self::default());
        }
        if !data.starts_with('{') {
            return Err(Refusal::Malformed(format!("`data` is {}: expected an object", shown(data))));
        }
        serde_json::from_str(data).map_err(|error| Refusal::Malformed(format!("`data`: {error}")))
    }

    /// Of an event that nobody knows: its members may mean anything, so what does not fit is left out.
    fn read_what_fits(data: &'d str) -> Self {
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

    fn user_id(&self) -> Result<Option<String>, Refusal> {
        id("data.user_id", self.user_id.map(RawValue::get))
    }

    fn sender_user_id(&self) -> Result<Option<String>, Refusal> {
        id("data.sender_user_id", self.sender_user_id.map(RawValue::get))
    }

    fn message_id(&self) -> Result<Option<String>, Refusal> {
        id("data.message_id", self.message_id.map(RawValue::get))
    }

    fn backend_message_id(&self) -> Result<Option<String>, Refusal> {
        id("data.backend_message_id", self.backend_message_id.map(RawValue::get))
    }

    fn contact(&self, sender: Sender) -> Result<Option<String>, Refusal> {
        match sender {
            Sender::Contact => self.sender_user_id(),
            Sender::Operator => Ok(None),
            Sender::Bot | Sender::System | Sender::Unknown => self.user_id(),
        }
    }

    /// Messages name their thread, all else its topic; where one is missing, the other will do.
    fn conversation(&self, sender: Sender) -> Result<Option<String>, Refusal> {
        let (dialog, thread) = (self.dialog()?, self.thread()?);
        Ok(match sender {
            Sender::Contact | Sender::Operator => thread.or(dialog),
            Sender::Bot | Sender::System | Sender::Unknown => dialog.or(thread),
        })
    }

    /// The conversation as dialogs and commands name it.
    fn dialog(&self) -> Result<Option<String>, Refusal> {
        let chat = id("data.chat_id", self.chat_id.map(RawValue::get))?;
        let topic = id("data.topic_id", self.topic_id.map(RawValue::get))?;
        Ok(chat.zip(topic).map(|(chat, topic)| format!("{chat}:{topic}")))
    }

    /// The conversation as messages name it; the same text as that of its dialog.
    fn thread(&self) -> Result<Option<String>, Refusal> {
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

/// The members that came from Hotline, with the object's first brace and without its last; `None` if none did.
fn own_members(event: &Event) -> Option<&str> {
    let Event { origin, envelope, .. } = event;
    if origin.dialect != Hotline.name() || !envelope.starts_with('{') || !json::is_json(envelope) {
        return None;
    }
    envelope.trim_end().strip_suffix('}').map(str::trim_end)
}

/// What another platform wrote, as this one would have.
fn translated(event: &Event) -> Object {
    let Event { kind, occurred_at_ms, origin, .. } = event;
    let mut body = Object::new();
    body.text("event_type", kind::native_of(KINDS, kind));
    body.text("timestamp", &time::to_civil(*occurred_at_ms));
    // Its receivers have one always: where the event's platform names none, it is the source.
    body.text("instance_id", origin.instance.as_deref().unwrap_or(&origin.source));
    match origin.dialect == Hotline.name() {
        true => body.json("data", &json::sound(&event.data)),
        false => body.json("data", &with_own_data(fields(event), event)),
    };
    body
}

fn fields(event: &Event) -> Object {
    let Event { kind, conversation, contact, operator, message, text, .. } = event;
    let mut fields = Object::new();
    let is_message = kind.starts_with("message.");
    fields.text_if(if event.is_command() { "command_data" } else { "text" }, text.as_deref());
    if let Some(conversation) = conversation {
        push_conversation(&mut fields, conversation, is_message);
    }
    if is_message {
        fields.id_if("backend_message_id", message.as_deref());
        fields.id_if("sender_user_id", sender_id(event));
    } else {
        fields.id_if("message_id", message.as_deref());
        fields.id_if("sender_user_id", operator.as_deref());
        fields.id_if("user_id", contact.as_deref());
    }
    fields
}

/// Messages name their thread where the conversation has a number for it, all else its topic.
fn push_conversation(fields: &mut Object, conversation: &str, is_message: bool) {
    let Some((chat, topic)) = conversation.rsplit_once(':') else {
        fields.id_if("chat_id", Some(conversation));
        return;
    };
    match thread_of(topic).filter(|_| is_message) {
        Some(thread) => fields.id_if("backend_chat_id", Some(chat)).id_if("backend_thread_id", Some(&thread)),
        None => fields.id_if("chat_id", Some(chat)).id_if("topic_id", Some(topic)),
    };
}

/// The thread of a topic, or of what [`Fields::thread`] makes of a thread without one.
fn thread_of(topic: &str) -> Option<String> {
    let is_written_so = |number: &i64, text: &str| number.to_string() == text;
    if let Some(thread) = topic.strip_prefix('t') {
        let number = thread.parse().ok().filter(|number| is_written_so(number, thread))?;
        return (number % THREAD_STEP != 0).then(|| thread.into());
    }
    let number: i64 = topic.parse().ok().filter(|number| is_written_so(number, topic))?;
    number.checked_mul(THREAD_STEP).map(|thread| thread.to_string())
}
