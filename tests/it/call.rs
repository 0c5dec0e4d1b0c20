//! `slashbox call`: an author tries a command without a host.

use serde_json::{Value, json};

use crate::harness::{Ended, Process, Receiver, Said, Site, assert_has};

async fn call(site: &Site, arguments: &[&str]) -> Ended {
    Process::run(&[&["call"], arguments].concat(), site.dir()).await
}

#[tokio::test]
async fn a_reply_is_printed() {
    let site = Site::new(&["mark", "probe"]);
    let check = async |arguments: &[&str], out: &str, err: &str| {
        let called = call(&site, arguments).await;
        called.assert(0, &[]);
        assert_eq!((called.out.as_str(), called.err.as_str()), (out, err), "{arguments:?}");
    };
    check(&["plugins/probe.wasm", "/set", "a b"], "set\n  kv     a = b\n", "").await;
    // What it keeps is gone with it.
    check(&["plugins/mark.wasm", "/mark"], "Not marked yet. Mark it with /mark STATUS\n", "").await;
    let removed = "No longer marked\n  kv     call/conversation deleted\n";
    check(&["plugins/mark.wasm", "/mark", "-"], removed, "").await;
    check(&["plugins/probe.wasm", "/echo", "a b"], "a b\n", "").await;
    check(&["plugins/probe.wasm", "/echo", "--", "--json"], "--json\n", "").await;
    check(&["plugins/probe.wasm", "/echo"], "", "done, nothing to show\n").await;
}

#[tokio::test]
async fn what_fails_is_shown_from_the_inside() {
    let site = Site::new(&["probe"]);
    let check = async |arguments: &[&str], code: i32, expected: &str| {
        let called = call(&site, &[&["plugins/probe.wasm"], arguments].concat()).await;
        called.assert(code, &[]);
        assert_eq!(called.out, "", "{arguments:?}");
        crate::harness::assert_has(&called.err, &[expected]);
    };
    check(&["/refuse", "no such client"], 1, "error: refused: no such client\n").await;
    check(&["/later", "the CRM rests"], 1, "error: unavailable: the CRM rests\n").await;
    check(&["/trap"], 1, "error: trapped: wasm trap: wasm `unreachable` instruction executed\n").await;
    check(&["/trap"], 1, "probe.wasm!").await;
    check(&["/panic", "boo"], 1, "probe panicked: boo").await;
    check(&["/spin"], 1, "error: cpu limit of 500 ms reached\n").await;
    check(&["/grow"], 1, "error: memory limit of 64 MiB reached\n").await;
    check(&["/spn"], 1, "error: unknown command /spn, did you mean /spin").await;
    check(&["spin"], 64, "error: \"spin\" is no command name: expected / and 1 to 64 characters").await;
}

#[tokio::test]
async fn what_the_plugin_says_is_shown() {
    let site = Site::new(&["probe"]);
    let called = call(&site, &["plugins/probe.wasm", "/log", "trace a step"]).await;
    called.assert(0, &["logged\n", "TRACE", "a step"]);
    let called = call(&site, &["plugins/probe.wasm", "/print", "a line"]).await;
    called.assert(0, &["printed\n", "out: a line", "err: a line"]);
    assert_eq!(called.out, "printed\n");
}

#[tokio::test]
async fn a_program_gets_json() {
    let site = Site::new(&["probe"]);
    let check = async |line: &[&str], code: i32, expected: Value| {
        let called = call(&site, &[&["plugins/probe.wasm", "--json"], line].concat()).await;
        called.assert(code, &[]);
        let told: Value = serde_json::from_str(&called.out).unwrap();
        for (field, expected) in expected.as_object().unwrap() {
            assert_eq!(&told[field], expected, "{line:?}: {field}");
        }
        told
    };
    let nothing = json!({ "kv": [], "timers": [], "events": [], "sent_http": false, "backtrace": null });
    check(&["/echo", "hi"], 0, json!({ "outcome": "replied", "reply": "hi", "detail": null })).await;
    check(&["/echo", "hi"], 0, nothing.clone()).await;
    check(&["/echo"], 0, json!({ "outcome": "replied", "reply": null, "detail": null })).await;
    check(&["/refuse", "no"], 1, json!({ "outcome": "refused", "reply": null, "detail": "no" })).await;
    check(&["/later", "no"], 1, json!({ "outcome": "unavailable", "reply": null, "detail": "no" })).await;
    let detail = "wasm trap: wasm `unreachable` instruction executed";
    let told = check(&["/trap"], 1, json!({ "outcome": "trapped", "reply": null, "detail": detail })).await;
    assert_has(told["backtrace"].as_str().unwrap(), &["probe.wasm!"]);
    let detail = "cpu limit of 500 ms reached";
    check(&["/spin"], 1, json!({ "outcome": "limit", "reply": null, "detail": detail })).await;
    let kv = json!([{ "key": "a", "value": "b", "expires_at_ms": null }]);
    check(&["/set", "a b"], 0, json!({ "reply": "set", "kv": kv, "timers": [], "events": [] })).await;
    let events = json!([{ "kind": "plugin.probe.paid", "conversation": "conversation", "data": "\"5\"" }]);
    check(&["/emit", "paid 5"], 0, json!({ "reply": "ok", "kv": [], "events": events })).await;
    let told = check(&["/timer", "tea 1800000 hot"], 0, json!({ "reply": "ok", "kv": [] })).await;
    assert_eq!((&told["timers"][0]["key"], &told["timers"][0]["payload"]), (&json!("tea"), &json!("\"hot\"")));
    assert!(told["timers"][0]["due_at_ms"].as_u64() > Some(0), "{told:#}");
    check(&["/set-then-refuse", "a b"], 1, nothing).await;
}

#[tokio::test]
async fn what_it_would_change_is_shown() {
    let site = Site::new(&["probe"]);
    let check = async |line: &[&str], out: &str| {
        let called = call(&site, &[&["plugins/probe.wasm"], line].concat()).await;
        called.assert(0, &[]);
        assert_eq!((called.out.as_str(), called.err.as_str()), (out, ""), "{line:?}");
    };
    check(&["/ttl", "k 600000 v"], "set\n  kv     k = v (for 10m)\n").await;
    check(&["/incr", "n"], "1\n  kv     n +1\n").await;
    check(&["/timer", "tea 1800000 hot"], "ok\n  timer  tea in 30m: \"hot\"\n").await;
    let emitted = ["--conversation", "-100:5", "/emit", "paid 5"];
    check(&emitted, "ok\n  event  plugin.probe.paid (conversation -100:5): \"5\"\n").await;
}

#[tokio::test]
async fn what_it_says_does_nothing_to_the_terminal() {
    let site = Site::new(&["probe"]);
    let check = async |line: &[&str], code: i32, out: &str, err: &str| {
        let called = call(&site, &[&["plugins/probe.wasm"], line].concat()).await;
        called.assert(code, &[]);
        assert_eq!((called.out.as_str(), called.err.as_str()), (out, err), "{line:?}");
    };
    let (odd, plain) = ("a\u{1b}[2J\tb\u{202e}\n\u{9b}31mc", "a\\u{1b}[2J\tb\\u{202e}\n\\u{9b}31mc");
    check(&["/echo", odd], 0, &format!("{plain}\n"), "").await;
    check(&["/refuse", odd], 1, "", &format!("error: refused: {plain}\n")).await;
    let set = "set\n  kv     k\\u{202e} = a\\u{1b}\\n  kv     forged = 1\n";
    check(&["/set", "k\u{202e} a\u{1b}\n  kv     forged = 1"], 0, set, "").await;
    let called = call(&site, &["plugins/probe.wasm", "/echo", odd, "--json"]).await;
    assert!(called.out.trim_end().chars().all(|c| c == '\n' || !c.is_control()), "{called:?}");
    assert_eq!(serde_json::from_str::<Value>(&called.out).unwrap()["reply"], odd);
}

#[tokio::test]
async fn requests_go_where_the_configuration_allows() {
    let receiver = Receiver::start();
    receiver.says(Said::text("hello"));
    let site = Site::new(&["fetch"]);
    let host = receiver.url("").replace("http://", "");
    site.grant("fetch", &format!("allowed_hosts = [{:?}]", host.trim_end_matches('/')));
    let get = ["plugins/fetch.wasm", "/get", &receiver.url("/")];
    call(&site, &get).await.assert(0, &["denied\n"]);
    assert_eq!(receiver.all().len(), 0);
    site.allow_receivers();
    let called = call(&site, &get).await;
    called.assert(0, &["200 hello\n  http   requests were sent, and nothing takes them back\n"]);
    assert_eq!(receiver.all().len(), 1);
    let help = call(&site, &["--help"]).await;
    help.assert(0, &["HTTP requests are really sent", "--config <FILE>", "--tenant <NAME>"]);
}

/// What a host would let it have, whatever else is in its configuration.
#[tokio::test]
async fn its_limits_are_those_of_the_configuration() {
    let site = Site::new(&["probe"]);
    site.grant("probe", "[limits]\nmemory_mib = 128");
    let echo = ["plugins/probe.wasm", "/echo", "hi"];
    let refused = "error: plugins/probe.wasm: grant: `limits.memory_mib` = 128: expected 1 to 64, the host's own limit";
    call(&site, &echo).await.assert(1, &[refused]);
    site.configure("[limits]\nmemory_mib = 256");
    site.add_source("other", "${NOBODYS}", "");
    call(&site, &echo).await.assert(0, &["hi\n"]);
    call(&site, &["plugins/probe.wasm", "/grow"]).await.assert(1, &["error: memory limit of 128 MiB reached\n"]);
    site.rename("slashbox.toml", "other.toml");
    call(&site, &echo).await.assert(1, &[refused]);
    call(&site, &[&echo[..], &["--config", "other.toml"]].concat()).await.assert(0, &["hi\n"]);
    let none = call(&site, &[&echo[..], &["--config", "none.toml"]].concat()).await;
    none.assert(64, &["error: none.toml: there is no such file"]);
    site.write("slashbox.toml", "[limits]\nmemory_mb = 1");
    call(&site, &echo).await.assert(64, &["error: slashbox.toml: unknown key `limits.memory_mb`"]);
}

#[tokio::test]
async fn it_can_be_a_tenants_own() {
    let site = Site::new(&["probe"]);
    let given = ["plugins/probe.wasm", "/whoami", "--tenant", "acme"];
    call(&site, &given).await.assert(0, &["tenant=acme\n"]);
    site.grant("probe", "[settings]\nGREETING = \"${HOME}\"");
    call(&site, &["plugins/probe.wasm", "/setting", "GREETING"]).await.assert(0, &["/home\n"]);
    call(&site, &given)
        .await
        .assert(1, &["grant: `settings.GREETING`: the host's environment is for plugins of all tenants"]);
    let wrong = call(&site, &["plugins/probe.wasm", "/whoami", "--tenant", "a/b"]).await;
    wrong.assert(64, &["invalid value 'a/b' for '--tenant <NAME>': \"a/b\" is no name"]);
}

/// Whether something was compiled is seen by whether it lies there anew.
#[cfg(unix)]
#[tokio::test]
async fn compiled_code_is_kept_for_the_next_call() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new(&["mark"]);
    let run = async |command: &str, cache: &str| {
        let arguments = [command, "plugins/mark.wasm", if command == "call" { "/mark" } else { "message.sent" }];
        let cache = ("XDG_CACHE_HOME".to_owned(), site.path(cache).display().to_string());
        Process::start(&arguments, site.dir(), &[cache]).ended().await
    };
    let compiled = || {
        let entries = std::fs::read_dir(site.path("cache/slashbox/compiled")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    run("call", "cache").await.assert(0, &["Not marked yet"]);
    let [entry] = compiled().try_into().unwrap();
    let mode = std::fs::metadata(entry.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // One that nobody used for long goes, and this one is used.
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(8 * 24 * 60 * 60);
    let make_old = |path| std::fs::File::options().append(true).open(path).unwrap().set_modified(old).unwrap();
    std::fs::copy(&entry, entry.with_file_name("other.cwasm")).unwrap();
    make_old(entry.with_file_name("other.cwasm"));
    make_old(entry.clone());
    let inode = |path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let before = inode(&entry);
    run("emit", "cache").await.assert(1, &["refused: "]);
    assert_eq!((compiled(), inode(&entry)), (vec![entry.clone()], before));
    assert!(std::fs::metadata(&entry).unwrap().modified().unwrap() > old);
    // What is damaged is made anew.
    std::fs::write(&entry, "no code").unwrap();
    run("call", "cache").await.assert(0, &["Not marked yet"]);
    assert!(std::fs::metadata(&entry).unwrap().len() > 100, "{entry:?}");
    // Without a folder, it takes its time.
    site.write("file", "");
    run("call", "file").await.assert(0, &["Not marked yet"]);
    // The time that a check tells is that of compiling.
    let cache = ("XDG_CACHE_HOME".to_owned(), site.path("checked").display().to_string());
    Process::start(&["check", "plugins/mark.wasm"], site.dir(), &[cache]).ended().await.assert(0, &["ok "]);
    assert!(!site.path("checked").exists());
}

#[tokio::test]
async fn what_it_comes_with_can_be_given() {
    let site = Site::new(&["probe"]);
    let odd = include_str!("cases/hotline/odd-data.json");
    site.write("odd.json", odd);
    let called = call(&site, &["plugins/probe.wasm", "/data", "--data", "odd.json"]).await;
    called.assert(0, &[]);
    assert_eq!(called.out.trim_end(), odd.trim_end());
    let called = call(&site, &["plugins/probe.wasm", "/data"]).await;
    called.assert(0, &["null\n"]);
    let given = ["plugins/probe.wasm", "/whoami", "a", "--conversation", "-100:5", "--operator", "anna"];
    let called = call(&site, &given).await;
    called.assert(0, &["args=a\n", "conversation=-100:5\n", "operator=anna\n", "tenant=default\n", "source=call\n"]);
    site.write("bad.json", "{");
    let called = call(&site, &["plugins/probe.wasm", "/data", "--data", "bad.json"]).await;
    called.assert(64, &["error: bad.json: expected JSON: EOF while parsing an object at line 1 column 1"]);
    let called = call(&site, &["plugins/probe.wasm", "/data", "--data", "none.json"]).await;
    called.assert(1, &["error: none.json: No such file or directory"]);
}

#[tokio::test]
async fn its_settings_are_in_the_grant_beside_it() {
    let site = Site::new(&["probe"]);
    let setting = ["plugins/probe.wasm", "/setting", "GREETING"];
    call(&site, &setting).await.assert(0, &["unset\n"]);
    site.grant("probe", "[settings]\nGREETING = \"moin\"\n[limits]\ncpu_ms = 70");
    call(&site, &setting).await.assert(0, &["moin\n"]);
    call(&site, &["plugins/probe.wasm", "/spin"]).await.assert(1, &["cpu limit of 70 ms reached"]);
    site.grant("probe", "[setings]\nGREETING = \"moin\"");
    let called = call(&site, &setting).await;
    called.assert(1, &["error: plugins/probe.wasm: grant: unknown key `setings`: did you mean `settings`?"]);
}

#[tokio::test]
async fn what_is_no_plugin_cannot_be_called() {
    let site = Site::empty();
    site.write("text.wasm", "hello there");
    call(&site, &["text.wasm", "/mark"]).await.assert(1, &["error: text.wasm: no WebAssembly: the file begins with"]);
    call(&site, &["none.wasm", "/mark"]).await.assert(1, &["error: none.wasm: cannot be read: No such file"]);
}
