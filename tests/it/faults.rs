//! Disks that fail: nothing is taken that is not stored, commands are answered all the same, and when the disk is well again,
//! so is the host.

use crate::harness::{Disk, Fault, Place, Receiver, Sender, Server, Site, eventually};

/// What a host tells whose events it cannot store.
const NOT_STORED: &str = r#"{"error":"the event cannot be stored now, send it again later"}"#;

/// A site whose disk fails as the test says, with a plugin that counts, one that keeps something, and one that does neither.
fn site(test: &str) -> Option<(Site, Disk)> {
    let mut site = Site::new(&["recorder", "mark", "probe"]);
    let disk = Disk::of(&mut site, &format!("faults::{test}"))?;
    Some((site, disk))
}

/// Sends an event that must be refused, to be sent again.
async fn is_refused(sender: &Sender, text: &str) {
    let answer = sender.tries(sender.message(text)).await.unwrap();
    assert_eq!((answer.status, answer.retry_after_s, &*answer.body), (503, Some(5), NOT_STORED));
}

/// The ids of all events that the host has.
async fn stored(server: &Server) -> Vec<String> {
    let events = server.listed("events").await;
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_disk_that_fails_makes_nobody_lie() {
    for fault in [Fault::Full, Fault::ReadOnly, Fault::Sync] {
        let Some((site, disk)) = site("a_disk_that_fails_makes_nobody_lie") else { return };
        let server = Server::start(&site).await;
        let mut accepted = vec![server.support.writes("before").await.id];
        server.check(&[("/mark before", "Marked: before")]).await;
        server.settled().await;
        disk.set(fault);
        let refused = 3;
        for text in ["one", "two", "three"] {
            is_refused(&server.support, text).await;
        }
        // What is to be kept is not said to be; what keeps nothing is answered as ever.
        server.check(&[("/echo hello", "hello"), ("/mark lost", "! /mark is temporarily unavailable (ref REF)")]).await;
        server.log().wait_for(&["WARN", "slashbox::ingest", "senders are told to come again later"]).await;
        assert!(disk.failed() > 0);
        disk.set(Fault::None);
        accepted.push(server.support.writes("after").await.id);
        let mark = server.says("/mark").await;
        assert!(mark.starts_with("before "), "{fault:?}: {mark}");
        server.check(&[("/mark after", "Marked: after")]).await;
        server.settled().await;
        server.kill().await;
        disk.lose_power(|| 1);
        let server = Server::start(&site).await;
        server.settled().await;
        let stored = stored(&server).await;
        assert!(accepted.iter().all(|id| stored.contains(id)), "{fault:?}: {accepted:?} of {stored:?}");
        assert!(stored.len() <= accepted.len() + refused, "{fault:?}: {stored:?}");
        // Each that is stored was counted once; `/mark` was observed as well, as often as it was committed.
        let counted = server.says("/counted").await;
        assert!(counted.ends_with(" 0"), "{fault:?}: {counted}");
        let mark = server.says("/mark").await;
        assert!(mark.starts_with("after "), "{fault:?}: {mark}");
    }
}

/// Attempts that were made while the disk was full are recorded when it is not any more, without another attempt.
#[tokio::test]
async fn what_was_delivered_meanwhile_is_recorded_afterwards() {
    let Some((site, disk)) = site("what_was_delivered_meanwhile_is_recorded_afterwards") else { return };
    let receiver = Receiver::start();
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let (answer, answered) = std::sync::mpsc::channel::<()>();
    let answered = std::sync::Mutex::new(answered);
    receiver.answers(move |_| {
        answered.lock().unwrap().recv().unwrap();
        crate::harness::Said::status(200)
    });
    server.support.writes("hello").await;
    receiver.first().await;
    disk.set(Fault::Full);
    answer.send(()).unwrap();
    server.log().wait_for(&["ERROR", "an attempt cannot be recorded yet"]).await;
    disk.set(Fault::None);
    server.delivery("?name=crm", |delivery| delivery["state"] == "succeeded").await;
    assert_eq!(receiver.all().len(), 1);
}

/// What a failed sync has lost looks as if it were there, until the power fails. Whoever opens such a log must not go on
/// behind it: what comes then would be lost with it.
#[tokio::test]
async fn nothing_is_stored_behind_what_a_failed_sync_has_lost() {
    let Some((site, disk)) = site("nothing_is_stored_behind_what_a_failed_sync_has_lost") else { return };
    let server = Server::start(&site).await;
    let mut accepted = vec![server.support.writes("before").await.id];
    server.settled().await;
    disk.set(Fault::Sync);
    is_refused(&server.support, "lost").await;
    server.kill().await;
    disk.set(Fault::None);
    let server = Server::start(&site).await;
    for text in ["one", "two"] {
        accepted.push(server.support.writes(text).await.id);
    }
    server.kill().await;
    disk.lose_power(|| 1);
    let server = Server::start(&site).await;
    let stored = stored(&server).await;
    assert!(accepted.iter().all(|id| stored.contains(id)), "{accepted:?} of {stored:?}");
}

/// The power fails in the middle of a commit: what was synced before is there, and what was not is whole or not there.
#[tokio::test]
async fn a_torn_end_of_the_log_costs_what_was_not_acknowledged() {
    for (place, count) in [(Place::AfterWrite, 1), (Place::AfterWrite, 5), (Place::BeforeSync, 1)] {
        let Some((site, disk)) = site("a_torn_end_of_the_log_costs_what_was_not_acknowledged") else { return };
        let server = Server::start(&site).await;
        let mut accepted = Vec::new();
        for text in ["one", "two", "three"] {
            accepted.push(server.support.writes(text).await.id);
        }
        server.settled().await;
        disk.kill_at(place, count);
        let cut_off = server.support.tries(server.support.message("four")).await;
        assert!(cut_off.is_err(), "{place:?}: {cut_off:?}");
        assert_eq!(server.ended().await.code, None);
        disk.spare();
        let torn = disk.lose_power(|| 2);
        assert!(torn > 0, "{place:?}");
        let server = Server::start(&site).await;
        let mut stored = stored(&server).await;
        stored.reverse();
        assert_eq!(stored, accepted, "{place:?}");
        accepted.push(server.support.writes("five").await.id);
        eventually("all of it counted", async || (server.says("/counted").await == "4 0").then_some(())).await;
    }
}

/// A host that cannot get hold of its disk says so, and serves nobody.
#[tokio::test]
async fn a_disk_that_fails_at_the_start_is_told() {
    let Some((site, disk)) = site("a_disk_that_fails_at_the_start_is_told") else { return };
    disk.set(Fault::Full);
    let Err(ended) = Server::try_start(&site).await else { panic!("it serves from a full disk") };
    ended.assert(1, &["error: ", "disk"]);
    disk.set(Fault::None);
    Server::start(&site).await.check(&[("/echo hello", "hello")]).await;
}
