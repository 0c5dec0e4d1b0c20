//! What outlives the sudden end of a host: everything whose taking was acknowledged, delivered in its order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};

use crate::harness::{Received, Receiver, Said, Sender, Server, Site, recorded};

/// The conversations, by their topics.
const TOPICS: [u64; 4] = [1, 2, 3, 4];

/// The ids that arrived of each conversation, in the order in which they first did.
fn arrived(received: &[Received]) -> HashMap<u64, Vec<String>> {
    let mut arrived = HashMap::<u64, Vec<String>>::new();
    for received in received {
        let thread = received.json()["data"]["backend_thread_id"].as_u64().unwrap();
        let ids = arrived.entry(thread >> 20).or_default();
        if !ids.iter().any(|id| id == received.id()) {
            ids.push(received.id().to_owned());
        }
    }
    arrived
}

fn site(receiver: &Receiver) -> Site {
    let site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    site
}

#[tokio::test]
async fn a_remote_that_was_down_gets_all_of_it_afterwards() {
    let mut receiver = Receiver::down();
    let site = site(&receiver);
    let server = Server::start(&site).await;
    let mut sent = HashMap::<u64, Vec<String>>::new();
    for text in ["one", "two", "three", "four"] {
        for topic in TOPICS {
            sent.entry(topic).or_default().push(server.support.in_topic(topic).writes(text).await.id);
        }
    }
    // Each conversation's first one was tried in vain.
    crate::harness::eventually("the first attempts", async || {
        let due = server.listed("deliveries?name=crm&state=due").await;
        (due.iter().filter(|delivery| delivery["attempt_count"] == 1).count() == TOPICS.len()).then_some(())
    })
    .await;
    server.kill().await;
    receiver.restart().await;
    let server = Server::start(&site).await;
    let received = receiver.received(16).await;
    assert_eq!(arrived(&received), sent);
    for received in &received {
        let is_first = sent.values().any(|ids| ids[0] == received.id());
        assert_eq!(received.attempt(), if is_first { 2 } else { 1 }, "{received:?}");
    }
    server.settled().await;
    let deliveries = server.listed("deliveries?state=succeeded").await;
    assert_eq!(deliveries.len(), 32, "{deliveries:#?}");
    assert_eq!(recorded(&server.support, 16).await.len(), 16);
}

/// Writes one message after the other until nobody takes them; gives back the ids of those that were taken.
async fn write_until_the_end(sender: Sender, taken: Arc<Notify>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Ok(event) = sender.try_sends(sender.message(&format!("message {}", ids.len()))).await {
        ids.push(event.id);
        if ids.len() == 10 {
            taken.notify_one();
        }
    }
    ids
}

/// Whatever the host was doing when it was killed: with its senders, its store, its subscribers.
#[tokio::test]
async fn what_was_acknowledged_under_load_is_delivered() {
    let receiver = Receiver::start();
    // Some of it has arrived, and the host does not know.
    receiver.answers(|received| match received.id().ends_with(['0', '4', '8', 'C', 'G', 'M', 'R', 'W']) {
        true if received.attempt() == 1 => Said::Nothing,
        _ => Said::status(200),
    });
    let site = site(&receiver);
    let server = Server::start(&site).await;
    let enough = Arc::<Notify>::default();
    let mut senders = JoinSet::new();
    for topic in TOPICS {
        let (sender, enough) = (server.support.in_topic(topic), enough.clone());
        senders.spawn(async move { (topic, write_until_the_end(sender, enough).await) });
    }
    enough.notified().await;
    server.kill().await;
    let sent: HashMap<u64, Vec<String>> = senders.join_all().await.into_iter().collect();
    // What hangs now has hung for longer than the host would wait.
    receiver.says(Said::status(200));
    let server = Server::start(&site).await;
    server.settled().await;
    let arrived = arrived(&receiver.all());
    for topic in TOPICS {
        // One more may have been taken, whose sender could not be told.
        let (arrived, sent) = (&arrived[&topic], &sent[&topic]);
        assert_eq!(&arrived[..sent.len()], sent, "topic {topic}");
        assert!(arrived.len() <= sent.len() + 1, "topic {topic}: {arrived:#?}\nsent: {sent:#?}");
    }
    // A plugin counts nothing twice.
    let ids: Vec<String> = arrived.into_values().flatten().collect();
    let recorded = recorded(&server.support, ids.len()).await;
    assert!(recorded.iter().all(|event| ids.iter().any(|id| event["id"] == **id)));
}

#[tokio::test]
async fn events_and_what_became_of_them_are_listed_after_a_restart() {
    let receiver = Receiver::start();
    let site = site(&receiver);
    let server = Server::start(&site).await;
    server.support.writes("one").await;
    server.support.writes("two").await;
    server.settled().await;
    let (events, deliveries) = (server.listed("events").await, server.listed("deliveries").await);
    assert_eq!((events.len(), deliveries.len()), (2, 4));
    server.stop().await;
    let server = Server::start(&site).await;
    assert_eq!((server.listed("events").await, server.listed("deliveries").await), (events, deliveries));
}

/// How long an attempt is another's at most: the time that it may take, and that of its record.
const LEASE: Duration = Duration::from_secs(15 + 30);

/// Nobody who ends waits for a remote that hangs; and the next host does not wait until the attempt is nobody's.
#[tokio::test]
async fn what_is_cut_off_at_the_end_is_delivered_by_the_next_host() {
    for killed in [false, true] {
        let receiver = Receiver::start();
        receiver.says(Said::Nothing);
        let site = site(&receiver);
        let server = Server::start(&site).await;
        let id = server.support.writes("hello").await.id;
        receiver.first().await;
        match killed {
            true => server.kill().await,
            false => server.stop().await,
        };
        receiver.says(Said::status(200));
        let server = Server::start(&site).await;
        let received = receiver.received(2).await;
        assert_eq!([received[0].id(), received[1].id()], [&id, &id]);
        let pause = received[1].at - received[0].at;
        assert!(pause < LEASE, "killed: {killed}: again after {pause:?}");
        server.settled().await;
        assert_eq!(server.listed("deliveries?state=succeeded").await.len(), 2);
    }
}
