//! Plugins and how they stand, as the admin API and `slashbox plugins` tell it.

use serde_json::{Value, json};

use crate::harness::{Ended, Process, Receiver, Server, Site, assert_has, eventually, guest};

/// What `slashbox plugins` says of a host.
async fn ask(site: &Site, server: &Server, arguments: &[&str]) -> Ended {
    Process::run(&[&["plugins"], arguments, &["--url", server.url()]].concat(), site.dir()).await
}

/// Waits until a plugin is listed so, and gives it back.
async fn plugin(server: &Server, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("the state of {id}"), async || {
        let items = server.listed("plugins").await;
        items.into_iter().find(|item| item["id"] == id).filter(&is_so)
    })
    .await
}

#[tokio::test]
async fn a_plugin_is_shown_with_all_that_it_is() {
    let site = Site::new(&["probe"]);
    site.grant("probe", "[settings]\nGREETING = \"s3cret words\"\n[limits]\ncpu_ms = 70");
    let server = Server::start(&site).await;
    server.check(&[("/set a b", "set"), ("/timer later 100000", "ok")]).await;
    let listed = plugin(&server, "probe", |_| true).await;
    assert_eq!(listed, server.admin("plugins/probe").await);
    for (field, expected) in [
        ("id", json!("probe")),
        ("tenant", Value::Null),
        ("name", json!("probe")),
        ("state", json!("serving")),
        ("error", Value::Null),
        ("not_owned", json!([])),
        ("keeps", json!([{ "tenant": "default", "kv_keys": 1, "kv_bytes": 2, "timers": 1 }])),
    ] {
        assert_eq!(listed[field], expected, "{field}");
    }
    assert!(listed["owns"].as_array().unwrap().contains(&json!("/echo")), "{listed:#}");
    let serving = &listed["serving"];
    for (field, expected) in [
        ("name", json!("probe")),
        ("version", json!("1.2.3")),
        ("summary", json!("Tries the host")),
        ("events", json!([])),
        ("http_hosts", json!(["crm.example.com"])),
        ("lacks", json!(["required setting TOKEN", "http to crm.example.com"])),
        ("bytes", json!(guest("probe").len())),
        ("set_aside", json!([])),
    ] {
        assert_eq!(serving[field], expected, "{field}");
    }
    let command =
        json!({ "name": "/echo", "usage": "[TEXT]", "summary": "replies the text; nothing if there is none" });
    assert_eq!(serving["commands"][0], command);
    let setting = json!({ "name": "TOKEN", "summary": "what the CRM knows us by", "secret": true, "required": true });
    assert_eq!(serving["settings"][1], setting);
    assert_eq!((&serving["limits"]["cpu_ms"], &serving["limits"]["memory_mib"]), (&json!(70), &json!(64)));
    assert_eq!(serving["sha256"].as_str().map(str::len), Some(64));
    let shown = ask(&site, &server, &["show", "probe"]).await;
    shown.assert(
        0,
        &[
            "plugin probe  serving\n",
            "  version   probe 1.2.3\n",
            "  lacks     required setting TOKEN\n            http to crm.example.com\n",
            "  commands  /echo [TEXT]  replies the text",
            "TOKEN (required, secret)  what the CRM knows us by\n",
            "cpu_ms = 70\n",
            "  keeps     default: 1 keys of 2 bytes, 1 timers\n",
        ],
    );
    let in_json = ask(&site, &server, &["show", "probe", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&in_json.out).unwrap(), listed);
    let list = ask(&site, &server, &["list"]).await;
    assert_has(
        &list.out,
        &["PLUGIN", "LACKS", "probe   1.2.3    serving  ", "required setting TOKEN, http to crm", " +23 "],
    );
    for told in [&shown, &in_json, &list] {
        assert!(!told.out.contains("s3cret"), "{told:#?}");
    }
}

#[tokio::test]
async fn each_state_is_told_with_its_reason() {
    let site = Site::new(&["mark", "counter", "torn=clash", "off=recorder"]);
    site.grant("off", "enabled = false");
    site.write("plugins/bad name.wasm", "x");
    site.write("plugins/native.cwasm", "x");
    let server = Server::start(&site).await;
    site.write("plugins/mark.wasm", &guest("mark")[..70_000]);
    site.grant("counter", "[limits]\ncpu = 5");
    let mark = plugin(&server, "mark", |plugin| plugin["state"] == "last_good").await;
    assert_has(mark["error"].as_str().unwrap(), &["damaged or cut off"]);
    assert_eq!((&mark["serving"]["bytes"], &mark["owns"]), (&json!(guest("mark").len()), &json!(["/mark"])));
    let counter = plugin(&server, "counter", |plugin| plugin["state"] == "last_good").await;
    assert_has(counter["error"].as_str().unwrap(), &["grant: unknown key `limits.cpu`"]);
    let torn = server.admin("plugins/torn").await;
    assert_eq!((&torn["state"], &torn["serving"], &torn["owns"]), (&json!("broken"), &Value::Null, &json!([])));
    assert_has(torn["error"].as_str().unwrap(), &["command /twice is declared twice"]);
    let off = server.admin("plugins/off").await;
    assert_eq!((&off["state"], &off["serving"], &off["error"]), (&json!("disabled"), &Value::Null, &Value::Null));
    let ids: Vec<Value> = server.listed("plugins").await.into_iter().map(|plugin| plugin["id"].clone()).collect();
    assert_eq!(ids, ["counter", "mark", "off", "torn"]);
    let all = server.admin("plugins").await;
    let odd = |end: &str| {
        let problems = all["problems"].as_array().unwrap();
        let found = problems.iter().find(|problem| problem["path"].as_str().unwrap().ends_with(end));
        let found = found.unwrap_or_else(|| panic!("no {end}: {all:#}"));
        (found["error"].as_str().unwrap().to_owned(), found["last_good_serves"].clone())
    };
    assert_has(&odd("bad name.wasm").0, &["is no name"]);
    assert_has(&odd("native.cwasm").0, &["precompiled artifacts are not taken"]);
    assert_eq!(
        (odd("mark.wasm").1, odd("counter.toml").1, odd("torn.wasm").1),
        (true.into(), true.into(), false.into())
    );
    assert_eq!(all["problems"].as_array().unwrap().len(), 5);
    let list = ask(&site, &server, &["list"]).await;
    let line =
        |id: &str| list.out.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id}: {list:#?}"));
    assert_has(line("mark "), &["last good", "/mark", "damaged or cut off"]);
    assert_has(line("torn "), &["broken", "/twice is declared twice"]);
    assert_has(line("off "), &["disabled"]);
    assert_has(line("not served: plugins/bad name.wasm"), &["is no name"]);
    assert_has(line("not served: plugins/mark.wasm"), &["; the last good version serves"]);
    ask(&site, &server, &["show", "torn"])
        .await
        .assert(0, &["plugin torn  broken\n", "  error  `describe`: command /twice"]);
    // A disabled one keeps what it owned.
    site.grant("mark", "enabled = false");
    let mark = plugin(&server, "mark", |plugin| plugin["state"] == "disabled").await;
    assert_eq!((&mark["serving"], &mark["owns"]), (&Value::Null, &json!(["/mark"])));
    ask(&site, &server, &["show", "mark"]).await.assert(0, &["plugin mark  disabled\n", "  answers  /mark\n"]);
    let in_json = ask(&site, &server, &["list", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&in_json.out).unwrap(), server.admin("plugins").await);
}

#[tokio::test]
async fn who_answers_a_command_that_several_declare_is_told() {
    let receiver = Receiver::start();
    let site = Site::new(&["mark", "second=mark", "acme/mark=mark", "later=greet-v1"]);
    site.add_webhook("crm", &receiver.url("/"), &["/watch"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let conflict = |tenant: Value, owner: &str, others: Value| json!({ "command": "/mark", "tenant": tenant, "owner": owner, "others": others });
    let all = server.admin("plugins").await;
    let expected = [
        conflict(Value::Null, "mark", json!(["second"])),
        conflict(json!("acme"), "acme/mark", json!(["mark", "second"])),
    ];
    assert_eq!(all["conflicts"], json!(expected));
    let second = server.admin("plugins/second").await;
    let of = |tenant: Value, owner: &str| json!({ "command": "/mark", "tenant": tenant, "owner": owner });
    assert_eq!(second["owns"], json!([]));
    assert_eq!(second["not_owned"], json!([of(Value::Null, "mark"), of(json!("acme"), "acme/mark")]));
    let mark = server.admin("plugins/mark").await;
    assert_eq!((&mark["owns"], &mark["not_owned"]), (&json!(["/mark"]), &json!([of(json!("acme"), "acme/mark")])));
    let own = server.admin("plugins/acme/mark").await;
    assert_eq!((&own["id"], &own["tenant"], &own["name"]), (&json!("acme/mark"), &json!("acme"), &json!("mark")));
    assert_eq!((&own["owns"], &own["not_owned"]), (&json!(["/mark"]), &json!([])));
    // An update takes nothing from a webhook.
    site.plugin("later", "watch");
    let later = plugin(&server, "later", |plugin| plugin["serving"]["name"] == "watch").await;
    assert_eq!(later["not_owned"], json!([{ "command": "/watch", "tenant": "default", "owner": null }]));
    let list = ask(&site, &server, &["list"]).await;
    list.assert(
        0,
        &[
            "conflict: /mark is answered by mark, though second too declares it\n",
            "conflict: /mark of acme is answered by acme/mark, though mark, second too declares it\n",
            "conflict: /watch of default is answered by a webhook, though later too declares it\n",
        ],
    );
    let shown = ask(&site, &server, &["show", "acme/mark"]).await;
    shown.assert(0, &["plugin acme/mark  serving\n"]);
    let shown = ask(&site, &server, &["show", "second"]).await;
    shown.assert(0, &["  does not  /mark is answered by mark\n            /mark of acme is answered by acme/mark\n"]);
}

/// What is kept goes by a plugin's name: a tenant's own plugin has what the shared one of its name would have.
#[tokio::test]
async fn what_is_kept_is_told_of_the_plugin_that_has_it() {
    let site = Site::new(&["probe"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    server.check(&[("/set a 1", "set")]).await;
    acme.check(&[("/set a 12", "set"), ("/set b 1", "set")]).await;
    let kept = |tenant: &str, kv_keys: u32, kv_bytes: u32| json!({ "tenant": tenant, "kv_keys": kv_keys, "kv_bytes": kv_bytes, "timers": 0 });
    assert_eq!(server.admin("plugins/probe").await["keeps"], json!([kept("acme", 2, 5), kept("default", 1, 2)]));
    site.plugin("acme/probe", "probe");
    let own = plugin(&server, "acme/probe", |plugin| plugin["state"] == "serving").await;
    assert_eq!(own["keeps"], json!([kept("acme", 2, 5)]));
    assert_eq!(server.admin("plugins/probe").await["keeps"], json!([kept("default", 1, 2)]));
    acme.check(&[("/delete a", "deleted"), ("/delete b", "deleted")]).await;
    assert_eq!(server.admin("plugins/acme/probe").await["keeps"], json!([]));
}

#[tokio::test]
async fn who_is_set_aside_is_told_and_for_how_long() {
    let site = Site::new(&["probe"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let set_aside = async || server.admin("plugins/probe").await["serving"]["set_aside"].clone();
    for _ in 0..4 {
        server.says("/trap").await;
    }
    assert_eq!(set_aside().await, json!([]));
    server.says("/trap").await;
    let [aside] = set_aside().await.as_array().unwrap().clone().try_into().unwrap();
    assert_eq!(aside["tenant"], "default");
    assert!(aside["seconds"].as_u64().unwrap() <= 1, "{aside}");
    ask(&site, &server, &["list"]).await.assert(0, &["SET ASIDE", "default, "]);
    ask(&site, &server, &["show", "probe"]).await.assert(0, &["  set aside  default, "]);
    assert_eq!(server.sender("acme", "acme key").says("/echo hi").await, "hi");
    server.until("/echo hi", "hi").await;
    assert_eq!(set_aside().await, json!([]));
}

#[tokio::test]
async fn who_is_not_there_is_told_so() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    for (path, status, code, detail) in [
        ("mrk", 404, "unknown-plugin", "there is no plugin \"mrk\": did you mean mark?"),
        ("mark.wasm", 404, "unknown-plugin", "there is no plugin \"mark.wasm\""),
        ("acme/mark", 404, "unknown-plugin", "there is no plugin \"acme/mark\""),
        ("%ff", 404, "unknown-plugin", "there is no plugin "),
        ("%ff/mark", 404, "unknown-plugin", "there is no plugin "),
        ("a/b/mark", 404, "not-found", "nothing is served at this path"),
        ("mark?tenant=acme", 400, "bad-parameter", "unknown parameter \"tenant\": expected none"),
        ("acme/mark?x=1", 400, "bad-parameter", "unknown parameter \"x\""),
        ("?limit=1", 404, "not-found", "nothing is served at this path"),
    ] {
        let answer = server.get_with(&format!("/v1/admin/plugins/{path}"), &[]).await;
        let what = format!("{path}: {answer:?}");
        assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/problem+json"), "{what}");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{what}");
        assert_has(problem["detail"].as_str().unwrap(), &[detail]);
    }
    let answer = server.get_with("/v1/admin/plugins?limit=1", &[]).await;
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("bad-parameter")));
    for (name, code, expected) in [
        ("mrk", 1, "error: there is no plugin \"mrk\": did you mean mark?"),
        ("acme/mark", 1, "error: there is no plugin \"acme/mark\""),
        ("../mark", 64, "invalid value '../mark'"),
        ("a/b/c", 64, "invalid value 'a/b/c'"),
    ] {
        let shown = ask(&site, &server, &["show", name]).await;
        shown.assert(code, &[expected]);
        assert_eq!(shown.out, "", "{name}");
    }
    site.remove("plugins/mark.wasm");
    eventually("the end of mark", async || server.listed("plugins").await.is_empty().then_some(())).await;
    let list = ask(&site, &server, &["list"]).await;
    list.assert(0, &["no plugins\n"]);
    assert_eq!(list.out, "");
}
