//! The requests of the document, and what they mean.

use super::*;

/// Checks what a sample's event is. Its ids stand in the document; nothing here is copied from what is read.
fn check(name: &str, expected: Event) {
    let body = sample(name);
    let Incoming { event, dedupe } = one(body);
    let origin = Origin { tenant: "acme".into(), source: "shop".into(), ..expected.origin };
    let envelope = if body.starts_with('[') { "[]" } else { "{}" };
    let data = data_of(body).into();
    assert_eq!(event, Event { id: "1".into(), origin, envelope: envelope.into(), data, ..expected });
    assert_eq!(dedupe, Some(dedupe::by_content([data_of(body)])));
}

/// An event between a bot and a contact.
fn between(kind: &str, native_kind: &str, sender: Sender, (bot, contact): (&str, &str)) -> Event {
    Event {
        id: String::new(),
        kind: kind.into(),
        native_kind: native_kind.into(),
        conversation: Some(format!("{bot}:{contact}")),
        contact: Some(contact.into()),
        operator: None,
        sender,
        message: None,
        text: None,
        occurred_at_ms: NOW_MS,
        origin: Origin {
            tenant: String::new(),
            source: String::new(),
            dialect: "sendpulse".into(),
            instance: Some(bot.into()),
        },
        data: String::new(),
        envelope: String::new(),
        hops: 0,
    }
}

/// One of those of the platform itself, in which the last message is a test.
fn told(kind: &str, native_kind: &str, between_whom: (&str, &str)) -> Event {
    let event = between(kind, native_kind, Sender::System, between_whom);
    Event { operator: Some("8356384".into()), text: Some("Test".into()), ..event }
}

#[test]
fn new_subscriber() {
    // 16377590567070 is the year 2488.
    let between_whom = ("60b0a854b4d8073f592b92f3", "60b0a854083b4964fd0f7b657847848");
    check("new_subscriber", told("contact.subscribed", "new_subscriber", between_whom));
}

#[test]
fn open_chat() {
    let between_whom = ("60b0a854b4d8073f592b92f673563", "60b0a854083b4964fd0f756756b65");
    check("open_chat", told("livechat.opened", "open_chat", between_whom));
}

#[test]
fn run_custom_flow() {
    let between_whom = ("60b0a854b4d8073f592b92f3564567", "60b0a854083b4964fd0f7b655858");
    check("run_custom_flow", told("flow.started", "run_custom_flow", between_whom));
}

#[test]
fn link_click() {
    let between_whom = ("60b0a854b4d8073f592b9254677654f3", "60b0a854083b4964fd0f65757b65");
    check("link_click", told("link.clicked", "link_click", between_whom));
}

#[test]
fn unsubscribe() {
    let between_whom = ("60b0a854b4d8073f592b92678f3", "60b0a854083b4966784fd0f7b65");
    let event = told("contact.unsubscribed", "unsubscribe", between_whom);
    check("unsubscribe", Event { occurred_at_ms: 1_637_759_687_101, ..event });
}

#[test]
fn bot_block() {
    let between_whom = ("60b0a854b4d8056773f592b92f3", "60b0a854083b4964fd5670f7b65");
    let event = told("contact.blocked", "bot_block", between_whom);
    check("bot_block", Event { occurred_at_ms: 1_637_756_579_166, ..event });
}

#[test]
fn incoming_message() {
    let between_whom = ("60c1c50c156845831909cf74", "60c0f31f457479d02b7512");
    let expected = Event {
        message: Some("60e8434b446846838d8463".into()),
        text: Some("hey! whats up?".into()),
        occurred_at_ms: 1_625_834_714_000,
        ..between("message.received", "incoming_message", Sender::Contact, between_whom)
    };
    check("incoming_message", expected);
}

#[test]
fn outgoing_message() {
    let between_whom = ("60b0a854b4d8073f592b925675f3", "60b0a854083b4964fd0f7b65675675");
    let expected = Event {
        message: Some("619e3686cac8ab43e20a4a0546549".into()),
        text: Some("Click".into()),
        ..between("message.sent", "outgoing_message", Sender::Bot, between_whom)
    };
    check("outgoing_message", expected);
}

#[test]
fn flow() {
    let between_whom = ("17ff4105-d5f1-4790-9d09-a6f64ea73d54", "467bf50f-9cb0-4b65-b722-0135ad5fb9e0");
    let expected = Event {
        text: Some("hey! whats up?".into()),
        occurred_at_ms: 1_617_401_679_000,
        ..between("flow.reached", "Reserved. Apartment #3", Sender::System, between_whom)
    };
    check("flow", expected);
}

fn payment() -> Event {
    let contact = "7a505f4293dffcd7100f8f0004214892e4cf5618307908edf465042075d5c30";
    let event = between("payment.updated", "payment_order", Sender::System, ("", contact));
    Event {
        conversation: Some(contact.into()),
        message: Some("a3704313-8c0b-0000-b195-c6b84242f0e2".into()),
        text: Some("Apple MercadoPago".into()),
        occurred_at_ms: 1_644_590_834_000,
        origin: Origin { instance: None, ..event.origin },
        ..event
    }
}

#[test]
fn payment_order() {
    check("payment_order", payment());
}

#[test]
fn every_status_of_a_payment_is_an_event_of_its_own() {
    let mut keys = Vec::new();
    for status in [100, 101, 102, 103, 104, 200, 300, 301, 302, 303, 304, 305, 400, 500] {
        let body = PAYMENT_SAMPLE.replace("\"status\": 200", &format!("\"status\": {status}"));
        let Incoming { event, dedupe } = one(&body);
        let Event { kind, native_kind, conversation, contact, message, text, occurred_at_ms, .. } = payment();
        assert_eq!((event.kind, event.native_kind), (kind, native_kind));
        assert_eq!((event.conversation, event.contact, event.message), (conversation, contact, message));
        assert_eq!((event.text, event.occurred_at_ms, event.sender), (text, occurred_at_ms, Sender::System));
        assert_eq!(event.data, body.trim());
        let key = dedupe.unwrap().key;
        assert!(!keys.contains(&key), "{status}");
        keys.push(key);
    }
}

#[test]
fn every_sample_is_known_by_what_it_is_called() {
    let documented: Vec<_> = KINDS.iter().map(|kind| kind.native).collect();
    for Sample { name, body, .. } in dialect().samples() {
        let native_kind = one(body).event.native_kind;
        assert!(native_kind == *name || (*name == "flow" && !documented.contains(&&*native_kind)), "{name}");
    }
    assert_eq!(dialect().samples().len(), documented.len() + 1);
}
