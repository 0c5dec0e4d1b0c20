//! The example plugins `client` and `watch`: what events tell them is there when an operator asks.

use serde_json::json;

use crate::harness::{DIALOG_REOPENED, MARK, MESSAGE_SENT, Server, Site};

#[tokio::test]
async fn client_knows_of_the_documents_conversation() {
    let site = Site::new(&["client", "mark"]);
    let server = Server::start(&site).await;
    let dialog = server.support.in_topic(5343);
    dialog.check(&[("/client", "Nothing is known of this client yet")]).await;
    // A dialog names its topic, a message its thread; the operator asks in the topic.
    server.support.posts(DIALOG_REOPENED).await.taken();
    server.support.posts(MESSAGE_SENT).await.taken();
    let known = "Some User Name (id 7890123)\nFirst seen: 2025-10-09 00:21 UTC\nMessages: 0 received, 1 sent";
    dialog.until("/client", known).await;
    dialog.writes("Where is\nmy order?").await;
    let known = "Some User Name (id 7890123)\nFirst seen: 2025-10-08 20:41 UTC\nMessages: 1 received, 1 sent\n\
        Last words on 2025-10-08 20:41 UTC: Where is my order?";
    dialog.until("/client", known).await;
    // As an observer: `mark` answers.
    let mark = MARK.replace("\"topic_id\": 5,", "\"topic_id\": 5343,");
    assert_eq!(server.support.posts(mark).await.shown(), "Marked: deal");
    let marked = format!("{known}\nMark: deal — marked by 123456 on 2025-10-08 20:41 UTC");
    dialog.until("/client", &marked).await;
    server.check(&[("/client", "Nothing is known of this client yet")]).await;
}

#[tokio::test]
async fn watch_counts_the_keywords_of_its_grant() {
    let site = Site::new(&["watch"]);
    site.grant("watch", "[settings]\nKEYWORDS = \"test message, refund\"");
    let server = Server::start(&site).await;
    server.support.writes("I want a REFUND!").await;
    server.support.posts(MESSAGE_SENT).await.taken();
    server.support.in_topic(7).writes("No refunds?").await;
    server.support.in_topic(8).writes("refund").await;
    // The day is that of the command: the one on which the operator's message of the document was sent.
    let watch = json!({
        "event_type": "/watch",
        "timestamp": "2025-10-09 01:00:00",
        "data": { "chat_id": 1, "topic_id": 1, "sender_user_id": 123_456 },
        "api_key": crate::harness::KEY,
    });
    let expected = "Messages of clients + operators with\n\
        test message: today 0 + 1, 7 days 0 + 1, 30 days 0 + 1\n\
        refund: today 0 + 0, 7 days 2 + 0, 30 days 2 + 0\n\n\
        Operators answered\ntoday: none\n7 days: none\n30 days: none\n\n\
        Waiting now: 3 clients, the longest for 4 h 18 min";
    crate::harness::eventually("the counts of /watch", async || {
        (server.support.posts(watch.to_string()).await.shown() == expected).then_some(())
    })
    .await;
}
