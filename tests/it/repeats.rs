//! Events that are sent again: each is stored and delivered once, and the sender is told which one it was.

use tokio::task::JoinSet;

use crate::harness::{DIALOG_REOPENED, KEY, MESSAGE_SENT, Receiver, Server, Site, Taken, recorded};

#[tokio::test]
async fn what_was_sent_twice_is_delivered_once() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    site.add_webhook("all", &receiver.url("/"), &["*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let first = server.support.posts(DIALOG_REOPENED).await.taken();
    assert!(!first.duplicate);
    let again = server.support.posts(DIALOG_REOPENED).await.taken();
    assert_eq!(again, Taken { id: first.id.clone(), duplicate: true });
    server.stop().await;
    let server = Server::start(&site).await;
    assert_eq!(server.support.posts(DIALOG_REOPENED).await.taken(), again);
    // It comes behind all that there is of the conversation.
    let last = server.support.posts(MESSAGE_SENT).await.taken();
    let recorded: Vec<String> =
        recorded(&server.support, 2).await.iter().map(|event| event["id"].as_str().unwrap().into()).collect();
    assert_eq!(recorded, [&*first.id, &last.id]);
    let received: Vec<String> = receiver.received(2).await.iter().map(|received| received.id().into()).collect();
    assert_eq!(received, [first.id, last.id]);
}

#[tokio::test]
async fn of_many_at_once_one_is_new() {
    let site = Site::new(&["recorder"]);
    let server = Server::start(&site).await;
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let sender = server.support.clone();
        requests.spawn(async move { sender.posts(MESSAGE_SENT).await.taken() });
    }
    let taken = requests.join_all().await;
    assert_eq!(taken.iter().filter(|taken| !taken.duplicate).count(), 1, "{taken:#?}");
    assert!(taken.iter().all(|each| each.id == taken[0].id), "{taken:#?}");
    let last = server.support.posts(DIALOG_REOPENED).await.taken();
    let recorded = recorded(&server.support, 2).await;
    assert_eq!([&recorded[0]["id"], &recorded[1]["id"]], [&*taken[0].id, &last.id]);
}

#[tokio::test]
async fn what_only_looks_alike_is_another_event() {
    let site = Site::new(&["recorder"]);
    site.add_source("other", "other key", "");
    let server = Server::start(&site).await;
    let untimed =
        format!("{{\"event_type\":\"dialog_closed\",\"data\":{{\"chat_id\":1,\"topic_id\":2}},\"api_key\":\"{KEY}\"}}");
    let bodies = [
        MESSAGE_SENT.to_owned(),
        MESSAGE_SENT.replace("00:21:57", "00:21:58"),
        MESSAGE_SENT.replace("message_sent", "message_received"),
        MESSAGE_SENT.replace("test message", "test message "),
        // Nothing says that these two are one: somebody may close a dialog twice.
        untimed.clone(),
        untimed,
    ];
    let count = bodies.len() + 1;
    for body in bodies {
        assert!(!server.support.posts(body.clone()).await.taken().duplicate, "{body}");
    }
    let other = server.sender("other", "other key").posts(MESSAGE_SENT.replace(KEY, "other key")).await.taken();
    assert!(!other.duplicate);
    recorded(&server.support, count).await;
}

#[tokio::test]
async fn a_source_that_wants_text_is_told_in_words() {
    let site = Site::empty();
    site.add_source("plain", KEY, "reply = \"text\"");
    let server = Server::start(&site).await;
    let plain = server.sender("plain", KEY);
    let first = plain.posts(DIALOG_REOPENED).await;
    assert_eq!((first.status, first.content_type.as_str()), (200, "text/plain; charset=utf-8"));
    let id = first.body.strip_prefix("accepted as ").unwrap_or_else(|| panic!("{first:?}"));
    let second = plain.posts(DIALOG_REOPENED).await;
    assert_eq!((second.status, second.body), (200, format!("duplicate of {id}")));
}
