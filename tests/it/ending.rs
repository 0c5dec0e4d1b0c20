//! How a host ends that is told to: what is in flight is finished or given back, in time, and the exit code says whether.
//! (That commands are finished, and that a second signal ends it at once: `serve.rs`.)

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::harness::{Disk, Fault, Receiver, Said, Sender, Server, Site, assert_has, eventually};

/// What a service manager gives it at least, by default: the budget of a command, what may be waited for beside it, and what
/// a busy machine adds.
const IN_TIME: Duration = Duration::from_secs(20);

/// Writes one message after the other until nobody is there; gives back the ids of those that were taken.
async fn write_until_the_end(sender: Sender, taken: Arc<AtomicUsize>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Ok(answer) = sender.tries(sender.message("hello")).await {
        match answer.status {
            200 => ids.push(answer.taken().id),
            status => assert_eq!((status, answer.retry_after_s), (503, Some(5)), "{answer:?}"),
        }
        taken.fetch_add(1, Ordering::SeqCst);
    }
    ids
}

#[tokio::test]
async fn under_load_all_that_was_accepted_is_kept_and_what_hangs_is_given_back() {
    let receiver = Receiver::start();
    let hangs = |id: &str| id.ends_with(['0', '4', '8', 'C', 'G', 'M', 'R', 'W']);
    receiver.answers(move |received| if hangs(received.id()) { Said::Nothing } else { Said::status(200) });
    let site = Site::new(&["recorder"]);
    site.configure("[limits]\ncommand_ms = 1000");
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let (taken, mut senders) = (Arc::<AtomicUsize>::default(), JoinSet::new());
    for topic in 1..=8 {
        senders.spawn(write_until_the_end(server.support.in_topic(topic), taken.clone()));
    }
    eventually("a load", async || (taken.load(Ordering::SeqCst) >= 100).then_some(())).await;
    eventually("a remote that hangs", async || receiver.all().iter().any(|got| hangs(got.id())).then_some(())).await;
    let began = Instant::now();
    server.signal("TERM");
    let ended = server.ended().await;
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_has(&ended.err, &["they are made again", "lost=0", "INFO slashbox::host: shut down"]);
    let accepted: Vec<String> = senders.join_all().await.into_iter().flatten().collect();
    receiver.says(Said::status(200));
    let server = Server::start(&site).await;
    server.settled().await;
    let succeeded = server.listed("deliveries?name=crm&state=succeeded").await;
    for id in &accepted {
        let delivery = succeeded.iter().find(|delivery| delivery["event_id"] == **id);
        // One that was given back was no attempt.
        assert_eq!(delivery.unwrap_or_else(|| panic!("{id} is lost"))["attempt_count"], 1);
    }
    assert_eq!(server.says("/counted").await, format!("{} 0", succeeded.len()));
}

/// A disk that never answers holds up nobody for ever, and what is cut off then is told.
#[tokio::test]
async fn what_cannot_be_finished_is_cut_off_in_time_and_told() {
    let mut site = Site::new(&["probe", "recorder"]);
    let test = "ending::what_cannot_be_finished_is_cut_off_in_time_and_told";
    let Some(disk) = Disk::of(&mut site, test) else { return };
    site.configure("[limits]\ncommand_ms = 1000");
    let server = Server::start(&site).await;
    let accepted = server.support.writes("before").await.id;
    server.settled().await;
    disk.set(Fault::Stuck);
    let sender = server.support.clone();
    let sending = tokio::spawn(async move { sender.tries(sender.message("stuck")).await });
    disk.stuck().await;
    let began = Instant::now();
    server.signal("TERM");
    let ended = server.ended().await;
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_has(&ended.err, &["ERROR slashbox::host: shut down, and cut off", "requests=1", "attempts=0", "store=true"]);
    if let Ok(answer) = sending.await.unwrap() {
        assert_eq!((answer.status, answer.retry_after_s), (503, Some(5)), "{answer:?}");
    }
    disk.set(Fault::None);
    let server = Server::start(&site).await;
    let events = server.listed("events").await;
    assert!(events.iter().any(|event| event["id"] == *accepted) && events.len() <= 2, "{events:#?}");
}
