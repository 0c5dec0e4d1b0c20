//! Requests out.

use serde_json::{Value, json};
use slashbox_core::{Event, Origin, Sender};

use super::*;
use crate::{Format, Rendered};

/// What nobody's platform wrote.
fn emitted(kind: &str, data: &str) -> Event {
    Event {
        id: "01J".into(),
        kind: kind.into(),
        native_kind: kind.into(),
        conversation: None,
        contact: None,
        operator: None,
        sender: Sender::System,
        message: None,
        text: None,
        occurred_at_ms: 1_759_969_495_999,
        origin: Origin { tenant: "acme".into(), source: "app".into(), dialect: "native".into(), instance: None },
        data: data.into(),
        envelope: String::new(),
        hops: 0,
    }
}

fn body(rendered: Rendered) -> String {
    assert_eq!(rendered.content_type, "application/json");
    rendered.body
}

#[test]
fn the_documents_requests_come_out_as_they_came_in() {
    for document in DOCUMENTS {
        for format in [Format::AsReceived, Format::Dialect(hotline())] {
            let rendered = match read(document).unwrap() {
                Request::Command { command, .. } => format.command(&command, &to(Some(KEY))),
                Request::Ping => panic!("no ping"),
                Request::Events(events) => format.event(&events[0].event, &to(Some(KEY))),
            };
            let rendered = body(rendered);
            assert!(rendered.contains(data_of(document)), "data is the same byte for byte: {rendered}");
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(value(&rendered), value(document));
        }
    }
}

#[test]
fn the_key_is_the_subscribers_own() {
    let event = event(told("dialog_closed", r#"{ "n": 1.0 }"#));
    let check = |api_key: Option<&str>, expected: &str| {
        assert_eq!(body(Format::AsReceived.event(&event, &to(api_key))), expected);
    };
    check(None, r#"{"event_type":"dialog_closed","data":{ "n": 1.0 }}"#);
    check(Some("their \"own\""), r#"{"event_type":"dialog_closed","data":{ "n": 1.0 },"api_key":"their \"own\""}"#);
}

#[test]
fn an_observed_command_is_that_command() {
    let command = command(MARK);
    let observed = Format::AsReceived.event(&Event::from(&command), &to(Some("k")));
    assert_eq!(observed, Format::AsReceived.command(&command, &to(Some("k"))));
}

#[test]
fn what_hotline_did_not_write_is_written_as_hotline_would() {
    let check = |event: &Event, expected: &str| {
        assert_eq!(body(Format::Dialect(hotline()).event(event, &to(None))), expected);
    };
    let time = r#""timestamp":"2025-10-09 00:24:55""#;
    let mut event = emitted("conversation.closed", r#"{"n":1e999}"#);
    check(&event, &format!(r#"{{"event_type":"dialog_closed",{time},"instance_id":"app","data":{{"n":1e999}}}}"#));
    event.origin.instance = Some("i \"1\"".into());
    event.kind = "plugin.mark.done".into();
    check(
        &event,
        &format!(r#"{{"event_type":"plugin.mark.done",{time},"instance_id":"i \"1\"","data":{{"n":1e999}}}}"#),
    );
    event.envelope = r#"{"title":"another platform's"}"#.into();
    check(
        &event,
        &format!(r#"{{"event_type":"plugin.mark.done",{time},"instance_id":"i \"1\"","data":{{"n":1e999}}}}"#),
    );
    for broken in ["", "{", "[]", "{\"event_type\":\"x\"", "x}", "{\"event_type\"}", "{}}"] {
        let origin = Origin { dialect: "hotline".into(), instance: None, ..event.origin.clone() };
        let event = Event { envelope: broken.into(), origin, kind: "/mark".into(), ..event.clone() };
        check(&event, &format!(r#"{{"event_type":"/mark",{time},"instance_id":"app","data":{{"n":1e999}}}}"#));
    }
}

#[test]
fn data_is_json_whatever_was_passed() {
    let check = |data: &str, expected: &Value| {
        let rendered: Value =
            serde_json::from_str(&body(Format::Dialect(hotline()).event(&emitted("a.b", data), &to(None)))).unwrap();
        assert_eq!(&rendered["data"], expected, "{data:?}");
    };
    check("null", &Value::Null);
    check("", &Value::Null);
    check(" \n", &Value::Null);
    check(" [1] ", &json!([1]));
    check("hello \"you\"", &json!("hello \"you\""));
    check("{\"a\":1}}", &json!("{\"a\":1}}"));
    check("1,\"api_key\":\"x\"", &json!("1,\"api_key\":\"x\""));
}

#[test]
fn every_time_is_written() {
    let check = |ms: u64, expected: &str| {
        let event = Event { occurred_at_ms: ms, ..emitted("a.b", "1") };
        let rendered: Value = serde_json::from_str(&body(Format::Dialect(hotline()).event(&event, &to(None)))).unwrap();
        assert_eq!(rendered["timestamp"], expected);
    };
    check(0, "1970-01-01 00:00:00");
    check(1_759_969_495_999, "2025-10-09 00:24:55");
    check(u64::MAX, "9999-12-30 22:00:00");
}
