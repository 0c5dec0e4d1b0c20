//! What holds for whatever is sent.

use proptest::{collection::vec, prelude::*, sample::select};
use slashbox_core::{Origin, Pattern, Sender};

use super::{
    json::{data, json, members, object, request, spelled, unescaped},
    *,
};
use crate::{Format, answer_of_remote};

fn rendered(request: &Request, format: Format, api_key: Option<&str>) -> String {
    match request {
        Request::Command { command, .. } => format.command(command, &to(api_key)).body,
        Request::Events(events) => format.event(&events[0].event, &to(api_key)).body,
        Request::Ping => panic!("no ping"),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in vec(any::<u8>(), 0..200), status in 100u16..600, whole: bool) {
        let _ = read(&body);
        let _ = answer_of_remote(status, None, &body, whole);
        let _ = answer_of_remote(status, Some("application/json"), &body, whole);
    }

    #[test]
    fn any_json_is_read_or_refused(
        (name, time, instance, other) in (json(), json(), json(), json()),
        data in data(),
    ) {
        let _ = read(with(&format!(
            "\"event_type\":{name},\"timestamp\":{time},\"instance_id\":{instance},\"data\":{data},\"x\":{other}"
        )));
        let _ = answer_of_remote(200, None, data.as_bytes(), true);
    }

    #[test]
    fn any_name_is_accepted_and_can_be_subscribed_to(name in "\\PC{1,40}|[.*/ \u{0}a]{1,8}", data in data()) {
        prop_assume!(!name.starts_with('/'));
        let body = with(&format!("\"event_type\":{},\"data\":{data}", serde_json::to_string(&name).unwrap()));
        let event = event(body);
        prop_assert!(event.kind.starts_with("native."));
        prop_assert!(event.kind.parse::<Pattern>().unwrap().covers(&event.kind, "other"));
        prop_assert_eq!(event.native_kind, name.chars().scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= 128).then_some(c)
        }).collect::<String>());
    }

    #[test]
    fn as_received_is_what_was_received(body in request()) {
        let request = read(&body).unwrap();
        for format in [Format::AsReceived, Format::Dialect(hotline())] {
            prop_assert_eq!(members(&rendered(&request, format, Some(KEY))), members(&body));
        }
    }

    #[test]
    fn what_is_passed_on_is_read_as_the_same(body in request()) {
        let request = read(&body).unwrap();
        prop_assert_eq!(read(rendered(&request, Format::AsReceived, Some(KEY))).unwrap(), request);
    }

    #[test]
    fn what_hotline_can_carry_is_kept(
        kind in select(&["conversation.closed", "message.sent", "message.received", "conversation.created"][..]),
        seconds in 0u64..253_000_000_000,
        instance in proptest::option::of("[a-z\"\\\\]{1,8}"),
        data in vec(("\"y[a-z]{0,4}\"", json()), 0..5).prop_map(object),
    ) {
        let event = Event {
            id: "01J".into(),
            kind: kind.into(),
            native_kind: kind.into(),
            conversation: None,
            contact: None,
            operator: None,
            sender: Sender::Unknown,
            message: None,
            text: None,
            occurred_at_ms: seconds * 1_000 + 999,
            origin: Origin { tenant: "a".into(), source: "b".into(), dialect: "native".into(), instance },
            data,
            envelope: "{\"x\":1}".into(),
            hops: 0,
        };
        let body = Format::Dialect(hotline()).event(&event, &to(Some(KEY))).body;
        let back = super::event(body);
        let instance = event.origin.instance.or(Some("b".into()));
        prop_assert_eq!((back.kind, back.origin.instance), (event.kind, instance));
        prop_assert_eq!(members(&back.data), members(&event.data));
        prop_assert_eq!(back.occurred_at_ms, seconds * 1_000);
    }

    #[test]
    fn whatever_is_passed_goes_out_as_json(
        (data, envelope, kind) in (any::<String>(), any::<String>(), any::<String>()),
        dialect in select(&["hotline", "native"][..]),
        ms: u64,
    ) {
        let mut event = event(DIALOG_CLOSED);
        (event.data, event.envelope, event.kind, event.occurred_at_ms) = (data, envelope, kind, ms);
        event.origin.dialect = dialect.into();
        for format in [Format::AsReceived, Format::Dialect(hotline())] {
            prop_assert!(!members(&format.event(&event, &to(Some("k"))).body).is_empty());
        }
    }

    #[test]
    fn the_key_is_nowhere(
        place in 0usize..12,
        bits: u16,
        around in select(
            &[("", ""), ("Bearer ", "!"), ("\\ud800", ""), ("{\\\"k\\\":\\\"", "\\\"}"), ("\\\\", "\\\\")][..],
        ),
        known in select(&["/mark", "dialog_closed", "message_received", "other"][..]),
        others in (json(), json()),
    ) {
        let key = format!("\"{}{}{}\"", around.0, spelled(bits), around.1);
        let mut places: [String; 12] = std::array::from_fn(|_| "null".into());
        places[0] = format!("\"{known}\"");
        if let Some(place) = places.get_mut(place) {
            *place = key.clone();
        }
        let [name, time, instance, chat, topic, user, sender, message, text, args, deep, extra] = places;
        let member = if place == 11 && bits % 2 == 1 { key } else { "\"z\"".into() };
        let (one, two) = others;
        let body = format!(
            "{{\"event_type\":{name},\"timestamp\":{time},\"instance_id\":{instance},\
            \"data\":{{\"chat_id\":{chat},\"topic_id\":{topic},\"user_id\":{user},\"sender_user_id\":{sender},\
            \"message_id\":{message},\"text\":{text},\"command_data\":{args},\"one\":{one},\"deep\":[[{deep}]]}},\
            \"extra\":[{extra}, {{{member}:{two}}}],{member}:1,\"api_key\":\"{}\"}}",
            spelled(bits.rotate_left(3)),
        );
        let request = read(&body);
        let debug = format!("{request:?}");
        prop_assert!(!debug.contains(KEY), "{}", debug);
        let texts = match &request {
            Ok(Request::Command { command, .. }) => [&command.data, &command.envelope],
            Ok(Request::Events(events)) => [&events[0].event.data, &events[0].event.envelope],
            Ok(Request::Ping) => panic!("no ping"),
            Err(refusal) => {
                prop_assert_eq!(refusal.status(), 400);
                return Ok(());
            }
        };
        for text in texts {
            prop_assert!(!unescaped(text).contains(KEY), "{}", text);
        }
        let sent = rendered(&request.unwrap(), Format::AsReceived, Some("other"));
        prop_assert!(!unescaped(&sent).contains(KEY));
    }
}
