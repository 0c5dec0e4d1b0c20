//! System events: taken, and brought to every plugin and remote that wants them, with nothing lost of what they say.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::{DIALOG_REOPENED, KEY, MESSAGE_SENT, Receiver, Server, Site, data_of, recorded};

/// What a remote is known by, which is not the source's key.
const REMOTE_KEY: &str = "the remote's own";

#[tokio::test]
async fn the_documents_events_reach_a_plugin() {
    let site = Site::new(&["recorder"]);
    let server = Server::start(&site).await;
    let reopened = server.support.posts(DIALOG_REOPENED).await.taken();
    let sent = server.support.posts(MESSAGE_SENT).await.taken();
    // They are of one conversation, so they come in their order.
    let [first, second] = recorded(&server.support, 2).await.try_into().unwrap();
    let expected = json!({
        "id": reopened.id,
        "kind": "conversation.reopened",
        "native_kind": "dialog_reopened",
        "conversation": "-1002146012345:5343",
        "contact": "5339212345",
        "operator": null,
        "sender": "system",
        "message": null,
        "text": null,
        "occurred_at_ms": 1_759_969_495_000_u64,
        "attempt": 1,
        "tenant": "default",
        "source": "support",
        "dialect": "hotline",
        "instance": "13209946874612345",
        "data": data_of(DIALOG_REOPENED),
    });
    assert_eq!(first, expected);
    let expected = json!({
        "id": sent.id,
        "kind": "message.sent",
        "native_kind": "message_sent",
        "conversation": "-1002146012345:5343",
        "contact": null,
        "operator": null,
        "sender": "operator",
        "message": "6171918336",
        "text": "test message",
        "occurred_at_ms": 1_759_969_317_000_u64,
        "attempt": 1,
        "tenant": "default",
        "source": "support",
        "dialect": "hotline",
        "instance": "132099468746812345",
        "data": data_of(MESSAGE_SENT),
    });
    assert_eq!(second, expected);
}

#[tokio::test]
async fn the_documents_events_reach_remotes_as_they_were() {
    let receiver = Receiver::start();
    let site = Site::empty();
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    let of_file = json!({ receiver.url("/of-file"): ["dialog_reopened", "message_sent"] });
    site.write("webhooks.json", of_file.to_string());
    let more = format!("api_key = {REMOTE_KEY:?}\nheaders = {{ Authorization = \"Bearer t0ken\" }}");
    site.add_webhook("own-key", &receiver.url("/own-key?a=b"), &["*"], &more);
    site.add_webhook("no-key", &receiver.url("/no-key"), &["conversation.*", "message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let reopened = server.support.posts(DIALOG_REOPENED).await.taken();
    let sent = server.support.posts(MESSAGE_SENT).await.taken();
    let received = receiver.received(6).await;
    for (path, key) in [("/of-file", Some(KEY)), ("/own-key?a=b", Some(REMOTE_KEY)), ("/no-key", None)] {
        let received: Vec<_> = received.iter().filter(|received| received.path == path).collect();
        assert_eq!(received.len(), 2, "{path}: {received:#?}");
        for (received, (document, id)) in
            received.iter().zip([(DIALOG_REOPENED, &reopened.id), (MESSAGE_SENT, &sent.id)])
        {
            let mut expected: Value = serde_json::from_str(document).unwrap();
            match key {
                Some(key) => expected["api_key"] = key.into(),
                None => drop(expected.as_object_mut().unwrap().remove("api_key")),
            }
            assert_eq!(received.json(), expected, "{path}");
            assert!(received.body.contains(data_of(document)), "{path}: {}", received.body);
            assert_eq!((received.method.as_str(), received.header("content-type")), ("POST", "application/json"));
            assert_eq!((received.id(), received.attempt()), (id.as_str(), 1), "{path}");
            let since: u64 = received.header("webhook-timestamp").parse().unwrap();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            assert!(now.abs_diff(since) <= 60, "{since}, and it is {now}");
            let authorized = received.headers.get("authorization").map(|value| value.to_str().unwrap());
            assert_eq!(authorized, path.starts_with("/own").then_some("Bearer t0ken"), "{path}");
            // Whoever has a key of its own, or none, learns no other.
            assert!(key == Some(KEY) || !format!("{received:?}").contains(KEY), "{path}: {received:#?}");
        }
    }
}

/// A platform's event, and what it is in our words.
struct Case {
    native: &'static str,
    kind: &'static str,
    sender: &'static str,
    /// Whom it is from or about.
    contact: Option<&'static str>,
}

/// The first three are as the document's dialog, the others as its message.
const CASES: [Case; 6] = [
    Case { native: "dialog_created", kind: "conversation.created", sender: "system", contact: Some("5339212345") },
    Case { native: "dialog_reopened", kind: "conversation.reopened", sender: "system", contact: Some("5339212345") },
    Case { native: "dialog_closed", kind: "conversation.closed", sender: "system", contact: Some("5339212345") },
    Case { native: "message_received", kind: "message.received", sender: "contact", contact: Some("5339212345") },
    Case { native: "message_sent", kind: "message.sent", sender: "operator", contact: None },
    Case { native: "message_intercepted", kind: "message.intercepted", sender: "operator", contact: None },
];

impl Case {
    fn is_message(&self) -> bool {
        self.native.starts_with("message")
    }

    fn body(&self) -> String {
        match self.is_message() {
            true => MESSAGE_SENT.replace("message_sent", self.native),
            false => DIALOG_REOPENED.replace("dialog_reopened", self.native),
        }
    }
}

#[tokio::test]
async fn each_event_reaches_plugins_and_remotes_by_any_of_its_names() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    let (natives, kinds) = (CASES.map(|case| case.native), CASES.map(|case| case.kind));
    for (path, events) in
        [("/native", &natives[..]), ("/kind", &kinds), ("/all", &["*"]), ("/messages", &["message.*"])]
    {
        site.add_webhook(path.trim_start_matches('/'), &receiver.url(path), events, "");
    }
    site.add_webhook("others", &receiver.url("/others"), &["message.updated", "dialog_merged", "native.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    for case in &CASES {
        server.support.posts(case.body()).await.taken();
    }
    let recorded = recorded(&server.support, CASES.len()).await;
    for (event, case) in recorded.iter().zip(&CASES) {
        let found = ["kind", "native_kind", "sender", "contact", "text"].map(|field| event[field].as_str());
        let text = case.is_message().then_some("test message");
        assert_eq!(found, [Some(case.kind), Some(case.native), Some(case.sender), case.contact, text]);
    }
    let received = receiver.received(3 * CASES.len() + 3).await;
    let at = |path: &str| -> Vec<String> {
        let received = received.iter().filter(|received| received.path == path);
        received.map(|received| received.json()["event_type"].as_str().unwrap().to_owned()).collect()
    };
    for path in ["/native", "/kind", "/all"] {
        assert_eq!(at(path), natives, "{path}");
    }
    assert_eq!(at("/messages"), natives[3..]);
    assert_eq!(at("/others"), [""; 0]);
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_taken_as_it_is() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    site.add_webhook("by-kind", &receiver.url("/by-kind"), &["native.dialog_merged"], "");
    site.add_webhook("by-name", &receiver.url("/by-name"), &["dialog_merged"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let body = format!("{{\"event_type\":\"dialog_merged\",\"data\":[1.50,\"x\"],\"api_key\":\"{KEY}\"}}");
    let taken = server.support.posts(body).await.taken();
    let [event] = recorded(&server.support, 1).await.try_into().unwrap();
    let found = ["id", "kind", "native_kind", "sender", "data"].map(|field| event[field].as_str().unwrap());
    assert_eq!(found, [&*taken.id, "native.dialog_merged", "dialog_merged", "unknown", "[1.50,\"x\"]"]);
    let mut paths: Vec<String> = receiver.received(2).await.into_iter().map(|received| received.path).collect();
    paths.sort();
    assert_eq!(paths, ["/by-kind", "/by-name"]);
}

#[tokio::test]
async fn a_remote_gets_what_it_asks_for_and_nothing_else() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    site.add_source("sales", "sales key", "");
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    let narrowed =
        [("contacts", "senders = [\"contact\"]"), ("sales", "sources = [\"sales\"]"), ("acme", "tenant = \"acme\"")];
    for (name, more) in narrowed {
        site.add_webhook(name, &receiver.url(&format!("/{name}")), &["*"], more);
    }
    site.allow_receivers();
    let server = Server::start(&site).await;
    let of_sales = server.sender("sales", "sales key").posts(MESSAGE_SENT.replace(KEY, "sales key")).await.taken();
    let of_contact = server.support.writes("hello").await;
    server.support.posts(MESSAGE_SENT).await.taken();
    let of_acme = server.sender("acme", "acme key").writes("hello").await;
    let received = receiver.received(3).await;
    for (path, id) in [("/contacts", &of_contact.id), ("/sales", &of_sales.id), ("/acme", &of_acme.id)] {
        let ids: Vec<&str> = received.iter().filter(|got| got.path == path).map(|got| got.id()).collect();
        assert_eq!(ids, [id], "{path}");
    }
    // A shared plugin keeps each tenant's apart.
    recorded(&server.support, 3).await;
    let [event] = recorded(&server.sender("acme", "acme key"), 1).await.try_into().unwrap();
    assert_eq!((&event["id"], &event["tenant"]), (&of_acme.id.into(), &"acme".into()));
}

/// The most bytes of an event.
const EVENT_BYTES_MAX: usize = 256 * 1024;

#[tokio::test]
async fn what_is_not_taken_is_not_there() {
    let receiver = Receiver::start();
    let site = Site::new(&[]);
    site.add_webhook("crm", &receiver.url("/"), &["*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let of_size = |bytes: usize| {
        let body = |text: &str| MESSAGE_SENT.replace("test message", text);
        // What is counted is the data and the other members, without key and white space.
        let data = data_of(&body("")).len();
        let envelope =
            r#"{"event_type":"message_sent","timestamp":"2025-10-09 00:21:57","instance_id":"132099468746812345"}"#;
        body(&"x".repeat(bytes - data - envelope.len()))
    };
    let check = async |body: String, status: u16, expected: &str| {
        let answer = server.support.posts(body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json(), json!({ "error": expected }));
    };
    check(MESSAGE_SENT.replace(KEY, "wrong"), 401, "`api_key` is not this source's key").await;
    check(of_size(EVENT_BYTES_MAX + 1), 413, "the event has 262145 bytes: expected at most 262144").await;
    check(MESSAGE_SENT.replace("2025-10-09 00:21:57", "later"), 400, {
        "`timestamp` is \"later\": expected a time as 2025-10-08 20:41:20, in UTC"
    })
    .await;
    check(MESSAGE_SENT.replace("\"message_sent\"", "\"\""), 400, {
        "`event_type` is empty: expected a command such as \"/mark\" or an event such as \"dialog_closed\""
    })
    .await;
    check(MESSAGE_SENT.replace("-1002146012345", "[]"), 400, {
        "`data.backend_chat_id` is []: expected a string or a number"
    })
    .await;
    assert_eq!(server.listed("events").await, [Value::Null; 0]);
    let largest = of_size(EVENT_BYTES_MAX);
    let id = server.support.posts(largest.clone()).await.taken().id;
    let received = receiver.first().await;
    assert_eq!(received.id(), id);
    assert!(received.body.contains(data_of(&largest)), "{} bytes", received.body.len());
}
