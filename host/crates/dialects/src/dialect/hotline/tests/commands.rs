//! Commands in, and what every request has to get right before it is one.

use slashbox_core::{Command, Origin};

use super::*;

#[test]
fn the_documents_command() {
    let envelope = r#"{"event_type":"/mark","timestamp":"2025-10-08 20:41:20","instance_id":"132099468746812345"}"#;
    let expected = Command {
        id: "01J".into(),
        name: "/mark".parse().unwrap(),
        args: "deal".into(),
        conversation: Some("-1002146012345:5".into()),
        operator: Some("123456".into()),
        contact: Some("7890123".into()),
        message: Some("5850".into()),
        occurred_at_ms: 1_759_956_080_000,
        origin: Origin {
            tenant: "acme".into(),
            source: "support".into(),
            dialect: "hotline".into(),
            instance: Some("132099468746812345".into()),
        },
        data: data_of(MARK).into(),
        envelope: envelope.into(),
    };
    assert_eq!(command(MARK), expected);
}

#[test]
fn fields_may_be_absent_or_null() {
    for members in [r#""event_type":"/a""#, r#""event_type":"/a","data":null,"timestamp":null,"instance_id":null"#] {
        let command = command(with(members));
        assert_eq!((command.args.as_str(), command.conversation, command.occurred_at_ms), ("", None, 7));
        assert_eq!((command.message, command.origin.instance, command.data.as_str()), (None, None, "null"));
    }
    assert_eq!(command(told("/a", r#"{"chat_id":1,"topic_id":null}"#)).conversation, None);
}

#[test]
fn ids_are_passed_on_as_they_were_written() {
    let ids = r#""chat_id":-9223372036854775808,"topic_id":18446744073709551615,"user_id":"x1","message_id":1.50"#;
    let data = &format!("{{{ids},\"n\":1e999}}");
    let command = command(told("/a", data));
    assert_eq!(command.conversation.as_deref(), Some("-9223372036854775808:18446744073709551615"));
    assert_eq!((command.contact.as_deref(), command.message.as_deref()), (Some("x1"), Some("1.50")));
    assert_eq!(&command.data, data);
}

#[test]
fn a_commands_size_is_not_an_events() {
    let data = format!(r#"{{"command_data":"{}"}}"#, "x".repeat(crate::EVENT_BYTES_MAX));
    assert_eq!(command(told("/a", &data)).data, data);
}

#[test]
fn the_envelope_is_the_rest_of_the_request() {
    let check = |body: &str, expected: &str| assert_eq!(command(body).envelope, expected);
    let written = r#""data":{}, "n" : 1.0 ,"event_type":"\/a",
"t\u0061g":[ 1e999, {"b":2,"a":1} ],"n":-0,"":"\ud800""#;
    check(&with(written), r#"{"n":1.0,"event_type":"\/a","tag":[ 1e999, {"b":2,"a":1} ],"n":-0,"":"\ud800"}"#);
    check(&with(r#""event\u005ftype":"/a","timestamp":null"#), r#"{"event_type":"/a","timestamp":null}"#);
}

#[test]
fn a_key_that_the_sender_repeats_is_taken_out() {
    let command = command(with(&format!(
        r#""event_type":"/a","instance_id":"{KEY}","{KEY}":["{KEY}"],"data":{{"command_data":"{KEY}","k":["{KEY}"]}}"#
    )));
    assert_eq!(command.data, r#"{"command_data":"[redacted]","k":["[redacted]"]}"#);
    assert_eq!((command.args.as_str(), command.origin.instance.as_deref()), ("[redacted]", Some("[redacted]")));
    assert_eq!(command.envelope, r#"{"event_type":"/a","instance_id":"[redacted]","[redacted]":["[redacted]"]}"#);
    for name in [format!("/{KEY}"), format!("\\/\\u0070{}", &KEY[1..]), KEY.into()] {
        refused(told(&name, "{}"), 400, "`event_type` has this source's key in it");
    }
    refused(
        with(&format!(r#""event_type":"/a","timestamp":"{KEY}""#)),
        400,
        "`timestamp` is \"[redacted]\": expected a time as 2025-10-08 20:41:20, in UTC",
    );
}

#[test]
fn the_sender_is_asked_who_it_is_before_anything_else() {
    let (missing, wrong) = ("`api_key` is missing: expected this source's key", "`api_key` is not this source's key");
    refused("{}", 401, missing);
    refused(r#"{"event_type":5,"api_key":null}"#, 401, missing);
    refused(r#"{"event_type":"/a","api_key":""}"#, 401, wrong);
    refused(r#"{"event_type":"/a","api_key":"pQTngMZLh0NmA"}"#, 401, wrong);
    refused(r#"{"event_type":"/a","api_key":"pQTngMZLh0NmAhx"}"#, 401, wrong);
    refused(r#"{"event_type":"/a","api_key":["pQTngMZLh0NmAh"]}"#, 401, wrong);
    refused(r#"{"event_type":"/a","api_key":"\ud800"}"#, 401, wrong);
    refused(r#"{"event_type":"/a","data":{"api_key":"pQTngMZLh0NmAh"}}"#, 401, missing);
    let large = format!(r#"{{"event_type":"dialog_closed","data":"{}"}}"#, "x".repeat(crate::EVENT_BYTES_MAX));
    refused(large, 401, missing);
}

#[test]
fn bad_bodies_are_told() {
    let unsound =
        |body: &str, problem: &str| refused(body, 400, &format!("the body is no sound JSON object: {problem}"));
    unsound("", "EOF while parsing a value at line 1 column 0");
    unsound("{\"a\":1", "EOF while parsing an object at line 1 column 6");
    unsound("{} {}", "trailing characters at line 1 column 4");
    unsound("{\"a\":\"\0\"}", "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 6");
    unsound("{\"\\ud800\":1}", "unexpected end of hex escape at line 1 column 9");
    for name in ["event_type", "timestamp", "instance_id", "data", "api_key"] {
        let body = format!("{{\"{name}\":1,\"{name}\":1}}");
        refused(body, 400, &format!("the body has `{name}` twice: expected it once"));
    }
    unsound(&format!("{{\"a\":{}", "[".repeat(100_000)), "EOF while parsing a list at line 1 column 100005");
    refused(b"{\"a\xff\":1}", 400, "the body is no UTF-8: invalid byte at position 3");
    refused("/mark deal", 400, "the body is /mark deal: expected a JSON object");
    refused("[]", 400, "the body is []: expected a JSON object");
}

#[test]
fn bad_members_are_told() {
    let malformed = |members: &str, expected: &str| refused(with(members), 400, expected);
    malformed("\"event_type\":null", "`event_type` is missing: expected a command such as \"/mark\"");
    malformed("\"event_type\":5", "`event_type` is 5: expected a string such as \"/mark\"");
    malformed("\"event_type\":\"\\ud800\"", "`event_type` is \"\\ud800\": expected a string such as \"/mark\"");
    malformed(
        "\"event_type\":\"\"",
        "`event_type` is empty: expected a command such as \"/mark\" or an event such as \"dialog_closed\"",
    );
    for name in ["/", "/a b"] {
        let expected = "expected / and 1 to 64 characters without white space, / and *";
        malformed(
            &format!("\"event_type\":\"{name}\""),
            &format!("`event_type`: {name:?} is no command name: {expected}"),
        );
    }
    for event_type in ["/a", "dialog_closed"] {
        let malformed = |data: &str, expected: &str| refused(told(event_type, data), 400, expected);
        malformed("[1]", "`data` is [1]: expected an object");
        malformed("{\"chat_id\":true}", "`data.chat_id` is true: expected a string or a number");
        malformed("{\"user_id\":1,\"user_id\":1}", "`data`: duplicate field `user_id` at line 1 column 22");
        malformed(
            &format!("{{\"chat_id\":1{}}}", "0".repeat(256)),
            "`data.chat_id` has 257 bytes: expected an id of at most 256",
        );
        for timestamp in ["yesterday", "2025-13-08 20:41:20", "2025-10-08", "1969-12-31 23:59:59", ""] {
            refused(
                with(&format!("\"event_type\":\"{event_type}\",\"timestamp\":\"{timestamp}\"")),
                400,
                &format!("`timestamp` is {timestamp:?}: expected a time as 2025-10-08 20:41:20, in UTC"),
            );
        }
    }
    refused(
        told("/a", "{\"command_data\":\"\\ud800\"}"),
        400,
        "`data.command_data` is \"\\ud800\": expected whole characters, found half of a surrogate pair",
    );
}

#[test]
fn an_id_may_have_256_bytes() {
    let id = "0".repeat(256);
    assert_eq!(command(told("/a", &format!("{{\"user_id\":\"{id}\"}}"))).contact, Some(id));
}

#[test]
fn what_is_nested_deep_takes_no_stack() {
    let data = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(command(told("/a", &data)).data, data);
}

#[test]
fn long_values_are_not_repeated() {
    for event_type in ["/a", "dialog_closed"] {
        let refusal = read(told(event_type, &format!("\"{}\"", "x".repeat(100_000)))).unwrap_err();
        assert!(refusal.to_string().len() < 200);
    }
}
