//! Events in, the report out.

use super::*;
use slashbox_sdk::{Origin, testing::Host};
use std::time::Duration;

/// 2025-10-08T20:41:00Z, when everything happens that says nothing else.
const START_MS: u64 = 1_759_956_060_000;
const DAY_S: i64 = 86_400;

/// An event in the conversation -100:5, some seconds later (or earlier) than others.
fn event(kind: &str, sender: Sender, seconds: i64) -> Event {
    let at_ms = START_MS.saturating_add_signed(seconds * 1_000);
    Event::new(kind).conversation("-100:5").sender(sender).occurred_at_ms(at_ms)
}

fn client(seconds: i64) -> Event {
    event("message.received", Sender::Contact, seconds)
}

fn operator(seconds: i64) -> Event {
    event("message.sent", Sender::Operator, seconds)
}

fn bot(seconds: i64) -> Event {
    event("message.sent", Sender::Bot, seconds)
}

fn close(seconds: i64) -> Event {
    event("conversation.closed", Sender::Unknown, seconds)
}

fn tell(host: &Host, events: impl IntoIterator<Item = Event>) {
    for event in events {
        host.event(&plugin(), event).unwrap();
    }
}

/// What `/watch` shows so many seconds later.
fn report(host: &Host, seconds: i64) -> String {
    let at_ms = START_MS.saturating_add_signed(seconds * 1_000);
    host.command(&plugin(), Command::new("/watch").occurred_at_ms(at_ms)).unwrap().unwrap().text
}

/// The report's lines from the one that begins so.
fn check_from(report: &str, start: &str, expected: &[&str]) {
    let lines: Vec<&str> = report.lines().skip_while(|line| !line.starts_with(start)).take(expected.len()).collect();
    assert_eq!(lines, expected, "in {report}");
}

#[test]
fn a_report_has_keywords_answers_and_who_waits() {
    let host = Host::new().setting("KEYWORDS", "refund, money back");
    tell(
        &host,
        [
            client(0).text("I want a REFUND. Refund!"),
            operator(60).text("You get your money back, a refund"),
            client(90).text("Thanks"),
            operator(210).text("You are welcome"),
            client(300).conversation("-100:6").text("Hello?"),
        ],
    );
    let expected = "Messages of clients + operators with
refund: today 1 + 1, 7 days 1 + 1, 30 days 1 + 1
money back: today 0 + 1, 7 days 0 + 1, 30 days 0 + 1

Operators answered
today: 2, on average after 1 min 30 s; half within 1 min, all within 2 min
7 days: 2, on average after 1 min 30 s; half within 1 min, all within 2 min
30 days: 2, on average after 1 min 30 s; half within 1 min, all within 2 min

Waiting now: 1 client, for 5 min";
    assert_eq!(report(&host, 600), expected);
}

#[test]
fn without_keywords_it_says_where_to_set_them() {
    let expected = "No keywords yet. Set them in plugins/watch.toml:
[settings]
KEYWORDS = \"refund, chargeback\"

Operators answered
today: none
7 days: none
30 days: none

Waiting now: nobody";
    assert_eq!(report(&Host::new(), 0), expected);
    let host = Host::new().setting("KEYWORDS", "!");
    let left_out = "Left out of KEYWORDS: ! (at most 50, each with a letter or a digit and at most 100 characters)";
    check_from(&report(&host, 0), "KEYWORDS", &["KEYWORDS = \"refund, chargeback\"", left_out]);
}

#[test]
fn days_are_counted_by_when_things_happened_and_then_forgotten() {
    let host = Host::new().setting("KEYWORDS", "refund");
    let check = |days: i64, expected: &str| check_from(&report(&host, days * DAY_S), "refund", &[expected]);
    for days in [0, 0, -1, -6, -7, -29, -30, 1] {
        tell(&host, [client(days * DAY_S).text("refund")]);
    }
    check(0, "refund: today 2 + 0, 7 days 4 + 0, 30 days 6 + 0");
    check(1, "refund: today 1 + 0, 7 days 4 + 0, 30 days 6 + 0");
    check(29, "refund: today 0 + 0, 7 days 0 + 0, 30 days 3 + 0");
    host.advance(Duration::from_secs(30 * 86_400));
    check(29, "refund: today 0 + 0, 7 days 0 + 0, 30 days 3 + 0");
    host.advance(Duration::from_secs(86_400));
    assert_eq!(host.kv().len(), 0, "nothing stays for ever");
}

#[test]
fn only_words_of_people_count() {
    let host = Host::new().setting("KEYWORDS", "refund");
    let of_unknown = |kind| event(kind, Sender::Unknown, 0);
    for mut event in [
        client(0),
        operator(0),
        bot(0),
        bot(0).operator("7"),
        of_unknown("message.received"),
        of_unknown("message.sent"),
        of_unknown("message.intercepted"),
        event("message.sent", Sender::System, 0),
        event("message.intercepted", Sender::Contact, 0),
    ] {
        event.conversation = None;
        tell(&host, [event.text("refund")]);
    }
    tell(&host, [Event::new("message.received")]);
    check_from(&report(&host, 0), "refund", &["refund: today 3 + 4, 7 days 3 + 4, 30 days 3 + 4"]);
    check_from(&report(&host, 0), "Waiting", &["Waiting now: nobody"]);
}

#[test]
fn the_first_unanswered_message_counts() {
    let check = |events: &[Event], answered: &str, waiting: &str| {
        let host = Host::new();
        tell(&host, events.iter().cloned());
        let report = report(&host, 1_000);
        check_from(&report, "today", &[&format!("today: {answered}")]);
        check_from(&report, "Waiting", &[&format!("Waiting now: {waiting}")]);
    };
    check(&[operator(0)], "none", "nobody");
    check(&[client(0)], "none", "1 client, for 16 min 40 s");
    check(&[client(0), client(50), operator(70), operator(80)], "1, after 1 min 10 s", "nobody");
    check(&[client(0), operator(70), client(100)], "1, after 1 min 10 s", "1 client, for 15 min");
    check(&[client(0), bot(1), client(2), operator(70)], "1, after 1 min 10 s", "nobody");
    check(&[client(0), close(5), operator(70)], "none", "nobody");
    check(&[client(0), event("message.intercepted", Sender::Unknown, 70)], "1, after 1 min 10 s", "nobody");
    // Of the same second, the order in which they come is the order in which they were written.
    check(&[client(10), operator(10)], "1, after 0 s", "nobody");
    check(&[operator(10), client(10)], "none", "1 client, for 16 min 30 s");
    // What comes late.
    check(&[client(100), operator(90)], "none", "1 client, for 15 min");
    check(&[client(100), close(90)], "none", "1 client, for 15 min");
    check(&[operator(100), client(90)], "none", "nobody");
    check(&[close(100), client(90)], "none", "nobody");
    check(&[client(100), client(40), operator(160)], "1, after 2 min", "nobody");
    check(&[client(0), operator(100), operator(50), client(60)], "1, after 1 min 40 s", "nobody");
    check(&[client(2_000)], "none", "1 client, for 0 s");
}

#[test]
fn each_conversation_of_each_source_waits_for_itself() {
    let host = Host::new();
    let sales = Origin { source: "sales".into(), ..Origin::default() };
    tell(&host, [client(60), client(0).origin(sales.clone()), client(30).conversation("-100:6")]);
    check_from(&report(&host, 120), "Waiting", &["Waiting now: 3 clients, the longest for 2 min"]);
    tell(&host, [operator(90).origin(sales)]);
    check_from(&report(&host, 120), "Waiting", &["Waiting now: 2 clients, the longest for 1 min 30 s"]);
    check_from(&report(&host, 120), "today", &["today: 1, after 1 min 30 s"]);
}

#[test]
fn who_waits_is_counted_up_to_a_thousand() {
    let host = Host::new();
    let check = |expected: &str| check_from(&report(&host, 60), "Waiting", &[expected]);
    tell(&host, (0..1_000).map(|number| client(0).conversation(number.to_string())));
    check("Waiting now: 1000 clients, the longest for 1 min");
    tell(&host, [client(0).conversation("one more")]);
    check("Waiting now: more than 1000 clients, the longest for 1 min");
    host.advance(Duration::from_secs(30 * 86_400));
    check("Waiting now: nobody");
}

#[test]
fn answers_are_told_in_parts() {
    let check = |waits_s: &[i64], expected: &str| {
        let host = Host::new();
        for (index, wait_s) in waits_s.iter().enumerate() {
            tell(&host, [client(-wait_s), operator(0)].map(|event| event.conversation(index.to_string())));
        }
        check_from(&report(&host, 0), "today", &[&format!("today: {expected}")]);
    };
    check(&[5, 7], "2, on average after 6 s; all within 10 s");
    check(&[10, 11], "2, on average after 10 s; half within 10 s, all within 20 s");
    check(
        &[1, 2, 3, 4, 60, 61, 62, 63, 400, 2_000],
        "10, on average after 4 min 25 s; half within 1 min, 9 of 10 within 7 min, all within 45 min",
    );
    check(&[1; 9], "9, on average after 1 s; all within 10 s");
    check(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 50], "10, on average after 5 s; 9 of 10 within 10 s, all within 1 min");
    check(&[16 * DAY_S, 20 * DAY_S], "2, on average after 18 days; half within 16 days, all within 32 days");
    check(&[40 * DAY_S, 40 * DAY_S], "2, on average after 32 days; all within 32 days");
}

#[test]
fn no_time_is_too_odd() {
    let host = Host::new().setting("KEYWORDS", "refund");
    let at = |event: Event, at_ms| event.occurred_at_ms(at_ms).text("refund");
    tell(&host, [at(client(0), 0), at(operator(0), u64::MAX), at(client(0), u64::MAX), at(close(0), 0)]);
    check_from(&report(&host, 0), "Waiting", &["Waiting now: 1 client, for 0 s"]);
    check_from(&report(&host, 0), "refund", &["refund: today 0 + 0, 7 days 0 + 0, 30 days 0 + 0"]);
}
