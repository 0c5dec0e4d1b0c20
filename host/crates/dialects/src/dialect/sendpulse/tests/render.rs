//! What receivers are sent that know SendPulse.

use slashbox_core::Command;

use super::*;

#[test]
fn what_came_in_goes_out_number_for_number() {
    for Sample { body, .. } in SAMPLES {
        let event = one(body).event;
        for format in [Format::AsReceived, Format::Dialect(dialect())] {
            assert_eq!(compact(&rendered(&event, format)), compact(body));
        }
    }
    assert!(rendered(&one(sample("new_subscriber")).event, Format::AsReceived).contains("\"date\": 16377590567070\n"));
}

#[test]
fn ids_of_others_stay_as_they_were_written() {
    for id in ["\"104117781360763\"", "104117781360763", "1845120800.0", "1e999", "null", "-0", "\"\\u0031\""] {
        let body = sample("flow").replace("\"104117781360763\"", id);
        let event = one(&body).event;
        assert_eq!(compact(&rendered(&event, Format::AsReceived)), compact(&body));
        assert_eq!(event.origin.instance.as_deref(), Some("17ff4105-d5f1-4790-9d09-a6f64ea73d54"));
    }
}

#[test]
fn each_of_a_batch_goes_out_alone() {
    let (one, two) = (data_of(sample("flow")), data_of(sample("open_chat")));
    let sent: Vec<_> = all(format!("[{one},{two}]"))
        .iter()
        .map(|Incoming { event, .. }| rendered(event, Format::AsReceived))
        .collect();
    assert_eq!(sent, [format!("[{one}]"), format!("[{two}]")]);
}

/// An event of another platform, with all that it may have.
fn foreign(kind: &str, dialect: &str, data: &str) -> Event {
    Event {
        id: "01J".into(),
        kind: kind.into(),
        native_kind: "theirs".into(),
        conversation: Some("-100:5".into()),
        contact: Some("5".into()),
        operator: Some("8356384".into()),
        sender: Sender::Unknown,
        message: Some("943544".into()),
        text: Some("hey \"you\"".into()),
        occurred_at_ms: 1_625_834_714_123,
        origin: Origin {
            tenant: "acme".into(),
            source: "shop".into(),
            dialect: dialect.into(),
            instance: Some("13209".into()),
        },
        data: data.into(),
        envelope: "{\"theirs\":1}".into(),
        hops: 0,
    }
}

#[track_caller]
fn check(event: &Event, expected: &str) {
    assert_eq!(rendered(event, Format::Dialect(dialect())), compact(expected));
}

#[test]
fn what_came_from_another_platform_is_translated() {
    check(
        &foreign("conversation.closed", "hotline", r#"{"chat_id":-100,"n":1e999}"#),
        r#"[{
            "info": {"message": {"id": "943544"}, "hotline": {"chat_id": -100, "n": 1e999}},
            "service": "hotline",
            "title": "conversation.closed",
            "bot": {"id": "-100", "name": "shop"},
            "contact": {
                "id": "5", "last_message": "hey \"you\"", "tags": [], "variables": {},
                "operator": {"user_id": 8356384}
            },
            "date": 1625834714123
        }]"#,
    );
}

#[test]
fn an_incoming_message_has_its_text_in_both_places() {
    check(
        &Event { operator: None, ..foreign("message.received", "inbox", "null") },
        r#"[{
            "info": {"message": {"channel_data": {"message": {"text": "hey \"you\""}}, "id": "943544"}},
            "service": "inbox",
            "title": "incoming_message",
            "bot": {"id": "-100", "name": "shop"},
            "contact": {"id": "5", "last_message": "hey \"you\"", "tags": [], "variables": {}},
            "date": 1625834714123
        }]"#,
    );
}

/// `last_message` is the contact's.
#[test]
fn an_outgoing_message_has_its_text_where_the_channels_is() {
    check(
        &Event { message: None, operator: Some("agent_7".into()), ..foreign("message.sent", "hotline", "7") },
        r#"[{
            "info": {"message": {"channel_data": {"message": {"text": "hey \"you\""}}}, "hotline": 7},
            "service": "hotline",
            "title": "outgoing_message",
            "bot": {"id": "-100", "name": "shop"},
            "contact": {"id": "5", "tags": [], "variables": {}, "operator": {"user_id": "agent_7"}},
            "date": 1625834714123
        }]"#,
    );
}

#[test]
fn a_payment_of_another_platform_goes_in_no_array() {
    let event = foreign("payment.updated", "native", r#"{"totalCost":12.50,"id":"theirs","status":200}"#);
    check(
        &event,
        r#"{
            "timestamp": 1625834714123,
            "version": "1.0",
            "event": "payment_order",
            "order": {
                "contactId": "5", "id": "943544", "description": "hey \"you\"", "totalCost": 12.50, "status": 200
            }
        }"#,
    );
    let bare = Event { contact: None, message: None, text: None, data: "[1]".into(), ..event };
    check(&bare, r#"{"timestamp":1625834714123,"version":"1.0","event":"payment_order","order":{"data":[1]}}"#);
}

#[test]
fn a_command_goes_as_an_event_of_its_name() {
    let command = Command {
        id: "01J".into(),
        name: "/mark".parse().unwrap(),
        args: "deal".into(),
        conversation: None,
        operator: Some("7".into()),
        contact: None,
        message: None,
        occurred_at_ms: 1_000,
        origin: foreign("", "native", "").origin,
        data: "null".into(),
        envelope: String::new(),
    };
    let body = Format::Dialect(dialect()).command(&command, &Recipient::default()).body;
    let expected = r#"[{
        "info": null, "service": "native", "title": "/mark", "bot": {"id": "13209", "name": "shop"},
        "contact": {"id": "", "last_message": "deal", "tags": [], "variables": {}, "operator": {"user_id": 7}}, "date": 1000
    }]"#;
    assert_eq!(body, compact(expected));
    assert_eq!(one(&body).event.kind, "flow.reached");
}

#[test]
fn the_bot_is_that_of_the_conversation_or_the_nearest_to_it() {
    let check = |conversation: Option<&str>, contact: Option<&str>, instance: Option<&str>, expected: &str| {
        let mut event = foreign("link.clicked", "native", "null");
        (event.conversation, event.contact) = (conversation.map(Into::into), contact.map(Into::into));
        event.origin.instance = instance.map(Into::into);
        let back = one(rendered(&event, Format::Dialect(dialect()))).event;
        assert_eq!(back.origin.instance.as_deref(), Some(expected));
        assert_eq!(back.conversation, contact.map(|contact| format!("{expected}:{contact}")));
    };
    check(Some("b:c"), Some("c"), Some("i"), "b");
    check(Some("a:b:c"), Some("b:c"), Some("i"), "a");
    check(Some("b:d"), Some("c"), Some("i"), "i");
    check(Some("bc"), Some("c"), Some("i"), "i");
    check(Some(":c"), Some("c"), Some("i"), "i");
    check(Some("c"), Some("c"), None, "shop");
    check(Some("b:c"), None, Some(""), "shop");
    check(None, None, None, "shop");
}

#[test]
fn what_nobody_said_is_not_there() {
    let mut event = foreign("link.clicked", "native", "{}");
    (event.conversation, event.contact, event.operator, event.message, event.text) = (None, None, None, None, None);
    let expected = r#"[{
        "info": null, "service": "native", "title": "link_click", "bot": {"id": "13209", "name": "shop"},
        "contact": {"id": "", "tags": [], "variables": {}}, "date": 1625834714123
    }]"#;
    check(&event, expected);
    event.data = "\"no object\"".into();
    check(&event, &expected.replace("null", "{\"data\":\"no object\"}").replace(": \"no object\"", ":\"no object\""));
}

/// A timer's event has its source's dialect, but is none of its platform's: it has no envelope. One whose data was removed
/// has neither.
#[test]
fn what_has_no_envelope_is_translated() {
    let mut event = with(r#""title":"open_chat""#);
    event.envelope = String::new();
    assert!(rendered(&event, Format::AsReceived).starts_with(r#"[{"info":{"sendpulse":{"title":"open_chat"}},"#));
    event.data = String::new();
    assert!(rendered(&event, Format::AsReceived).starts_with(r#"[{"info":null,"service":"sendpulse""#));
}
