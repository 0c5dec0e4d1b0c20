//! A receiver for Hotline: system events and custom commands, and the replies that a command may have.
//!
//! Written from Hotline's page "Webhooks module" and its Spanish twin, and from nothing else. The page has examples and
//! no table of members, so each member of `data` may be absent.

mod cases;

use jiff::civil::DateTime;
use serde_json::json;

use super::{ID, Kind, Object, Posted, STRING, assert_refused, post};

/// `YYYY-MM-DD HH:MM:SS`. The page names no zone.
const TIMESTAMP_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

const TIMESTAMP: Kind<DateTime> = Kind { expected: "YYYY-MM-DD HH:MM:SS", read: |value| timestamp(value.as_str()?) };

/// What an integrator configures: the connection's key.
pub(crate) struct Receiver {
    pub(crate) api_key: String,
}

/// One of the two types of requests.
#[derive(Debug, PartialEq)]
pub(crate) enum Call {
    Event(SystemEvent),
    Command(CustomCommand),
    Unknown { event: String },
}

#[derive(Debug, PartialEq)]
pub(crate) struct SystemEvent {
    pub(crate) instance_id: String,
    pub(crate) timestamp: DateTime,
    pub(crate) data: EventData,
}

#[derive(Debug, PartialEq)]
pub(crate) enum EventData {
    DialogCreated(Dialog),
    DialogReopened(Dialog),
    DialogClosed(Dialog),
    MessageReceived(Message),
    MessageSent(Message),
    MessageIntercepted(Message),
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Dialog {
    pub(crate) chat_id: Option<String>,
    pub(crate) thread_id: Option<String>,
    pub(crate) topic_id: Option<String>,
    pub(crate) topic_link: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) frontend_chat_id: Option<String>,
    pub(crate) frontend_topic_id: Option<String>,
    pub(crate) frontend_topic_link: Option<String>,
    pub(crate) frontend_user_id: Option<String>,
    pub(crate) chat_type: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) department: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) backend_chat_id: Option<String>,
    pub(crate) backend_thread_id: Option<String>,
    pub(crate) backend_message_id: Option<String>,
    pub(crate) sender_user_id: Option<String>,
    pub(crate) frontend_user_id: Option<String>,
    pub(crate) frontend_message_id: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) backend_reply_message_id: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct CustomCommand {
    /// With its slash, as it stands in `event_type`.
    pub(crate) command: String,
    pub(crate) instance_id: String,
    pub(crate) timestamp: DateTime,
    pub(crate) command_data: Option<String>,
    pub(crate) chat_id: Option<String>,
    pub(crate) topic_id: Option<String>,
    pub(crate) topic_link: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) reply_message_id: Option<String>,
    pub(crate) sender_user_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) frontend_chat_id: Option<String>,
    pub(crate) frontend_thread_id: Option<String>,
}

/// What a command's request may be answered with.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// A text for the topic, in which Markdown v2 is allowed.
pub(crate) fn text_reply(text: &str) -> Reply {
    Reply { content_type: "text/plain; charset=utf-8", body: text.to_owned() }
}

/// The page's example of success: `status` is a node that Hotline ignores.
pub(crate) fn message_reply(message: &str) -> Reply {
    Reply { content_type: "application/json", body: json!({ "message": message, "status": "ok" }).to_string() }
}

pub(crate) fn error_reply(error: &str) -> Reply {
    Reply { content_type: "application/json", body: json!({ "error": error }).to_string() }
}

impl Receiver {
    pub(crate) fn receive(&self, posted: &Posted<'_>) -> Result<Call, String> {
        let body = posted.json()?;
        let body = Object::body(&body)?;
        self.verify(&body)?;
        let event = body.required("event_type", &STRING)?;
        let timestamp = body.required("timestamp", &TIMESTAMP)?;
        let instance_id = body.required("instance_id", &STRING)?;
        let data = body.object("data")?;
        if event.starts_with('/') {
            return custom_command(event, instance_id, timestamp, &data).map(Call::Command);
        }
        Ok(match event_data(&event, &data)? {
            Some(data) => Call::Event(SystemEvent { instance_id, timestamp, data }),
            None => Call::Unknown { event },
        })
    }

    /// The key says who sent it. The right one is in no error.
    fn verify(&self, body: &Object<'_>) -> Result<(), String> {
        let api_key = body.required("api_key", &STRING)?;
        if api_key == self.api_key { Ok(()) } else { Err(format!("api_key is {api_key:?}, expected the connection's")) }
    }
}

fn event_data(event: &str, data: &Object<'_>) -> Result<Option<EventData>, String> {
    Ok(Some(match event {
        "dialog_created" => EventData::DialogCreated(dialog(data)?),
        "dialog_reopened" => EventData::DialogReopened(dialog(data)?),
        "dialog_closed" => EventData::DialogClosed(dialog(data)?),
        "message_received" => EventData::MessageReceived(message(data)?),
        "message_sent" => EventData::MessageSent(message(data)?),
        "message_intercepted" => EventData::MessageIntercepted(message(data)?),
        _ => return Ok(None),
    }))
}

fn dialog(data: &Object<'_>) -> Result<Dialog, String> {
    Ok(Dialog {
        chat_id: data.optional("chat_id", &ID)?,
        thread_id: data.optional("thread_id", &ID)?,
        topic_id: data.optional("topic_id", &ID)?,
        topic_link: data.optional("topic_link", &STRING)?,
        user_id: data.optional("user_id", &ID)?,
        frontend_chat_id: data.optional("frontend_chat_id", &ID)?,
        frontend_topic_id: data.optional("frontend_topic_id", &ID)?,
        frontend_topic_link: data.optional("frontend_topic_link", &STRING)?,
        frontend_user_id: data.optional("frontend_user_id", &ID)?,
        chat_type: data.optional("chat_type", &STRING)?,
        title: data.optional("title", &STRING)?,
        department: data.optional("department", &STRING)?,
    })
}

fn message(data: &Object<'_>) -> Result<Message, String> {
    Ok(Message {
        backend_chat_id: data.optional("backend_chat_id", &ID)?,
        backend_thread_id: data.optional("backend_thread_id", &ID)?,
        backend_message_id: data.optional("backend_message_id", &ID)?,
        sender_user_id: data.optional("sender_user_id", &ID)?,
        frontend_user_id: data.optional("frontend_user_id", &ID)?,
        frontend_message_id: data.optional("frontend_message_id", &ID)?,
        text: data.optional("text", &STRING)?,
        content_type: data.optional("content_type", &STRING)?,
        department: data.optional("department", &STRING)?,
        backend_reply_message_id: data.optional("backend_reply_message_id", &ID)?,
    })
}

fn custom_command(
    command: String,
    instance_id: String,
    timestamp: DateTime,
    data: &Object<'_>,
) -> Result<CustomCommand, String> {
    Ok(CustomCommand {
        command,
        instance_id,
        timestamp,
        command_data: data.optional("command_data", &STRING)?,
        chat_id: data.optional("chat_id", &ID)?,
        topic_id: data.optional("topic_id", &ID)?,
        topic_link: data.optional("topic_link", &STRING)?,
        message_id: data.optional("message_id", &ID)?,
        reply_message_id: data.optional("reply_message_id", &ID)?,
        sender_user_id: data.optional("sender_user_id", &ID)?,
        user_id: data.optional("user_id", &ID)?,
        frontend_chat_id: data.optional("frontend_chat_id", &ID)?,
        frontend_thread_id: data.optional("frontend_thread_id", &ID)?,
    })
}

/// A parser takes more than the format has, such as single digits: only what is written back the same is in the format.
fn timestamp(text: &str) -> Option<DateTime> {
    let time = DateTime::strptime(TIMESTAMP_FORMAT, text).ok()?;
    (time.strftime(TIMESTAMP_FORMAT).to_string() == text).then_some(time)
}

fn receive(posted: &Posted<'_>) -> Result<Call, String> {
    Receiver { api_key: "pQTngMZLh0NmAh".to_owned() }.receive(posted)
}

#[test]
fn the_examples_of_the_page_are_understood() {
    assert_eq!(post(cases::DIALOG_REOPENED, receive), Ok(cases::dialog_reopened()));
    assert_eq!(post(cases::MESSAGE_SENT, receive), Ok(cases::message_sent()));
    assert_eq!(post(cases::MARK, receive), Ok(cases::mark()));
}

#[test]
fn each_event_is_told_from_the_others() {
    let event = |example: &str, name: &str, other: &str| match post(&example.replace(name, other), receive) {
        Ok(Call::Event(event)) => event.data,
        said => panic!("{other}: {said:?}"),
    };
    let dialog = |other| event(cases::DIALOG_REOPENED, "dialog_reopened", other);
    assert!(matches!(dialog("dialog_created"), EventData::DialogCreated(_)));
    assert!(matches!(dialog("dialog_closed"), EventData::DialogClosed(_)));
    let message = |other| event(cases::MESSAGE_SENT, "message_sent", other);
    assert!(matches!(message("message_received"), EventData::MessageReceived(_)));
    assert!(matches!(message("message_intercepted"), EventData::MessageIntercepted(_)));
}

#[test]
fn an_event_that_the_page_does_not_name_is_a_value() {
    let body = cases::MESSAGE_SENT.replace("message_sent", "message_read");
    assert_eq!(post(&body, receive), Ok(Call::Unknown { event: "message_read".to_owned() }));
}

#[test]
fn what_is_no_request_of_hotline_is_refused() {
    let with = |from: &str, to: &str| cases::MARK.replace(from, to);
    assert_refused(
        &[
            ("[]", "body is [], expected an object"),
            ("{}", "api_key is absent, expected a string"),
            (&with("pQTngMZLh0NmAh", "other"), "api_key is \"other\", expected the connection's"),
            (&with("\"/mark\"", "7"), "event_type is 7, expected a string"),
            (&with("2025-10-08 20:41:20", "2025-10-08T20:41:20Z"), "expected YYYY-MM-DD HH:MM:SS"),
            (&with("2025-10-08 20:41:20", "2025-10-8 20:41:20"), "expected YYYY-MM-DD HH:MM:SS"),
            (&with("2025-10-08 20:41:20", "2025-13-08 20:41:20"), "expected YYYY-MM-DD HH:MM:SS"),
            (&with("\"132099468746812345\"", "132099468746812345"), "instance_id is 132099468746812345"),
            (&with("\"data\"", "\"date\""), "data is absent, expected an object"),
            (&with("\"deal\"", "[\"deal\"]"), "data.command_data is [\"deal\"], expected a string"),
            (&with("-1002146012345", "true"), "data.chat_id is true, expected an id"),
        ],
        receive,
    );
}

#[test]
fn replies_are_as_documented() {
    let text = text_reply("✅ Factura №12345 creada");
    assert_eq!((text.content_type, text.body.as_str()), ("text/plain; charset=utf-8", "✅ Factura №12345 creada"));
    let read = |reply: Reply| (reply.content_type, serde_json::from_str::<serde_json::Value>(&reply.body).unwrap());
    let message = json!({ "message": "Deal \"7\" created", "status": "ok" });
    assert_eq!(read(message_reply("Deal \"7\" created")), ("application/json", message));
    let error = json!({ "error": "User 12345678 not found in our database" });
    assert_eq!(read(error_reply("User 12345678 not found in our database")), ("application/json", error));
}
