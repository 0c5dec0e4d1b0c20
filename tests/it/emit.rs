//! `slashbox emit`: an author tries an event without a host.

use serde_json::{Value, json};

use crate::harness::{Ended, Process, Site, assert_has};

async fn emit(site: &Site, arguments: &[&str]) -> Ended {
    Process::run(&[&["emit"], arguments].concat(), site.dir()).await
}

async fn in_json(site: &Site, code: i32, arguments: &[&str]) -> Value {
    let emitted = emit(site, &[arguments, &["--json"]].concat()).await;
    emitted.assert(code, &[]);
    serde_json::from_str(&emitted.out).unwrap_or_else(|error| panic!("{error}: {emitted:#?}"))
}

#[tokio::test]
async fn what_it_would_change_is_shown() {
    let site = Site::new(&["recorder"]);
    let emitted = emit(&site, &["plugins/recorder.wasm", "message.received", "--text", "hello"]).await;
    emitted.assert(0, &["taken in ", " ms\n", "  kv     count +1\n", "  kv     seen/00000001/", "\"text\":\"hel"]);
    assert_eq!(emitted.err, "");
    let told = in_json(&site, 0, &["plugins/recorder.wasm", "message.received", "--text", "hello"]).await;
    for (field, expected) in [
        ("outcome", json!("replied")),
        ("detail", Value::Null),
        ("wanted", json!(true)),
        ("timers", json!([])),
        ("events", json!([])),
        ("sent_http", json!(false)),
    ] {
        assert_eq!(told[field], expected, "{field}");
    }
    assert_eq!(told["kv"][0], json!({ "key": "count", "add": 1 }));
    // Nothing of it is kept: the first event is the first again.
    assert!(told["kv"][2]["key"].as_str().unwrap().starts_with("seen/00000001/"), "{told:#}");
}

#[tokio::test]
async fn what_it_comes_with_can_be_given() {
    let site = Site::new(&["recorder"]);
    let odd = include_str!("cases/hotline/odd-data.json");
    site.write("odd.json", odd);
    let given = ["--data", "odd.json", "--conversation", "-100:5", "--sender", "operator", "--message", "-7"];
    let told = in_json(&site, 0, &[&["plugins/recorder.wasm", "message.sent"], &given[..]].concat()).await;
    let seen: Value = serde_json::from_str(told["kv"][2]["value"].as_str().unwrap()).unwrap();
    for (field, expected) in [
        ("kind", "message.sent"),
        ("conversation", "-100:5"),
        ("sender", "operator"),
        ("message", "-7"),
        ("source", "emit"),
        ("tenant", "default"),
        ("data", odd.trim_end()),
    ] {
        assert_eq!(seen[field], expected, "{field}");
    }
    site.write("bad.json", "{");
    let emitted = emit(&site, &["plugins/recorder.wasm", "message.sent", "--data", "bad.json"]).await;
    emitted.assert(64, &["error: bad.json: expected JSON: EOF while parsing"]);
    let emitted = emit(&site, &["plugins/recorder.wasm", "message.sent", "--data", "none.json"]).await;
    emitted.assert(1, &["error: none.json: No such file or directory"]);
}

#[tokio::test]
async fn how_it_ended_is_told() {
    let site = Site::new(&["counter"]);
    let refused = emit(&site, &["plugins/counter.wasm", "message.received", "--text", "refuse"]).await;
    refused.assert(1, &["error: refused: told to refuse\n"]);
    // What fails changes nothing.
    assert_eq!(refused.out, "");
    let later = emit(&site, &["plugins/counter.wasm", "message.received", "--text", "later"]).await;
    later.assert(1, &["error: unavailable: told to come later\n"]);
    let told = in_json(&site, 1, &["plugins/counter.wasm", "message.received", "--text", "refuse"]).await;
    assert_eq!((&told["outcome"], &told["detail"]), (&json!("refused"), &json!("told to refuse")));
    assert_eq!((&told["kv"], &told["wanted"]), (&json!([]), &json!(true)));
}

#[tokio::test]
async fn a_kind_that_it_does_not_ask_for_is_noted() {
    let site = Site::new(&["mark", "counter"]);
    let check = async |file: &str, kind: &str, wanted: bool| {
        let emitted = emit(&site, &[file, kind, "--text", "refuse"]).await;
        let note = format!("the plugin does not ask for {kind}: no host would give it this event");
        assert_eq!((emitted.code, emitted.err.contains(&note)), (Some(1), !wanted), "{emitted:#?}");
        let told = in_json(&site, 1, &[file, kind, "--text", "refuse"]).await;
        assert_eq!((&told["wanted"], &told["outcome"]), (&wanted.into(), &json!("refused")), "{told:#}");
    };
    check("plugins/mark.wasm", "message.received", false).await;
    check("plugins/counter.wasm", "conversation.closed", false).await;
    check("plugins/counter.wasm", "message.edited", true).await;
}

/// A plugin's own timers come without being asked for.
#[tokio::test]
async fn a_timer_can_be_tried() {
    let site = Site::new(&["fetch"]);
    site.write("late.json", "\"late\"");
    let fired = ["plugins/fetch.wasm", "timer.fired", "--message", "later", "--data", "late.json"];
    let emitted = emit(&site, &fired).await;
    emitted.assert(0, &["taken in ", "  event  plugin.fetch.late (conversation conversation): \"late\"\n"]);
    assert_eq!(emitted.err, "");
    let told = in_json(&site, 0, &fired).await;
    let event = json!({ "kind": "plugin.fetch.late", "conversation": "conversation", "data": "\"late\"" });
    assert_eq!((&told["wanted"], &told["events"]), (&json!(true), &json!([event])));
    site.plugin("recorder", "recorder");
    for (kind, more, sender) in [
        ("timer.fired", &[][..], "system"),
        ("plugin.fetch.late", &[], "system"),
        ("timer.fired", &["--sender", "bot"], "bot"),
        ("message.sent", &[], "contact"),
    ] {
        let told = in_json(&site, 0, &[&["plugins/recorder.wasm", kind], more].concat()).await;
        assert_eq!(seen(&told)["sender"], sender, "{kind}");
    }
}

/// What the recorder says that it got.
fn seen(told: &Value) -> Value {
    serde_json::from_str(told["kv"][2]["value"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_command_that_another_answers_can_be_tried() {
    let site = Site::new(&["recorder", "counter"]);
    let given = ["--text", "deal", "--operator", "anna", "--conversation", "-100:5", "--message", "7"];
    let told = in_json(&site, 0, &[&["plugins/recorder.wasm", "/mark"], &given[..]].concat()).await;
    assert_eq!(told["wanted"], true);
    for (field, expected) in [
        ("kind", "/mark"),
        ("native_kind", "/mark"),
        ("text", "deal"),
        ("operator", "anna"),
        ("conversation", "-100:5"),
        ("message", "7"),
        ("sender", "operator"),
        ("source", "emit"),
        ("tenant", "default"),
        ("data", "null"),
    ] {
        assert_eq!(seen(&told)[field], expected, "{field}");
    }
    let told = in_json(&site, 0, &["plugins/recorder.wasm", "/mark"]).await;
    let seen = seen(&told);
    assert_eq!((&seen["text"], &seen["operator"]), (&json!(""), &json!("operator")));
    let emitted = emit(&site, &["plugins/counter.wasm", "/mark"]).await;
    emitted.assert(1, &["the plugin does not ask for /mark: no host would give it this event\n", "error: refused: "]);
}

#[tokio::test]
async fn a_value_keeps_to_its_line_and_does_nothing_to_the_terminal() {
    let site = Site::new(&["recorder"]);
    site.write("odd.json", "{\n  \"a\": \"\u{202e}\"\n}");
    let given = ["plugins/recorder.wasm", "message.sent", "--data", "odd.json", "--conversation", "a\u{1b}[2J\nb"];
    let emitted = emit(&site, &given).await;
    emitted.assert(0, &[]);
    assert_eq!(emitted.out.lines().count(), 4, "{emitted:?}");
    assert!(!emitted.out.contains('\u{202e}'), "{emitted:?}");
    let told = emit(&site, &[&given[..], &["--json"]].concat()).await;
    assert!(told.out.trim_end().chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{told:?}");
}

#[tokio::test]
async fn it_is_tried_as_a_host_would_have_it() {
    let site = Site::new(&["recorder"]);
    let sent = ["plugins/recorder.wasm", "message.sent"];
    site.grant("recorder", "[limits]\nmemory_mib = 128");
    emit(&site, &sent).await.assert(1, &["grant: `limits.memory_mib` = 128: expected 1 to 64"]);
    site.configure("[limits]\nmemory_mib = 256");
    let told = in_json(&site, 0, &[&sent[..], &["--tenant", "acme"]].concat()).await;
    assert_eq!(seen(&told)["tenant"], "acme");
    // It keeps three keys of an event, and nothing if that is too much.
    site.grant("recorder", "[limits]\nkv_keys = 3");
    emit(&site, &sent).await.assert(0, &["taken in "]);
    site.grant("recorder", "[limits]\nkv_keys = 2");
    let over = emit(&site, &sent).await;
    over.assert(1, &["error: refused: kv limit of 2 keys reached\n"]);
    assert_eq!(over.out, "");
    let help = emit(&site, &["--help"]).await;
    help.assert(0, &["HTTP requests are really sent", "--config <FILE>", "--tenant <NAME>"]);
}

#[tokio::test]
async fn wrong_usage_is_told() {
    let site = Site::new(&["counter"]);
    for (arguments, code, expected) in [
        (&["plugins/counter.wasm", "bad kind"][..], 64, "error: kind \"bad kind\": expected dotted words such as"),
        (&["plugins/counter.wasm", "message.*"], 64, "error: kind \"message.*\": expected dotted words"),
        (&["plugins/counter.wasm", "/ma rk"], 64, "error: \"/ma rk\" is no command name: expected / and 1 to 64"),
        (
            &["plugins/counter.wasm", "/mark", "--sender", "contact"],
            64,
            "error: --sender contact: the sender of a command is an operator",
        ),
        (&["plugins/counter.wasm"], 64, "Usage: slashbox emit"),
        (&["plugins/counter.wasm", "message.sent", "--sender", "me"], 64, "invalid value 'me' for '--sender"),
        (&["none.wasm", "message.sent"], 1, "error: none.wasm: cannot be read: No such file"),
    ] {
        let emitted = emit(&site, arguments).await;
        assert_eq!((emitted.code, emitted.out.as_str()), (Some(code), ""), "{emitted:#?}");
        assert_has(&emitted.err, &[expected]);
    }
}
