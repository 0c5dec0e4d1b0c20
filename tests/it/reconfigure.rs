//! Sources and webhooks that change while a host runs: all of it or nothing, and nobody who asks meanwhile is the worse for
//! it.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use axum::http::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::harness::{Answer, Ended, KEY, Process, Receiver, Said, Server, Site, assert_has, eventually};

const RELOADED: &str = "configuration reloaded";
const NOT_RELOADED: &str = "configuration not reloaded, the one before stays in force";

/// A host without plugins, whose remote `crm` wants these.
fn site(url: &str, events: &[&str]) -> Site {
    let site = Site::new(&[]);
    site.allow_receivers();
    site.add_webhook("crm", url, events, "");
    site
}

/// Has it read its configuration again as a service manager does, and waits until the log says that.
async fn hang_up(server: &Server, says: &[&str]) -> String {
    let before = server.log().count();
    server.signal("HUP");
    server.log().wait_after(before, says).await
}

/// `slashbox reload` at a host.
async fn reload(site: &Site, server: &Server, arguments: &[&str]) -> Ended {
    Process::run(&[&["reload", "--url", server.url()], arguments].concat(), site.dir()).await
}

fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/problem+json"), "{answer:?}");
    assert_eq!(answer.json()["code"], code, "{answer:?}");
}

fn of_webhooks(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "tenant": "default", "name": name })).collect()
}

/// What says that it comes again in an hour, so that it does not come by itself.
fn later() -> Said {
    Said::status(503).with(RETRY_AFTER, "3600")
}

#[tokio::test]
async fn a_signal_has_other_sources_and_webhooks_served() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::text(&received.path));
    let site = site(&receiver.url("/crm"), &["/mark"]);
    let server = Server::start(&site).await;
    server.check(&[("/mark", "/crm")]).await;
    let sales = server.sender("sales", "sales key");
    is_problem(&sales.types("/mark").await, 404, "unknown-source");
    site.add_source("sales", "sales key", "");
    site.edit("/crm", "/moved");
    site.add_webhook("erp", &receiver.url("/erp"), &["/order"], "");
    let line = hang_up(&server, &["INFO", RELOADED]).await;
    assert_has(&line, &["slashbox::host", "sources=added sales webhooks=added erp; changed crm reordered=false"]);
    server.check(&[("/mark", "/moved"), ("/order", "/erp")]).await;
    sales.check(&[("/mark", "/moved"), ("/order", "/erp")]).await;
    let hello = sales.writes("hello").await.id;
    // Taken away, and its events are there all the same.
    site.write("slashbox.toml", "");
    site.add_source("support", KEY, "");
    hang_up(&server, &["INFO", RELOADED, "sources=removed sales webhooks=removed crm, erp"]).await;
    is_problem(&sales.types("/mark").await, 404, "unknown-source");
    server.check(&[("/mark", "! unknown command /mark")]).await;
    assert_eq!(server.admin(&format!("events/{hello}")).await["source"], "sales");
    hang_up(&server, &["INFO", RELOADED, "sources=unchanged webhooks=unchanged"]).await;
    server.stop().await;
}

/// As at the start, a mistake is told with its key, and no secret with it.
#[tokio::test]
async fn a_file_with_a_mistake_changes_nothing() {
    let receiver = Receiver::start();
    receiver.says(Said::text("noted"));
    let site = site(&receiver.url("/"), &["/mark"]);
    let server = Server::start(&site).await;
    let sound = fs::read_to_string(site.path("slashbox.toml")).unwrap();
    let table = |lines: &str| {
        format!("[[sources]]\nname = \"new\"\ndialect = \"hotline\"\napi_key = \"new source key\"\n{lines}")
    };
    for (more, expected) in [
        (table("reply = \"jsno\""), "`sources[1].reply` = \"jsno\": expected json or text"),
        (table("").replace("new source key", "s3cret"), "`sources[1].api_key`: 6 characters: expected at least 8"),
        (table("").replace("\"new\"", "\"support\""), "expected a name that no other source has"),
        (
            format!("{}\n[[webhooks]]\nurl = \"https://s3cret.example\"\nevents = []", table("")),
            "`webhooks[1].events`: empty",
        ),
        (table("api_kye = \"s3cret\""), "unknown key `sources[1].api_kye`: did you mean `api_key`?"),
        (format!("{}\n[[s3cret", table("")), "line "),
        (table("[admin]\ntoken = \"s3cret\""), "`admin.token`: 6 characters"),
    ] {
        site.write("slashbox.toml", format!("{sound}\n{more}"));
        let line = hang_up(&server, &["ERROR", NOT_RELOADED]).await;
        let answer = server.try_reload().await;
        is_problem(&answer, 422, "bad-configuration");
        let ended = reload(&site, &server, &[]).await;
        ended.assert(64, &["error: "]);
        for told in [&line.replace("\\\"", "\""), answer.json()["detail"].as_str().unwrap(), &ended.err] {
            assert_has(told, &["slashbox.toml: ", expected]);
            assert!(!told.contains("s3cret"), "{told}");
        }
        server.check(&[("/mark", "noted")]).await;
        is_problem(&server.sender("new", "new source key").types("/mark").await, 404, "unknown-source");
    }
    site.remove("slashbox.toml");
    hang_up(&server, &["ERROR", NOT_RELOADED, "there is no such file"]).await;
    server.check(&[("/mark", "noted")]).await;
    site.write("slashbox.toml", format!("{sound}\n{}", table("")));
    assert_eq!(server.reload().await["sources"]["added"], json!(["new"]));
    server.sender("new", "new source key").check(&[("/mark", "noted")]).await;
}

#[tokio::test]
async fn what_waits_goes_where_its_webhook_is_now() {
    let (old, new) = (Receiver::start(), Receiver::start());
    old.says(later());
    let site = site(&old.url("/"), &["message.*"]);
    let server = Server::start(&site).await;
    let mut ids = Vec::new();
    for text in ["one", "two"] {
        ids.push(server.support.writes(text).await.id);
    }
    server.delivery("?state=due", |delivery| delivery["attempt_count"] == 1).await;
    site.edit(&old.url("/"), &new.url("/hook"));
    assert_eq!(server.reload().await["webhooks"]["changed"], of_webhooks(&["crm"]));
    let received = new.received(2).await;
    assert_eq!(received.iter().map(|received| received.id()).collect::<Vec<_>>(), ids);
    assert_eq!((received[0].attempt(), received[1].attempt()), (2, 1));
    server.settled().await;
    assert_eq!(old.all().len(), 1);
}

/// Whatever of a request is another, may be what the one before was refused for.
#[tokio::test]
async fn what_failed_is_tried_again_with_what_is_mended() {
    let receiver = Receiver::start();
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    receiver.answers(move |_| if mended.load(Ordering::SeqCst) { Said::status(200) } else { later() });
    let site = Site::new(&[]);
    site.allow_receivers();
    let cases = [
        ("header", "headers = { Authorization = \"Bearer one\" }", "Bearer one", "Bearer two"),
        ("secret", "secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]", "LaLaSw", "LaLaSx"),
        ("key", "api_key = \"the third\"", "the third", "the fourth"),
        ("format", "format = \"as-received\"", "as-received", "hotline"),
    ];
    for (name, line, _, _) in cases {
        site.add_webhook(name, &receiver.url(&format!("/{name}")), &["message.*"], line);
    }
    site.add_webhook("same", &receiver.url("/same"), &["message.*"], "");
    let server = Server::start(&site).await;
    let event = server.support.writes("hello").await.id;
    let failed = async || {
        let waiting = server.listed(&format!("deliveries?event={event}&state=due")).await;
        (waiting.iter().filter(|delivery| delivery["attempt_count"] == 1).count() == 5).then_some(())
    };
    eventually("five attempts that failed", failed).await;
    is_mended.store(true, Ordering::SeqCst);
    for (_, _, from, to) in cases {
        site.edit(from, to);
    }
    // What it wants of other events is no reason to try this one again.
    site.edit(
        &format!("{:?}\nevents = [\"message.*\"", receiver.url("/same")),
        &format!("{:?}\nevents = [\"*\"", receiver.url("/same")),
    );
    assert_eq!(
        server.reload().await["webhooks"]["changed"],
        of_webhooks(&["format", "header", "key", "same", "secret"])
    );
    for (name, ..) in cases {
        server.delivery(&format!("?name={name}"), |delivery| delivery["state"] == "succeeded").await;
    }
    server.delivery("?name=same", |delivery| delivery["state"] == "due" && delivery["attempt_count"] == 1).await;
    let all = receiver.all();
    let second = |path: &str| all.iter().find(|received| received.path == path && received.attempt() == 2).unwrap();
    assert_eq!(second("/header").header("authorization"), "Bearer two");
    assert_eq!(second("/key").json()["api_key"], "the fourth");
}

#[tokio::test]
async fn what_a_webhook_that_is_gone_should_get_waits_until_it_is_back() {
    let receiver = Receiver::start();
    receiver.says(later());
    let site = site(&receiver.url("/old"), &["message.*", "/mark"]);
    let server = Server::start(&site).await;
    let id = server.support.writes("one").await.id;
    server.delivery("", |delivery| delivery["attempt_count"] == 1).await;
    let with = fs::read_to_string(site.path("slashbox.toml")).unwrap();
    let (without, table) = with.split_at(with.find("[[webhooks]]").unwrap());
    site.write("slashbox.toml", without);
    let reloaded = server.reload().await;
    assert_eq!(
        reloaded["webhooks"],
        json!({ "added": [], "changed": [], "removed": of_webhooks(&["crm"]), "reordered": false })
    );
    let delivery = server.delivery("", |delivery| delivery["parked"] == true).await;
    assert_eq!(delivery["event_id"], id);
    // What happens meanwhile is not its business.
    server.support.writes("two").await;
    assert_eq!(server.listed("deliveries").await.len(), 1);
    assert_eq!(server.admin("webhooks").await["items"], json!([]));
    receiver.says(Said::status(200));
    site.write("slashbox.toml", format!("{without}{}", table.replace("/old", "/new")));
    assert_eq!(server.reload().await["webhooks"]["added"], of_webhooks(&["crm"]));
    server.delivery("", |delivery| delivery["state"] == "succeeded" && delivery["parked"] == false).await;
    assert_eq!(receiver.received(2).await[1].path, "/new");
}

#[tokio::test]
async fn what_takes_effect_after_a_restart_is_told_by_its_key() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    // Where it listens is said on the command line, whatever the file says.
    let config = fs::read_to_string(site.path("slashbox.toml")).unwrap();
    let first = "listen = \"127.0.0.1:1\"\nplugins_dir = \"elsewhere\"\n";
    let tables = "[limits]\ncommand_ms = 1000\n[admin]\ntoken = \"a new token\"\n[egress]\nallow_http = true\n";
    site.write("slashbox.toml", format!("{first}{config}{tables}"));
    site.add_source("sales", "sales key", "");
    let keys = ["plugins_dir", "limits.command_ms", "admin.token", "egress.allow_http"];
    let before = server.log().count();
    let reloaded = server.reload().await;
    assert_eq!((&reloaded["after_restart"], &reloaded["sources"]["added"]), (&json!(keys), &json!(["sales"])));
    let told = "changed in the configuration, takes effect after a restart";
    for key in keys {
        server.log().wait_after(before, &["WARN", told, &format!("key={key:?}")]).await;
    }
    // The rest is in force, and these are as they were.
    server.sender("sales", "sales key").check(&[("/mark x", "Marked: x")]).await;
    // Until the restart, it is told each time.
    let ended = reload(&site, &server, &[]).await;
    ended.assert(
        0,
        &["reloaded: nothing has changed\n", "  limits.command_ms  changed too, takes effect after a restart\n"],
    );
    // It may be the reason why something cannot be served.
    site.add_webhook("crm", "http://crm.example/", &["*"], "");
    let answer = server.try_reload().await;
    is_problem(&answer, 422, "bad-configuration");
    let parts =
        ["webhook \"crm\": url: ", "set egress.allow_http", "not in force before a restart: ", "egress.allow_http)"];
    assert_has(answer.json()["detail"].as_str().unwrap(), &parts);
}

#[tokio::test]
async fn a_command_under_way_ends_with_what_it_began_with() {
    let receiver = Receiver::start();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    receiver.answers(move |received| {
        released.lock().unwrap().recv().unwrap();
        Said::text(&format!("{} has it", received.path))
    });
    let site = site(&receiver.url("/old"), &["/mark", "message.*"]);
    let server = Server::start(&site).await;
    let sender = server.support.clone();
    let command = tokio::spawn(async move { sender.says("/mark").await });
    receiver.first().await;
    site.write("slashbox.toml", "");
    assert_eq!(server.reload().await["sources"]["removed"], json!(["support"]));
    is_problem(&server.support.types("/mark").await, 404, "unknown-source");
    release.send(()).unwrap();
    assert_eq!(command.await.unwrap(), "/old has it");
}

/// Senders that ask and write without a pause until they are told to end; every one of them must be served.
async fn while_asked(server: &Server, answers: &'static [&'static str], work: impl AsyncFnOnce()) {
    let over = Arc::<AtomicBool>::default();
    let asking: Vec<_> = (0..4)
        .map(|topic| {
            let (sender, over) = (server.support.in_topic(100 + topic), over.clone());
            tokio::spawn(async move {
                let mut count = 0;
                while !over.load(Ordering::SeqCst) {
                    let shown = sender.says("/greet").await;
                    assert!(answers.contains(&shown.as_str()), "{shown}");
                    sender.writes("hello").await;
                    count += 1;
                }
                count
            })
        })
        .collect();
    work().await;
    over.store(true, Ordering::SeqCst);
    for asking in asking {
        assert!(asking.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_a_hundred_reloads() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::text(received.path.trim_start_matches('/')));
    let configs = ["a", "b"].map(|name| {
        let site = Site::empty();
        site.allow_receivers();
        site.add_source("support", KEY, if name == "a" { "" } else { "reply = \"json\"\ntenant = \"acme\"" });
        let tenant = if name == "a" { "" } else { "tenant = \"acme\"" };
        site.add_webhook(name, &receiver.url(&format!("/{name}")), &["/greet", "message.*"], tenant);
        fs::read_to_string(site.path("slashbox.toml")).unwrap()
    });
    let site = Site::empty();
    site.write("slashbox.toml", &configs[0]);
    let server = Server::start(&site).await;
    while_asked(&server, &["a", "b"], async || {
        for round in 1..=100 {
            site.write("slashbox.toml", &configs[round % 2]);
            let reloaded = server.reload().await;
            assert_eq!(reloaded["sources"]["changed"], json!(["support"]), "{round}");
            assert_eq!(reloaded["webhooks"]["added"][0]["name"], ["a", "b"][round % 2], "{round}");
        }
    })
    .await;
    // Everything that was taken arrives once both are there.
    let webhooks = configs[1].split_once("[[webhooks]]").unwrap().1;
    site.write("slashbox.toml", format!("{}\n[[webhooks]]{webhooks}", configs[0]));
    server.reload().await;
    server.settled().await;
    let deliveries = server.listed("deliveries").await;
    assert!(!deliveries.is_empty() && deliveries.iter().all(|delivery| delivery["state"] == "succeeded"));
}

/// A plugin that has declared it for long takes it over, and there is no moment at which nobody answers. It stays there.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_gives_up_falls_to_the_plugin_that_declares_it() {
    let receiver = Receiver::start();
    receiver.says(Said::text("remote"));
    let site = Site::new(&["greet=counter"]);
    site.allow_receivers();
    let without = fs::read_to_string(site.path("slashbox.toml")).unwrap();
    site.add_webhook("crm", &receiver.url("/"), &["/greet"], "");
    let with = fs::read_to_string(site.path("slashbox.toml")).unwrap();
    let server = Server::start(&site).await;
    site.plugin("greet", "greet-v1");
    let conflict = async || {
        let plugins = server.admin("plugins").await;
        plugins["conflicts"].as_array().is_some_and(|conflicts| conflicts.len() == 1).then_some(())
    };
    eventually("the conflict", conflict).await;
    server.check(&[("/greet", "remote")]).await;
    // Whatever else changes of the webhook, it keeps the command.
    site.edit("events = [\"/greet\"]", "events = [\"/*\"]");
    server.reload().await;
    server.check(&[("/greet", "remote")]).await;
    let answers = &["remote", "hello v1"];
    while_asked(&server, answers, async || {
        site.write("slashbox.toml", &without);
        server.reload().await;
        server.check(&[("/greet", answers[1])]).await;
        site.write("slashbox.toml", &with);
        server.reload().await;
        server.check(&[("/greet", answers[1])]).await;
    })
    .await;
    // As a restart has it.
    server.stop().await;
    let server = Server::start(&site).await;
    server.check(&[("/greet", answers[1])]).await;
}

#[tokio::test]
async fn reloads_at_the_same_time_are_made_one_after_the_other() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    site.add_source("sales", "sales key", "");
    let before = server.log().count();
    let server = Arc::new(server);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let server = server.clone();
                async move { server.try_reload().await }
            })
        })
        .collect();
    let mut added = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        added += answer.json()["sources"]["added"].as_array().unwrap().len();
    }
    assert_eq!(added, 1, "one of them found it new");
    let lines = async || {
        let lines = server.log().all();
        (lines.iter().skip(before).filter(|line| line.contains(RELOADED)).count() == 20).then_some(())
    };
    eventually("20 lines of the log", lines).await;
}

/// What a page of somebody else's can have an operator's browser send changes nothing.
#[tokio::test]
async fn no_page_of_somebody_else_reloads() {
    const TOKEN: &str = "the admin's token";
    let json = ("content-type", "application/json");
    let right = format!("Bearer {TOKEN}");
    for (token, cases) in [
        (
            "",
            vec![
                (415, "unsupported-media-type", vec![]),
                (415, "unsupported-media-type", vec![("content-type", "text/plain")]),
                (415, "unsupported-media-type", vec![("content-type", "application/x-www-form-urlencoded")]),
                (415, "unsupported-media-type", vec![("content-type", "multipart/form-data; boundary=x")]),
                (403, "forbidden", vec![json, ("origin", "https://evil.example")]),
                (403, "forbidden", vec![json, ("origin", "null")]),
                (403, "forbidden", vec![json, ("sec-fetch-site", "cross-site")]),
                (403, "forbidden", vec![json, ("sec-fetch-site", "same-site")]),
                (403, "forbidden", vec![json, ("host", "evil.example")]),
                (403, "forbidden", vec![json, ("x-forwarded-for", "192.0.2.1")]),
            ],
        ),
        (
            TOKEN,
            vec![
                (401, "unauthorized", vec![json]),
                (401, "unauthorized", vec![json, ("authorization", "Bearer the admin's toke")]),
                (415, "unsupported-media-type", vec![("authorization", &*right)]),
            ],
        ),
    ] {
        let site = Site::new(&[]);
        if !token.is_empty() {
            site.configure(&format!("[admin]\ntoken = {TOKEN:?}"));
        }
        let server = Server::start(&site).await;
        site.add_source("sales", "sales key", "");
        for (status, code, headers) in cases {
            is_problem(&server.post_with("/v1/admin/reload", &headers).await, status, code);
        }
        is_problem(&server.get_with("/v1/admin/reload", &[("authorization", &right)]).await, 405, "method-not-allowed");
        is_problem(&server.sender("sales", "sales key").types("/x").await, 404, "unknown-source");
        let answer = server.post_with("/v1/admin/reload?all=1", &[json, ("authorization", &right)]).await;
        is_problem(&answer, 400, "bad-parameter");
        let answer = server.post_with("/v1/admin/reload", &[json, ("authorization", &right)]).await;
        assert_eq!((answer.status, &answer.json()["sources"]["added"]), (200, &json!(["sales"])));
    }
}

#[tokio::test]
async fn the_command_line_says_what_has_changed() {
    let site = site("http://127.0.0.1:1/", &["message.*"]);
    let server = Server::start(&site).await;
    reload(&site, &server, &[]).await.assert(0, &["reloaded: nothing has changed\n"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.add_webhook("acmes", "http://127.0.0.1:1/", &["*"], "tenant = \"acme\"");
    site.edit("api_key = \"pQTngMZLh0NmAh\"", "api_key = \"another key\"");
    site.edit("name = \"crm\"", "name = \"erp\"");
    let ended = reload(&site, &server, &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let expected = "reloaded: in force now\n  source acme  added\n  source support  changed\n  webhook erp  added\n  \
        webhook acmes of acme  added\n  webhook crm  removed, what it has not got yet waits, for retention.parked_days at most, until it is back\n";
    let mut lines: Vec<&str> = ended.out.lines().collect();
    let mut expected: Vec<&str> = expected.lines().collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    site.edit("events = [\"*\"]", "events = [\"/*\"]");
    let ended = reload(&site, &server, &["--json"]).await;
    ended.assert(0, &[]);
    let nothing = json!({ "added": [], "removed": [], "changed": [] });
    let changed = json!([{ "tenant": "acme", "name": "acmes" }]);
    let webhooks = json!({ "added": [], "removed": [], "changed": changed, "reordered": false });
    let expected = json!({ "sources": nothing, "webhooks": webhooks, "after_restart": [], "warnings": [] });
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap(), expected);
    reload(&site, &server, &["now"]).await.assert(64, &["unexpected argument 'now'"]);
    let url = server.url().to_owned();
    server.stop().await;
    Process::run(&["reload", "--url", &url], site.dir())
        .await
        .assert(1, &["error: cannot ask ", "does slashbox run there?"]);
}

/// Its receivers get the source's key, so that another one changes them too.
#[tokio::test]
async fn the_files_that_sources_name_are_read_again_too() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::text(&received.path));
    let site = Site::empty();
    site.allow_receivers();
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    site.write("webhooks.json", json!({ receiver.url("/a"): ["/mark"] }).to_string());
    let server = Server::start(&site).await;
    server.check(&[("/mark", "/a")]).await;
    site.write("webhooks.json", json!({ receiver.url("/a"): ["/mark"], receiver.url("/b"): ["/order"] }).to_string());
    assert_eq!(server.reload().await["webhooks"]["added"].as_array().unwrap().len(), 1);
    server.check(&[("/mark", "/a"), ("/order", "/b")]).await;
    site.edit(KEY, "another key");
    let reloaded = server.reload().await;
    assert_eq!(reloaded["sources"]["changed"], json!(["support"]));
    assert_eq!(reloaded["webhooks"]["changed"].as_array().unwrap().len(), 2);
    assert_eq!(server.support.types("/mark").await.status, 401);
    server.sender("support", "another key").check(&[("/order", "/b")]).await;
    assert_eq!(receiver.all().last().unwrap().json()["api_key"], "another key");
    site.write("webhooks.json", "{");
    is_problem(&server.try_reload().await, 422, "bad-configuration");
    server.sender("support", "another key").check(&[("/order", "/b")]).await;
}

#[tokio::test]
async fn another_order_is_told() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::text(&received.path));
    let site = site(&receiver.url("/crm"), &["/mark"]);
    site.add_webhook("erp", &receiver.url("/erp"), &["/mark"], "");
    let server = Server::start(&site).await;
    server.check(&[("/mark", "/crm")]).await;
    let config = fs::read_to_string(site.path("slashbox.toml")).unwrap();
    let swapped = config.replace("crm", "x").replace("erp", "crm").replace("\"x\"", "\"erp\"").replace("/x", "/erp");
    site.write("slashbox.toml", swapped);
    let ended = reload(&site, &server, &[]).await;
    ended.assert(0, &["reloaded: in force now\n", "  webhooks  in another order: "]);
    assert!(!ended.out.contains("changed"), "{ended:?}");
    server.check(&[("/mark", "/erp")]).await;
}
