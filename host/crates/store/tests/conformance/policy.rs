//! Who is served, who is overtaken, and what is delivered once more.

use DeliveryState::{Dead, Due, Leased, Succeeded, Waiting};
use slashbox_core::{DeliveryState, Next};
use slashbox_store::{
    ClaimRequest, DeliveryFilter, DeliveryKey, Finished, Health, ReplayTo, Replayed, Store, SubscriberKey,
};

use crate::feed::{Feed, finished, ids};

impl Feed {
    async fn claim_shares(&self, subscriber: SubscriberKey, limit: u32, again: u32) -> Vec<String> {
        let request = ClaimRequest { subscriber, limit, again };
        ids(&self.store.claim(vec![request], self.now_ms, self.now_ms + 10_000).await.unwrap().claimed)
    }

    /// Has the only delivery that can be claimed end so.
    async fn end(&self, to: SubscriberKey, next: Next) -> DeliveryKey {
        let [claimed] = &self.claim(to, 1).await[..] else { panic!("nothing to claim") };
        self.finish(claimed, next).await;
        claimed.delivery
    }

    async fn replay(&self, deliveries: &[DeliveryKey], to: ReplayTo) -> Vec<Replayed> {
        self.store.replay(deliveries.to_vec(), to, self.now_ms).await.unwrap()
    }
}

pub(crate) async fn first_tries_and_others_have_shares_of_their_own(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a", "b", "c"]).await;
    for claimed in feed.claim(to, 3).await {
        feed.finish(&claimed, Next::RetryAt(feed.now_ms)).await;
    }
    feed.take(to, None, &["d", "e", "f"]).await;
    assert_eq!(feed.claim_shares(to, 3, 1).await, ["a", "d", "e"]);
    assert_eq!(feed.claim_shares(to, 3, 0).await, ["f"]);
    assert_eq!(feed.claim_shares(to, 1, 5).await, ["b"], "no more than the limit");
    assert_eq!(feed.claim_shares(to, 5, 5).await, ["c"]);
}

pub(crate) async fn what_is_set_aside_is_overtaken(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2", "x3"]).await;
    feed.take(to, Some("y"), &["y1"]).await;
    let first = feed.claim(to, 1).await.remove(0);
    assert!(first.in_order && !first.out_of_order);
    feed.finish(&first, Next::RetryAt(feed.now_ms + 50)).await;
    let taken = feed.store.set_aside(vec![first.delivery], feed.now_ms).await.unwrap();
    assert_eq!(taken, [first.delivery]);
    assert_eq!(feed.states("crm").await, [Due, Due, Waiting, Due]);
    assert!(feed.deliveries("crm").await[0].set_aside);
    let claimed = feed.claim(to, 9).await;
    let marks: Vec<_> = claimed.iter().map(|one| (one.event.id.as_str(), one.in_order, one.out_of_order)).collect();
    assert_eq!(marks, [("x2", true, true), ("y1", true, false)]);
    // It comes late itself, and whoever comes after it is closed overtakes nobody.
    let feed = feed.after(50);
    let late = feed.claim(to, 9).await.remove(0);
    assert_eq!((late.event.id.as_str(), late.in_order, late.out_of_order), ("x1", false, true));
    feed.finish(&late, Next::Succeeded).await;
    feed.finish(&claimed[0], Next::Succeeded).await;
    let last = feed.claim(to, 9).await.remove(0);
    assert_eq!((last.event.id.as_str(), last.out_of_order), ("x3", false));
}

pub(crate) async fn only_what_waits_for_an_attempt_is_set_aside(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 9).await;
    let all: Vec<DeliveryKey> = feed.deliveries("crm").await.iter().map(|delivery| delivery.key).collect();
    // Under way, waiting for its turn, of no conversation, unknown.
    let unknown = DeliveryKey { event: 999, subscriber: to };
    let taken = feed.store.set_aside([&all[..], &[unknown]].concat(), feed.now_ms).await.unwrap();
    assert_eq!(taken, []);
    feed.finish(&claimed[0], Next::Succeeded).await;
    assert_eq!(feed.store.set_aside(vec![all[0]], feed.now_ms).await.unwrap(), []);
    assert_eq!(feed.states("crm").await, [Succeeded, Due, Leased]);
}

pub(crate) async fn what_holds_up_its_conversation_is_found(store: Store) {
    let feed = Feed::new(store);
    let (to, other) = (feed.webhook("crm").await, feed.webhook("other").await);
    for conversation in ["x", "y", "z", "set aside", "due", "leased"] {
        feed.take(to, Some(conversation), &[conversation, &format!("{conversation} later")]).await;
    }
    feed.take(to, None, &["of none"]).await;
    feed.take(other, Some("x"), &["another's"]).await;
    let claimed = feed.claim(to, 9).await;
    let (leased, failed): (Vec<_>, Vec<_>) = claimed.iter().partition(|one| one.event.id == "leased");
    assert_eq!((leased.len(), failed.len()), (1, 6));
    for (number, one) in (1..).zip(&failed) {
        let pause_ms = if one.event.id == "due" { 0 } else { number };
        feed.finish(one, Next::RetryAt(feed.now_ms + pause_ms)).await;
    }
    feed.store.set_aside(vec![failed[3].delivery], feed.now_ms).await.unwrap();
    let found = async |limit| feed.reader.failed_heads(to, feed.now_ms, limit).await.unwrap();
    assert_eq!(found(9).await, [2, 1, 0].map(|number| failed[number].delivery));
    assert_eq!(found(2).await, [2, 1].map(|number| failed[number].delivery));
}

pub(crate) async fn who_is_paused_or_disabled_waits_until_it_is_resumed(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a"]).await;
    let known = async || feed.reader.subscribers().await.unwrap().remove(0);
    feed.store.pause(to, 7).await.unwrap();
    feed.store.pause(to, 9).await.unwrap();
    assert_eq!(known().await.paused_since_ms, Some(7));
    assert_eq!(feed.claim_and_next(to, 9).await.1, None);
    assert!(feed.deliveries("crm").await[0].parked);
    feed.store.resume(to, feed.now_ms).await.unwrap();
    assert_eq!(known().await.paused_since_ms, None);
    assert_eq!(feed.end(to, Next::RetryAt(feed.now_ms + 1_000)).await.subscriber, to);
    let health = Health { failing_since_ms: Some(1), failures: 20, gone_since_ms: Some(2), disabled_since_ms: Some(3) };
    feed.store.set_health(vec![(to, health)]).await.unwrap();
    assert_eq!(known().await.health, health);
    assert_eq!(feed.claim_ids(to).await, [""; 0]);
    feed.store.resume(to, feed.now_ms).await.unwrap();
    assert_eq!(known().await.health, Health::default());
    assert_eq!(feed.claim_ids(to).await, ["a"], "it is due at once");
}

pub(crate) async fn attempts_that_do_not_count_leave_the_schedule(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a"]).await;
    let mut numbers = Vec::new();
    for counts in [true, false, false, true, true] {
        let claimed = feed.claim(to, 1).await.remove(0);
        numbers.push((claimed.attempt, claimed.number, claimed.again));
        let finished = Finished { counts, ..finished(&claimed, Next::RetryAt(feed.now_ms)) };
        feed.store.finish(finished, feed.now_ms).await.unwrap();
    }
    assert_eq!(numbers, [(1, 1, false), (2, 2, true), (3, 2, true), (4, 2, true), (5, 3, true)]);
}

pub(crate) async fn what_is_later_can_be_hurried(store: Store) {
    let feed = Feed::new(store);
    let (to, other) = (feed.webhook("crm").await, feed.webhook("other").await);
    feed.take(to, None, &["a", "b", "c"]).await;
    feed.take(other, None, &["d"]).await;
    let claimed = feed.claim(to, 2).await;
    feed.finish(&claimed[0], Next::RetryAt(feed.now_ms + 1_000)).await;
    feed.end(other, Next::RetryAt(feed.now_ms + 1_000)).await;
    feed.store.hurry(vec![to], feed.now_ms).await.unwrap();
    assert_eq!(feed.claim_ids(to).await, ["a", "c"], "and b is under way as before");
    assert_eq!(feed.claim_ids(other).await, [""; 0]);
}

pub(crate) async fn what_is_closed_can_be_replayed(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a", "b", "c"]).await;
    let dead = feed.end(to, Next::Dead).await;
    let arrived = feed.end(to, Next::Succeeded).await;
    let open = feed.deliveries("crm").await[2].key;
    let unknown = DeliveryKey { event: 999, subscriber: to };
    let url = Some(slashbox_core::PrivateUrl::new("https://elsewhere.example"));
    let replayed = feed.replay(&[dead, arrived, open, unknown], ReplayTo { subscriber: None, url: url.clone() }).await;
    let expected = [Replayed::OnItsWay(dead), Replayed::OnItsWay(arrived), Replayed::Open(open), Replayed::Gone];
    assert_eq!(replayed, expected);
    let claimed = feed.claim(to, 2).await;
    for one in &claimed {
        // The attempts go on, the schedule begins anew.
        assert_eq!((one.attempt, one.number, one.again, one.replay), (2, 1, true, true));
        assert_eq!(one.replay_url, url);
        feed.finish(one, Next::Succeeded).await;
    }
    assert_eq!(feed.states("crm").await, [Succeeded, Succeeded, Due]);
    let marks: Vec<bool> = feed.deliveries("crm").await.iter().map(|delivery| delivery.replay).collect();
    assert_eq!(marks, [true, true, false]);
    assert_eq!(feed.reader.delivery(dead).await.unwrap().unwrap().2.len(), 2);
}

pub(crate) async fn replays_keep_the_order_of_their_conversation(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2", "x3"]).await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(feed.end(to, Next::Dead).await);
    }
    feed.take(to, Some("x"), &["x4", "x5"]).await;
    let live = feed.claim(to, 1).await.remove(0);
    feed.replay(&keys, ReplayTo::default()).await;
    // What is under way first, then the oldest; one at a time.
    assert_eq!(feed.states("crm").await, [Waiting, Waiting, Waiting, Leased, Waiting]);
    feed.finish(&live, Next::Succeeded).await;
    for id in ["x1", "x2", "x3", "x5"] {
        let [claimed] = &feed.claim(to, 9).await[..] else { panic!("one at a time") };
        assert_eq!(claimed.event.id, id);
        feed.finish(claimed, Next::Succeeded).await;
    }
    // One that was set aside and died comes back into its order.
    feed.take(to, Some("x"), &["x6"]).await;
    let claimed = feed.claim(to, 1).await.remove(0);
    feed.finish(&claimed, Next::RetryAt(feed.now_ms)).await;
    feed.store.set_aside(vec![claimed.delivery], feed.now_ms).await.unwrap();
    let dead = feed.end(to, Next::Dead).await;
    feed.replay(&[dead], ReplayTo::default()).await;
    let claimed = feed.claim(to, 1).await.remove(0);
    assert!(claimed.in_order && !claimed.out_of_order);
    assert_eq!(feed.deliveries("crm").await.last().unwrap().state, Leased);
}

pub(crate) async fn a_replay_may_go_to_somebody_else(store: Store) {
    let feed = Feed::new(store);
    let (to, other) = (feed.webhook("crm").await, feed.webhook("other").await);
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    let keys = [feed.end(to, Next::Succeeded).await, feed.end(to, Next::Dead).await];
    let elsewhere = ReplayTo { subscriber: Some(other), url: None };
    let [first, second] = keys.map(|key| DeliveryKey { subscriber: other, ..key });
    assert_eq!(feed.replay(&keys, elsewhere.clone()).await, [first, second].map(Replayed::OnItsWay));
    assert_eq!(feed.replay(&keys, elsewhere.clone()).await, [first, second].map(Replayed::Open));
    let claimed = feed.claim(other, 9).await;
    assert_eq!((ids(&claimed), claimed[0].replay, claimed[0].attempt), (vec!["x1".to_owned()], true, 1));
    assert_eq!(feed.states("crm").await, [Succeeded, Dead], "as before");
    // Only what was delivered, or should have been: an event alone names nothing.
    let nobodys = DeliveryKey { event: keys[0].event, subscriber: SubscriberKey(999) };
    assert_eq!(feed.replay(&[nobodys], elsewhere).await, [Replayed::Gone]);
}

pub(crate) async fn the_oldest_come_first_for_replays(store: Store) {
    let feed = Feed::new(store);
    let (to, other) = (feed.webhook("crm").await, feed.webhook("other").await);
    let mut keys = Vec::new();
    for (number, subscriber) in [to, other, to, to, other].into_iter().enumerate() {
        let feed = feed.after(10 * number as u64);
        feed.take(subscriber, None, &[&format!("e{number}")]).await;
        keys.push(feed.end(subscriber, if number == 2 { Next::Succeeded } else { Next::Dead }).await);
    }
    let list = async |filter: DeliveryFilter, limit: u32| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = feed.reader.oldest_deliveries(&filter, after, limit).await.unwrap();
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    };
    let all = DeliveryFilter::default;
    for limit in 1..=6 {
        assert_eq!(list(all(), limit).await, keys);
    }
    let dead = DeliveryFilter { state: Some(Dead), name: Some("crm".into()), ..all() };
    assert_eq!(list(dead, 9).await, [keys[0], keys[3]]);
    let (from, until) = (feed.now_ms + 10, feed.now_ms + 30);
    let between = DeliveryFilter { accepted_from_ms: Some(from), accepted_until_ms: Some(until), ..all() };
    assert_eq!(list(between.clone(), 9).await, keys[1..3]);
    let newest_first = feed.reader.deliveries(&between, None, 9).await.unwrap().items;
    assert_eq!(newest_first.iter().map(|record| record.key).collect::<Vec<_>>(), [keys[2], keys[1]]);
    for (from, until, expected) in [(0, from, &keys[..1]), (until, u64::MAX, &keys[3..]), (u64::MAX - 1, u64::MAX, &[])]
    {
        let filter = DeliveryFilter { accepted_from_ms: Some(from), accepted_until_ms: Some(until), ..all() };
        assert_eq!(list(filter, 9).await, expected, "{from} {until}");
    }
    for (kind, expected) in [("message.received", 5), ("message.sent", 0)] {
        let filter = DeliveryFilter { event_kind: Some(kind.into()), ..all() };
        assert_eq!(list(filter.clone(), 9).await.len(), expected);
        assert_eq!(feed.reader.deliveries(&filter, None, 9).await.unwrap().items.len(), expected);
    }
}
