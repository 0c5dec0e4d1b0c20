//! What a plugin's events change: exactly once, in their order, however often they are tried.

use crate::harness::{Sender, Server, Site, eventually};

/// How many messages each conversation gets.
const MESSAGES: usize = 5;

/// `counter` traps one time in three, after it has counted.
#[tokio::test]
async fn each_message_counts_once_though_the_plugin_breaks_at_random() {
    let site = Site::new(&["counter"]);
    let server = Server::start(&site).await;
    let conversations: [Sender; 4] = [1, 2, 3, 4].map(|topic| server.support.in_topic(topic));
    let mut sent = [const { Vec::new() }; 4];
    for number in 0..MESSAGES {
        for (conversation, sent) in conversations.iter().zip(&mut sent) {
            sent.push(conversation.writes(&format!("message {number}")).await.id);
        }
    }
    // A new version is tried at once; without one, some would wait for minutes.
    let mut version = 0;
    eventually("the end of all deliveries", async || {
        let due = server.listed("deliveries?state=due").await;
        if due.iter().any(|delivery| delivery["attempt_count"] != 0) {
            version += 1;
            let logged = server.log().count();
            site.plugin_version("counter", "counter", version);
            server.log().wait_after(logged, &["replaced", "plugin=counter"]).await;
        }
        let closed = async |state| server.listed(&format!("deliveries?state={state}")).await.len();
        (closed("succeeded").await + closed("dead").await == 4 * MESSAGES).then_some(())
    })
    .await;
    let trapped = server.log().all().iter().filter(|line| line.contains("trapped: ")).count();
    assert!(trapped > 0, "of {} messages, none broke it", 4 * MESSAGES);
    // One in 243 is tried in vain until it is a dead letter, and does not count.
    let dead = server.listed("deliveries?state=dead").await;
    let is_dead = |id: &String| dead.iter().any(|delivery| delivery["event_id"] == **id);
    for (conversation, sent) in conversations.iter().zip(sent) {
        let counted: Vec<String> = sent.into_iter().filter(|id| !is_dead(id)).collect();
        conversation.check(&[("/count", &counted.len().to_string()), ("/ids", &counted.join(" "))]).await;
    }
}
