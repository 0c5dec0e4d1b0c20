//! Deliveries to those who are gone for a while: they wait, and go on when their subscriber is back.

use serde_json::Value;

use crate::harness::{Receiver, Server, Site};

fn is_parked(delivery: &Value) -> bool {
    delivery["parked"] == true
}

#[tokio::test]
async fn a_plugin_that_comes_back_gets_what_it_missed() {
    let site = Site::new(&["counter"]);
    let server = Server::start(&site).await;
    let id = server.support.writes("later").await.id;
    server.delivery("", |delivery| delivery["attempt_count"] == 1).await;
    site.remove("plugins/counter.wasm");
    server.log().wait_for(&["INFO", "is gone, what it should get waits", "counter"]).await;
    let delivery = server.delivery("", is_parked).await;
    assert_eq!(delivery["state"], "due");
    // What happens while it is not there is not its business.
    server.support.writes("refuse").await;
    assert_eq!(server.listed("deliveries").await.len(), 1);
    site.plugin("counter", "counter");
    server.log().wait_for(&["INFO", "is back, and gets what waited", "counter"]).await;
    server.delivery("", |delivery| delivery["attempt_count"] == 2 && !is_parked(delivery)).await;
    // It goes over a restart, and comes back after another.
    server.stop().await;
    site.remove("plugins/counter.wasm");
    let server = Server::start(&site).await;
    server.delivery("", is_parked).await;
    server.stop().await;
    site.plugin("counter", "counter");
    let server = Server::start(&site).await;
    server.delivery("", |delivery| !is_parked(delivery)).await;
    site.plugin_version("counter", "counter", 1);
    server.delivery("", |delivery| delivery["state"] == "succeeded").await;
    server.check(&[("/count", "1"), ("/ids", &id)]).await;
}

#[tokio::test]
async fn a_plugin_that_is_switched_off_gets_it_when_it_is_on_again() {
    let site = Site::new(&["counter"]);
    let server = Server::start(&site).await;
    server.support.writes("later").await;
    server.delivery("", |delivery| delivery["attempt_count"] == 1).await;
    site.grant("counter", "enabled = false");
    server.delivery("", is_parked).await;
    site.grant("counter", "enabled = true");
    server.delivery("", |delivery| delivery["attempt_count"] == 2 && !is_parked(delivery)).await;
}

#[tokio::test]
async fn a_webhook_that_comes_back_gets_what_it_missed() {
    let mut receiver = Receiver::down();
    let site = Site::new(&[]);
    site.allow_receivers();
    let config = std::fs::read_to_string(site.path("slashbox.toml")).unwrap();
    site.add_webhook("crm", &receiver.url("/old"), &["message.*"], "");
    let server = Server::start(&site).await;
    let mut ids = Vec::new();
    for text in ["one", "two"] {
        ids.push(server.support.writes(text).await.id);
    }
    server.delivery("?state=due", |delivery| delivery["attempt_count"] == 1).await;
    server.stop().await;
    // It is in the configuration no more.
    site.write("slashbox.toml", &config);
    let server = Server::start(&site).await;
    receiver.restart().await;
    server.support.writes("three").await;
    let deliveries = server.listed("deliveries").await;
    assert_eq!(deliveries.len(), 2, "{deliveries:#?}");
    assert!(deliveries.iter().all(is_parked), "{deliveries:#?}");
    server.stop().await;
    // By its name it is the same, wherever it is reached.
    site.add_webhook("crm", &receiver.url("/new"), &["message.*"], "");
    let server = Server::start(&site).await;
    ids.push(server.support.writes("four").await.id);
    let received = receiver.received(3).await;
    let found: Vec<_> = received.iter().map(|received| (received.path.as_str(), received.id())).collect();
    assert_eq!(found, ids.iter().map(|id| ("/new", id.as_str())).collect::<Vec<_>>());
    server.settled().await;
}

/// What its grant gives it is not known, but what it wants is.
#[tokio::test]
async fn a_plugin_whose_grant_is_broken_gets_it_when_that_is_mended() {
    let site = Site::new(&["counter"]);
    site.grant("counter", "enabled = treu");
    let server = Server::start(&site).await;
    let id = server.support.writes("hello").await.id;
    server.delivery("", is_parked).await;
    server.check(&[("/count", "! unknown command /count")]).await;
    site.grant("counter", "enabled = true");
    server.delivery("", |delivery| delivery["state"] == "succeeded").await;
    server.check(&[("/count", "1"), ("/ids", &id)]).await;
}
