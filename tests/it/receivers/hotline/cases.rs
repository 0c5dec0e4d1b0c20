//! The examples of Hotline's page, as they stand there but for their line breaks, and what they say.

use jiff::civil::{DateTime, datetime};

use super::{Call, CustomCommand, Dialog, EventData, Message, SystemEvent};

pub(super) const DIALOG_REOPENED: &str = r#"{
    "event_type": "dialog_reopened", "timestamp": "2025-10-09 00:24:55", "instance_id": "13209946874612345",
    "data": {
        "chat_id": -1002146012345, "thread_id": 5602541568, "topic_id": 5343,
        "topic_link": "https://t.me/c/2146012345/5343", "user_id": 5339212345, "frontend_chat_id": 5339212345,
        "frontend_topic_id": null, "frontend_topic_link": null, "frontend_user_id": 6406751371,
        "chat_type": "private", "title": "Some User Name", "department": "default"
    },
    "api_key": "pQTngMZLh0NmAh"
}"#;

pub(super) const MESSAGE_SENT: &str = r#"{
    "event_type": "message_sent", "timestamp": "2025-10-09 00:21:57", "instance_id": "132099468746812345",
    "data": {
        "backend_chat_id": -1002146012345, "backend_thread_id": 5602541568, "backend_message_id": 6171918336,
        "sender_user_id": 5339212345, "frontend_user_id": 640675123, "frontend_message_id": 3260022784,
        "text": "test message", "content_type": "messageText", "department": "default", "backend_reply_message_id": 0
    },
    "api_key": "pQTngMZLh0NmAh"
}"#;

pub(super) const MARK: &str = r#"{
    "event_type": "/mark", "timestamp": "2025-10-08 20:41:20", "instance_id": "132099468746812345",
    "data": {
        "command_data": "deal", "chat_id": -1002146012345, "topic_id": 5, "topic_link": "https://t.me/c/2146012345/5",
        "message_id": 5850, "reply_message_id": null, "sender_user_id": 123456, "user_id": 7890123,
        "frontend_chat_id": 7890123, "frontend_thread_id": null
    },
    "api_key": "pQTngMZLh0NmAh"
}"#;

pub(super) fn dialog_reopened() -> Call {
    let dialog = Dialog {
        chat_id: some("-1002146012345"),
        thread_id: some("5602541568"),
        topic_id: some("5343"),
        topic_link: some("https://t.me/c/2146012345/5343"),
        user_id: some("5339212345"),
        frontend_chat_id: some("5339212345"),
        frontend_topic_id: None,
        frontend_topic_link: None,
        frontend_user_id: some("6406751371"),
        chat_type: some("private"),
        title: some("Some User Name"),
        department: some("default"),
    };
    event("13209946874612345", datetime(2025, 10, 9, 0, 24, 55, 0), EventData::DialogReopened(dialog))
}

pub(super) fn message_sent() -> Call {
    let message = Message {
        backend_chat_id: some("-1002146012345"),
        backend_thread_id: some("5602541568"),
        backend_message_id: some("6171918336"),
        sender_user_id: some("5339212345"),
        frontend_user_id: some("640675123"),
        frontend_message_id: some("3260022784"),
        text: some("test message"),
        content_type: some("messageText"),
        department: some("default"),
        backend_reply_message_id: some("0"),
    };
    event("132099468746812345", datetime(2025, 10, 9, 0, 21, 57, 0), EventData::MessageSent(message))
}

pub(super) fn mark() -> Call {
    Call::Command(CustomCommand {
        command: "/mark".to_owned(),
        instance_id: "132099468746812345".to_owned(),
        timestamp: datetime(2025, 10, 8, 20, 41, 20, 0),
        command_data: some("deal"),
        chat_id: some("-1002146012345"),
        topic_id: some("5"),
        topic_link: some("https://t.me/c/2146012345/5"),
        message_id: some("5850"),
        reply_message_id: None,
        sender_user_id: some("123456"),
        user_id: some("7890123"),
        frontend_chat_id: some("7890123"),
        frontend_thread_id: None,
    })
}

fn event(instance_id: &str, timestamp: DateTime, data: EventData) -> Call {
    Call::Event(SystemEvent { instance_id: instance_id.to_owned(), timestamp, data })
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
