//! System events in.

use std::cell::Cell;

use slashbox_core::{Dedupe, Event, Origin, Pattern, Sender};

use super::*;
use crate::EVENT_BYTES_MAX;

#[test]
fn the_documents_dialog() {
    let envelope =
        r#"{"event_type":"dialog_reopened","timestamp":"2025-10-09 00:24:55","instance_id":"13209946874612345"}"#;
    let expected = Event {
        id: "01J".into(),
        kind: "conversation.reopened".into(),
        native_kind: "dialog_reopened".into(),
        conversation: Some("-1002146012345:5343".into()),
        contact: Some("5339212345".into()),
        operator: None,
        sender: Sender::System,
        message: None,
        text: None,
        occurred_at_ms: 1_759_969_495_000,
        origin: Origin {
            tenant: "acme".into(),
            source: "support".into(),
            dialect: "hotline".into(),
            instance: Some("13209946874612345".into()),
        },
        data: data_of(DIALOG_REOPENED).into(),
        envelope: envelope.into(),
        hops: 0,
    };
    assert_eq!(event(DIALOG_REOPENED), expected);
}

#[test]
fn the_documents_message() {
    let envelope =
        r#"{"event_type":"message_sent","timestamp":"2025-10-09 00:21:57","instance_id":"132099468746812345"}"#;
    let expected = Event {
        id: "01J".into(),
        kind: "message.sent".into(),
        native_kind: "message_sent".into(),
        conversation: Some("-1002146012345:5343".into()),
        contact: None,
        operator: None,
        sender: Sender::Operator,
        message: Some("6171918336".into()),
        text: Some("test message".into()),
        occurred_at_ms: 1_759_969_317_000,
        origin: Origin {
            tenant: "acme".into(),
            source: "support".into(),
            dialect: "hotline".into(),
            instance: Some("132099468746812345".into()),
        },
        data: data_of(MESSAGE_SENT).into(),
        envelope: envelope.into(),
        hops: 0,
    };
    assert_eq!(event(MESSAGE_SENT), expected);
}

#[test]
fn the_other_events() {
    let check = |document: &str, kind: &str, sender: Sender, contact: Option<&str>, message: Option<&str>| {
        let event = event(document);
        assert_eq!((event.kind.as_str(), event.sender), (kind, sender));
        assert_eq!((event.contact.as_deref(), event.message.as_deref(), event.operator), (contact, message, None));
        assert_eq!(event.conversation.as_deref(), Some("-1002146012345:5343"), "all of one conversation");
        assert_eq!(event.data, data_of(document));
    };
    let contact = Some("5339212345");
    check(DIALOG_CREATED, "conversation.created", Sender::System, contact, None);
    check(DIALOG_CLOSED, "conversation.closed", Sender::System, contact, None);
    check(MESSAGE_RECEIVED, "message.received", Sender::Contact, contact, Some("6170869760"));
    check(MESSAGE_INTERCEPTED, "message.intercepted", Sender::Operator, None, Some("6172966912"));
    assert_eq!(event(MESSAGE_RECEIVED).text.as_deref(), Some("hello,\nanybody \"there\"? ф 😀"));
    assert_eq!(event(MESSAGE_INTERCEPTED).text, None);
}

#[test]
fn unknown_names_are_native() {
    let check = |name: &str, kind: &str| {
        let event = event(told(name, "{}"));
        assert_eq!((event.kind.as_str(), event.sender), (kind, Sender::Unknown));
        assert!(event.kind.parse::<Pattern>().unwrap().covers(&event.kind, &event.native_kind), "{kind}");
        event.native_kind
    };
    assert_eq!(check("dialog_merged", "native.dialog_merged"), "dialog_merged");
    assert_eq!(check("message.received", "native.message.received"), "message.received");
    assert_eq!(check("native.x", "native.native.x"), "native.x");
    assert_eq!(check("счёт-1", "native.счёт-1"), "счёт-1");
    assert_eq!(check(" /mark", "native.__mark"), " /mark");
    assert_eq!(check("a*b\\nc\\u0000", "native.a_b_c_"), "a*b\nc\0");
    for (dots, kind) in [(".", "native._"), ("...", "native._._"), ("a..b.", "native.a._b_"), (".a", "native._a")] {
        assert_eq!(check(dots, kind), dots);
    }
    let long = "ы".repeat(100_000);
    assert_eq!(check(&long, &format!("native.{}", "ы".repeat(64))), "ы".repeat(64));
}

#[test]
fn an_unknown_event_says_what_it_can() {
    let data = r#"{"chat_id":-1,"topic_id":5,"user_id":{"id":7},"message_id":8,"text":["a"]}"#;
    let odd = event(told("dialog_merged", data));
    assert_eq!((odd.conversation.as_deref(), odd.message.as_deref()), (Some("-1:5"), Some("8")));
    assert_eq!((odd.contact, odd.text, odd.data.as_str()), (None, None, data));
    for data in ["[1,2]", "\"text\"", "5", "true", "{\"chat_id\":1,\"chat_id\":2,\"topic_id\":3}"] {
        let odd = event(told("dialog_merged", data));
        assert_eq!((odd.conversation, odd.data.as_str()), (None, data));
    }
    let thread = r#"{"backend_chat_id":-1,"backend_thread_id":5602541568,"text":"a"}"#;
    let edited = event(told("message_edited", thread));
    assert_eq!((edited.conversation.as_deref(), edited.text.as_deref()), (Some("-1:5343"), Some("a")));
}

#[test]
fn fields_may_be_absent_or_null() {
    for name in ["dialog_created", "message_received", "message_sent", "other"] {
        for members in [String::new(), r#","data":null,"timestamp":null,"instance_id":null"#.into()] {
            let Incoming { event, dedupe } = incoming(with(&format!("\"event_type\":\"{name}\"{members}")));
            assert_eq!((event.conversation, event.contact, event.message, event.text), (None, None, None, None));
            assert_eq!((event.occurred_at_ms, event.data.as_str(), dedupe), (7, "null", None));
        }
    }
}

#[test]
fn threads_are_topics_where_they_divide() {
    let check = |thread: &str, expected: &str| {
        let data = format!("{{\"backend_chat_id\":-100,\"backend_thread_id\":{thread}}}");
        assert_eq!(event(told("message_sent", &data)).conversation, Some(format!("-100:{expected}")), "{thread}");
    };
    check("5602541568", "5343");
    check("\"5602541568\"", "5343");
    check("1048576", "1");
    check("0", "0");
    check("-1048576", "-1");
    check("9223372036853727232", "8796093022207");
    check("-9223372036854775808", "-8796093022208");
    for odd in ["5602541569", "1", "-1", "9223372036854775807", "9223372036854775808", "18446744073709551615"] {
        check(odd, &format!("t{odd}"));
    }
    for odd in ["1048576.0", "5.6e9", "1e999", "-0", "340282366920938463463374607431768211456"] {
        check(odd, &format!("t{odd}"));
    }
    for odd in ["", "+1048576", "01048576", " 1048576", "abc", "5343"] {
        check(&format!("\"{odd}\""), &format!("t{odd}"));
    }
}

#[test]
fn a_message_without_a_thread_may_name_its_topic() {
    let check = |name: &str, data: &str, expected: Option<&str>| {
        assert_eq!(event(told(name, data)).conversation.as_deref(), expected);
    };
    check("message_sent", r#"{"chat_id":1,"topic_id":2}"#, Some("1:2"));
    check("dialog_closed", r#"{"backend_chat_id":1,"backend_thread_id":2097152}"#, Some("1:2"));
    let both = r#"{"chat_id":1,"topic_id":2,"backend_chat_id":3,"backend_thread_id":4}"#;
    check("message_received", both, Some("3:t4"));
    check("dialog_closed", both, Some("1:2"));
    check("message_sent", r#"{"chat_id":1,"backend_thread_id":2097152}"#, None);
}

fn dedupe(body: &str) -> Option<Dedupe> {
    incoming(body).dedupe
}

#[test]
fn a_repeated_event_is_known_by_its_content() {
    let first = dedupe(DIALOG_CLOSED).unwrap();
    assert_eq!(first.ttl_ms, 900_000);
    assert_eq!(dedupe(DIALOG_CLOSED), Some(first.clone()));
    let others = [
        DIALOG_CLOSED.replace("dialog_closed", "dialog_merged"),
        DIALOG_CLOSED.replace("00:59:59", "00:59:58"),
        DIALOG_CLOSED.replace("\"instance_id\": \"1", "\"instance_id\": \"2"),
        DIALOG_CLOSED.replace("5343,", "5344,"),
        DIALOG_CLOSED.replace("5343,", "5343.0,"),
        DIALOG_CLOSED.replace("\"data\":", "\"extra\": 1, \"data\":"),
        DIALOG_CREATED.into(),
    ];
    for other in others {
        assert_ne!(dedupe(&other).unwrap().key, first.key, "{other}");
    }
}

#[test]
fn an_event_without_a_time_and_a_message_may_happen_twice() {
    assert_eq!(dedupe(&told("dialog_closed", r#"{"chat_id":1,"topic_id":2,"message_id":null}"#)), None);
    assert!(dedupe(&told("message_sent", r#"{"backend_message_id":1}"#)).is_some());
    assert!(dedupe(&told("message_edited", r#"{"message_id":"1"}"#)).is_some());
    assert!(dedupe(&with(r#""event_type":"dialog_closed","timestamp":"2025-10-09 00:00:00""#)).is_some());
}

#[test]
fn each_event_gets_one_id() {
    let made = Cell::new(0);
    let new_id = || {
        made.set(made.get() + 1);
        made.get().to_string()
    };
    let arrival = Arrival { tenant: "acme", source: "support", now_ms: 7, new_id: &new_id };
    for body in DOCUMENTS {
        read_at(body, arrival).unwrap();
    }
    assert_eq!(made.get(), DOCUMENTS.len());
}

#[test]
fn an_event_may_have_256_kibibytes() {
    let of_size = |bytes: usize| {
        let body = |text: &str| told("message_sent", &format!("{{\"text\":\"{text}\"}}"));
        let Event { data, envelope, .. } = event(body(""));
        body(&"x".repeat(bytes - data.len() - envelope.len()))
    };
    let largest = event(of_size(EVENT_BYTES_MAX));
    assert_eq!(largest.data.len() + largest.envelope.len(), EVENT_BYTES_MAX);
    assert_eq!(read(of_size(EVENT_BYTES_MAX + 1)), Err(Refusal::EventTooLarge { at: None, bytes: 262_145 }));
    let extra = with(&format!(r#""event_type":"dialog_closed","extra":"{}""#, "x".repeat(EVENT_BYTES_MAX)));
    assert_eq!(read(extra).unwrap_err().status(), 413);
}

#[test]
fn a_key_that_the_sender_repeats_is_taken_out() {
    let data = format!(r#"{{"text":"my key is {KEY}","backend_chat_id":"{KEY}","backend_thread_id":5}}"#);
    let event = event(told("message_received", &data));
    assert_eq!(event.data, r#"{"text":"[redacted]","backend_chat_id":"[redacted]","backend_thread_id":5}"#);
    assert_eq!(event.text.as_deref(), Some("[redacted]"));
    assert_eq!(event.conversation.as_deref(), Some("[redacted]:t5"));
}
