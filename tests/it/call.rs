//! `slashbox call`: an author tries a command without a host.

use serde_json::{Value, json};

use crate::harness::{Ended, Process, Site};

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
    check(&["plugins/mark.wasm", "/mark", "deal"], "Marked: deal\n", "").await;
    // What it keeps is gone with it.
    check(&["plugins/mark.wasm", "/mark"], "Not marked yet. Mark it with /mark STATUS\n", "").await;
    check(&["plugins/mark.wasm", "/mark", "-"], "No longer marked\n", "").await;
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
        assert_eq!(serde_json::from_str::<Value>(&called.out).unwrap(), expected, "{line:?}");
    };
    check(&["/echo", "hi"], 0, json!({ "outcome": "replied", "reply": "hi", "detail": null })).await;
    check(&["/echo"], 0, json!({ "outcome": "replied", "reply": null, "detail": null })).await;
    check(&["/refuse", "no"], 1, json!({ "outcome": "refused", "reply": null, "detail": "no" })).await;
    check(&["/later", "no"], 1, json!({ "outcome": "unavailable", "reply": null, "detail": "no" })).await;
    let detail = "wasm trap: wasm `unreachable` instruction executed";
    check(&["/trap"], 1, json!({ "outcome": "trapped", "reply": null, "detail": detail })).await;
    let detail = "cpu limit of 500 ms reached";
    check(&["/spin"], 1, json!({ "outcome": "limit", "reply": null, "detail": detail })).await;
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
