//! What holds for whatever is sent.

use proptest::{collection::vec, option, prelude::*, sample::select};
use slashbox_core::Pattern;

use super::{
    json::{an_object, json},
    *,
};

/// An event that another platform wrote.
fn foreign() -> impl Strategy<Value = Event> {
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.canonical).chain([FLOW, "conversation.closed"]).collect();
    let id = || option::of("[ -~é]{1,12}|[1-9][0-9]{1,17}");
    let ids = (id(), id(), id(), id(), id());
    let what = (select(kinds), select(&["hotline", "tg-staff", "inbox", "native"][..]), any::<bool>());
    let told = (option::of(any::<String>()), 946_684_800_000..=NOW_MS, an_object());
    (ids, what, told).prop_map(
        |((bot, contact, operator, message, instance), (kind, dialect, has_data), (text, occurred_at_ms, data))| {
            Event {
                id: "01J".into(),
                kind: kind.into(),
                native_kind: kind.into(),
                conversation: bot.zip(contact.as_ref()).map(|(bot, contact)| format!("{bot}:{contact}")),
                contact,
                operator,
                sender: Sender::Unknown,
                message,
                text,
                occurred_at_ms,
                origin: Origin { tenant: "a".into(), source: "shop".into(), dialect: dialect.into(), instance },
                // That of slashbox's own dialect stands where the platform's does, so it would be read as such.
                data: if has_data && dialect != "native" { data } else { "null".into() },
                envelope: "{\"x\":1}".into(),
                hops: 0,
            }
        },
    )
}

/// What is told about an object by reading each of its objects anew: slower, and simpler.
fn told(object: &str) -> [Option<String>; 6] {
    let members = Members::of(object).unwrap();
    let (bot, contact) = (members.object("bot"), members.object("contact"));
    let message = members.object("info").object("message");
    let channel_data = message.object("channel_data");
    let channels = channel_data.object("message");
    let text = || channels.object("text").text(&["body"]).or_else(|| channels.text(&["text"]));
    let last_message = || contact.text(&["last_message"]);
    let text = match members.text(&["title"]).unwrap_or_default().as_str() {
        "incoming_message" => text().or_else(last_message),
        "outgoing_message" => text(),
        _ => last_message(),
    };
    let id = message.id(&["id"]).or_else(|| channel_data.id(&["message_id"])).or_else(|| channels.id(&["id"]));
    let native_kind = members.text(&["title"]).filter(|title| !title.is_empty()).or_else(|| members.text(&["event"]));
    let native_kind = native_kind.unwrap_or_default();
    [
        Some(kind::beginning(&native_kind).into()),
        bot.id(&["id"]),
        contact.id(&["id"]),
        contact.object("operator").id(&["user_id"]),
        id,
        text,
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in vec(any::<u8>(), 0..200)) {
        let _ = read(&body);
    }

    #[test]
    fn any_json_is_read_or_refused(body in json()) {
        let _ = read(&body);
    }

    #[test]
    fn any_broken_sample_is_read_or_refused(name in 0..SAMPLES.len(), at: prop::sample::Index, byte: u8) {
        let mut body = SAMPLES[name].body.as_bytes().to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = read(&body);
        let _ = read(&body[..at]);
    }

    #[test]
    fn any_array_of_objects_is_accepted(objects in vec(an_object(), 0..5)) {
        let events = all(format!("[{}]", objects.join(",\t")));
        let data: Vec<_> = events.iter().map(|Incoming { event, .. }| &event.data).collect();
        prop_assert_eq!(data, objects.iter().collect::<Vec<_>>());
        for (at, Incoming { event, .. }) in events.iter().enumerate() {
            prop_assert!(event.kind.parse::<Pattern>().unwrap().covers(&event.kind, "other"));
            prop_assert!(!event.is_command());
            prop_assert_eq!(&event.id, &(at + 1).to_string());
        }
    }

    #[test]
    fn what_is_found_in_one_go_is_what_is_there(object in an_object()) {
        let Event { kind, native_kind, origin, contact, operator, message, text, .. } = one(&object).event;
        if kind != PAYMENT {
            let found = [Some(native_kind), origin.instance, contact, operator, message, text];
            prop_assert_eq!(found, told(&object));
        }
    }

    #[test]
    fn as_received_is_what_was_received(objects in vec(an_object(), 1..4), bare: bool) {
        let bodies: Vec<_> = match bare {
            true => objects.clone(),
            false => objects.iter().map(|object| format!("[{object}]")).collect(),
        };
        for body in bodies {
            let incoming = one(&body);
            prop_assert_eq!(&rendered(&incoming.event, Format::AsReceived), &body);
            prop_assert_eq!(one(rendered(&incoming.event, Format::Dialect(dialect()))), incoming);
        }
    }

    #[test]
    fn what_sendpulse_can_carry_is_kept(event in foreign()) {
        let back = one(rendered(&event, Format::Dialect(dialect()))).event;
        let is_known = KINDS.iter().any(|kind| kind.canonical == event.kind);
        prop_assert_eq!(&back.kind, if is_known { &event.kind } else { FLOW });
        prop_assert_eq!((&back.contact, &back.message, &back.text), (&event.contact, &event.message, &event.text));
        prop_assert_eq!(back.occurred_at_ms, event.occurred_at_ms);
        if event.kind == PAYMENT {
            prop_assert_eq!(back.conversation, event.contact);
        } else {
            prop_assert_eq!(&back.operator, &event.operator);
            match event.conversation {
                Some(conversation) => prop_assert_eq!(back.conversation, Some(conversation)),
                None => prop_assert_eq!(back.conversation.is_some(), event.contact.is_some()),
            }
        }
        prop_assert!(event.data == "null" || back.data.contains(&event.data));
    }

    #[test]
    fn whatever_is_passed_goes_out_as_json(
        (data, envelope, kind, conversation) in (any::<String>(), any::<String>(), any::<String>(), any::<String>()),
        (dialect_name, own) in (select(&["sendpulse", "native", "hotline", "other"][..]), select(&["[]", "{}", ""][..])),
        is_payment: bool,
        ms: u64,
    ) {
        let mut event = with("");
        event.envelope = if envelope.len() % 2 == 0 { own.into() } else { envelope };
        (event.data, event.conversation, event.occurred_at_ms) = (data, Some(conversation), ms);
        event.kind = if is_payment { PAYMENT.into() } else { kind };
        event.origin.dialect = dialect_name.into();
        prop_assert!(crate::json::is_json(&rendered(&event, Format::Dialect(dialect()))));
    }

    #[test]
    fn the_token_is_nowhere(object in an_object(), bits: u16, place in 0usize..6, around in "[a-z ]{0,3}") {
        let escaped = |(at, c): (usize, char)| {
            if bits >> at & 1 == 1 { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
        };
        let token: String = TOKEN.chars().enumerate().map(escaped).collect();
        let token = format!("\"{around}{token}{around}\"");
        let mut places: [&str; 6] = ["1"; 6];
        places[place] = &token;
        let [title, id, text, date, order, deep] = places;
        let name = if bits % 2 == 1 { &token } else { "\"x\"" };
        let body = format!(
            r#"[{{"title":{title},"contact":{{"id":{id},"last_message":{text}}},"date":{date},"order":{{"id":{order}}},
            {name}:[{{{name}:{deep}}}]}},{object}]"#
        );
        let events = all(&body);
        let shown = format!("{events:?}");
        prop_assert!(!shown.contains(TOKEN), "{}", shown);
        for Incoming { event, .. } in &events {
            // Its escapes are undone, as a handler does it.
            let read = serde_json::from_str::<serde_json::Value>(&event.data).map(|data| data.to_string());
            prop_assert!(!read.unwrap_or_default().contains(TOKEN));
        }
    }
}
