//! HTTP that plugins send: within its limits, and never twice by the host's doing. `hostile_http` has what is not granted.

use std::thread;

use crate::harness::{Receiver, Said, Server, Site};

/// A site with the guest that sends HTTP, granted the receiver with more of the grant's lines.
fn site(receiver: &Receiver, limits: &str) -> Site {
    let site = Site::new(&["fetch"]);
    site.allow_receivers();
    site.grant("fetch", &format!("allowed_hosts = [\"127.0.0.1:{}\"]\n{limits}", receiver.port()));
    site
}

#[tokio::test]
async fn a_granted_host_is_reached() {
    let receiver = Receiver::start();
    receiver.says(Said::text("here"));
    let server = Server::start(&site(&receiver, "")).await;
    let line = format!("/post {} a body", receiver.url("/path?q=1"));
    assert_eq!(server.support.says(&line).await, "200 here 200 here");
    let [first, second] = receiver.received(2).await.try_into().unwrap();
    assert_eq!((first.method.as_str(), first.path.as_str(), first.body.as_str()), ("POST", "/path?q=1", "a body"));
    // Each request of a call has a key of its own, and all have the call's.
    let (key, other) = (first.header("idempotency-key"), second.header("idempotency-key"));
    assert_eq!(key.split_once('-').map(|(id, plugin)| (id.len(), plugin)), Some((26, "fetch")), "{key}");
    assert_eq!(other, format!("{key}-2"));
    assert_eq!(first.header("host"), format!("127.0.0.1:{}", receiver.port()));
}

#[tokio::test]
async fn requests_and_their_bodies_are_counted() {
    let receiver = Receiver::start();
    receiver.answers(|received| match received.path.as_str() {
        "/large" => Said::text(&"x".repeat(1_500_000)),
        _ => Said::text("small"),
    });
    let site = site(&receiver, "[limits]\nhttp_requests = 3\nhttp_mib = 1");
    let server = Server::start(&site).await;
    let check = async |line: String, expected: &str| assert_eq!(server.support.says(&line).await, expected, "{line}");
    check(format!("/many {} 3", receiver.url("/")), "3").await;
    check(format!("/many {} 4", receiver.url("/")), "3, then limit").await;
    check(format!("/upload {} 900", receiver.url("/")), "200 small").await;
    check(format!("/upload {} 1100", receiver.url("/")), "limit").await;
    // Of an answer that breaks off, wasmtime does not tell the guest why; the log does.
    check(format!("/get {}", receiver.url("/large")), "unreachable").await;
    server.log().wait_for(&["WARN", "slashbox::guest", "http limit of 1 MiB in a call reached"]).await;
}

/// While it waits for its answer, another call changes what it had read. Its request has left, so it is not made again.
#[tokio::test]
async fn a_call_that_sent_something_does_not_run_again() {
    let receiver = Receiver::start();
    let server = Server::start(&site(&receiver, "")).await;
    let other = server.support.clone();
    receiver.answers(move |_| {
        let other = other.clone();
        let added = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(other.says("/add sum"))
        });
        assert_eq!(added.join().unwrap(), "1");
        Said::text("ok")
    });
    let shown = server.support.says(&format!("/post-and-add {} sum", receiver.url("/"))).await;
    assert_eq!(shown, "! /post-and-add is temporarily unavailable (ref REF)");
    assert_eq!(receiver.all().len(), 1);
    server.check(&[("/add sum", "2")]).await;
}
