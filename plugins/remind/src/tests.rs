//! Commands and time in, replies and events out.

use super::*;
use slashbox_sdk::{Failure, Origin, testing::Host};
use std::time::Duration;

/// `/remind ARGS`, typed by 7 in the conversation -100:5 now.
fn command(host: &Host, args: &str) -> Command {
    let id = format!("{}/{args}", host.now_ms());
    Command::new("/remind").id(id).args(args).conversation("-100:5").operator("7").occurred_at_ms(host.now_ms())
}

fn check(host: &Host, args: &str, expected: &str) {
    let reply = host.command(&plugin(), command(host, args)).unwrap().unwrap();
    assert_eq!(reply, expected.into(), "/remind {args}");
}

fn check_refused(host: &Host, args: &str, reason: &str) {
    assert_eq!(host.command(&plugin(), command(host, args)), Err(Failure::refused(reason)), "/remind {args}");
}

fn pass(host: &Host, minutes: u64) {
    host.run_timers(&plugin(), Duration::from_secs(60 * minutes)).unwrap();
}

/// The texts of what was due.
fn texts(host: &Host) -> Vec<String> {
    #[derive(Deserialize)]
    struct Due {
        text: String,
    }
    host.emitted().iter().map(|event| event.data::<Due>().unwrap().text).collect()
}

#[test]
fn a_reminder_comes_when_it_is_due() {
    let host = Host::new();
    let asked_at_ms = host.now_ms();
    check(&host, "30m  call\n back", "In 30m: call back");
    pass(&host, 29);
    assert_eq!(host.emitted(), []);
    check(&host, "", "1. in 1m: call back");
    pass(&host, 1);
    let [due] = &host.emitted()[..] else { panic!("{:?}", host.emitted()) };
    assert_eq!((due.kind.as_str(), due.conversation.as_deref()), ("due", Some("-100:5")));
    assert_eq!(due.data_json, format!(r#"{{"text":"call back","operator":"7","asked_at_ms":{asked_at_ms}}}"#));
    check(&host, "", "No reminders here. Set one with /remind 30m call back");
    assert_eq!((host.kv().len(), host.timers().len()), (0, 0), "nothing stays");
}

#[test]
fn what_is_to_come_is_listed_in_its_order() {
    let host = Host::new();
    check(&host, "1d12h invoice", "In 1d 12h: invoice");
    check(&host, "90s tea", "In 1m 30s: tea");
    check(&host, "2h call back", "In 2h: call back");
    check(&host, "", "1. in 1m 30s: tea\n2. in 2h: call back\n3. in 1d 12h: invoice");
    pass(&host, 60);
    check(&host, "", "1. in 1h: call back\n2. in 1d 11h: invoice");
    pass(&host, 60 * 48);
    assert_eq!(texts(&host), ["tea", "call back", "invoice"]);
}

#[test]
fn what_is_cancelled_does_not_come() {
    let host = Host::new();
    for text in ["a", "b", "c"] {
        host.command(&plugin(), command(&host, &format!("5m {text}"))).unwrap();
    }
    check(&host, "- 2", "Cancelled: b");
    check(&host, "", "1. in 5m: a\n2. in 5m: c");
    for number in ["0", "3", "b", "-1"] {
        check_refused(&host, &format!("- {number}"), &format!("There is no reminder {number}. /remind lists them"));
    }
    check(&host, "-", "Cancelled all 2");
    check(&host, "-", "No reminders here");
    assert_eq!((host.kv().len(), host.timers().len()), (0, 0), "nothing stays");
    check(&host, "5m d", "In 5m: d");
    check(&host, "-", "Cancelled");
    pass(&host, 10);
    assert_eq!(host.emitted(), []);
}

#[test]
fn a_timer_that_fires_twice_or_too_late_reminds_of_nothing() {
    let host = Host::new();
    check(&host, "5m a", "In 5m: a");
    check(&host, "6m b", "In 6m: b");
    host.advance(Duration::from_secs(400));
    let [a, b] = &host.due_timers()[..] else { panic!("two timers are due") };
    host.event(&plugin(), a.clone()).unwrap();
    host.event(&plugin(), a.clone().attempt(2)).unwrap();
    check(&host, "", "1. in 0s: b");
    check(&host, "-", "Cancelled");
    host.event(&plugin(), b.clone()).unwrap();
    assert_eq!(texts(&host), ["a"]);
}

#[test]
fn what_is_no_reminder_is_refused() {
    let host = Host::new();
    let no_time = |time| format!("{time:?} is no time. Try /remind 30m call back, or 2h, or 1d12h");
    check_refused(&host, "30 call back", &no_time("30"));
    check_refused(&host, "tomorrow call back", &no_time("tomorrow"));
    check_refused(&host, "- 1 2", &no_time("-"));
    let expected = "A reminder has 1 to 150 characters; this one has";
    check_refused(&host, "30m", &format!("{expected} 0. Try /remind 30m call back"));
    check_refused(&host, &format!("30m {}", "ё".repeat(151)), &format!("{expected} 151. Try /remind 30m call back"));
    let longest = "ё".repeat(150);
    check(&host, &format!("30m {longest}"), &format!("In 30m: {longest}"));
    let refused = host.command(&plugin(), Command::new("/remind").args("30m call back"));
    assert_eq!(refused, Err(Failure::refused("/remind works only in a conversation")));
}

#[test]
fn a_conversation_has_twenty() {
    let host = Host::new();
    for number in 1..=20 {
        check(&host, &format!("5m {number}"), &format!("In 5m: {number}"));
    }
    check_refused(&host, "5m 21", "A conversation has at most 20 reminders. Cancel one with /remind - NUMBER");
    pass(&host, 5);
    assert_eq!(host.emitted().len(), 20);
}

#[test]
fn each_conversation_of_each_source_has_its_own() {
    let host = Host::new();
    let sales = Origin { source: "sales".into(), ..Origin::default() };
    check(&host, "5m here", "In 5m: here");
    let elsewhere = command(&host, "5m there").origin(sales);
    host.command(&plugin(), elsewhere).unwrap();
    check(&host, "", "1. in 5m: here");
    pass(&host, 5);
    assert_eq!(texts(&host).len(), 2);
}
