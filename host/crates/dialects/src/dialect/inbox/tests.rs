//! The document's requests, and what hostile senders make of them.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;
use slashbox_core::{Command, Event, Origin, Sender};

use super::{Inbox, KINDS, Wire};
use crate::{
    Arrival, Credentials, Dialect, EVENT_BYTES_MAX, Format, Incoming, Received, Recipient, Refusal, Request, Secret,
    dedupe,
};

const NOW_MS: u64 = 1_780_000_000_000;

/// Of the document: 2026-03-11T10:00:00Z.
const TEN_MS: u64 = 1_773_223_200_000;

fn inbox() -> Dialect {
    "inbox".parse().unwrap()
}

fn read_with(credentials: &Credentials, body: &[u8]) -> Result<Request, Refusal> {
    let new_id = || "01J".into();
    let arrival = Arrival { tenant: "acme", source: "support", now_ms: NOW_MS, new_id: &new_id };
    let headers = credentials.headers(body).unwrap();
    inbox().read(&Received { body, headers: &headers, path_token: None }, credentials, arrival)
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

/// An event with this `data`.
fn told(name: &str, data: &str) -> Event {
    event(format!("{{\"event\":\"{name}\",\"delivery_id\":\"1\",\"data\":{data}}}"))
}

fn sample(name: &str) -> &'static str {
    Inbox.samples().iter().find(|sample| sample.name == name).unwrap().body
}

/// The text of `data`, as it is written in a sample.
fn data_of(sample: &str) -> &str {
    let start = sample.find("\"data\": ").unwrap() + "\"data\": ".len();
    sample[start..].trim_end().strip_suffix('}').unwrap().trim_end()
}

/// What slashbox makes of a request that says nothing but its name.
fn bare(native_kind: &str, kind: &str) -> Event {
    let (tenant, source, dialect) = ("acme".into(), "support".into(), "inbox".into());
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
        data: "null".into(),
        envelope: String::new(),
        hops: 0,
    }
}

#[test]
fn the_documents_requests() {
    let check = |name: &str, kind: &str, delivery_id: &str, tell: &dyn Fn(&mut Event)| {
        let mut expected = bare(&name.replacen('_', ".", 1), kind);
        expected.data = data_of(sample(name)).into();
        expected.envelope = format!("{{\"event\":\"{}\",\"delivery_id\":\"{delivery_id}\"}}", expected.native_kind);
        expected.conversation = Some("telegram:123456789".into());
        tell(&mut expected);
        let Incoming { event, dedupe } = incoming(sample(name));
        assert_eq!(event, expected);
        assert_eq!(dedupe, Some(dedupe::by_id(delivery_id)));
    };
    let message = Some("msg_abc123".to_owned());
    check("message_received", "message.received", "12345", &|event| {
        (event.contact, event.sender) = (Some("123456789".into()), Sender::Contact);
        (event.message, event.occurred_at_ms) = (message.clone(), TEN_MS);
        event.text = Some("Hello, I need help with my order".into());
    });
    check("message_updated", "message.updated", "12346", &|event| {
        (event.message, event.sender) = (message.clone(), Sender::Unknown);
        event.text = Some("Hello, I need help with my order (edited)".into());
    });
    check("message_deleted", "message.deleted", "12347", &|event| {
        (event.message, event.sender) = (message.clone(), Sender::Unknown);
    });
    check("conversation_started", "conversation.created", "12348", &|event| event.occurred_at_ms = TEN_MS);
    check("conversation_updated", "conversation.updated", "12349", &|event| {
        event.operator = Some("agent@company.com".into());
    });
    check("conversation_closed", "conversation.closed", "12350", &|event| event.occurred_at_ms = TEN_MS + 3_600_000);
    check("handoff_requested", "handoff.requested", "12351", &|event| event.sender = Sender::Bot);
    check("draft_created", "draft.created", "12352", &|event| {
        (event.sender, event.occurred_at_ms) = (Sender::Bot, TEN_MS + 30_000);
        event.text = Some("Thank you for your message! Our team will respond shortly.".into());
    });
    check("contact_updated", "contact.updated", "12353", &|event| {
        (event.conversation, event.contact) = (None, Some("person_123".into()));
    });
    assert_eq!((Inbox.samples().len(), KINDS.len()), (9, 9));
}

#[test]
fn what_is_no_object_with_a_name_is_refused() {
    let check = |body: &[u8], expected: &str| {
        let refusal = read(body).unwrap_err();
        assert_eq!((refusal.status(), refusal.to_string().as_str()), (400, expected));
    };
    check(b"[{}]", "the body is [{}]: expected a JSON object");
    check(b" null", "the body is null: expected a JSON object");
    check(b"", "the body is no sound JSON object: EOF while parsing a value at line 1 column 0");
    check(b"{\"event\":\"\xc3\"}", "the body is no UTF-8: invalid byte at position 10");
    check(b"{\"event\":1", "the body is no sound JSON object: EOF while parsing an object at line 1 column 10");
    let named = |found: &str| format!("`event` is {found}: expected a string such as \"message.received\"");
    check(b"{}", &named("missing"));
    check(b"{\"event\":null}", &named("missing"));
    check(b"{\"event_type\":\"message.received\"}", &named("missing"));
    check(b"{\"event\":\"message.received\",\"event\":null}", &named("missing"));
    for value in ["7", "true", "[\"x\"]", "{\"a\":1}", "1e999"] {
        check(format!("{{\"event\":{value}}}").as_bytes(), &named(value));
    }
}

#[test]
fn unknown_names_are_native() {
    let check = |name: &str, kind: &str| {
        let event = told(name, r#"{"thread_id":1,"contact_id":2,"text":"a"}"#);
        assert_eq!((event.kind.as_str(), event.sender), (kind, Sender::Unknown));
        assert_eq!(typed(&event), [Some("1"), Some("2"), None, None, Some("a")]);
    };
    check("draft.sent", "native.draft.sent");
    check("conversation.created", "native.conversation.created");
    check("/mark", "native._mark");
    check("a\\ud800\\u0000", "native.a____");
    check("", "native.unnamed");
}

/// Conversation, contact, operator, message and text.
fn typed(event: &Event) -> [Option<&str>; 5] {
    let Event { conversation, contact, operator, message, text, .. } = event;
    [conversation, contact, operator, message, text].map(Option::as_deref)
}

#[test]
fn what_is_there_is_taken() {
    let check = |name: &str, data: &str, expected: [Option<&str>; 5]| {
        assert_eq!(typed(&told(name, data)), expected, "{name} {data}");
    };
    check("message.received", r#"{"from":{"id":7},"contact_id":8}"#, [None, Some("7"), None, None, None]);
    check("message.received", r#"{"from":{"name":"a"},"contact_id":8}"#, [None, Some("8"), None, None, None]);
    check("message.received", r#"{"from":"7"}"#, [None; 5]);
    check("message.updated", r#"{"new_text":"b","text":"a"}"#, [None, None, None, None, Some("a")]);
    check("message.updated", r#"{"text":null,"new_text":"b"}"#, [None, None, None, None, Some("b")]);
    check("handoff.requested", r#"{"reason":"a"}"#, [None; 5]);
    let assigned = r#"{"changes":{"assigned_to":"a"}}"#;
    check("conversation.updated", assigned, [None, None, Some("a"), None, None]);
    for other in ["conversation.closed", "contact.updated", "other"] {
        check(other, assigned, [None; 5]);
    }
    for nobody in ["7", "null", "\"\"", "{\"id\":\"a\"}", "[\"a\"]"] {
        check("conversation.updated", &format!("{{\"changes\":{{\"assigned_to\":{nobody}}}}}"), [None; 5]);
    }
    check("conversation.updated", r#"{"changes":["assigned_to"],"assigned_to":"a"}"#, [None; 5]);
}

#[test]
fn data_is_of_any_type() {
    for data in ["null", "[1.0, 1e999]", "\"te\\ud800xt\"", "-0", "true", "{}", "{\"a\\ud800\":1}"] {
        let event = told("message.received", data);
        assert_eq!((typed(&event), event.data.as_str()), ([None; 5], data));
    }
    assert_eq!(event(r#"{"event":"message.received"}"#).data, "null");
    assert_eq!(event(r#"{"event":"message.received","data":{},"data":null}"#).data, "null");
}

#[test]
fn what_does_not_fit_is_left_out() {
    for odd in ["null", "{}", "[]", "true", "[1]", "{\"a\":1}"] {
        let data = format!(
            "{{\"thread_id\":{odd},\"message_id\":{odd},\"text\":{odd},\"from\":{odd},\"contact_id\":{odd},\
            \"changes\":{odd},\"timestamp\":{odd}}}"
        );
        for name in ["message.received", "conversation.updated", "other"] {
            let event = told(name, &data);
            assert_eq!((typed(&event), event.occurred_at_ms, &event.data), ([None; 5], NOW_MS, &data));
        }
    }
    let ids = format!(r#"{{"thread_id":"{}","message_id":"\ud800","contact_id":""}}"#, "x".repeat(257));
    assert_eq!(typed(&told("message.received", &ids)), [None; 5]);
}

#[test]
fn odd_values_are_taken_as_they_are() {
    for id in ["18446744073709551615", "-9223372036854775808", "1.50", "1e999"] {
        let event = told("message.received", &format!("{{\"thread_id\":{id},\"from\":{{\"id\":\"{id}\"}}}}"));
        assert_eq!(typed(&event), [Some(id), Some(id), None, None, None]);
    }
    let event = told("message.received", r#"{"text":"a\ud800\u0000 \u0444"}"#);
    assert_eq!(event.text.as_deref(), Some("a\u{fffd}\u{fffd}\u{fffd}\0 ф"));
    let twice = told("message.received", r#"{"text":"a","from":{"id":1},"text":"b","from":{"id":1,"id":2}}"#);
    assert_eq!(typed(&twice), [None, Some("2"), None, None, Some("b")]);
    let deep = format!("{{\"deep\":{}{},\"text\":\"a\"}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(told("message.received", &deep).text.as_deref(), Some("a"));
}

#[test]
fn times_are_rfc_3339_under_several_names() {
    let check = |members: &str, expected: u64| {
        assert_eq!(told("other", &format!("{{{members}}}")).occurred_at_ms, expected, "{members}");
        assert_eq!(event(format!("{{\"event\":\"other\",{members}}}")).occurred_at_ms, expected, "{members}");
    };
    for name in super::TIMES {
        check(&format!("\"{name}\":\"2026-03-11T10:00:00Z\""), TEN_MS);
    }
    check(r#""timestamp":"2026-03-11T12:00:00.25+02:00""#, TEN_MS + 250);
    check(r#""created_at":"2026-03-11T10:00:00Z","timestamp":"2026-03-11T10:00:01Z""#, TEN_MS + 1_000);
    check(r#""timestamp":"yesterday","created_at":"2026-03-11T10:00:00Z""#, TEN_MS);
    let odd = ["\"2026-02-30T10:00:00Z\"", "\"2026-03-11 10:00:00\"", "1773223200", "1e999", "null", "\"\\ud800\""];
    for odd in odd {
        check(&format!("\"timestamp\":{odd}"), NOW_MS);
    }
    let both = r#"{"event":"x","timestamp":"2026-03-11T10:00:01Z","data":{"closed_at":"2026-03-11T10:00:00Z"}}"#;
    assert_eq!(event(both).occurred_at_ms, TEN_MS);
}

#[test]
fn a_delivery_is_known_by_its_id() {
    let dedupe = |members: &str| incoming(format!("{{\"event\":\"agent.online\",{members}}}")).dedupe;
    let by_id = Some(dedupe::by_id("7"));
    assert_eq!(by_id.as_ref().unwrap().ttl_ms, 86_400_000);
    for same in
        [r#""delivery_id":"7""#, r#""delivery_id":7,"data":{"message_id":1}"#, r#""delivery_id":1,"delivery_id":7"#]
    {
        assert_eq!(dedupe(same), by_id);
    }
    for none in ["null", "\"\"", "{}", "[7]", "true"] {
        assert_eq!(dedupe(&format!("\"delivery_id\":{none},\"data\":{{\"agent\":1}}")), None, "{none}");
    }
    let content = dedupe(r#""data":{"message_id":1}"#).unwrap();
    assert_eq!(content.ttl_ms, 900_000);
    assert_eq!(dedupe(r#""data":{"message_id":1}"#), Some(content.clone()));
    for other in [r#""data":{"message_id":2}"#, r#""more":1,"data":{"message_id":1}"#] {
        assert_ne!(dedupe(other).unwrap().key, content.key);
    }
    assert!(dedupe(r#""timestamp":"2026-03-11T10:00:00Z""#).is_some());
}

#[test]
fn an_event_may_have_256_kibibytes() {
    let of_size = |bytes: usize| {
        let body = |text: &str| format!("{{\"event\":\"x\",\"data\":\"{text}\"}}");
        let Event { data, envelope, .. } = event(body(""));
        body(&"x".repeat(bytes - data.len() - envelope.len()))
    };
    let largest = event(of_size(EVENT_BYTES_MAX));
    assert_eq!(largest.data.len() + largest.envelope.len(), EVENT_BYTES_MAX);
    assert_eq!(read(of_size(EVENT_BYTES_MAX + 1)), Err(Refusal::EventTooLarge { at: None, bytes: 262_145 }));
    let beside = format!("{{\"event\":\"x\",\"more\":\"{}\"}}", "x".repeat(EVENT_BYTES_MAX));
    assert_eq!(read(beside).unwrap_err().status(), 413);
}

#[test]
fn a_credential_that_the_sender_repeats_is_taken_out() {
    const KEY: &str = "pQTngMZLh0NmAh";
    let spelled: String = KEY.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let token = Credentials { token: Secret::new(KEY).ok(), ..Credentials::default() };
    let name = http::HeaderName::from_static("x-key");
    let header = Credentials { auth_header: Some(name).zip(Secret::new(KEY).ok()), ..Credentials::default() };
    for (source, key) in [(&token, KEY), (&token, &spelled), (&header, KEY), (&header, &spelled)] {
        let body = format!(
            "{{\"event\":\"message.received\",\"delivery_id\":\"{key}\",\"{key}\":[\"x{key}\",1.0],\
            \"data\":{{\"text\":\"{key}\",\"{key}\":2.0,\"from\":{{\"id\":\"{key}\"}}}}}}"
        );
        let Ok(Request::Events(events)) = read_with(source, body.as_bytes()) else { panic!("{body}") };
        let Event { data, envelope, text, contact, .. } = &events[0].event;
        assert_eq!(data, r#"{"text":"[redacted]","[redacted]":2.0,"from":{"id":"[redacted]"}}"#);
        let clean = r#"{"event":"message.received","delivery_id":"[redacted]","[redacted]":["[redacted]",1.0]}"#;
        assert_eq!(envelope, clean);
        assert_eq!([text, contact].map(Option::as_deref), [Some("[redacted]"); 2]);
        for wrong in [format!("[\"{key}\"]"), format!("{{\"event\":[\"{key}\"]}}"), format!("{KEY}:")] {
            let text = read_with(source, wrong.as_bytes()).unwrap_err().to_string();
            assert!(!text.contains(KEY) && !text.contains(&spelled), "{text}");
        }
    }
}

fn body(format: Format, event: &Event) -> String {
    let rendered =
        format.event(event, &Recipient { hmac_secret: Some("not for this dialect"), api_key: Some("nor this") });
    assert_eq!((rendered.content_type, rendered.signature), ("application/json", None));
    rendered.body
}

#[test]
fn what_came_in_goes_out() {
    let odd =
        r#"{"delivery_id":7,"delivery_id":1e999,"more":[1.0, -0],"event":"x","data":{ "n": 18446744073709551615 }}"#;
    for text in Inbox.samples().iter().map(|sample| sample.body).chain([odd]) {
        for format in [Format::AsReceived, Format::Dialect(inbox())] {
            let event = event(text);
            let written = body(format, &event);
            assert!(written.ends_with(&format!(",\"data\":{}}}", event.data)) && text.contains(&event.data));
            let without_space = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(without_space(&written), without_space(text), "all numbers are as they were written");
        }
    }
    let moved = event(r#"{"data":{"a":1},"event":"x","timestamp":0}"#);
    assert_eq!(body(Format::AsReceived, &moved), r#"{"event":"x","timestamp":0,"data":{"a":1}}"#);
    let bare = event(r#"{"event":"x"}"#);
    assert_eq!(body(Format::AsReceived, &bare), r#"{"event":"x","data":null}"#);
}

/// What another platform wrote.
fn foreign(kind: &str, sender: Sender) -> Event {
    let mut event = bare(kind, kind);
    (event.id, event.sender, event.occurred_at_ms) = ("01K".into(), sender, TEN_MS);
    (event.origin.dialect, event.data) = ("hotline".into(), "{ \"n\": 1e999 }".into());
    (event.conversation, event.contact) = (Some("-1:5".into()), Some("7".into()));
    (event.operator, event.message, event.text) = (Some("8".into()), Some("9".into()), Some("a \"b\"".into()));
    event
}

#[test]
fn what_another_wrote_is_written_as_the_inbox_would() {
    let check = |kind: &str, sender: Sender, name: &str, members: &str| {
        let expected = format!(
            "{{\"event\":\"{name}\",\"delivery_id\":\"01K\",\"data\":{{\"thread_id\":\"-1:5\",\"message_id\":\"9\",\
            \"channel\":\"hotline\",{members},\"hotline\":{{ \"n\": 1e999 }}}}}}"
        );
        assert_eq!(body(Format::Dialect(inbox()), &foreign(kind, sender)), expected);
    };
    let (text, time) = (r#""text":"a \"b\"""#, "\"2026-03-11T10:00:00Z\"");
    let said = |contact: &str, time_name: &str| format!("{text},{contact},\"{time_name}\":{time}");
    let (from, by) = (r#""from":{"id":"7"}"#, r#""contact_id":"7""#);
    check("message.received", Sender::Contact, "message.received", &said(from, "timestamp"));
    check("message.received", Sender::Bot, "message.received", &said(by, "timestamp"));
    check("message.sent", Sender::Operator, "message.sent", &said(by, "timestamp"));
    let edited = said(from, "timestamp").replace("text", "new_text");
    check("message.updated", Sender::Contact, "message.updated", &edited);
    check("conversation.created", Sender::Contact, "conversation.started", &said(by, "created_at"));
    check("conversation.closed", Sender::System, "conversation.closed", &said(by, "closed_at"));
    let assigned = said(&format!("{by},\"changes\":{{\"assigned_to\":\"8\"}}"), "timestamp");
    check("conversation.updated", Sender::System, "conversation.updated", &assigned);
    let drafted = said(by, "created_at").replace("text", "draft_text");
    check("draft.created", Sender::Bot, "draft.created", &drafted);
    check("handoff.requested", Sender::Bot, "handoff.requested", &said(by, "timestamp"));
    check("contact.updated", Sender::System, "contact.updated", &said(by, "timestamp"));
    check("plugin.mark.done", Sender::System, "plugin.mark.done", &said(by, "timestamp"));
}

#[test]
fn data_of_nobodys_platform_goes_beside_the_fields_and_replaces_none() {
    let mut event = bare("a.b", "a.b");
    event.origin.dialect = "native".into();
    event.data = r#"{"channel":"web","changes":{"name":"x"},"n":1.0}"#.into();
    let expected = r#"{"event":"a.b","delivery_id":"01J","data":{"channel":"native","timestamp":"2026-05-28T20:26:40Z","changes":{"name":"x"},"n":1.0}}"#;
    assert_eq!(body(Format::Dialect(inbox()), &event), expected);
}

#[test]
fn an_envelope_that_was_not_kept_is_written_anew() {
    let mut event = event(sample("message_deleted"));
    event.data = String::new();
    for broken in ["", "{}", "{", "[]", "null", "{\"event\":\"x\"", "{\"event\"}", "{}}"] {
        event.envelope = broken.into();
        let expected = r#"{"event":"message.deleted","delivery_id":"01J","data":{"thread_id":"telegram:123456789","message_id":"msg_abc123","channel":"inbox","timestamp":"2026-05-28T20:26:40Z"}}"#;
        assert_eq!(body(Format::AsReceived, &event), expected);
    }
}

#[test]
fn a_command_is_an_event_of_its_name() {
    let command = Command {
        id: "01K".into(),
        name: "/mark".parse().unwrap(),
        args: "deal".into(),
        conversation: Some("7".into()),
        operator: Some("8".into()),
        contact: None,
        message: None,
        occurred_at_ms: TEN_MS,
        origin: foreign("a.b", Sender::System).origin,
        data: "null".into(),
        envelope: "{\"event_type\":\"/mark\"}".into(),
    };
    let expected = r#"{"event":"/mark","delivery_id":"01K","data":{"thread_id":"7","channel":"hotline","text":"deal","timestamp":"2026-03-11T10:00:00Z"}}"#;
    assert_eq!(Format::Dialect(inbox()).command(&command, &Recipient::default()).body, expected);
}

/// A value as somebody may write it, members that the dialect looks for among them.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(&["null", "true", "-1", "1e999", "18446744073709551615", "\"\"", "\"\\ud800\"", "[]", "{}"][..])
            .prop_map(str::to_owned),
        select(&["\"\\u0000\"", "\"message.received\"", "\"2026-03-11T10:00:00Z\""][..]).prop_map(str::to_owned),
        any::<String>().prop_map(|text| crate::json::string(&text)),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            members(inner).prop_map(|members| format!("{{{members}}}")),
        ]
    })
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let names = [
        "event",
        "delivery_id",
        "data",
        "thread_id",
        "message_id",
        "text",
        "new_text",
        "from",
        "id",
        "contact_id",
        "changes",
        "assigned_to",
        "timestamp",
        "closed_at",
        "other",
        "a\\ud800",
        "\\u0000",
    ];
    let member = (select(names.to_vec()), value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    vec(member, 0..8).prop_map(|members| members.join(","))
}

fn field() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[ -~а-я]{1,12}|-?[0-9]{1,20}|[0-9]{1,3}\\.0")
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_taken(bytes: Vec<u8>, text: String) {
        for body in [&bytes, text.as_bytes()] {
            if let Err(refusal) = read(body) {
                prop_assert_eq!(refusal.status(), 400);
            }
        }
    }

    #[test]
    fn any_object_is_taken_or_refused(
        name in select(&["\"x\"", "\"message.received\"", "\"conversation.updated\"", "null", "[]"][..]),
        rest in members(value()),
        data in value(),
    ) {
        let body = format!("{{\"event\":{name},\"data\":{data},\"more\":1{}{rest}}}", if rest.is_empty() { "" } else { "," });
        match read(&body) {
            Ok(Request::Events(events)) => {
                let event = &events[0].event;
                prop_assert!(body.contains(&event.data) || event.data == "null");
                // What goes out is read as what came in.
                let again = self::event(self::body(Format::AsReceived, event));
                prop_assert_eq!(&again, event);
            }
            other => prop_assert_eq!(other.map_err(|refusal| refusal.status()), Err(400)),
        }
    }

    #[test]
    fn what_another_wrote_can_be_read_again(
        known in select(KINDS),
        (conversation, contact, operator, message) in (field(), field(), field(), field()),
        text in proptest::option::of(any::<String>()),
        occurred_at_ms in 0u64..253_000_000_000_000,
        (dialect, data) in select(
            &[("native", "null"), ("native", "{\"order\":1.0}"), ("native", "[1]"), ("tg-staff", "{\"text\":\"x\"}"),
            ("hotline", "{\"from\":{\"id\":1}}"), ("inbox", "{\"text\":\"x\"}"), ("sendpulse", "\"x\"")][..]
        ),
    ) {
        let mut event = foreign(known.canonical, known.sender());
        (event.id, event.native_kind, event.data) = ("01J".into(), known.native.into(), data.into());
        (event.conversation, event.contact) = (conversation, contact);
        event.operator = operator.filter(|_| known.canonical == "conversation.updated");
        (event.message, event.text, event.occurred_at_ms) = (message, text, occurred_at_ms);
        event.origin.dialect = dialect.into();
        let mut again = self::event(body(Format::Dialect(inbox()), &event));
        let written: Value = serde_json::from_str(&again.data).unwrap();
        prop_assert_eq!(&written["channel"], dialect);
        (again.data, again.envelope) = (event.data.clone(), event.envelope.clone());
        again.origin.dialect = event.origin.dialect.clone();
        prop_assert_eq!(again, event);
    }
}
