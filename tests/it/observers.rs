//! Who is told of a command that another answers: durably, like of an event.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinSet};

use crate::harness::{MARK, Receiver, Said, Sender, Server, Site, data_of, recorded};

#[tokio::test]
async fn plugins_and_remotes_observe_what_a_plugin_answers() {
    let receiver = Receiver::start();
    // What an observer says, nobody is shown.
    receiver.says(Said::json(r#"{"error":"not yours"}"#));
    let site = Site::new(&["mark", "recorder"]);
    site.add_webhook("crm", &receiver.url("/crm"), &["/mark"], "api_key = \"the crm's\"");
    site.add_webhook("events", &receiver.url("/events"), &["*"], "");
    site.add_webhook("contacts", &receiver.url("/contacts"), &["/*"], "senders = [\"contact\"]");
    site.add_webhook("operators", &receiver.url("/operators"), &["/*"], "senders = [\"operator\"]");
    site.allow_receivers();
    let server = Server::start(&site).await;
    assert_eq!(server.support.posts(MARK).await.body, r#"{"message":"Marked: deal"}"#);
    let received = receiver.received(2).await;
    let mut paths: Vec<&str> = received.iter().map(|received| received.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/crm", "/operators"]);
    let crm = received.iter().find(|received| received.path == "/crm").unwrap();
    assert_eq!(crm.json()["api_key"], "the crm's");
    assert!(crm.body.contains(data_of(MARK)), "{}", crm.body);
    // The command and what was told of it have one id.
    let [event] = recorded(&server.support, 1).await.try_into().unwrap();
    let expected = json!({
        "id": crm.id(),
        "kind": "/mark",
        "native_kind": "/mark",
        "conversation": "-1002146012345:5",
        "contact": "7890123",
        "operator": "123456",
        "sender": "operator",
        "message": "5850",
        "text": "deal",
        "occurred_at_ms": 1_759_956_080_000_u64,
        "attempt": 1,
        "tenant": "default",
        "source": "support",
        "dialect": "hotline",
        "instance": "132099468746812345",
        "data": data_of(MARK),
    });
    assert_eq!(event, expected);
    // Typed again, it happened again.
    server.support.posts(MARK).await;
    recorded(&server.support, 2).await;
}

#[tokio::test]
async fn they_are_told_of_a_command_however_it_ended() {
    let receiver = Receiver::start();
    let site = Site::new(&["probe"]);
    site.add_webhook("crm", &receiver.url("/"), &["/trap", "/refuse", "/echo"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let mut expected = Vec::new();
    for line in ["/trap", "/refuse no", "/echo", "/nobodys"] {
        server.says(line).await;
        expected.extend(line.split(' ').next().filter(|name| *name != "/nobodys"));
    }
    let received = receiver.received(3).await;
    let names: Vec<_> =
        received.iter().map(|received| received.json()["event_type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, expected);
}

/// Marks one thing after the other until nobody answers; gives back what was said to be marked.
async fn mark_until_the_end(sender: Sender, enough: Arc<Notify>) -> Vec<String> {
    let mut marked = Vec::new();
    while let Ok(answer) = sender.try_types(&format!("/mark {}", marked.len())).await {
        assert_eq!(answer.shown(), format!("Marked: {}", marked.len()));
        marked.push(marked.len().to_string());
        if marked.len() == 10 {
            enough.notify_one();
        }
    }
    marked
}

/// The deliveries are on the disk before the reply leaves.
#[tokio::test]
async fn whoever_got_a_reply_can_rely_on_its_being_told() {
    let receiver = Receiver::start();
    let site = Site::new(&["mark"]);
    site.add_webhook("crm", &receiver.url("/"), &["/mark"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let enough = Arc::<Notify>::default();
    let mut operators = JoinSet::new();
    for topic in 1..=4_u64 {
        let (sender, enough) = (server.support.in_topic(topic), enough.clone());
        operators.spawn(async move { (topic, mark_until_the_end(sender, enough).await) });
    }
    enough.notified().await;
    server.kill().await;
    let marked = operators.join_all().await;
    let server = Server::start(&site).await;
    server.settled().await;
    let received = receiver.all();
    for (topic, marked) in marked {
        let of_topic = received.iter().map(|received| received.json()["data"].clone());
        let mut told: Vec<Value> =
            of_topic.filter(|data| data["topic_id"] == topic).map(|data| data["command_data"].clone()).collect();
        told.dedup(); // What had arrived when the host was killed may arrive again.
        assert_eq!(told[..marked.len()], marked, "topic {topic}");
        assert!(told.len() <= marked.len() + 1, "topic {topic}: {told:?}");
    }
}
