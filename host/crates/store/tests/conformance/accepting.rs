//! What is kept of what comes in, and what is known again.

use slashbox_core::{Event, Sender, SubscriberKind};
use slashbox_store::{Accepted, DeliveryKey, Store, SubscriberKey, WriteError};
use tokio::task::JoinSet;

use crate::feed::{Feed, duplicate, event, event_of, known, new, webhook};

pub(crate) async fn an_event_comes_back_as_it_was(store: Store) {
    let feed = Feed::new(store);
    let full = Event { conversation: Some("-100:5343".to_owned()), hops: slashbox_core::HOPS_MAX, ..event("full") };
    let mut empty = Event {
        kind: String::new(),
        native_kind: String::new(),
        contact: None,
        operator: None,
        message: None,
        text: None,
        occurred_at_ms: 0,
        data: String::new(),
        envelope: String::new(),
        hops: 0,
        ..event("empty")
    };
    empty.origin.instance = None;
    let long = Event { data: "x".repeat(256 * 1024), occurred_at_ms: i64::MAX as u64, hops: 255, ..event("long") };
    let of_senders = Sender::ALL.map(|sender| Event { sender, ..event(sender.name()) });
    let odd = Event { text: Some("a\0b".to_owned()), ..event_of("", "", "") };

    let to = feed.webhook("crm").await;
    let events: Vec<Event> = [full, empty, long, odd].into_iter().chain(of_senders).collect();
    feed.accept(events.iter().map(|event| new(event.clone(), &[to])).collect()).await;
    let claimed = feed.claim(to, 100).await;
    assert_eq!(claimed.len(), events.len());
    for (event, claimed) in events.iter().zip(claimed) {
        assert_eq!(*claimed.event, *event);
        let (record, _) = feed.reader.event(&event.id).await.unwrap().unwrap();
        assert_eq!((record.event, record.accepted_at_ms), (event.clone(), feed.now_ms));
    }
    assert!(feed.reader.event("none").await.unwrap().is_none());
}

pub(crate) async fn each_subscriber_gets_it_once(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    let none = feed.webhook("none").await;
    feed.accept(vec![new(event("a"), &[two, one, two]), new(event("b"), &[])]).await;
    assert_eq!(feed.claim_ids(one).await, ["a"]);
    assert_eq!(feed.claim_ids(two).await, ["a"]);
    assert_eq!(feed.claim_ids(none).await, [""; 0]);
    // Nobody gets it, and it is there all the same.
    assert_eq!(feed.kept().await, ["a", "b"]);
}

pub(crate) async fn a_subscriber_keeps_its_key(store: Store) {
    let feed = Feed::new(store);
    let mut ids = vec![webhook("default", "a"), webhook("other", "a"), webhook("default", "b"), webhook("", "")];
    ids.push(slashbox_core::SubscriberId { kind: SubscriberKind::Plugin, ..webhook("default", "a") });
    let keys = feed.store.subscribers_of(ids.clone()).await.unwrap();
    let (again, reversed): (Vec<_>, Vec<_>) = (ids.clone(), ids.iter().rev().cloned().collect());
    assert_eq!(feed.store.subscribers_of(again).await.unwrap(), keys);
    let mut keys_reversed = feed.store.subscribers_of(reversed).await.unwrap();
    keys_reversed.reverse();
    assert_eq!(keys_reversed, keys);
    let twice = vec![webhook("new", "x"), webhook("new", "x")];
    let twice = feed.store.subscribers_of(twice).await.unwrap();
    assert_eq!(twice[0], twice[1]);

    let all = feed.reader.subscribers().await.unwrap();
    assert_eq!(all.len(), ids.len() + 1);
    for (key, id) in keys.iter().zip(&ids) {
        let found = all.iter().find(|subscriber| subscriber.key == *key).unwrap();
        assert_eq!((&found.id, found.absent_since_ms, found.ready.earliest_ms()), (id, None, None));
    }
}

pub(crate) async fn an_unknown_subscriber_refuses_the_request_and_no_other(store: Store) {
    let feed = Feed::new(store);
    let known = feed.webhook("crm").await;
    let unknown = SubscriberKey(known.0 + 1000);
    let mut calls = JoinSet::new();
    for number in 0..20 {
        let (store, now_ms) = (feed.store.clone(), feed.now_ms);
        let to = if number % 2 == 0 { known } else { unknown };
        let events = vec![new(event(&format!("{number}-a")), &[known]), new(event(&format!("{number}-b")), &[to])];
        calls.spawn(async move { (to == known, store.accept(events, now_ms).await) });
    }
    for (valid, result) in calls.join_all().await {
        match result {
            Ok(_) => assert!(valid),
            Err(WriteError::Unavailable(fault)) => {
                assert_eq!(fault.to_string(), format!("there is no subscriber with key {}", unknown.0));
                assert!(!valid);
            }
        }
    }
    assert_eq!(feed.kept().await.len(), 20);
}

pub(crate) async fn a_repetition_is_told_and_leaves_nothing(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let sent = |id: &str, key| slashbox_store::NewEvent { subscribers: vec![to], ..known(event(id), key, 1000) };
    assert_eq!(feed.accept(vec![sent("a", 1)]).await, [Accepted::New]);
    assert_eq!(feed.accept(vec![sent("b", 1)]).await, [duplicate("a")]);
    // Elements of a batch are looked at one by one.
    let batch = vec![sent("c", 2), sent("d", 1), sent("e", 2), sent("f", 3)];
    assert_eq!(feed.accept(batch).await, [Accepted::New, duplicate("a"), duplicate("c"), Accepted::New]);
    // Without a key, nothing is a repetition, but of its own id.
    assert_eq!(feed.accept(vec![new(event("g"), &[to])]).await, [Accepted::New]);
    assert_eq!(feed.accept(vec![new(event("g"), &[to]), sent("a", 9)]).await, [duplicate("g"), duplicate("a")]);
    assert_eq!(feed.kept().await, ["a", "c", "f", "g"]);
    assert_eq!(feed.claim_ids(to).await, ["a", "c", "f", "g"]);
}

pub(crate) async fn a_key_is_known_for_its_time(store: Store) {
    let feed = Feed::new(store);
    assert_eq!(feed.accept(vec![known(event("a"), 1, 1000)]).await, [Accepted::New]);
    // A repetition does not prolong it.
    assert_eq!(feed.after(999).accept(vec![known(event("b"), 1, 1000)]).await, [duplicate("a")]);
    assert_eq!(feed.after(1000).accept(vec![known(event("c"), 1, 1000)]).await, [Accepted::New]);
    assert_eq!(feed.after(1999).accept(vec![known(event("d"), 1, 1000)]).await, [duplicate("c")]);
    // At the edges: for no time, for ever.
    assert_eq!(
        feed.accept(vec![known(event("e"), 2, 0), known(event("f"), 2, 0)]).await,
        [Accepted::New, Accepted::New]
    );
    feed.accept(vec![known(event("g"), 3, u64::MAX)]).await;
    assert_eq!(feed.after(1 << 40).accept(vec![known(event("h"), 3, 1)]).await, [duplicate("g")]);
}

pub(crate) async fn keys_of_tenants_and_sources_are_apart(store: Store) {
    let feed = Feed::new(store);
    let origins = [("a", "support"), ("b", "support"), ("a", "sales"), ("as", "upport"), ("", "")];
    for (number, (tenant, source)) in origins.into_iter().enumerate() {
        let id = |n: &str| format!("{number}-{n}");
        let accept = async |id: &str, key| feed.accept(vec![known(event_of(id, tenant, source), key, 1000)]).await;
        assert_eq!(accept(&id("a"), 1).await, [Accepted::New], "{tenant} {source}");
        assert_eq!(accept(&id("b"), 2).await, [Accepted::New]);
        assert_eq!(accept(&id("c"), 1).await, [duplicate(&id("a"))]);
    }
    assert_eq!(feed.kept().await.len(), 2 * origins.len());
}

/// Keys whose beginnings are the same are not.
pub(crate) async fn a_key_counts_to_its_last_byte(store: Store) {
    let feed = Feed::new(store);
    let mut other = known(event("b"), 1, 1000);
    other.dedupe.as_mut().unwrap().key[31] = 2;
    assert_eq!(feed.accept(vec![known(event("a"), 1, 1000), other.clone()]).await, [Accepted::New, Accepted::New]);
    other.event.id = "c".to_owned();
    assert_eq!(feed.accept(vec![other]).await, [duplicate("b")]);
}

pub(crate) async fn of_those_sent_at_once_one_is_new(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let mut calls = JoinSet::new();
    for number in 0..200_u8 {
        let (store, now_ms) = (feed.store.clone(), feed.now_ms);
        let mut sent = known(event(&number.to_string()), number % 10, 1000);
        sent.subscribers.push(to);
        calls.spawn(async move { store.accept(vec![sent], now_ms).await.unwrap() });
    }
    let accepted = calls.join_all().await;
    assert_eq!(accepted.iter().filter(|accepted| **accepted == [Accepted::New]).count(), 10);
    assert_eq!(feed.claim(to, 1000).await.len(), 10);
}

pub(crate) async fn many_keys_come_and_go(store: Store) {
    let feed = Feed::new(store);
    // Ten generations, each of which expires before the next one comes; all are told apart from what lives.
    for generation in 0..10_u64 {
        let feed = feed.after(generation * 1000);
        let batch = |name: &str| -> Vec<_> {
            (0..=255).map(|key| known(event(&format!("{generation}-{name}-{key}")), key, 1000)).collect()
        };
        assert!(feed.accept(batch("new")).await.iter().all(|accepted| *accepted == Accepted::New));
        let again = feed.after(999).accept(batch("again")).await;
        let expected: Vec<_> = (0..=255).map(|key| duplicate(&format!("{generation}-new-{key}"))).collect();
        assert_eq!(again, expected);
    }
}

pub(crate) async fn a_delivery_is_named_by_its_event_and_subscriber(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a", "b"]).await;
    let keys: Vec<DeliveryKey> = feed.deliveries("crm").await.iter().map(|delivery| delivery.key).collect();
    assert!(keys[0] < keys[1] && keys[0].subscriber == to);
    let (record, deliveries) = feed.reader.event("b").await.unwrap().unwrap();
    assert_eq!((record.seq, deliveries.len()), (keys[1].event, 1));
    assert_eq!(deliveries[0].key, keys[1]);
}
