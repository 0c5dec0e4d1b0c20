//! What the fake does as the host does, and what it tells.

use super::*;
use crate::{Failure, ServiceError, Timer, events, http, kv, log, refuse, settings, timers};

/// Changes all that a call can change, and then fails if it is told to.
fn plugin() -> Plugin {
    Plugin::new("p", "1.0.0")
        .command("/do", "", "", |command: Command| change(&command.args))
        .on_timer(|timer| change(&timer.payload::<String>()?))
}

fn change(how: &str) -> Result {
    kv::set("key", how)?;
    timers::cancel("old")?;
    timers::set("new", Duration::from_secs(2), how)?;
    events::emit("done", how)?;
    log::warn!("{how}");
    if how == "badly" {
        refuse!("badly done");
    }
    Ok(())
}

fn timer_keys(host: &Host) -> Vec<String> {
    host.timers().into_iter().map(|timer| timer.key).collect()
}

#[test]
fn a_call_that_succeeds_changes_everything() {
    let host = Host::new();
    timers::set("old", Duration::from_secs(1), &()).unwrap();
    let command = Command::new("/do").args("well").conversation("5");
    assert_eq!(host.command(&plugin(), command), Ok(None));
    assert_eq!(host.kv(), BTreeMap::from([("key".to_owned(), b"\"well\"".to_vec())]));
    let due_at_ms = host.now_ms() + 2_000;
    let (key, payload_json) = ("new".into(), "\"well\"".into());
    let (conversation, origin) = (Some("5".into()), Origin::default());
    assert_eq!(host.timers(), [SetTimer { key, due_at_ms, payload_json, conversation, origin }]);
    let emitted = Emitted { kind: "done".into(), conversation: Some("5".into()), data_json: "\"well\"".into() };
    assert_eq!(host.emitted(), [emitted]);
    assert_eq!(host.log(), [LogLine { level: Level::Warn, text: "well".into() }]);
}

#[test]
fn a_call_that_fails_leaves_only_its_log() {
    let host = Host::new();
    timers::set("old", Duration::from_secs(1), "badly").unwrap();
    let check = |outcome: Result<()>| {
        assert_eq!(outcome, Err(Failure::refused("badly done")));
        assert_eq!(host.kv(), BTreeMap::new());
        assert_eq!(timer_keys(&host), ["old"]);
        assert_eq!(host.emitted(), []);
    };
    check(host.command(&plugin(), Command::new("/do").args("badly")).map(|_| ()));
    check(host.event(&plugin(), Event::new("timer.fired").data_json("\"badly\"")));
    assert_eq!(host.log().len(), 2);
}

#[test]
fn timers_fire_in_their_order_when_they_are_due() {
    let host = Host::new();
    for (key, seconds) in [("b", 2), ("c", 3), ("a", 1)] {
        timers::set(key, Duration::from_secs(seconds), key).unwrap();
    }
    assert_eq!(timer_keys(&host), ["a", "b", "c"]);
    timers::set("a", Duration::from_secs(9), "again").unwrap();
    host.advance(Duration::from_millis(2_999));
    let fired = host.due_timers();
    let expected = Event::new("timer.fired").sender(Sender::System).message("b").data_json("\"b\"");
    assert_eq!(fired, [expected.occurred_at_ms(host.now_ms() - 999)]);
    host.advance(Duration::from_millis(1));
    assert_eq!(host.due_timers().len(), 1);
    assert_eq!(timer_keys(&host), ["a"]);
}

#[test]
fn a_timer_takes_a_second_at_least_and_has_a_key() {
    let host = Host::new();
    timers::set("a", Duration::ZERO, &()).unwrap();
    timers::set("b", Duration::from_millis(1_001), &()).unwrap();
    let due: Vec<u64> = host.timers().iter().map(|timer| timer.due_at_ms - host.now_ms()).collect();
    assert_eq!(due, [1_000, 1_001]);
    let problem = Err(ServiceError::Invalid("timer key of 513 bytes: expected 1 to 512".into()));
    assert_eq!(timers::set("x".repeat(513), Duration::ZERO, &()), problem);
    assert_eq!(timers::cancel("x".repeat(513)), problem);
    timers::cancel("x".repeat(512)).unwrap();
}

#[test]
fn what_the_host_does_not_take_is_refused_in_its_words() {
    Host::new();
    let check = |result: Result<(), ServiceError>, problem: &str| {
        assert_eq!(result, Err(ServiceError::Invalid(problem.to_owned())));
    };
    let set = |key: &str, after_ms, payload: &str| timers::set(key, Duration::from_millis(after_ms), payload);
    check(set("", 1, ""), "timer key of 0 bytes: expected 1 to 512");
    check(set(&"x".repeat(513), 1, ""), "timer key of 513 bytes: expected 1 to 512");
    check(timers::cancel(""), "timer key of 0 bytes: expected 1 to 512");
    check(set("a", 315_360_000_001, ""), "timer \"a\" after 315360000001 ms: expected at most 315360000000");
    check(set("a", 1, &"x".repeat(65_535)), "timer \"a\" with 65537 bytes of data: expected at most 65536");
    set(&"x".repeat(512), 315_360_000_000, &"x".repeat(65_534)).unwrap();
    for kind in ["", "*", "a.*", "a..b", "/mark", "a b", "paid!"] {
        check(events::emit(kind, &()), &format!("event {kind:?}: expected dotted words such as `paid`"));
    }
    check(events::emit("a", &"x".repeat(65_535)), "event \"a\" with 65537 bytes of data: expected at most 65536");
    events::emit("order.paid-2_x", &"x".repeat(65_534)).unwrap();
}

#[test]
fn a_timer_takes_a_second_at_least() {
    let host = Host::new();
    timers::set("a", Duration::ZERO, &()).unwrap();
    timers::set("b", Duration::from_millis(1_001), &()).unwrap();
    let due: Vec<u64> = host.timers().iter().map(|timer| timer.due_at_ms - host.now_ms()).collect();
    assert_eq!(due, [1_000, 1_001]);
}

/// Counts down, a second at a time, and emits what is left; fails at 13.
fn countdown() -> Plugin {
    fn from(command: Command) -> Result {
        timers::set("left", Duration::ZERO, &command.args.parse::<u32>()?)?;
        Ok(())
    }
    fn left(timer: Timer) -> Result {
        let left: u32 = timer.payload()?;
        if left == 13 {
            refuse!("no thirteen");
        }
        events::emit("left", &(left, timer.conversation_key(), timer.due_at_ms))?;
        if left > 0 {
            timers::set(timer.key, Duration::from_secs(1), &(left - 1))?;
        }
        Ok(())
    }
    Plugin::new("countdown", "1.0.0").command("/from", "NUMBER", "", from).on_timer(left)
}

#[test]
fn timers_run_as_time_passes_in_the_conversation_that_set_them() {
    let host = Host::new();
    let start_ms = host.now_ms();
    let origin = Origin { source: "sales".into(), ..Origin::default() };
    let command = Command::new("/from").args("2").conversation("5").origin(origin);
    host.command(&countdown(), command).unwrap();
    host.run_timers(&countdown(), Duration::from_millis(999)).unwrap();
    assert_eq!(host.emitted(), []);
    host.run_timers(&countdown(), Duration::from_secs(10)).unwrap();
    assert_eq!(host.now_ms(), start_ms + 10_999);
    assert_eq!(host.timers(), []);
    let emitted = host.emitted();
    assert!(emitted.iter().all(|event| event.conversation.as_deref() == Some("5")), "{emitted:?}");
    let said: Vec<(u32, String, u64)> = emitted.iter().map(|event| event.data().unwrap()).collect();
    let at = |left, seconds: u64| (left, "sales/5".to_owned(), start_ms + seconds * 1_000);
    assert_eq!(said, [at(2, 1), at(1, 2), at(0, 3)]);
}

#[test]
fn a_timer_that_fails_stops_the_time() {
    let host = Host::new();
    let start_ms = host.now_ms();
    host.command(&countdown(), Command::new("/from").args("14")).unwrap();
    let failure = host.run_timers(&countdown(), Duration::from_secs(60));
    assert_eq!(failure, Err(Failure::refused("no thirteen")));
    assert_eq!((host.now_ms(), host.timers().len(), host.emitted().len()), (start_ms + 2_000, 0, 1));
}

#[test]
fn events_are_emitted_where_the_call_is_or_where_the_plugin_says() {
    fn emit(_: Event) -> Result {
        events::emit("a", &())?;
        events::emit_in("6", "b", &())?;
        events::emit_in(None, "c", &())?;
        Ok(())
    }
    let plugin = Plugin::new("p", "1.0.0").on("*", emit);
    let host = Host::new();
    host.event(&plugin, Event::new("message.sent").conversation("5")).unwrap();
    host.event(&plugin, Event::new("message.sent")).unwrap();
    events::emit("d", &()).unwrap();
    let emitted = host.emitted();
    let said: Vec<_> = emitted.iter().map(|event| (event.kind.as_str(), event.conversation.as_deref())).collect();
    let expected =
        [("a", Some("5")), ("b", Some("6")), ("c", None), ("a", None), ("b", Some("6")), ("c", None), ("d", None)];
    assert_eq!(said, expected);
}

#[test]
fn settings_are_the_tests_own() {
    let _host = Host::new().setting("CRM_URL", "https://crm.example.com");
    assert_eq!(settings::get("CRM_URL").as_deref(), Some("https://crm.example.com"));
    assert_eq!(settings::require("CRM_URL").as_deref(), Ok("https://crm.example.com"));
    assert_eq!(settings::get("PATH"), None);
    let missing = ServiceError::Denied("setting PATH is missing".into());
    assert_eq!(settings::require("PATH"), Err(missing));
}

#[test]
fn a_new_host_has_forgotten_everything() {
    let host = Host::new().setting("A", "x");
    change("well").unwrap();
    let host = host.answer_with(|_| http::Response::new(200));
    http::get("https://a.b").send().unwrap();
    host.advance(Duration::from_secs(1));
    let now_ms = host.now_ms();
    let host = Host::new();
    assert_eq!(settings::get("A"), None);
    assert_eq!((host.kv(), host.timers(), host.emitted(), host.log(), host.requests()), Default::default());
    assert_eq!(host.now_ms(), now_ms - 1_000);
}
