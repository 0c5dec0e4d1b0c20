//! `sources` and `senders` in a plugin's grant: what they keep from it, and what they do not.

use serde_json::{Value, json};

use crate::harness::{Process, Receiver, Server, Site, assert_has, eventually, recorded};

/// Waits until a grant with these senders is in force.
async fn until_senders(server: &Server, plugin: &str, senders: Value) {
    let path = format!("plugins/{plugin}");
    let is_so = async || (server.admin(&path).await["serving"]["senders"] == senders).then_some(());
    eventually("the grant", is_so).await;
}

/// A plugin that takes what it causes itself: each of its events makes two more.
#[tokio::test]
async fn a_plugin_that_gets_what_contacts_write_causes_no_loop() {
    let site = Site::new(&["intruder"]);
    site.grant("intruder", "senders = [\"contact\"]");
    let server = Server::start(&site).await;
    server.check(&[("/again 2", "begun")]).await;
    server.settled().await;
    let emitted = async || server.listed("events?kind=plugin.intruder.again").await.len();
    assert_eq!(emitted().await, 1, "what a plugin emits, no contact has written");
    // Without the filter, it goes round.
    site.remove("plugins/intruder.toml");
    until_senders(&server, "intruder", json!([])).await;
    server.check(&[("/again 2", "begun")]).await;
    let limit = "told: event \"again\": limit of 8 emissions from the event";
    server.log().wait_for(&["WARN", "plugin=intruder", limit]).await;
    server.settled().await;
    assert_eq!(emitted().await, 2_usize.pow(8));
}

#[tokio::test]
async fn what_a_grant_leaves_out_is_not_delivered() {
    let site = Site::new(&["recorder", "mark"]);
    site.add_source("sales", "sales key", "");
    site.grant("recorder", "sources = [\"support\"]\nsenders = [\"contact\"]");
    let server = Server::start(&site).await;
    let (support, sales) = (&server.support, server.sender("sales", "sales key"));
    let sent = |text: &str| {
        let mut sent = support.message(text);
        sent["event_type"] = json!("message_sent");
        sent
    };
    // The last one is behind the others in every way.
    sales.writes("of another source").await;
    support.sends(sent("of an operator")).await;
    server.check(&[("/mark deal", "Marked: deal")]).await;
    support.writes("of the contact").await;
    server.settled().await;
    // Its own commands are its own, whoever types them where.
    server.check(&[("/seen", "1")]).await;
    sales.check(&[("/seen", "1")]).await;
    assert_eq!(recorded(support, 1).await[0]["text"], "of the contact");
    assert_eq!(server.listed("deliveries?name=recorder").await.len(), 1, "nothing waits for it either");
    // What it lets through is read again when it changes.
    site.grant("recorder", "senders = [\"operator\"]");
    until_senders(&server, "recorder", json!(["operator"])).await;
    support.sends(sent("of an operator too")).await;
    sales.check(&[("/mark deal", "Marked: deal")]).await;
    support.writes("of the contact again").await;
    server.settled().await;
    let kinds: Vec<Value> = recorded(support, 3).await.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["message.received", "message.sent", "/mark"]);
}

#[tokio::test]
async fn a_plugins_own_timers_come_whatever_its_grant_leaves_out() {
    let receiver = Receiver::start();
    let site = Site::new(&["fetch"]);
    site.grant("fetch", "sources = [\"nowhere\"]\nsenders = [\"bot\"]");
    site.add_webhook("crm", &receiver.url("/"), &["plugin.fetch.late"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.check(&[("/later 100 here", "later")]).await;
    assert_eq!(receiver.first().await.json()["data"], "here");
}

#[tokio::test]
async fn a_mistake_in_a_filter_is_one_of_the_grant() {
    let site = Site::new(&["recorder"]);
    let server = Server::start(&site).await;
    let before = server.log().count();
    site.grant("recorder", "senders = [\"client\"]");
    let expected = "grant: `senders`: \"client\" is no sender: expected contact, operator, bot, system or unknown";
    server.log().wait_after(before, &["WARN", "plugin=recorder", expected]).await;
    server.support.writes("it goes on as it was").await;
    server.until("/seen", "1").await;
}

#[tokio::test]
async fn filters_are_shown() {
    let site = Site::new(&["recorder"]);
    site.grant("recorder", "sources = [\"support\"]\nsenders = [\"contact\", \"bot\"]");
    let checked = Process::run(&["check", "plugins/recorder.wasm"], site.dir()).await;
    checked.assert(0, &["  source   support\n  sender   contact\n  sender   bot\n"]);
    let server = Server::start(&site).await;
    let shown = server.admin("plugins/recorder").await;
    assert_eq!(shown["serving"]["sources"], json!(["support"]));
    assert_eq!(shown["serving"]["senders"], json!(["contact", "bot"]));
    let shown = Process::run(&["plugins", "show", "recorder", "--url", server.url()], site.dir()).await;
    assert_has(&shown.out, &["sources", "support", "senders", "contact"]);
}
