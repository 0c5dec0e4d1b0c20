//! In which order deliveries are made.

use DeliveryState::{Dead, Due, Leased, Succeeded, Waiting};
use slashbox_core::{DeliveryState, Event, Next};
use slashbox_store::{Accepted, Store};

use crate::feed::{Feed, event, event_of, ids, new};

pub(crate) async fn a_conversation_comes_one_by_one(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2", "x3"]).await;
    assert_eq!(feed.states("crm").await, [Due, Waiting, Waiting]);
    for (number, id) in ["x1", "x2", "x3"].into_iter().enumerate() {
        let claimed = feed.claim(to, 100).await;
        assert_eq!(ids(&claimed), [id]);
        // While it is under way, nothing else is.
        assert_eq!(feed.claim_ids(to).await, [""; 0]);
        let next = feed.finish(&claimed[0], Next::Succeeded).await;
        let all = feed.deliveries("crm").await;
        assert_eq!(next, all.get(number + 1).map(|delivery| delivery.key));
    }
    assert_eq!(feed.states("crm").await, [Succeeded; 3]);
}

pub(crate) async fn conversations_do_not_wait_for_each_other(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    let mut batch = Vec::new();
    for (id, source, conversation) in
        [("x1", "a", "x"), ("y1", "a", "y"), ("x2", "a", "x"), ("bx1", "b", "x"), ("y2", "a", "y"), ("bx2", "b", "x")]
    {
        let event = Event { conversation: Some(conversation.to_owned()), ..event_of(id, "default", source) };
        batch.push(new(event, &[one, two]));
    }
    feed.accept(batch).await;
    let of_one = feed.claim(one, 100).await;
    assert_eq!(ids(&of_one), ["x1", "y1", "bx1"]);
    // Nor does one subscriber wait for another.
    for claimed in &of_one {
        feed.finish(claimed, Next::Succeeded).await;
    }
    assert_eq!(feed.claim_ids(one).await, ["x2", "y2", "bx2"]);
    assert_eq!(feed.claim_ids(two).await, ["x1", "y1", "bx1"]);
}

pub(crate) async fn what_belongs_to_no_conversation_waits_for_nothing(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a", "b"]).await;
    feed.take(to, Some(""), &["c", "d"]).await;
    feed.take(to, None, &["e"]).await;
    // The empty name is a name.
    assert_eq!(feed.claim_ids(to).await, ["a", "b", "c", "e"]);
    assert_eq!(feed.states("crm").await, [Leased, Leased, Leased, Waiting, Leased]);
}

pub(crate) async fn a_head_that_is_tried_again_blocks_its_own(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    feed.take(to, Some("y"), &["y1"]).await;
    let claimed = feed.claim(to, 1).await;
    assert_eq!(feed.finish(&claimed[0], Next::RetryAt(feed.now_ms + 500)).await, None);
    assert_eq!(feed.states("crm").await, [Due, Waiting, Due]);
    // What comes meanwhile queues up behind.
    feed.take(to, Some("x"), &["x3"]).await;
    assert_eq!(feed.claim_ids(to).await, ["y1"]);
    assert_eq!(feed.after(499).claim_ids(to).await, [""; 0]);
    let again = feed.after(500).claim(to, 100).await;
    assert_eq!(ids(&again), ["x1"]);
    feed.after(500).finish(&again[0], Next::Succeeded).await;
    assert_eq!(feed.after(500).claim_ids(to).await, ["x2"]);
}

pub(crate) async fn a_dead_head_lets_the_next_one_go(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    let claimed = feed.claim(to, 1).await;
    let next = feed.after(70).finish(&claimed[0], Next::Dead).await;
    let [first, second] = &feed.deliveries("crm").await[..] else { panic!() };
    assert_eq!((first.state, first.ready_at_ms, next), (Dead, None, Some(second.key)));
    // Due from the moment in which its predecessor ended, not from its own acceptance.
    assert_eq!((second.state, second.ready_at_ms), (Due, Some(feed.now_ms + 70)));
    let claimed = feed.after(70).claim(to, 1).await;
    assert_eq!(feed.after(70).finish(&claimed[0], Next::Succeeded).await, None);
    // An empty lane begins anew.
    feed.take(to, Some("x"), &["x3"]).await;
    assert_eq!(feed.claim_ids(to).await, ["x3"]);
}

pub(crate) async fn a_conversation_in_one_batch_is_in_order_too(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let in_x = |id: &str| new(Event { conversation: Some("x".to_owned()), ..event(id) }, &[to]);
    let accepted = feed.accept((0..50).map(|n| in_x(&format!("{n:02}"))).collect()).await;
    assert_eq!(accepted, vec![Accepted::New; 50]);
    for n in 0..50 {
        let claimed = feed.claim(to, 100).await;
        assert_eq!(ids(&claimed), [format!("{n:02}")]);
        feed.finish(&claimed[0], if n % 2 == 0 { Next::Succeeded } else { Next::Dead }).await;
    }
}
