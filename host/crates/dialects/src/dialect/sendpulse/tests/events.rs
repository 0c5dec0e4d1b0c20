//! What objects mean that are not as in the document.

use super::*;

#[test]
fn a_batch_is_taken_in_its_order() {
    let objects = ["new_subscriber", "incoming_message", "flow", "unsubscribe"].map(|name| data_of(sample(name)));
    let events = all(format!(" [{}]\n", objects.join(" ,\n")));
    let read: Vec<_> = events.iter().map(|Incoming { event, .. }| (&*event.id, &*event.kind, &*event.data)).collect();
    let kinds = ["contact.subscribed", "message.received", "flow.reached", "contact.unsubscribed"];
    let expected: Vec<_> = (0..4).map(|at| (["1", "2", "3", "4"][at], kinds[at], objects[at])).collect();
    assert_eq!(read, expected);
}

#[test]
fn no_object_is_no_event() {
    assert_eq!(read("[]"), Ok(Request::Events(vec![])));
    assert_eq!(read(" [ ] "), Ok(Request::Events(vec![])));
}

#[test]
fn a_bare_object_is_an_event_too() {
    let bare = data_of(INCOMING_MESSAGE);
    let (in_array, event) = (one(INCOMING_MESSAGE).event, one(format!("\n{bare}\r\n")).event);
    assert_eq!(event, Event { envelope: "{}".into(), ..in_array });
    assert_eq!(rendered(&event, Format::AsReceived), bare);
}

#[test]
fn an_order_makes_a_payment_wherever_it_stands() {
    let payment = data_of(PAYMENT_SAMPLE);
    let event = one(format!("[{payment}]")).event;
    assert_eq!(event, Event { envelope: "[]".into(), ..one(payment).event });
    assert_eq!(rendered(&event, Format::AsReceived), format!("[{payment}]"));
    let check = |members: &str, kind: &str, native: &str| {
        let event = with(members);
        assert_eq!((&*event.kind, &*event.native_kind, event.sender), (kind, native, Sender::System), "{members}");
    };
    check(r#""order":{}"#, "payment.updated", "payment_order");
    check(r#""order":{},"event":"","title":"incoming_message""#, "payment.updated", "payment_order");
    check(r#""order":{},"event":"payment_refund""#, "payment.updated", "payment_refund");
    for order in ["null", "[]", "\"{}\"", "1e999", "true"] {
        check(&format!(r#""order":{order},"event":"payment_order""#), "native.payment_order", "payment_order");
    }
}

#[test]
fn any_title_is_a_flow() {
    let long = "x".repeat(10_000);
    let check = |title: &str, native: &str| {
        let event = with(&format!("\"title\":{},\"event\":\"payment_order\"", serde_json::to_string(title).unwrap()));
        assert_eq!((&*event.kind, &*event.native_kind, event.sender), ("flow.reached", native, Sender::System));
        assert!(!event.is_command());
    };
    for title in
        ["/mark", "/*", "*", "message.*", "message.received", "a.b", ".", " ", "Бронь №3", "new_subscriber ", "\u{0}"]
    {
        check(title, title);
    }
    check("payment_order", "payment_order");
    check(&long, &long[..128]);
    check(&"ы".repeat(100), &"ы".repeat(64));
    assert_eq!(with(r#""title":5"#).native_kind, "5");
    assert_eq!(with(r#""title":"a\ud800""#).native_kind, "a\u{fffd}\u{fffd}\u{fffd}");
}

#[test]
fn without_a_title_nobody_knows_what_it_is() {
    let check = |members: &str, kind: &str, native: &str| {
        let event = with(members);
        assert_eq!((&*event.kind, &*event.native_kind, event.sender), (kind, native, Sender::System), "{members}");
    };
    check("", "native.unnamed", "");
    for title in ["null", "\"\"", "[]", "{\"a\":1}", "true"] {
        check(&format!("\"title\":{title}"), "native.unnamed", "");
        check(&format!("\"title\":{title},\"event\":\"refund /1\""), "native.refund__1", "refund /1");
    }
}

/// Checks bot, contact, operator, message and text of an incoming message with these members.
fn check(members: &str, expected: [Option<&str>; 5]) {
    let event = with(&format!("{members},\"title\":\"incoming_message\""));
    let [bot, contact, ..] = expected;
    let conversation = bot.zip(contact).map(|(bot, contact)| format!("{bot}:{contact}"));
    let Event { origin, contact, operator, message, text, .. } = &event;
    let found = [&origin.instance, contact, operator, message, text].map(Option::as_deref);
    assert_eq!((found, &event.conversation), (expected, &conversation), "{members}");
    assert_eq!((&*event.kind, event.sender), ("message.received", Sender::Contact), "{members}");
    assert_eq!(format!("{{{members},\"title\":\"incoming_message\"}}"), event.data);
}

#[test]
fn fields_come_and_go() {
    check("\"x\":1", [None; 5]);
    check(r#""bot":{"id":"b"}"#, [Some("b"), None, None, None, None]);
    check(r#""contact":{"id":"c"}"#, [None, Some("c"), None, None, None]);
    check(r#""bot":{"id":"b"},"contact":{"id":"c","operator":{}}"#, [Some("b"), Some("c"), None, None, None]);
    check(r#""contact":{"operator":{"user_id":"7"},"last_message":"t"}"#, [None, None, Some("7"), None, Some("t")]);
    for nothing in ["null", "[]", "{}", "5", "\"x\"", "true", "false", "1e999", "\"\\ud800\"", "[{\"id\":1}]", "-0"] {
        for name in ["bot", "contact", "info"] {
            let rest = r#""bot":{"id":"b"},"contact":{"id":"c","last_message":"t"},"info":{"message":{"id":"m"}}"#;
            let members = rest.replace(&format!("\"{name}\":{{"), &format!("\"{name}\":{nothing},\"no_{name}\":{{"));
            let there = |own: &str, value: &'static str| (own != name).then_some(value);
            let text = there("contact", "t");
            check(&members, [there("bot", "b"), there("contact", "c"), None, there("info", "m"), text]);
        }
        for inner in ["message", "channel_data", "operator"] {
            let rest =
                r#""contact":{"operator":{"user_id":7},"id":"c"},"info":{"message":{"channel_data":{},"id":"m"}}"#;
            let members = rest.replace(&format!("\"{inner}\":{{"), &format!("\"{inner}\":{nothing},\"no\":{{"));
            let there = |own: &str, value: &'static str| (own != inner).then_some(value);
            check(&members, [None, Some("c"), there("operator", "7"), there("message", "m"), None]);
        }
    }
}

#[test]
fn ids_are_texts_whatever_they_are_written_as() {
    let check_id = |raw: &str, expected: Option<&str>| {
        let members = format!(
            r#""bot":{{"id":{raw}}},"contact":{{"operator":{{"user_id":{raw}}},"id":{raw}}},"info":{{"message":{{"id":{raw}}}}}"#
        );
        check(&members, [expected, expected, expected, expected, None]);
    };
    let (longest, too_long) = ("x".repeat(256), "x".repeat(257));
    for number in ["8356384", "-1", "-0", "1.0", "1e999", "18446744073709551615", "123456789012345678901234567890"] {
        check_id(number, Some(number));
        check_id(&format!("\"{number}\""), Some(number));
    }
    check_id(&format!("\"{longest}\""), Some(&longest));
    check_id(r#""\u0061\u0000/é""#, Some("a\0/é"));
    for nothing in ["null", "\"\"", "\"\\ud800\"", "true", "{}", "[1]", &format!("\"{too_long}\"")] {
        check_id(nothing, None);
    }
}

#[test]
fn a_message_has_the_platforms_id_or_the_channels() {
    let check_info = |info: &str, expected: Option<&str>| {
        check(&format!("\"info\":{{\"message\":{info}}}"), [None, None, None, expected, None]);
    };
    check_info(r#"{"id":"a","channel_data":{"message_id":2,"message":{"id":3}}}"#, Some("a"));
    check_info(r#"{"id":null,"channel_data":{"message_id":2,"message":{"id":3}}}"#, Some("2"));
    check_info(r#"{"id":{},"channel_data":{"message_id":"","message":{"id":3}}}"#, Some("3"));
    check_info(r#"{"channel_data":{"message":{"id":[]}}}"#, None);
}

#[test]
fn the_text_is_the_channels_and_for_others_than_bots_the_last() {
    let check = |title: &str, text: &str, expected: Option<&str>| {
        let event = with(&format!(
            r#""title":"{title}","contact":{{"last_message":"last"}},"info":{{"message":{{"channel_data":{{"message":{{"text":{text}}}}}}}}}"#
        ));
        assert_eq!(event.text.as_deref(), expected, "{title} {text}");
    };
    for (title, other) in [("incoming_message", Some("last")), ("outgoing_message", None)] {
        check(title, "\"channel's\"", Some("channel's"));
        check(title, r#"{"body":"channel's"}"#, Some("channel's"));
        check(title, r#"{"body":7}"#, Some("7"));
        check(title, r#""a\ud800\u0000b""#, Some("a\u{fffd}\u{fffd}\u{fffd}\0b"));
        check(title, "\"\"", Some(""));
        for nothing in ["null", "{}", "[]", "true", r#"{"body":null}"#, r#"{"body":{}}"#] {
            check(title, nothing, other);
        }
    }
    check("open_chat", "\"channel's\"", Some("last"));
    check("My flow", "\"channel's\"", Some("last"));
}

#[test]
fn of_members_with_the_same_name_the_last_counts() {
    check(r#""bot":{"id":"b","id":"b2"},"contact":{"id":"c"},"contact":{"last_message":"t"}"#, {
        [Some("b2"), None, None, None, Some("t")]
    });
    check(r#""bot":{"id":"b"},"bot":null,"contact":{"id":"c"},"contact":5"#, [None; 5]);
    check(r#""info":{"message":{"id":1,"channel_data":{"message_id":2}},"message":{}}"#, [None; 5]);
    check(r#""\u0062ot":{"i\u0064":"b"}"#, [Some("b"), None, None, None, None]);
    assert_eq!(with(r#""title":"a","title":"open_chat""#).kind, "livechat.opened");
    assert_eq!(with(r#""title":"open_chat","title":null"#).kind, "native.unnamed");
    assert_eq!(with(r#""order":{},"order":[],"title":"open_chat""#).kind, "livechat.opened");
}

#[test]
fn a_time_that_is_none_is_that_of_the_arrival() {
    let check = |date: &str, expected: u64| {
        assert_eq!(with(&format!("\"date\":{date}")).occurred_at_ms, expected, "{date}");
        assert_eq!(with(&format!("\"order\":{{}},\"timestamp\":{date}")).occurred_at_ms, expected, "{date}");
        assert_eq!(with(&format!("\"order\":{{}},\"date\":{date}")).occurred_at_ms, NOW_MS, "{date}");
        assert_eq!(with(&format!("\"timestamp\":{date}")).occurred_at_ms, NOW_MS, "{date}");
    };
    for written in ["1625834714", "1625834714000", "\"1625834714\"", "1.625834714e9", "\"2021-07-09T12:45:14Z\""] {
        check(written, 1_625_834_714_000);
    }
    for garbage in
        ["16377590567070", "163775889778478", "0", "-1", "1e999", "18446744073709551616", "\"\"", "\"soon\"", "{}"]
    {
        check(garbage, NOW_MS);
    }
}

#[test]
fn only_what_has_a_time_or_an_id_is_known_again() {
    let check = |members: &str, expected: bool| {
        let body = format!("{{{members}}}");
        let dedupe = one(&body).dedupe;
        assert_eq!(dedupe, expected.then(|| dedupe::by_content([body.as_str()])), "{members}");
        assert_eq!(one(format!("[{body}]")).dedupe, dedupe);
    };
    check(r#""title":"open_chat","contact":{"id":"c"}"#, false);
    for date in ["null", "0", "\"0\"", "\"\"", "{}", "true"] {
        check(&format!("\"title\":\"open_chat\",\"date\":{date}"), false);
    }
    check(r#""title":"open_chat","timestamp":1625834714"#, false);
    check(r#""title":"open_chat","date":1625834714"#, true);
    check(r#""title":"open_chat","date":16377590567070"#, true);
    check(r#""info":{"message":{"id":"m"}}"#, true);
    check(r#""order":{"status":200}"#, false);
    check(r#""order":{"id":"p"}"#, true);
    check(r#""order":{},"timestamp":1644590834"#, true);
}

#[test]
fn elements_of_a_batch_are_known_again_one_by_one() {
    let (one, two) = (data_of(sample("flow")), data_of(sample("open_chat")));
    let keys: Vec<_> = all(format!("[{one},{two},{one}]")).into_iter().map(|Incoming { dedupe, .. }| dedupe).collect();
    assert_eq!(keys[0], keys[2]);
    assert_ne!(keys[0], keys[1]);
}
