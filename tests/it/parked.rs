//! Deliveries to those who are gone for a while: they wait, and go on when their subscriber is back.

use serde_json::Value;

use crate::harness::{Receiver, Server, Site, eventually};

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
    let site = Site::new(&["recorder"]);
    site.grant("recorder", "enabled = treu");
    let server = Server::start(&site).await;
    server.support.writes("hello").await;
    server.delivery("", is_parked).await;
    site.grant("recorder", "enabled = true");
    server.delivery("", |delivery| delivery["state"] == "succeeded").await;
}

/// Whatever it is that keeps it from serving, and however often.
#[tokio::test]
async fn a_plugin_with_too_little_memory_gets_it_when_it_has_enough() {
    let site = Site::new(&["recorder"]);
    site.grant("recorder", "[limits]\nmemory_mib = 1");
    let server = Server::start(&site).await;
    server.support.writes("one").await;
    let before = server.log().count();
    site.grant("recorder", "# Still.\n[limits]\nmemory_mib = 1");
    server.log().wait_after(before, &["WARN", "cannot be loaded", "memory limit of 1 MiB reached"]).await;
    server.support.writes("two").await;
    assert_eq!(server.listed("deliveries").await.len(), 2);
    site.grant("recorder", "enabled = true");
    let both = async || (server.listed("deliveries?state=succeeded").await.len() == 2).then_some(());
    eventually("both of them", both).await;
    server.stop().await;
}

/// What a tenant's own plugin keeps and waits for is no shared one's of the same name.
#[tokio::test]
async fn a_tenants_own_that_is_broken_is_not_replaced_by_a_shared_one() {
    let site = Site::new(&["recorder"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.plugin("acme/recorder", "recorder");
    site.grant("acme/recorder", "enabled = treu");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    server.support.writes("one").await;
    acme.writes("two").await;
    server.delivery("?tenant=default", |delivery| delivery["state"] == "succeeded").await;
    server.delivery("?tenant=acme", is_parked).await;
    site.grant("acme/recorder", "enabled = true");
    server.delivery("?tenant=acme", |delivery| delivery["state"] == "succeeded").await;
    server.stop().await;
}
