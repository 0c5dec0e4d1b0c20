//! The admin API: what came in and what became of it, for those who may know.

use serde_json::{Value, json};

use crate::harness::{DIALOG_REOPENED, KEY, MESSAGE_SENT, Process, Receiver, Said, Server, Site, assert_has, data_of};

const TOKEN: &str = "the admin's token";

/// The ids of what is listed, in its order.
async fn ids(server: &Server, path: &str, field: &str) -> Vec<String> {
    server.listed(path).await.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn events_are_listed_and_shown_as_they_came() {
    let site = Site::new(&["recorder"]);
    let server = Server::start(&site).await;
    let reopened = server.support.posts(DIALOG_REOPENED).await.taken().id;
    let sent = server.support.posts(MESSAGE_SENT).await.taken().id;
    server.settled().await;
    let [newest, oldest] = server.listed("events").await.try_into().unwrap();
    assert_eq!((&newest["id"], &oldest["id"]), (&sent.clone().into(), &reopened.into()));
    let answer = server.get_with(&format!("/v1/admin/events/{sent}"), &[]).await;
    assert!(answer.body.contains(data_of(MESSAGE_SENT)), "{}", answer.body);
    let event = answer.json();
    let expected = json!({
        "id": sent,
        "tenant": "default",
        "source": "support",
        "dialect": "hotline",
        "instance": "132099468746812345",
        "kind": "message.sent",
        "native_kind": "message_sent",
        "conversation": "-1002146012345:5343",
        "contact": null,
        "operator": null,
        "sender": "operator",
        "message": "6171918336",
        "occurred_at": "2025-10-09T00:21:57.000Z",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!((&event[field], &newest[field]), (value, value), "{field}");
    }
    assert_eq!(event["text"], "test message");
    let [delivery] = event["deliveries"].as_array().unwrap().clone().try_into().unwrap();
    assert_eq!(delivery["subscriber"], json!({ "kind": "plugin", "name": "recorder" }));
    let shown = server.admin(&format!("deliveries/{}", delivery["id"].as_str().unwrap())).await;
    for (field, value) in delivery.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    assert_eq!((&shown["event"]["id"], &shown["event"]["data"]), (&sent.into(), &event["data"]));
    let [attempt] = shown["attempts"].as_array().unwrap().clone().try_into().unwrap();
    let found = ["number", "fault", "status", "detail"].map(|field| attempt[field].clone());
    assert_eq!(found, [1.into(), Value::Null, Value::Null, "replied".into()]);
}

/// An event that nobody wants is there all the same.
#[tokio::test]
async fn events_are_found_by_what_they_are() {
    let site = Site::new(&[]);
    site.add_source("sales", "sales key", "");
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let a = server.support.posts(DIALOG_REOPENED).await.taken().id;
    let b = server.support.posts(MESSAGE_SENT).await.taken().id;
    let c = server.sender("sales", "sales key").in_topic(5343).writes("hello").await.id;
    let d = server.sender("acme", "acme key").writes("hello").await.id;
    let check = async |query: &str, expected: &[&String]| {
        let found = ids(&server, &format!("events{query}"), "id").await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    };
    check("", &[&d, &c, &b, &a]).await;
    check("?tenant=default", &[&c, &b, &a]).await;
    check("?tenant=acme", &[&d]).await;
    check("?source=support", &[&b, &a]).await;
    check("?kind=message.received", &[&d, &c]).await;
    check("?kind=message.received&tenant=default", &[&c]).await;
    check("?conversation=-1002146012345:5343", &[&c, &b, &a]).await;
    check("?conversation=-1002146012345%3A5343&source=support&kind=message.sent", &[&b]).await;
    check("?conversation=-1002146012345:5344", &[]).await;
    check("?tenant=nobody", &[]).await;
    let shown = server.admin(&format!("events/{d}")).await;
    assert_eq!((&shown["text"], &shown["deliveries"]), (&"hello".into(), &json!([])));
}

#[tokio::test]
async fn deliveries_are_found_by_what_they_are() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::status(if received.text() == "bad" { 500 } else { 200 }));
    let site = Site::new(&["counter", "recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "profile = \"none\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bad = server.support.writes("bad").await.id;
    let refused = server.support.in_topic(6).writes("refuse").await.id;
    for name in ["crm", "recorder"] {
        server.delivery(&format!("?name={name}&event={bad}"), |delivery| delivery["ready_at"] == Value::Null).await;
        server.delivery(&format!("?name={name}&event={refused}"), |delivery| delivery["ready_at"] == Value::Null).await;
    }
    server.delivery(&format!("?name=counter&event={refused}"), |delivery| delivery["state"] == "dead").await;
    let check = async |query: &str, expected: &[&String]| {
        let found = ids(&server, &format!("deliveries{query}"), "event_id").await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    };
    check("?subscriber=webhook", &[&refused, &bad]).await;
    check("?subscriber=webhook&state=dead", &[&bad]).await;
    check("?name=crm&state=succeeded", &[&refused]).await;
    check("?name=recorder&state=succeeded", &[&refused, &bad]).await;
    check("?subscriber=plugin&name=crm", &[]).await;
    check("?name=counter&state=dead", &[&refused]).await;
    check(&format!("?event={bad}&subscriber=webhook"), &[&bad]).await;
    check(&format!("?event={bad}&name=recorder&tenant=default"), &[&bad]).await;
    check("?tenant=acme", &[]).await;
    assert_eq!(server.listed(&format!("deliveries?event={bad}")).await.len(), 3);
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let site = Site::new(&["recorder"]);
    let server = Server::start(&site).await;
    let (mut sent, mut later) = (Vec::new(), Vec::new());
    for topic in [1, 1, 2, 2, 3] {
        sent.insert(0, server.support.in_topic(topic).writes("hello").await.id);
    }
    server.settled().await;
    for (list, field) in [("events", "id"), ("deliveries", "event_id")] {
        let mut listed = Vec::new();
        let mut before = String::new();
        loop {
            let page = server.admin(&format!("{list}?limit=2{before}")).await;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2, "{page:#}");
            listed.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            // What comes in meanwhile is on no later page.
            later.insert(0, server.support.writes("hello").await.id);
            before = format!("&before={next}");
        }
        assert_eq!(listed, sent, "{list}");
        later.extend(sent);
        sent = std::mem::take(&mut later);
        server.settled().await;
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let check = async |path: &str, status: u16, code: &str, detail: &str| {
        let answer = server.get_with(path, &[]).await;
        let what = format!("{path}: {answer:?}");
        assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/problem+json"), "{what}");
        let problem = answer.json();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{what}");
        assert_has(problem["detail"].as_str().unwrap(), &[detail]);
    };
    check("/v1/admin/events/01JQ7K4E8Z7V0M2D3N4P5Q6R7S", 404, "unknown-event", "no event \"01JQ7").await;
    check("/v1/admin/events/%ff", 404, "unknown-event", "no event ").await;
    check("/v1/admin/deliveries/9-9", 404, "unknown-delivery", "no delivery \"9-9\"").await;
    check("/v1/admin/deliveries/x", 404, "unknown-delivery", "no delivery \"x\"").await;
    check("/v1/admin/deliveries?event=x", 404, "unknown-event", "no event \"x\"").await;
    check("/v1/admin/events?limit=0", 400, "bad-parameter", "`limit` = \"0\": expected 1 to 1000").await;
    check("/v1/admin/events?limit=1001", 400, "bad-parameter", "`limit` = \"1001\": expected 1 to 1000").await;
    check("/v1/admin/events?before=x", 400, "bad-parameter", "`before` = \"x\": expected `next` of a page").await;
    check("/v1/admin/events?knid=x", 400, "bad-parameter", "\"knid\": did you mean `kind`?").await;
    check("/v1/admin/deliveries?state=lost", 400, "bad-parameter", "`state` = \"lost\": expected waiting, due, ").await;
    check("/v1/admin/deliveries?state=dead&state=due", 400, "bad-parameter", "`state` is there twice").await;
    check(
        "/v1/admin/deliveries?subscriber=x",
        400,
        "bad-parameter",
        "`subscriber` = \"x\": expected plugin or webhook",
    )
    .await;
    check("/v1/admin/nothing", 404, "not-found", "nothing is served at this path").await;
}

#[tokio::test]
async fn whoever_has_no_token_learns_nothing() {
    let site = Site::new(&[]);
    site.configure(&format!("[admin]\ntoken = {TOKEN:?}"));
    let server = Server::start(&site).await;
    server.support.writes("s3cret words").await;
    let right = format!("Bearer {TOKEN}");
    let wrong = [
        None,
        Some("Bearer the admin's toke"),
        Some("Bearer the admin's token "),
        Some("Bearer "),
        Some("the admin's token"),
        Some("Basic dGhlOmFkbWlu"),
    ];
    for path in [
        "events",
        "deliveries",
        "events/x",
        "deliveries/x",
        "events?limit=0",
        "plugins",
        "plugins/x",
        "plugins/a/x",
        "webhooks",
    ] {
        for given in wrong {
            let headers: Vec<_> = given.map(|given| ("authorization", given)).into_iter().collect();
            let answer = server.get_with(&format!("/v1/admin/{path}"), &headers).await;
            // An HTTP client takes the blank off.
            if given == Some("Bearer the admin's token ") && answer.status != 401 {
                continue;
            }
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (401, Some("unauthorized")),
                "{path} {given:?}"
            );
            assert!(!answer.body.contains(TOKEN) && !answer.body.contains("s3cret"), "{answer:?}");
        }
    }
    let headers = [("authorization", &*right), ("host", "slashbox.example.com")];
    let answer = server.get_with("/v1/admin/events", &headers).await;
    assert_eq!((answer.status, answer.json()["items"].as_array().unwrap().len()), (200, 1));
    let ended = server.stop().await;
    assert!(!format!("{}{}", ended.out, ended.err).contains(TOKEN), "{ended:#?}");
}

/// A page that a browser shows under a name of its own may lead here.
#[tokio::test]
async fn without_a_token_only_a_loopback_name_opens_it() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let check = async |headers: &[(&'static str, &str)], status: u16| {
        for path in ["/v1/admin/events", "/v1/admin/deliveries", "/v1/admin/plugins", "/v1/admin/webhooks"] {
            let answer = server.get_with(path, headers).await;
            assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
            if status != 200 {
                assert_eq!(answer.json()["code"], "forbidden");
            }
        }
    };
    check(&[], 200).await;
    for host in ["localhost", "localhost:1234", "[::1]:8787", "127.0.0.1"] {
        check(&[("host", host)], 200).await;
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"] {
        check(&[("host", host)], 403).await;
    }
    check(&[("origin", "https://evil.example")], 403).await;
    check(&[("origin", server.url())], 200).await;
}

#[tokio::test]
async fn whoever_listens_to_others_needs_a_token() {
    let check = async |config: &str, arguments: &[&str]| {
        let site = Site::empty();
        site.write("slashbox.toml", config);
        let ended = Process::run(arguments, site.dir()).await;
        ended.assert(64, &["`admin.token`", "required", "no loopback address"]);
        assert_eq!(ended.out, "");
    };
    check("listen = \"0.0.0.0:0\"", &["config", "check"]).await;
    check("listen = \"0.0.0.0:0\"", &["serve"]).await;
    check("listen = \"[::]:0\"", &["serve"]).await;
    check("", &["serve", "--listen", "0.0.0.0:0"]).await;
    let site = Site::empty();
    for (config, expected) in [
        ("[admin]\ntoken = \"\"", "`admin.token`: empty"),
        ("[admin]\ntoken = \"${NOBODYS}\"", "`admin.token`: the environment variable NOBODYS is not set"),
    ] {
        site.write("slashbox.toml", config);
        Process::run(&["config", "check"], site.dir()).await.assert(64, &[expected]);
    }
    site.write("slashbox.toml", format!("listen = \"0.0.0.0:0\"\n[admin]\ntoken = {KEY:?}"));
    Process::run(&["config", "check"], site.dir()).await.assert(0, &["ok slashbox.toml"]);
}

#[tokio::test]
async fn the_api_describes_itself() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let answer = server.get_with("/openapi.json", &[]).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{document:#}");
    for path in ["events", "events/{id}", "deliveries", "deliveries/{id}"] {
        let described = &document["paths"][format!("/v1/admin/{path}")]["get"];
        assert!(described["responses"]["200"].is_object(), "{path}: {described:#}");
    }
}
