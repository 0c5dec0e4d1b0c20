//! Commands that no plugin owns: the first remote that takes one answers it, and the operator sees what it says.

use serde_json::Value;

use crate::harness::{KEY, MARK, Receiver, Said, Server, Site, assert_has, data_of, guest};

/// What an operator is shown of what a remote answers to `/mark`.
struct Case {
    said: fn() -> Said,
    shown: &'static str,
}

/// No remote that fails is an error of the platform's.
fn html(status: u16, body: &str) -> Said {
    Said::of(status, Some("text/html; charset=UTF-8"), body)
}

const CASES: [Case; 24] = [
    Case { said: || Said::text("Deal *created*: \\#76238\n"), shown: "Deal *created*: \\#76238\n" },
    // As PHP calls what a script prints.
    Case { said: || html(200, "Deal created"), shown: "Deal created" },
    Case { said: || html(200, "{\"message\": \"Deal created\"}"), shown: "Deal created" },
    Case { said: || Said::of(201, None, "Deal created"), shown: "Deal created" },
    // The documents' two.
    Case {
        said: || {
            Said::json(
                "{\n    \"message\": \"Deal created: http://internal.domain.com/crm/deals/76238\",\n    \"status\": \"ok\"\n}",
            )
        },
        shown: "Deal created: http://internal.domain.com/crm/deals/76238",
    },
    Case {
        said: || Said::json("{\n    \"error\": \"User 12345678 not found in our database\"\n}"),
        shown: "! User 12345678 not found in our database",
    },
    Case { said: || Said::json(r#"{"message":"a","error":"b"}"#), shown: "! b" },
    Case { said: || Said::json(r#"{"message":"a","error":null}"#), shown: "a" },
    Case { said: || Said::json(r#"{"message":"😀 \u0444 \"\\","n":1e999}"#), shown: "😀 ф \"\\" },
    Case { said: || Said::of(404, Some("application/json"), r#"{"error":"no such deal"}"#), shown: "! no such deal" },
    Case { said: || Said::status(200), shown: "(nothing)" },
    Case { said: || Said::status(204), shown: "(nothing)" },
    Case { said: || Said::text(" \n"), shown: "(nothing)" },
    Case { said: || Said::json(r#"{"message":""}"#), shown: "(nothing)" },
    Case {
        said: || Said::json(r#"{"status":"ok"}"#),
        shown: "! /mark: the webhook crm answered JSON without `message` or `error` (ref REF)",
    },
    Case {
        said: || Said::json(r#"{"message":5}"#),
        shown: "! /mark: the webhook crm answered JSON whose `message` is 5: expected a string of whole characters (ref REF)",
    },
    Case {
        said: || Said::json(r#"{"message":"Deal"#),
        shown: "! /mark: the webhook crm answered JSON that cannot be read: EOF while parsing a string at line 1 column 16 (ref REF)",
    },
    Case { said: || Said::status(500), shown: "! /mark: the webhook crm answered with status 500 (ref REF)" },
    Case {
        said: || html(502, "<h1>Bad Gateway</h1>"),
        shown: "! /mark: the webhook crm answered with status 502 (ref REF)",
    },
    // Only what a success says is a message, and nobody is sent elsewhere.
    Case {
        said: || Said::of(500, Some("application/json"), r#"{"message":"a"}"#),
        shown: "! /mark: the webhook crm answered with status 500 (ref REF)",
    },
    Case { said: || Said::status(302), shown: "! /mark: the webhook crm answered with status 302 (ref REF)" },
    Case {
        said: || Said::of(200, None, "x".repeat(64 * 1024 + 1)),
        shown: "! /mark: the webhook crm answered with more than 64 KiB (ref REF)",
    },
    Case {
        said: || Said::of(200, None, b"abc\xff"),
        shown: "! /mark: the webhook crm answered with a text that is no UTF-8: invalid byte at position 3 (ref REF)",
    },
    Case { said: || Said::text("(ref 5)"), shown: "(ref 5)" },
];

/// A host without plugins but these, whose remote `crm` takes `/mark`, and has a key of its own.
fn site(receiver: &Receiver, plugins: &[&str]) -> Site {
    let site = Site::new(plugins);
    site.add_webhook("crm", &receiver.url("/crm"), &["/mark"], "api_key = \"the crm's\"");
    site.allow_receivers();
    site
}

#[tokio::test]
async fn whatever_a_remote_answers_the_operator_is_told() {
    let receiver = Receiver::start();
    let site = site(&receiver, &[]);
    let server = Server::start(&site).await;
    for (index, Case { said, shown }) in CASES.iter().enumerate() {
        receiver.says(said());
        assert_eq!(server.says("/mark deal").await, *shown, "case {index}: {:?}", said());
    }
    assert_eq!(receiver.all().len(), CASES.len(), "each command is sent once");
}

#[tokio::test]
async fn a_long_answer_is_cut() {
    let receiver = Receiver::start();
    let site = site(&receiver, &[]);
    let server = Server::start(&site).await;
    let (at, over) = (format!("{}😀", "ы".repeat(4_094)), "ы".repeat(4_097));
    for said in [Said::text(&at), Said::json(&serde_json::json!({ "message": at }).to_string())] {
        receiver.says(said);
        assert!(server.says("/mark").await == at);
    }
    receiver.says(Said::text(&over));
    assert!(server.says("/mark").await == format!("{}…", "ы".repeat(4_095)));
    receiver.says(Said::json(&serde_json::json!({ "error": over }).to_string()));
    assert!(server.says("/mark").await == format!("! {}…", "ы".repeat(4_095)));
    server.log().wait_for(&["WARN", "reply too long, cut to 4096", "by=crm", "from=4097"]).await;
}

#[tokio::test]
async fn a_remote_that_is_not_there_or_too_slow_is_told() {
    let mut receiver = Receiver::start();
    let site = site(&receiver, &[]);
    site.configure("[limits]\ncommand_ms = 1000");
    let server = Server::start(&site).await;
    receiver.says(Said::Nothing);
    let shown = server.says("/mark").await;
    // Of the second, waiting takes a bit.
    assert_has(&shown, &["! /mark: the webhook crm did not answer within ", " s (ref REF)"]);
    server.log().wait_for(&["WARN", "by=crm", "command=/mark", "outcome=\"unavailable\"", "did not answer"]).await;
    receiver.stop();
    server.check(&[("/mark", "! /mark: the webhook crm cannot be reached (ref REF)")]).await;
    receiver.restart().await;
    receiver.says(Said::text("back"));
    server.check(&[("/mark", "back")]).await;
}

#[tokio::test]
async fn the_documents_command_reaches_a_remote_as_it_was() {
    let receiver = Receiver::start();
    receiver.says(Said::text("Marked"));
    let site = Site::empty();
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    site.write("webhooks.json", serde_json::json!({ receiver.url("/file"): ["/mark"] }).to_string());
    site.add_source("other", "other key", "");
    site.add_webhook("crm", &receiver.url("/crm"), &["/mark"], "api_key = \"the crm's\"\nsources = [\"other\"]");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let other = server.sender("other", "other key");
    assert_eq!(server.support.posts(MARK).await.body, r#"{"message":"Marked"}"#);
    assert_eq!(other.posts(MARK.replace(KEY, "other key")).await.body, r#"{"message":"Marked"}"#);
    let [first, second] = receiver.all().try_into().unwrap();
    for (received, path, key) in [(first, "/file", KEY), (second, "/crm", "the crm's")] {
        let mut expected: Value = serde_json::from_str(MARK).unwrap();
        expected["api_key"] = key.into();
        assert_eq!((received.path.as_str(), received.json()), (path, expected));
        assert!(received.body.contains(data_of(MARK)), "{}", received.body);
        assert_eq!((received.header("content-type"), received.attempt()), ("application/json", 1));
        assert_eq!(received.id().len(), 26);
        assert!(key == KEY || !format!("{received:?}").contains(KEY));
        assert!(!format!("{received:?}").contains("other key"));
    }
}

#[tokio::test]
async fn the_first_in_the_configuration_answers_and_the_others_observe() {
    let receiver = Receiver::start();
    receiver.answers(|received| match received.json()["event_type"].as_str() {
        Some("/broken") if received.path == "/z" => Said::status(500),
        _ => Said::text(&received.path),
    });
    let site = Site::empty();
    let names = ["z", "a", "m"];
    for name in names {
        site.add_webhook(name, &receiver.url(&format!("/{name}")), &["/mark", "/*"], "");
    }
    // Those of the file come first.
    site.write("webhooks.json", serde_json::json!({ receiver.url("/info"): ["/info"] }).to_string());
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    // One that fails is not replaced by the next.
    let broken = "! /broken: the webhook z answered with status 500 (ref REF)";
    server.check(&[("/mark", "/z"), ("/info", "/info"), ("/broken", broken)]).await;
    let received = receiver.received(10).await;
    for (command, count) in [("/mark", 3), ("/info", 4), ("/broken", 3)] {
        let of: Vec<_> = received.iter().filter(|received| received.json()["event_type"] == command).collect();
        assert_eq!(of.len(), count, "{command}: {of:#?}");
        assert!(of.iter().all(|received| received.id() == of[0].id()), "{command}: {of:#?}");
    }
}

#[tokio::test]
async fn whoever_owns_a_command_precedes_and_never_falls_through() {
    let receiver = Receiver::start();
    receiver.says(Said::text("remote"));
    let site = Site::new(&["probe"]);
    site.add_webhook("crm", &receiver.url("/"), &["/trap", "/refuse", "/echo", "/nobodys"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let unavailable = |command: &str| format!("! {command} is temporarily unavailable (ref REF)");
    server.check(&[("/echo hi", "hi"), ("/refuse no", "! no"), ("/trap", &unavailable("/trap"))]).await;
    server.check(&[("/nobodys", "remote")]).await;
    site.grant("probe", "enabled = false");
    server.until("/echo hi", &unavailable("/echo")).await;
    server.check(&[("/refuse no", &unavailable("/refuse"))]).await;
    site.grant("probe", "enabled = fasle");
    server.log().wait_for(&["WARN", "cannot be loaded", "plugin=probe"]).await;
    server.check(&[("/echo hi", &unavailable("/echo"))]).await;
    server.stop().await;
    site.write("plugins/probe.wasm", &guest("probe")[..40_000]);
    let server = Server::start(&site).await;
    server.check(&[("/echo hi", &unavailable("/echo")), ("/nobodys", "remote")]).await;
    // Once it is gone for good, the remote is next.
    site.remove("plugins/probe.wasm");
    server.until("/echo hi", "remote").await;
}

#[tokio::test]
async fn an_unknown_command_is_told_the_near_ones_of_remotes_too() {
    let receiver = Receiver::start();
    let site = Site::new(&["mark"]);
    site.add_webhook("crm", &receiver.url("/"), &["/make", "/invoice", "dialog_closed"], "");
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/invoise 5", "! unknown command /invoise, did you mean /invoice?"),
            ("/mak", "! unknown command /mak, did you mean /make or /mark?"),
            ("/dialog_closed", "! unknown command /dialog_closed"),
        ])
        .await;
    let acme = server.sender("acme", "acme key");
    acme.check(&[("/invoise 5", "! unknown command /invoise"), ("/invoice 5", "! unknown command /invoice")]).await;
    assert_eq!(receiver.all().len(), 0);
}

#[tokio::test]
async fn no_pattern_of_events_takes_a_command() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::text(&received.path));
    let site = Site::new(&[]);
    site.add_webhook("events", &receiver.url("/events"), &["*", "message.*", "*.*", "mark"], "");
    site.add_webhook("others", &receiver.url("/others"), &["/*"], "sources = []\nsenders = [\"contact\"]");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.check(&[("/mark", "! unknown command /mark"), ("/events", "! unknown command /events")]).await;
    server.support.writes("hello").await;
    assert_eq!(receiver.first().await.json()["event_type"], "message_received");
    server.stop().await;
    site.add_webhook("commands", &receiver.url("/commands"), &["/*"], "");
    let server = Server::start(&site).await;
    server.check(&[("/mark", "/commands"), ("/x", "/commands")]).await;
    let paths: Vec<String> = receiver.all().into_iter().map(|received| received.path).collect();
    assert_eq!(paths, ["/events", "/commands", "/commands"]);
}

#[tokio::test]
async fn a_sender_that_hangs_up_has_asked_all_the_same() {
    let receiver = Receiver::start();
    let site = site(&receiver, &[]);
    site.configure("[limits]\ncommand_ms = 1500");
    let server = Server::start(&site).await;
    receiver.says(Said::Nothing);
    let sender = server.support.clone();
    let asked = tokio::spawn(async move { sender.says("/mark slow").await });
    receiver.first().await;
    asked.abort();
    // It is not sent a second time, neither now nor by the next host.
    let log = server.stop().await.err;
    assert_has(&log, &["by=crm", "command=/mark", "did not answer within"]);
    receiver.says(Said::text("done"));
    let server = Server::start(&site).await;
    server.check(&[("/mark fast", "done")]).await;
    let asked: Vec<Value> =
        receiver.all().iter().map(|received| received.json()["data"]["command_data"].clone()).collect();
    assert_eq!(asked, ["slow", "fast"]);
}
