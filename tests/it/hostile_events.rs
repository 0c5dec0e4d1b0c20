//! Plugins whose events cause themselves or are never done, and calls that leave something behind before they break.

use crate::harness::{Bystander, Receiver, Server, Site, eventually};

/// How far an event is at most from the one that came from outside.
const HOPS: u32 = 8;

/// Its handler emits two more, and goes on though it is refused.
#[tokio::test]
async fn events_that_cause_themselves_come_to_an_end() {
    let receiver = Receiver::start();
    let site = Site::new(&["intruder", "mark"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*", "plugin.intruder.again"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    server.check(&[("/again 2", "begun")]).await;
    let message = server.support.writes("hello").await;
    server
        .log()
        .wait_for(&["WARN", "plugin=intruder", "told: event \"again\": limit of 8 emissions from the event"])
        .await;
    server.settled().await;
    bystander.end("events that cause themselves").await;
    let emitted = server.listed("events?kind=plugin.intruder.again").await;
    assert_eq!(emitted.len(), 2_usize.pow(HOPS) - 1);
    // Whoever else wants them has had each once, and the message among them.
    let received = receiver.all();
    assert_eq!(received.len(), emitted.len() + 1);
    assert!(received.iter().any(|received| received.id() == message.id));
    assert!(server.listed("deliveries?state=dead").await.is_empty());
    server.stop().await;
}

/// In as many conversations as may be called at once, and more; and again, until it is set aside.
#[tokio::test]
async fn events_that_are_never_done_hold_up_nobody_else() {
    const CONVERSATIONS: u64 = 24;
    let receiver = Receiver::start();
    let site = Site::new(&["intruder", "mark"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    for topic in 1..=CONVERSATIONS {
        server.support.in_topic(topic).writes("spin").await;
    }
    receiver.received(CONVERSATIONS as usize).await;
    // Of the processor's time, or of the clock's: so many of them get little of either.
    server.log().wait_for(&["did not arrive", "plugin intruder", "limit: "]).await;
    server.log().wait_for(&["WARN", "set aside for a while: it keeps crashing", "plugin=intruder"]).await;
    bystander.end("events that are never done").await;
    // None of them counts as done.
    assert!(server.listed("deliveries?name=intruder&state=succeeded").await.is_empty());
    server.stop().await;
}

/// Each sets a key, emits an event and sets a timer before its end.
#[tokio::test]
async fn who_breaks_leaves_no_key_no_event_and_no_timer() {
    let site = Site::new(&["intruder", "mark"]);
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let unavailable = "! /leave is temporarily unavailable (ref REF)";
    for (how, shown, cause) in [
        ("abort", unavailable, "wasm `unreachable` instruction executed"),
        ("exit", unavailable, "Exited with i32 exit status 0"),
        ("exit-1", unavailable, "Exited with i32 exit status 1"),
    ] {
        server.check(&[(&format!("/leave {how}"), shown)]).await;
        server.log().wait_for(&["WARN", "by=intruder", "outcome=\"trapped\"", cause]).await;
    }
    server.check(&[("/leave refuse", "! refused after all of it"), ("/guess-list", "none")]).await;
    assert!(server.listed("events?kind=plugin.intruder.left").await.is_empty());
    // Its timer is due after all of theirs.
    server.check(&[("/leave well", "left"), ("/guess-get left", "\"well\"")]).await;
    let fired = async || server.listed("events?kind=timer.fired").await.into_iter().next();
    let fired = eventually("the timer", fired).await;
    bystander.end("calls that break").await;
    assert_eq!(fired["message"], "well");
    assert_eq!(server.listed("events?kind=timer.fired").await.len(), 1);
    assert_eq!(server.listed("events?kind=plugin.intruder.left").await.len(), 1);
    server.stop().await;
}
