//! A receiver for TG-Staff: conversations, messages and agents.
//!
//! Written from TG-Staff's "Webhook Event Integration Guide", and from nothing else. The guide shows no payload. It
//! names `event_type`, `referrer` and `sender_type` as they are spelt, and the rest in prose: "conversation ID" is read
//! from `conversation_id` here, and so on. Where the members stand it does not say: beside `event_type`, or in `data`.

mod signature;

use serde_json::{Value, json};

use super::{ANY, ID, Kind, Object, Posted, STRING, assert_refused, post};

const CONVERSATION_STATUS: Kind<ConversationStatus> =
    Kind { expected: "waiting, assigned, in_progress or closed", read: |value| conversation_status(value.as_str()?) };
const AGENT_STATUS: Kind<AgentStatus> =
    Kind { expected: "online, offline or busy", read: |value| agent_status(value.as_str()?) };
const SENDER_TYPE: Kind<SenderType> =
    Kind { expected: "agent, system or user", read: |value| sender_type(value.as_str()?) };

/// What an integrator configures: both are the project's choice.
#[derive(Default)]
pub(crate) struct Receiver {
    pub(crate) signing_key: Option<String>,
    /// The custom header `Authorization`, whole.
    pub(crate) authorization: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    ConversationCreated(Conversation),
    MessageReceived(Message),
    ConversationStatusChanged(StatusChange),
    AgentStatusChanged(Agent),
    /// The test that comes when the URL is saved.
    Ping,
    Unknown {
        event: String,
    },
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Conversation {
    pub(crate) conversation_id: String,
    pub(crate) user_id: Option<String>,
    pub(crate) username: Option<String>,
    /// The user's first message.
    pub(crate) text: Option<String>,
    /// Of users who came by a diversion link. The guide gives no type: "ad source, URL parameters".
    pub(crate) referrer: Option<Value>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) conversation_id: String,
    pub(crate) sender_id: String,
    pub(crate) sender_type: Option<SenderType>,
    pub(crate) user_id: Option<String>,
    pub(crate) message_id: Option<String>,
    /// Absent of an image, for example.
    pub(crate) text: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct StatusChange {
    pub(crate) conversation_id: String,
    pub(crate) user_id: Option<String>,
    pub(crate) status: ConversationStatus,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Agent {
    pub(crate) agent_id: Option<String>,
    pub(crate) status: AgentStatus,
}

#[derive(Debug, PartialEq)]
pub(crate) enum SenderType {
    Agent,
    System,
    User,
}

#[derive(Debug, PartialEq)]
pub(crate) enum ConversationStatus {
    Waiting,
    Assigned,
    InProgress,
    Closed,
}

#[derive(Debug, PartialEq)]
pub(crate) enum AgentStatus {
    Online,
    Offline,
    Busy,
}

impl Receiver {
    pub(crate) fn receive(&self, posted: &Posted<'_>) -> Result<Event, String> {
        self.authorize(posted)?;
        if let Some(key) = &self.signing_key {
            signature::verify(key, posted)?;
        }
        if posted.body.is_empty() {
            // The guide does not say what a ping carries: it may well be nothing.
            return Ok(Event::Ping);
        }
        let body = posted.json()?;
        let body = Object::body(&body)?;
        let event_type = body.required("event_type", &STRING)?;
        let members = body.optional_object("data")?.unwrap_or(body);
        event(event_type, &members)
    }

    fn authorize(&self, posted: &Posted<'_>) -> Result<(), String> {
        let Some(expected) = &self.authorization else { return Ok(()) };
        match posted.header("authorization") {
            Some(authorization) if authorization == expected => Ok(()),
            other => Err(format!("authorization is {other:?}, expected the configured one")),
        }
    }
}

fn event(event_type: String, members: &Object<'_>) -> Result<Event, String> {
    Ok(match event_type.as_str() {
        "conversation.created" => Event::ConversationCreated(conversation(members)?),
        "message.received" => Event::MessageReceived(message(members)?),
        "conversation.status_changed" => Event::ConversationStatusChanged(status_change(members)?),
        "agent.status_changed" => Event::AgentStatusChanged(agent(members)?),
        "ping" => Event::Ping,
        _ => Event::Unknown { event: event_type },
    })
}

fn conversation(members: &Object<'_>) -> Result<Conversation, String> {
    Ok(Conversation {
        conversation_id: members.required("conversation_id", &ID)?,
        user_id: members.optional("user_id", &ID)?,
        username: members.optional("username", &STRING)?,
        text: members.optional("text", &STRING)?,
        referrer: members.optional("referrer", &ANY)?,
    })
}

/// The guide promises the conversation's and the sender's ID: without them there is nothing to do with a message.
fn message(members: &Object<'_>) -> Result<Message, String> {
    Ok(Message {
        conversation_id: members.required("conversation_id", &ID)?,
        sender_id: members.required("sender_id", &ID)?,
        sender_type: members.optional("sender_type", &SENDER_TYPE)?,
        user_id: members.optional("user_id", &ID)?,
        message_id: members.optional("message_id", &ID)?,
        text: members.optional("text", &STRING)?,
    })
}

fn status_change(members: &Object<'_>) -> Result<StatusChange, String> {
    Ok(StatusChange {
        conversation_id: members.required("conversation_id", &ID)?,
        user_id: members.optional("user_id", &ID)?,
        status: members.required("status", &CONVERSATION_STATUS)?,
    })
}

fn agent(members: &Object<'_>) -> Result<Agent, String> {
    Ok(Agent { agent_id: members.optional("agent_id", &ID)?, status: members.required("status", &AGENT_STATUS)? })
}

fn conversation_status(text: &str) -> Option<ConversationStatus> {
    Some(match text {
        "waiting" => ConversationStatus::Waiting,
        "assigned" => ConversationStatus::Assigned,
        // The guide has it with a space, in a sentence.
        "in_progress" | "in progress" => ConversationStatus::InProgress,
        "closed" => ConversationStatus::Closed,
        _ => return None,
    })
}

fn agent_status(text: &str) -> Option<AgentStatus> {
    Some(match text {
        "online" => AgentStatus::Online,
        "offline" => AgentStatus::Offline,
        "busy" => AgentStatus::Busy,
        _ => return None,
    })
}

/// The guide names the first two, and says that users send messages too.
fn sender_type(text: &str) -> Option<SenderType> {
    Some(match text {
        "agent" => SenderType::Agent,
        "system" => SenderType::System,
        "user" => SenderType::User,
        _ => return None,
    })
}

fn receive(posted: &Posted<'_>) -> Result<Event, String> {
    Receiver::default().receive(posted)
}

#[test]
fn members_stand_beside_the_type_or_in_data() {
    let expected = Message {
        conversation_id: "c-7".to_owned(),
        sender_id: "7890123".to_owned(),
        sender_type: Some(SenderType::User),
        text: Some("hi".to_owned()),
        ..Message::default()
    };
    let mut members = json!({ "conversation_id": "c-7", "sender_id": 7_890_123, "sender_type": "user", "text": "hi" });
    let nested = json!({ "event_type": "message.received", "data": members });
    members["event_type"] = json!("message.received");
    assert_eq!(post(&nested.to_string(), receive).as_ref(), Ok(&Event::MessageReceived(expected)));
    assert_eq!(post(&members.to_string(), receive), post(&nested.to_string(), receive));
}

#[test]
fn a_conversation_says_where_its_user_came_from() {
    let body = r#"{ "event_type": "conversation.created",
        "data": { "conversation_id": 9, "user_id": 7, "text": "hi", "referrer": "ad" } }"#;
    let expected = Conversation {
        conversation_id: "9".to_owned(),
        user_id: Some("7".to_owned()),
        username: None,
        text: Some("hi".to_owned()),
        referrer: Some(json!("ad")),
    };
    assert_eq!(post(body, receive), Ok(Event::ConversationCreated(expected)));
}

#[test]
fn statuses_change() {
    let body = r#"{ "event_type": "conversation.status_changed", "conversation_id": "9", "status": "closed" }"#;
    let closed = StatusChange { conversation_id: "9".to_owned(), user_id: None, status: ConversationStatus::Closed };
    assert_eq!(post(body, receive), Ok(Event::ConversationStatusChanged(closed)));
    let body = r#"{ "event_type": "agent.status_changed", "agent_id": 3, "status": "busy" }"#;
    let busy = Agent { agent_id: Some("3".to_owned()), status: AgentStatus::Busy };
    assert_eq!(post(body, receive), Ok(Event::AgentStatusChanged(busy)));
}

#[test]
fn a_ping_and_an_unknown_event_are_values() {
    assert_eq!(post("", receive), Ok(Event::Ping));
    assert_eq!(post(r#"{ "event_type": "ping" }"#, receive), Ok(Event::Ping));
    let unknown = Event::Unknown { event: "agent.created".to_owned() };
    assert_eq!(post(r#"{ "event_type": "agent.created", "data": {} }"#, receive), Ok(unknown));
}

#[test]
fn authorization_is_as_configured() {
    let receiver = Receiver { authorization: Some("Bearer secret".to_owned()), ..Receiver::default() };
    let with = |authorization: &str| {
        let headers = [("authorization".to_owned(), authorization.to_owned())];
        receiver.receive(&Posted { headers: &headers, body: b"" })
    };
    assert_eq!(with("Bearer secret"), Ok(Event::Ping));
    assert!(with("Bearer other").unwrap_err().contains("expected the configured one"));
    assert!(post("", |posted| receiver.receive(posted)).unwrap_err().starts_with("authorization is None"));
}

#[test]
fn what_is_no_event_of_tg_staff_is_refused() {
    assert_refused(
        &[
            ("[]", "body is [], expected an object"),
            (r#"{ "event": "ping" }"#, "event_type is absent, expected a string"),
            (r#"{ "event_type": "ping", "data": 7 }"#, "data is 7, expected an object"),
            (r#"{ "event_type": "message.received", "conversation_id": 1 }"#, "sender_id is absent"),
            (
                r#"{ "event_type": "message.received", "conversation_id": 1, "sender_id": 2, "sender_type": "bot" }"#,
                "sender_type is \"bot\", expected agent, system or user",
            ),
            (
                r#"{ "event_type": "conversation.status_changed", "data": { "conversation_id": 1, "status": "open" }}"#,
                "data.status is \"open\", expected waiting",
            ),
            (r#"{ "event_type": "agent.status_changed" }"#, "status is absent, expected online, offline or busy"),
        ],
        receive,
    );
}
