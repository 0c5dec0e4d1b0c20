//! Events in, the card out.

use super::*;
use slashbox_sdk::{Failure, Origin, testing::Host};

/// 2025-10-08T20:41:00Z, when everything happens that says nothing else.
const START_MS: u64 = 1_759_956_060_000;
const MINUTE_MS: u64 = 60_000;

/// An event in the conversation -100:5, some minutes later (or earlier) than others.
fn event(kind: &str, minutes: i64) -> Event {
    let at_ms = START_MS.saturating_add_signed(minutes * MINUTE_MS as i64);
    Event::new(kind).conversation("-100:5").occurred_at_ms(at_ms)
}

fn received(text: &str, minutes: i64) -> Event {
    event("message.received", minutes).text(text).sender(Sender::Contact)
}

fn marked(args: &str, minutes: i64) -> Event {
    event("/mark", minutes).text(args).operator("7").sender(Sender::Operator)
}

/// A Hotline dialog's document.
fn dialog(data: &str, minutes: i64) -> Event {
    event("conversation.created", minutes).contact("533").data_json(data)
}

fn client() -> Command {
    Command::new("/client").conversation("-100:5")
}

/// The card after these events, in the order in which they come.
fn check(events: &[Event], expected: &[&str]) {
    check_card(events, client(), &expected.join("\n"));
}

fn check_card(events: &[Event], command: Command, expected: &str) {
    let host = Host::new();
    for event in events {
        host.event(&plugin(), event.clone()).unwrap();
    }
    assert_eq!(host.command(&plugin(), command).unwrap().unwrap(), expected.into(), "after {events:#?}");
}

const NOTHING: &str = "Nothing is known of this client yet";

#[test]
fn a_conversation_is_told_in_a_few_lines() {
    let title = r#"{"title":"Some User Name","chat_type":"private","department":"default"}"#;
    check(
        &[
            dialog(title, 0),
            received("Hello", 1).contact("533"),
            event("message.sent", 2).text("Good evening").sender(Sender::Operator),
            received("Where is\n my parcel?", 3).contact("533"),
            marked("deal", 4),
        ],
        &[
            "Some User Name (id 533)",
            "First seen: 2025-10-08 20:41 UTC",
            "Messages: 2 received, 1 sent",
            "Last words on 2025-10-08 20:44 UTC: Where is my parcel?",
            "Mark: deal — marked by 7 on 2025-10-08 20:45 UTC",
        ],
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    check(&[], &[NOTHING]);
    check(&[event("message.sent", 0)], &["First seen: 2025-10-08 20:41 UTC", "Messages: 0 received, 1 sent"]);
    check(&[received("Hi", 0).occurred_at_ms(u64::MAX)], &["Messages: 1 received, 0 sent", "Last words: Hi"]);
    let nameless = ["Client 533", "First seen: 2025-10-08 20:41 UTC", "Messages: 0 received, 0 sent"];
    for data in ["null", "[]", "{}", r#"{"title":null}"#, r#"{"title":5}"#, r#"{"title":" "}"#] {
        check(&[dialog(data, 0)], &nameless);
    }
    let mut named = dialog(r#"{"title":"Ann"}"#, 0);
    named.contact = None;
    check(&[named], &["Ann", "First seen: 2025-10-08 20:41 UTC", "Messages: 0 received, 0 sent"]);
}

#[test]
fn a_command_knows_whom_the_conversation_is_with() {
    let lines = "Client 9\nFirst seen: 2025-10-08 20:41 UTC\nMessages: 0 received, 1 sent";
    check_card(&[event("message.sent", 0)], client().contact("9"), lines);
    check_card(&[event("message.sent", 0).contact("8")], client().contact("9"), lines);
}

#[test]
fn events_that_come_late_change_what_was_first_not_what_is_last() {
    check(
        &[
            dialog(r#"{"title":"New"}"#, 5),
            received("Bye", 6),
            marked("won", 7),
            marked("deal", 4),
            received("Hello", 3),
            dialog(r#"{"title":"Old"}"#, 2),
        ],
        &[
            "New (id 533)",
            "First seen: 2025-10-08 20:43 UTC",
            "Messages: 2 received, 0 sent",
            "Last words on 2025-10-08 20:47 UTC: Bye",
            "Mark: won — marked by 7 on 2025-10-08 20:48 UTC",
        ],
    );
}

#[test]
fn of_the_same_second_the_last_that_came_is_the_last() {
    let lines = ["First seen: 2025-10-08 20:41 UTC", "Messages: 2 received, 0 sent"];
    check(&[received("one", 0), received("two", 0)], &[lines[0], lines[1], "Last words on 2025-10-08 20:41 UTC: two"]);
}

#[test]
fn a_mark_is_followed() {
    let seen = ["First seen: 2025-10-08 20:41 UTC", "Messages: 0 received, 0 sent"];
    let check = |marks: &[Event], expected: Option<&str>| {
        let lines: Vec<&str> = seen.into_iter().chain(expected).collect();
        let events: Vec<Event> =
            std::iter::once(event("conversation.reopened", 0)).chain(marks.iter().cloned()).collect();
        self::check(&events, &lines);
    };
    check(&[marked("  in\n progress ", 0)], Some("Mark: in progress — marked by 7 on 2025-10-08 20:41 UTC"));
    check(&[marked("deal", 0), marked("", 1)], Some("Mark: deal — marked by 7 on 2025-10-08 20:41 UTC"));
    check(&[marked("deal", 0), marked(" - ", 1)], None);
    check(&[marked("-", 1), marked("deal", 0)], None);
    check(&[marked(&"x".repeat(201), 0)], None);
    let mut by_nobody = marked("deal", 0);
    by_nobody.operator = None;
    check(&[by_nobody], Some("Mark: deal — marked on 2025-10-08 20:41 UTC"));
    check_card(&[marked("", 0)], client(), NOTHING);
}

#[test]
fn an_intercepted_message_is_ours_unless_the_client_wrote_it() {
    let seen = "First seen: 2025-10-08 20:41 UTC";
    let intercepted = |sender| event("message.intercepted", 0).text("Hi").sender(sender);
    for sender in [Sender::Operator, Sender::Bot, Sender::Unknown] {
        check(&[intercepted(sender)], &[seen, "Messages: 0 received, 1 sent"]);
    }
    let words = "Last words on 2025-10-08 20:41 UTC: Hi";
    check(&[intercepted(Sender::Contact)], &[seen, "Messages: 1 received, 0 sent", words]);
}

#[test]
fn last_words_are_cut_and_pictures_say_none() {
    let check = |text: &str, expected: &str| {
        let picture = event("message.received", 2);
        self::check(
            &[received(text, 1), picture],
            &[
                "First seen: 2025-10-08 20:42 UTC",
                "Messages: 2 received, 0 sent",
                &format!("Last words on 2025-10-08 20:42 UTC: {expected}"),
            ],
        );
    };
    check(&"ё".repeat(200), &"ё".repeat(200));
    check(&"ё".repeat(201), &format!("{}…", "ё".repeat(199)));
    check(&format!("{} long", "ё".repeat(198)), &format!("{}…", "ё".repeat(198)));
}

#[test]
fn each_conversation_of_each_source_has_its_own() {
    let origin = Origin { source: "sales".into(), ..Origin::default() };
    check_card(&[received("Hi", 0)], client().conversation("-100:6"), NOTHING);
    check_card(&[received("Hi", 0)], client().origin(origin), NOTHING);
    check(&[Event::new("message.received"), Event::new("/mark").text("deal")], &[NOTHING]);
}

#[test]
fn outside_a_conversation_there_is_no_client() {
    let refused = Host::new().command(&plugin(), Command::new("/client"));
    assert_eq!(refused, Err(Failure::refused("/client works only in a conversation")));
}
