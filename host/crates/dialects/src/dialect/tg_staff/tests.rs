//! The samples, what the document leaves open, and what hostile senders make of it.

use http::HeaderMap;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use slashbox_core::{Command, Dedupe, Event, Origin, Sender};

use super::{KINDS, TgStaff, Wire};
use crate::{
    Arrival, Credentials, Dialect, EVENT_BYTES_MAX, Format, Incoming, Received, Recipient, Refusal, Request, Secret,
};

const NOW_MS: u64 = 1_760_000_000_000;

fn tg_staff() -> Dialect {
    "tg-staff".parse().unwrap()
}

fn read_with(credentials: &Credentials, body: &[u8]) -> Result<Request, Refusal> {
    let new_id = || "01J".into();
    let arrival = Arrival { tenant: "acme", source: "support", now_ms: NOW_MS, new_id: &new_id };
    let headers = credentials.headers(body).unwrap();
    tg_staff().read(&Received { body, headers: &headers, path_token: None }, credentials, arrival)
}

fn read(body: impl AsRef<[u8]>) -> Result<Request, Refusal> {
    read_with(&Credentials::default(), body.as_ref())
}

fn incoming(body: impl AsRef<[u8]>) -> Incoming {
    match read(body) {
        Ok(Request::Events(mut events)) if events.len() == 1 => events.remove(0),
        other => panic!("{other:?}"),
    }
}

fn event(body: impl AsRef<[u8]>) -> Event {
    incoming(body).event
}

/// A message with these members.
fn message(members: &str) -> Event {
    event(format!("{{\"event_type\":\"message.received\",{members}}}"))
}

fn sample(name: &str) -> &'static str {
    TgStaff.samples().iter().find(|sample| sample.name == name).unwrap().body
}

fn events() -> impl Iterator<Item = &'static str> {
    TgStaff.samples().iter().filter(|sample| sample.name != "ping").map(|sample| sample.body)
}

/// What slashbox makes of a body that says nothing but its name.
fn bare(native_kind: &str, kind: &str, body: &str) -> Event {
    let (tenant, source, dialect) = ("acme".into(), "support".into(), "tg-staff".into());
    Event {
        id: "01J".into(),
        kind: kind.into(),
        native_kind: native_kind.into(),
        conversation: None,
        contact: None,
        operator: None,
        sender: Sender::System,
        message: None,
        text: None,
        occurred_at_ms: NOW_MS,
        origin: Origin { tenant, source, dialect, instance: None },
        data: body.trim().into(),
        envelope: String::new(),
        hops: 0,
    }
}

#[test]
fn the_samples() {
    let check = |name: &str, native_kind: &str, kind: &str, tell: &dyn Fn(&mut Event)| {
        let mut expected = bare(native_kind, kind, sample(name));
        tell(&mut expected);
        assert_eq!(event(sample(name)), expected);
    };
    let (conversation, contact, operator) = (Some("conv_1618".into()), Some("5339212345".into()), Some("77".into()));
    let hello = "Hello, I need help with my order";
    check("conversation_created", "conversation.created", "conversation.created", &|event| {
        (event.conversation, event.contact) = (conversation.clone(), contact.clone());
        event.text = Some(hello.into());
    });
    check("message_received", "message.received", "message.received", &|event| {
        (event.conversation, event.contact) = (conversation.clone(), contact.clone());
        (event.sender, event.message, event.text) = (Sender::Contact, Some("20481".into()), Some(hello.into()));
    });
    check("message_from_agent", "message.received", "message.sent", &|event| {
        (event.conversation, event.contact) = (conversation.clone(), contact.clone());
        (event.operator, event.sender) = (operator.clone(), Sender::Operator);
        (event.message, event.text) = (Some("20482".into()), Some("Hi Alice, which order is it?".into()));
    });
    for (name, kind) in [("assigned", "conversation.status_changed"), ("closed", "conversation.closed")] {
        check(&format!("status_{name}"), "conversation.status_changed", kind, &|event| {
            (event.conversation, event.contact) = (conversation.clone(), contact.clone());
            event.operator = operator.clone();
        });
    }
    check("agent_status_changed", "agent.status_changed", "agent.status_changed", &|event| {
        event.operator = operator.clone();
    });
    assert_eq!(read(sample("ping")), Ok(Request::Ping));
}

#[test]
fn what_asks_whether_somebody_is_there_is_no_event() {
    let pings = [
        "",
        " \r\n\t",
        "{}",
        r#"{"event_type":"ping"}"#,
        "\n{ \"event_type\" : \"test\", \"data\": {\"n\": 1} }\n",
        r#"{"event_type":null}"#,
        r#"{"event":"message.received","data":{"event_type":"message.received"}}"#,
        r#"{"event_type":"message.received","event_type":"ping"}"#,
    ];
    for ping in pings {
        assert_eq!(read(ping), Ok(Request::Ping), "{ping}");
    }
    assert_eq!((tg_staff().pong().status, tg_staff().pong().body.as_str()), (200, ""));
    assert_eq!(event(r#"{"event_type":"Ping"}"#).kind, "native.Ping");
}

#[test]
fn what_is_no_object_with_a_name_is_refused() {
    let check = |body: &[u8], expected: &str| {
        let refusal = read(body).unwrap_err();
        assert_eq!((refusal.status(), refusal.to_string().as_str()), (400, expected));
    };
    check(b"[{}]", "the body is [{}]: expected a JSON object");
    check(b" 7", "the body is 7: expected a JSON object");
    check(b"\"ping\"", "the body is \"ping\": expected a JSON object");
    check(b"\0", "the body is \0: expected a JSON object");
    check(b"{\"event_type\":\"\xff\"}", "the body is no UTF-8: invalid byte at position 15");
    let unsound = "the body is no sound JSON object: ";
    check(b"{", &format!("{unsound}EOF while parsing an object at line 1 column 1"));
    check(b"{\"a\":1}x", &format!("{unsound}trailing characters at line 1 column 8"));
    check(
        b"{\"a\":\"\0\"}",
        &format!("{unsound}control character (\\u0000-\\u001F) found while parsing a string at line 1 column 6"),
    );
    for value in ["7", "true", "[\"ping\"]", "{\"a\":1}", "1e999"] {
        let problem = format!("`event_type` is {value}: expected a string such as \"message.received\"");
        check(format!("{{\"event_type\":{value}}}").as_bytes(), &problem);
    }
}

#[test]
fn unknown_names_are_native() {
    let check = |name: &str, kind: &str| {
        let event = event(format!("{{\"event_type\":\"{name}\",\"sender_type\":\"agent\",\"agent_id\":7}}"));
        assert_eq!((event.kind.as_str(), event.sender), (kind, Sender::Operator));
        assert_eq!(event.operator.as_deref(), Some("7"));
    };
    check("message.edited", "native.message.edited");
    check("/mark", "native._mark");
    check("message.sent", "native.message.sent");
    check("conversation.closed", "native.conversation.closed");
    check("a\\ud800", "native.a___");
    check("", "native.unnamed");
    assert_eq!(event(r#"{"event_type":"message.edited"}"#).sender, Sender::Unknown);
}

#[test]
fn whose_message_it_is_decides_of_its_kind() {
    let check = |members: &str, kind: &str, sender: Sender| {
        let event = message(members);
        assert_eq!((event.kind.as_str(), event.sender), (kind, sender), "{members}");
        let is_it = |known: &&super::Kind| known.native == event.native_kind && known.canonical == kind;
        assert!(KINDS.iter().find(is_it).unwrap().senders.contains(&sender), "{members}");
    };
    for name in ["user", "contact", "customer", "visitor", "client", "User", "CLIENT"] {
        check(&format!("\"sender_type\":\"{name}\""), "message.received", Sender::Contact);
    }
    for name in ["agent", "operator", "staff", "support", "Agent"] {
        check(&format!("\"sender_type\":\"{name}\""), "message.sent", Sender::Operator);
    }
    check(r#""sender_type":"bot""#, "message.sent", Sender::Bot);
    check(r#""sender":{"type":"System"}"#, "message.sent", Sender::System);
    check(r#""sender_type":"user","data":{"sender":{"type":"agent"}}"#, "message.sent", Sender::Operator);
    for unknown in [r#""text":"hi""#, r#""sender_type":"robot""#, r#""sender_type":7"#, r#""sender_type":null"#] {
        check(unknown, "message.received", Sender::Unknown);
    }
}

#[test]
fn a_status_that_is_closed_closes() {
    let check = |members: &str, kind: &str| {
        let event = event(format!("{{\"event_type\":\"conversation.status_changed\",{members}}}"));
        assert_eq!((event.kind.as_str(), event.sender), (kind, Sender::System), "{members}");
    };
    for closed in [
        r#""status":"closed""#,
        r#""status":"Closed","sender_type":"agent""#,
        r#""new_status":"CLOSED""#,
        r#""from":"assigned","to":"closed""#,
        r#""status":{},"to":"closed""#,
        r#""status":"ok","data":{"status":"closed"}"#,
    ] {
        check(closed, "conversation.closed");
    }
    for other in [
        r#""status":"in progress""#,
        r#""old_status":"closed","status":"waiting""#,
        r#""status":null"#,
        r#""status":["closed"]"#,
        r#""data":{"new_status":"assigned"},"status":"closed""#,
    ] {
        check(other, "conversation.status_changed");
    }
    assert_eq!(event(r#"{"event_type":"agent.status_changed","status":"closed"}"#).kind, "agent.status_changed");
}

/// Conversation, contact, operator, message, text and instance.
fn typed(event: &Event) -> [Option<&str>; 6] {
    let Event { conversation, contact, operator, message, text, origin, .. } = event;
    [conversation, contact, operator, message, text, &origin.instance].map(Option::as_deref)
}

#[test]
fn members_are_known_by_their_usual_names() {
    let check = |members: &str, expected: [Option<&str>; 6]| {
        assert_eq!(typed(&message(members)), expected, "{members}");
        assert_eq!(typed(&message(&format!("\"data\":{{{members}}}"))), expected, "{members}");
    };
    let nothing = [None; 6];
    check(r#""conversation_id":"c","user_id":1"#, [Some("c"), Some("1"), None, None, None, None]);
    check(r#""session_id":-5,"contact_id":"u""#, [Some("-5"), Some("u"), None, None, None, None]);
    check(r#""conversation":{"id":"c"},"user":{"id":2}"#, [Some("c"), Some("2"), None, None, None, None]);
    check(r#""session":{"id":"s"},"agent":{"id":"a"}"#, [Some("s"), None, Some("a"), None, None, None]);
    check(r#""sender_type":"customer","sender_id":3"#, [None, Some("3"), None, None, None, None]);
    check(r#""sender":{"type":"agent","id":4},"user_id":3"#, [None, Some("3"), Some("4"), None, None, None]);
    check(r#""sender_type":"agent","sender_id":4,"agent_id":5"#, [None, None, Some("5"), None, None, None]);
    check(r#""sender_type":"bot","sender_id":6"#, nothing);
    check(r#""sender_id":6"#, nothing);
    check(r#""message":{"id":"m","text":"hi"}"#, [None, None, None, Some("m"), Some("hi"), None]);
    check(r#""message":"hi","message_id":8"#, [None, None, None, Some("8"), Some("hi"), None]);
    check(r#""message":8"#, nothing);
    check(r#""first_message":"hi""#, [None, None, None, None, Some("hi"), None]);
    check(r#""first_message":{"text":"hi","id":1}"#, [None, None, None, None, Some("hi"), None]);
    check(r#""message":{},"first_message":"b""#, [None, None, None, None, Some("b"), None]);
    check(r#""message":"b","text":"a""#, [None, None, None, None, Some("a"), None]);
    check(r#""bot_id":9"#, [None, None, None, None, None, Some("9")]);
    check(r#""project_id":"p","bot_id":9"#, [None, None, None, None, None, Some("p")]);
}

#[test]
fn data_goes_before_what_stands_beside_it() {
    let both = message(
        r#""conversation_id":"a","user_id":"a","text":"a","message_id":"a",
        "data":{"session_id":"b","user_id":{},"message":"b","message_id":null}"#,
    );
    assert_eq!(typed(&both), [Some("b"), Some("a"), None, Some("a"), Some("b"), None]);
    for data in ["null", "7", "\"text\"", "[{\"text\":\"b\"}]", "[]"] {
        assert_eq!(message(&format!("\"text\":\"a\",\"data\":{data}")).text.as_deref(), Some("a"));
    }
}

#[test]
fn what_does_not_fit_is_left_out() {
    let check = |members: &str| {
        let event = message(members);
        assert_eq!((typed(&event), event.occurred_at_ms), ([None; 6], NOW_MS), "{members}");
        assert_eq!(event.data, format!("{{\"event_type\":\"message.received\",{members}}}"));
    };
    for odd in ["null", "{}", "[]", "true", "[1]", "{\"id\":[]}", "{\"id\":\"\"}"] {
        check(&format!(
            "\"conversation_id\":{odd},\"user_id\":{odd},\"agent_id\":{odd},\"message_id\":{odd},\"text\":{odd},\
            \"conversation\":{odd},\"user\":{odd},\"message\":{odd},\"sender\":{odd},\"timestamp\":{odd},\"bot_id\":{odd}"
        ));
    }
    check(&format!("\"user_id\":\"{}\"", "x".repeat(257)));
    check(r#""user_id":"a\ud800""#);
}

#[test]
fn ids_are_as_they_were_written() {
    for id in ["18446744073709551615", "-9223372036854775808", "1.50", "1e999", "-0"] {
        let event = message(&format!("\"user_id\":{id},\"conversation_id\":\"{id}\""));
        assert_eq!((event.contact.as_deref(), event.conversation.as_deref()), (Some(id), Some(id)));
    }
}

#[test]
fn the_last_of_several_counts() {
    let twice = message(r#""data":{"text":"a"},"user_id":1,"user_id":2,"data":{"text":"b","text":"c"}"#);
    assert_eq!((twice.contact.as_deref(), twice.text.as_deref()), (Some("2"), Some("c")));
}

#[test]
fn odd_texts_are_taken() {
    assert_eq!(message(r#""text":"a\ud800b\u0000""#).text.as_deref(), Some("a\u{fffd}\u{fffd}\u{fffd}b\0"));
    assert_eq!(message(r#""text":"\u0444 \ud83d\ude00 \"q\"""#).text.as_deref(), Some("ф 😀 \"q\""));
    assert_eq!(message(r#""text":5"#).text.as_deref(), Some("5"));
    assert_eq!(message(r#""text":"""#).text.as_deref(), Some(""));
    let deep = format!("\"deep\":{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(message(&format!("\"text\":\"a\",{deep}")).text.as_deref(), Some("a"));
    assert_eq!(message(&format!("\"data\":{{\"text\":\"a\",{deep}}}")).text.as_deref(), Some("a"));
}

#[test]
fn times_are_taken_however_they_are_written() {
    let check = |members: &str, expected: u64| assert_eq!(message(members).occurred_at_ms, expected, "{members}");
    let ms = 1_759_956_080_000;
    check(r#""timestamp":"2025-10-08T20:41:20Z""#, ms);
    check(r#""created_at":"2025-10-08 20:41:20""#, ms);
    check(r#""occurred_at":1759956080"#, ms);
    check(r#""time":"1759956080000""#, ms);
    check(r#""data":{"time":1759956080000}"#, ms);
    check(r#""timestamp":"yesterday","created_at":"2025-10-08T20:41:20Z""#, ms);
    // The conversation began earlier than its status changed.
    check(r#""timestamp":1759956080,"data":{"created_at":1759000000}"#, ms);
    for none in ["\"2025-02-30T00:00:00Z\"", "0", "-1", "1e999", "18446744073709551615", "\"\\ud800\"", "\"\\u0000\""] {
        check(&format!("\"timestamp\":{none}"), NOW_MS);
    }
}

fn dedupe(members: &str) -> Option<Dedupe> {
    incoming(format!("{{\"event_type\":\"agent.status_changed\",{members}}}")).dedupe
}

#[test]
fn what_has_a_time_or_a_message_is_known_again() {
    let first = dedupe(r#""agent_id":7,"timestamp":1759956080"#).unwrap();
    assert_eq!(first.ttl_ms, 900_000);
    assert_eq!(dedupe(r#""agent_id":7,"timestamp":1759956080"#), Some(first.clone()));
    for other in [r#""agent_id":8,"timestamp":1759956080"#, r#""agent_id":7,"timestamp":1759956081"#] {
        assert_ne!(dedupe(other).unwrap().key, first.key);
    }
    assert!(dedupe(r#""data":{"occurred_at":"2025-10-08T20:41:20Z"}"#).is_some());
    assert!(dedupe(r#""created_at":"2025-10-08T20:41:20Z""#).is_some());
    // An agent who goes online twice did so twice, whatever else had its time before; what the event itself may be called
    // is no documented thing.
    let of_conversation = r#""data":{"created_at":"2025-10-08T20:41:20Z","message_id":7}"#;
    let named = r#""id":1,"event_id":"e""#;
    for never in [r#""status":"online""#, of_conversation, named, r#""timestamp":"now","message_id":null"#] {
        assert_eq!(dedupe(never), None, "{never}");
    }
    let padded = incoming(format!(" {} ", sample("message_received")));
    assert_eq!(padded.dedupe, incoming(sample("message_received")).dedupe);
    assert!(padded.dedupe.is_some());
}

#[test]
fn an_event_may_have_256_kibibytes() {
    let of_size = |bytes: usize| {
        let body = |text: &str| format!("{{\"event_type\":\"message.received\",\"text\":\"{text}\"}}");
        body(&"x".repeat(bytes - body("").len()))
    };
    assert_eq!(event(format!("\n{}\n", of_size(EVENT_BYTES_MAX))).data.len(), EVENT_BYTES_MAX);
    assert_eq!(read(of_size(EVENT_BYTES_MAX + 1)), Err(Refusal::EventTooLarge { at: None, bytes: 262_145 }));
}

const KEY: &str = "pQTngMZLh0NmAh";

/// A source that knows its sender by the key, in each of the ways that it has.
fn sources() -> [Credentials; 3] {
    let key = || Some(Secret::new(KEY).unwrap());
    let header = http::HeaderName::from_static("x-key");
    [
        Credentials { token: key(), ..Credentials::default() },
        Credentials { hmac_secret: key(), ..Credentials::default() },
        Credentials { auth_header: Some(header).zip(key()), ..Credentials::default() },
    ]
}

#[test]
fn a_credential_that_the_sender_repeats_is_taken_out() {
    let spelled: String = KEY.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    for key in [KEY, &spelled] {
        let body = format!(
            "{{\"event_type\":\"message.received\",\"{key}\":1,\"user_id\":\"{key}\",\"n\":1.0,\
            \"data\":{{\"text\":\"my key is {key}\",\"deep\":[{{\"{key}\":\"{key}\"}}]}}}}"
        );
        let clean = r#"{"event_type":"message.received","[redacted]":1,"user_id":"[redacted]","n":1.0,"data":{"text":"[redacted]","deep":[{"[redacted]":"[redacted]"}]}}"#;
        for source in sources() {
            let Ok(Request::Events(events)) = read_with(&source, body.as_bytes()) else { panic!("{body}") };
            assert_eq!(events[0].event.data, clean);
            assert_eq!(events[0].event.contact.as_deref(), Some("[redacted]"));
            assert_eq!(events[0].event.text.as_deref(), Some("[redacted]"));
            for wrong in [
                format!("[\"{key}\"]"),
                format!("{{\"event_type\":[\"{key}\"]}}"),
                format!("{{\"event_type\":{{\"{key}\":1}}}}"),
                format!("{KEY} {{"),
                format!("{{\"a\":{KEY}}}"),
            ] {
                let refusal = read_with(&source, wrong.as_bytes()).unwrap_err();
                assert_eq!(refusal.status(), 400);
                let text = refusal.to_string();
                assert!(!text.contains(KEY) && !text.contains(&spelled), "{text}");
            }
        }
    }
}

#[test]
fn nobody_reads_what_is_not_signed() {
    for source in sources() {
        let headers = HeaderMap::new();
        for body in ["", "{}", "[", sample("message_received")] {
            let new_id = || "01J".into();
            let arrival = Arrival { tenant: "acme", source: "support", now_ms: NOW_MS, new_id: &new_id };
            let received = Received { body: body.as_bytes(), headers: &headers, path_token: None };
            let refusal = tg_staff().read(&received, &source, arrival).unwrap_err();
            assert_eq!(refusal.status(), 401, "{body}");
        }
        assert_eq!(read_with(&source, b""), Ok(Request::Ping));
    }
}

fn body(format: Format, event: &Event) -> String {
    let rendered = format.event(event, &Recipient::default());
    assert_eq!((rendered.content_type, rendered.signature), ("application/json", None));
    rendered.body
}

#[test]
fn what_came_in_goes_out() {
    let odd = r#"{"event_type" : "x", "n":[1.0, 1e999, 18446744073709551615, -0], "n":"\ud800","é":" "}"#;
    for text in events().chain([odd]) {
        for format in [Format::AsReceived, Format::Dialect(tg_staff())] {
            assert_eq!(body(format, &event(format!("\r\n{text} "))), text.trim());
        }
    }
}

#[test]
fn a_body_that_was_not_kept_is_written_anew() {
    let mut event = event(sample("status_closed"));
    for (data, beside) in [
        ("", ""),
        ("null", ""),
        ("{}", r#","tg-staff":{}"#),
        ("{\"event_type\":\"x\"", r#","tg-staff":"{\"event_type\":\"x\"""#),
        ("[1.0]", r#","tg-staff":[1.0]"#),
    ] {
        event.data = data.into();
        let expected = format!(
            "{{\"event_type\":\"conversation.status_changed\",\"timestamp\":\"2025-10-09T08:53:20Z\",\
            \"conversation_id\":\"conv_1618\",\"user_id\":5339212345,\"agent_id\":77,\"sender_type\":\"system\",\
            \"status\":\"closed\"{beside}}}"
        );
        assert_eq!(body(Format::AsReceived, &event), expected);
    }
}

/// What nobody's platform wrote.
fn emitted(kind: &str, sender: Sender) -> Event {
    let mut event = bare(kind, kind, "null");
    event.origin.dialect = "native".into();
    event.sender = sender;
    event
}

fn check_written(event: &Event, expected: &Value) {
    let written = body(Format::Dialect(tg_staff()), event);
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), *expected);
}

#[test]
fn what_another_wrote_is_written_as_tg_staff_would() {
    let mut event = emitted("message.sent", Sender::Operator);
    event.conversation = Some("-1002146012345:5343".into());
    (event.contact, event.operator) = (Some("5339212345".into()), Some("agent_7".into()));
    (event.message, event.text) = (Some("007".into()), Some("a \"b\"\n".into()));
    (event.origin.dialect, event.data) = ("hotline".into(), r#"{ "text": 1e999 }"#.into());
    event.occurred_at_ms += 5;
    let expected = r#"{"event_type":"message.received","timestamp":"2025-10-09T08:53:20.005Z","conversation_id":"-1002146012345:5343","user_id":5339212345,"agent_id":"agent_7","sender_type":"agent","sender_id":"agent_7","message_id":"007","text":"a \"b\"\n","hotline":{ "text": 1e999 }}"#;
    assert_eq!(body(Format::Dialect(tg_staff()), &event), expected);
}

#[test]
fn names_are_the_platforms_own() {
    let check = |kind: &str, sender: Sender, mut expected: Value| {
        expected["timestamp"] = json!("2025-10-09T08:53:20Z");
        if expected["event_type"] == "message.received" {
            (expected["conversation_id"], expected["sender_id"]) = (json!(""), json!(""));
        }
        check_written(&emitted(kind, sender), &expected);
    };
    let received = "message.received";
    check(received, Sender::Contact, json!({ "event_type": received, "sender_type": "user" }));
    check(received, Sender::Unknown, json!({ "event_type": received }));
    for (sender, name) in [(Sender::Operator, "agent"), (Sender::Bot, "system"), (Sender::System, "system")] {
        check("message.sent", sender, json!({ "event_type": received, "sender_type": name }));
    }
    check("message.sent", Sender::Unknown, json!({ "event_type": received, "sender_type": "agent" }));
    let changed = "conversation.status_changed";
    check("conversation.closed", Sender::Unknown, json!({ "event_type": changed, "status": "closed" }));
    check(changed, Sender::Unknown, json!({ "event_type": changed }));
    check("draft.created", Sender::Bot, json!({ "event_type": "draft.created", "sender_type": "system" }));
    check("slashbox.test", Sender::System, json!({ "event_type": "test", "sender_type": "system" }));
    check_written(&emitted("slashbox.ping", Sender::System), &json!({ "event_type": "ping" }));
}

#[test]
fn data_of_nobodys_platform_goes_beside_the_fields_and_replaces_none() {
    let mut event = emitted("conversation.closed", Sender::Unknown);
    event.data = r#"{"status":"open","referrer":"ad","event_type":"ping"}"#.into();
    let time = "2025-10-09T08:53:20Z";
    let name = "conversation.status_changed";
    check_written(&event, &json!({ "event_type": name, "timestamp": time, "status": "closed", "referrer": "ad" }));
}

#[test]
fn a_command_is_an_event_of_its_name() {
    let command = Command {
        id: "01J".into(),
        name: "/mark".parse().unwrap(),
        args: "deal".into(),
        conversation: Some("7".into()),
        operator: Some("8".into()),
        contact: None,
        message: None,
        occurred_at_ms: NOW_MS,
        origin: emitted("a.b", Sender::System).origin,
        data: "null".into(),
        envelope: String::new(),
    };
    let written = Format::Dialect(tg_staff()).command(&command, &Recipient::default()).body;
    let expected = json!({
        "event_type": "/mark", "timestamp": "2025-10-09T08:53:20Z", "conversation_id": 7, "agent_id": 8,
        "sender_type": "agent", "sender_id": 8, "text": "deal",
    });
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
}

#[test]
fn what_goes_out_is_signed_with_the_subscribers_secret() {
    // The figures are those of `openssl dgst -sha256 -hmac`.
    let to = Recipient { hmac_secret: Some("whsec_of_the_receiver"), api_key: Some("not for this dialect") };
    let own = event("{\"event_type\":\"message.received\",\"text\":\"hi\"}");
    let foreign = emitted("slashbox.ping", Sender::System);
    let check = |event: &Event, expected: &str| {
        let rendered = Format::Dialect(tg_staff()).event(event, &to);
        assert_eq!(rendered.signature, Some(("x-tg-staff-signature", expected.into())), "{}", rendered.body);
        let theirs = Credentials { hmac_secret: Secret::new("whsec_of_the_receiver").ok(), ..Credentials::default() };
        assert_eq!(theirs.headers(rendered.body.as_bytes()).unwrap()["x-tg-staff-signature"], expected);
        assert!(read_with(&theirs, rendered.body.as_bytes()).is_ok());
    };
    check(&own, "609976c0538ada03c2c2e746495cebbe2ed31967eb2a536620e7fb232f618a68");
    check(&foreign, "ae48b0d78dbd453457ed9e3468a9ed5686ffa49d137d177fd72d68dd3d315af9");
}

/// A value as somebody may write it, members that the dialect looks for among them.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(&["null", "true", "0", "-1", "1e999", "18446744073709551615", "\"\"", "\"closed\"", "\"agent\""][..])
            .prop_map(str::to_owned),
        select(&["\"\\ud800\"", "\"\\u0000\"", "\"message.received\"", "\"2025-10-08T20:41:20Z\"", "[]", "{}"][..])
            .prop_map(str::to_owned),
        any::<String>().prop_map(|text| crate::json::string(&text)),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(" ,"))), object_of(inner),]
    })
}

fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let names = [
        "event_type",
        "data",
        "conversation_id",
        "session",
        "user",
        "user_id",
        "agent",
        "agent_id",
        "sender",
        "sender_id",
        "sender_type",
        "type",
        "id",
        "message",
        "message_id",
        "text",
        "first_message",
        "status",
        "to",
        "timestamp",
        "time",
        "other",
        "a\\ud800",
        "\\u0000",
    ];
    let member = (select(names.to_vec()), value).prop_map(|(name, value)| format!("\"{name}\" :{value}"));
    vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn field() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[ -~а-я]{1,12}|-?[0-9]{1,20}|[0-9]{1,3}\\.0")
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes: Vec<u8>, text: String) {
        for body in [&bytes, text.as_bytes()] {
            if let Err(refusal) = read(body) {
                prop_assert_eq!(refusal.status(), 400);
            }
        }
    }

    #[test]
    fn any_object_is_taken_or_refused(
        name in select(&["\"x\"", "\"message.received\"", "\"conversation.status_changed\"", "null", "{}"][..]),
        rest in object_of(value()),
    ) {
        let body = format!("{{\"event_type\":{name},\"other\":1,{}", rest.trim_start_matches('{'));
        let body = body.replace(",}", "}");
        match read(&body) {
            Ok(Request::Ping) => {}
            Ok(Request::Events(events)) => {
                prop_assert_eq!(&events[0].event.data, &body);
                prop_assert_eq!(&self::body(Format::AsReceived, &events[0].event), &body);
            }
            other => prop_assert_eq!(other.map_err(|refusal| refusal.status()), Err(400)),
        }
    }

    #[test]
    fn what_another_wrote_can_be_read_again(
        known in select(KINDS),
        at in 0usize..3,
        (conversation, contact, operator, message) in (field(), field(), field(), field()),
        text in proptest::option::of(any::<String>()),
        occurred_at_ms in 0u64..253_000_000_000_000,
        (dialect, data) in select(
            &[("native", "null"), ("native", "{\"order\":1.0}"), ("native", "[1]"), ("inbox", "{\"text\":\"x\"}"),
            ("hotline", "{\"data\":{\"user_id\":1}}"), ("tg-staff", "{}"), ("sendpulse", "\"x\"")][..]
        ),
    ) {
        let mut event = emitted(known.canonical, known.senders[at % known.senders.len()]);
        (event.native_kind, event.data) = (known.native.into(), data.into());
        (event.conversation, event.contact) = (conversation, contact);
        (event.operator, event.message) = (operator, message);
        (event.text, event.occurred_at_ms) = (text, occurred_at_ms);
        event.origin.dialect = dialect.into();
        let written = body(Format::Dialect(tg_staff()), &event);
        let mut again = self::event(&written);
        prop_assert_eq!(&again.data, &written);
        (again.data, again.origin.dialect) = (event.data.clone(), event.origin.dialect.clone());
        // The document has one word for what no person wrote.
        if event.sender == Sender::Bot {
            event.sender = Sender::System;
        }
        prop_assert_eq!(again, event);
    }
}
