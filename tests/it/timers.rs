//! What plugins do later: durable, once, and only if the call that set it succeeds.

use crate::harness::{Receiver, Server, Site};

fn site(receiver: &Receiver) -> Site {
    let site = Site::new(&["fetch"]);
    site.add_webhook("crm", &receiver.url("/"), &["plugin.fetch.late"], "");
    site.allow_receivers();
    site
}

#[tokio::test]
async fn a_timer_fires_once_and_in_its_conversation() {
    let receiver = Receiver::start();
    let server = Server::start(&site(&receiver)).await;
    server.check(&[("/later 1000 first", "later"), ("/later 1000 second", "later")]).await;
    let received = receiver.first().await;
    assert_eq!(received.json()["data"], "second");
    server.settled().await;
    assert_eq!(receiver.all().len(), 1);
    let [fired] = server.listed("events?kind=timer.fired").await.try_into().unwrap();
    assert_eq!((&fired["message"], &fired["sender"]), (&"later".into(), &"system".into()));
    assert_eq!(fired["conversation"], "-1002146012345:5");
}

#[tokio::test]
async fn a_timer_outlives_the_host() {
    let receiver = Receiver::start();
    let site = site(&receiver);
    let server = Server::start(&site).await;
    server.check(&[("/later 1500 after the crash", "later")]).await;
    server.kill().await;
    let server = Server::start(&site).await;
    assert_eq!(receiver.first().await.json()["data"], "after the crash");
    server.settled().await;
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn what_is_called_off_does_not_fire() {
    let receiver = Receiver::start();
    let server = Server::start(&site(&receiver)).await;
    server.check(&[("/later 1000 never", "later"), ("/not-later", "not later"), ("/later 1200 this", "later")]).await;
    assert_eq!(receiver.first().await.json()["data"], "this");
    assert_eq!(server.listed("events?kind=timer.fired").await.len(), 1);
}

/// The plugin is taken away before, and comes back later.
#[tokio::test]
async fn a_timer_waits_for_its_plugin() {
    let receiver = Receiver::start();
    let site = site(&receiver);
    let server = Server::start(&site).await;
    server.check(&[("/later 1000 when it is back", "later")]).await;
    site.remove("plugins/fetch.wasm");
    server.delivery("?name=fetch", |delivery| delivery["parked"] == true).await;
    assert_eq!(receiver.all().len(), 0);
    site.plugin("fetch", "fetch");
    assert_eq!(receiver.first().await.json()["data"], "when it is back");
}
