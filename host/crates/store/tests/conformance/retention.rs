//! What is removed when it is old, and what is not.

use DeliveryState::{Due, Succeeded};
use slashbox_core::{DeliveryState, Event, Next};
use slashbox_store::{Accepted, EventFilter, GiveUp, Payload, Removed, ReplayTo, Replayed, Rule, Span, Store};

use crate::feed::{Feed, duplicate, event, known, new};

const ALL: Span = Span { after: 0, last: u64::MAX };

async fn payload(feed: &Feed, id: &str) -> Payload {
    feed.reader.event(id).await.unwrap().unwrap().0.payload
}

/// Has all removed that can be; tells from how many events, and in how many steps.
async fn remove(feed: &Feed, dead_since_ms: Option<u64>) -> (u64, usize) {
    let (mut span, mut events, mut steps) = (ALL, 0, 0);
    loop {
        let removed = match dead_since_ms {
            None => feed.store.remove_payloads(span).await.unwrap(),
            Some(since_ms) => feed.store.remove_events(span, since_ms).await.unwrap(),
        };
        events += removed.events;
        steps += 1;
        match removed.next {
            Some(next) => span.after = next,
            None => return (events, steps),
        }
    }
}

pub(crate) async fn the_last_one_of_a_time_is_found(store: Store) {
    let feed = Feed::new(store);
    let last_by = async |at_ms| feed.reader.last_accepted_by(at_ms).await.unwrap();
    assert_eq!(last_by(u64::MAX).await, 0);
    for (ms, ids) in [(0, vec!["a"]), (10, vec!["b", "c", "d"]), (11, vec!["e"]), (500, vec!["f"])] {
        feed.after(ms).accept(ids.into_iter().map(|id| new(event(id), &[])).collect()).await;
    }
    let check = async |expected: [(u64, u64); 7]| {
        for (ms, event) in expected {
            assert_eq!(last_by(feed.now_ms + ms).await, event, "{ms}");
        }
    };
    check([(0, 1), (9, 1), (10, 4), (11, 5), (499, 5), (500, 6), (999, 6)]).await;
    assert_eq!((last_by(feed.now_ms - 1).await, last_by(0).await), (0, 0));
    // Also where some are gone.
    feed.store.remove_events(Span { after: 1, last: 3 }, u64::MAX).await.unwrap();
    check([(0, 1), (9, 1), (10, 4), (11, 5), (499, 5), (500, 6), (999, 6)]).await;
    feed.store.remove_events(Span { after: 3, last: 4 }, u64::MAX).await.unwrap();
    check([(0, 1), (9, 1), (10, 1), (11, 5), (499, 5), (500, 6), (999, 6)]).await;
    feed.store.remove_events(Span { after: 0, last: 1 }, u64::MAX).await.unwrap();
    check([(0, 0), (9, 0), (10, 0), (11, 5), (499, 5), (500, 6), (999, 6)]).await;
}

pub(crate) async fn payloads_go_when_nobody_needs_them(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    let all = ["arrived", "nobody's", "waiting", "dead", "under way", "half"];
    let subscribers = [vec![one, two], vec![], vec![one], vec![one], vec![one], vec![one, two]];
    let sent = all.into_iter().zip(&subscribers).map(|(id, to)| new(event(id), to));
    feed.accept(sent.collect()).await;
    for claimed in feed.claim(one, 9).await.into_iter().chain(feed.claim(two, 9).await) {
        let next = match (claimed.event.id.as_str(), claimed.delivery.subscriber == two) {
            ("waiting", _) => Next::RetryAt(feed.now_ms + 1),
            ("dead", _) | ("half", true) => Next::Dead,
            ("under way", _) => continue,
            _ => Next::Succeeded,
        };
        feed.finish(&claimed, next).await;
    }
    // One after the other, and no further than was asked for.
    assert_eq!(
        feed.store.remove_payloads(Span { after: 0, last: 1 }).await.unwrap(),
        Removed { events: 1, next: None }
    );
    assert_eq!((payload(&feed, "arrived").await, payload(&feed, "nobody's").await), (Payload::Gone, Payload::There));
    assert_eq!(feed.store.remove_payloads(Span { after: 2, last: 9 }).await.unwrap(), Removed::default());
    assert_eq!(remove(&feed, None).await, (1, 1));
    assert_eq!(remove(&feed, None).await, (0, 1));
    for id in all {
        let gone = ["arrived", "nobody's"].contains(&id);
        let (record, deliveries) = feed.reader.event(id).await.unwrap().unwrap();
        assert_eq!(record.payload, if gone { Payload::Gone } else { Payload::There }, "{id}");
        let whole = event(id);
        let bare = Event { text: None, envelope: String::new(), data: String::new(), ..whole.clone() };
        assert_eq!(record.event, if gone { bare } else { whole });
        assert!(deliveries.iter().all(|delivery| delivery.attempts == 1 || id == "under way"));
    }
    let listed = feed.reader.events(&EventFilter::default(), None, 9).await.unwrap().items;
    let listed: Vec<_> = listed.iter().rev().map(|record| (record.payload, record.event.data.as_str())).collect();
    assert_eq!(listed[..3], [(Payload::Gone, ""), (Payload::Gone, ""), (Payload::LeftOut, "")]);
    // What waits is delivered, whole.
    let claimed = feed.after(1).claim(one, 9).await;
    assert_eq!(*claimed[0].event, event("waiting"));
    feed.finish(&claimed[0], Next::Succeeded).await;
    assert_eq!(remove(&feed, None).await, (1, 1));
}

pub(crate) async fn events_go_with_all_that_is_known_of_them(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let known = slashbox_store::NewEvent { subscribers: vec![to], ..known(event("arrived"), 1, 1 << 50) };
    feed.accept(vec![known.clone()]).await;
    feed.take(to, Some("x"), &["waits", "waits too"]).await;
    for claimed in feed.claim(to, 9).await {
        let next = if claimed.event.id == "arrived" { Next::Succeeded } else { Next::RetryAt(0) };
        feed.finish(&claimed, next).await;
    }
    let key = feed.deliveries("crm").await[0].key;
    assert_eq!(feed.store.remove_events(Span { after: 1, last: 9 }, 0).await.unwrap(), Removed::default());
    assert_eq!(remove(&feed, Some(0)).await, (1, 1));
    assert_eq!(feed.kept().await, ["waits", "waits too"]);
    assert!(feed.reader.event("arrived").await.unwrap().is_none());
    assert!(feed.reader.delivery(key).await.unwrap().is_none());
    assert_eq!(feed.states("crm").await, [Due, DeliveryState::Waiting]);
    // Nobody is left of whom it could be a repetition; and its number does not come again.
    let again = slashbox_store::NewEvent { event: event("again"), ..known };
    assert_eq!(feed.accept(vec![again.clone()]).await, [Accepted::New]);
    let again = slashbox_store::NewEvent { event: event("once more"), ..again };
    assert_eq!(feed.accept(vec![again]).await, [duplicate("again")]);
    assert_eq!(feed.reader.event_seq("again").await.unwrap(), Some(4));
    assert_eq!(feed.reader.event_seq("arrived").await.unwrap(), None);
    // What waited goes when it has arrived.
    for claimed in [feed.claim(to, 1).await, feed.claim(to, 2).await].concat() {
        feed.finish(&claimed, Next::Succeeded).await;
    }
    assert_eq!(remove(&feed, Some(0)).await.0, 2);
    assert_eq!(feed.states("crm").await, [Due]);
}

pub(crate) async fn dead_letters_are_kept_for_longer(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    feed.accept(vec![new(event("a"), &[one, two]), new(event("b"), &[one])]).await;
    for (after_ms, to) in [(100, one), (200, two)] {
        for claimed in feed.claim(to, 9).await {
            feed.after(after_ms).finish(&claimed, Next::Dead).await;
        }
    }
    let since = |ms| Some(feed.now_ms + ms);
    assert_eq!(remove(&feed, since(99)).await, (0, 1));
    assert_eq!(remove(&feed, None).await, (0, 1));
    // The event goes with the last of them.
    assert_eq!(remove(&feed, since(100)).await, (1, 1));
    assert_eq!((feed.states("one").await.len(), payload(&feed, "a").await), (1, Payload::There));
    assert_eq!(remove(&feed, since(199)).await, (0, 1));
    assert_eq!(remove(&feed, since(200)).await, (1, 1));
    assert_eq!(feed.kept().await, [""; 0]);
}

pub(crate) async fn very_much_is_removed_in_steps(store: Store) {
    const COUNT: usize = 2_100;
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let one_in_100 =
        |n: usize| new(event(&n.to_string()), if n.is_multiple_of(100) { std::slice::from_ref(&to) } else { &[] });
    feed.accept((0..COUNT).map(one_in_100).collect()).await;
    assert_eq!(remove(&feed, None).await, (COUNT as u64 - 21, 5));
    let (events, steps) = remove(&feed, Some(0)).await;
    assert_eq!(events, COUNT as u64 - 21);
    assert!((4..8).contains(&steps), "{steps}");
    // What is open alone is no reason to stop.
    assert_eq!(remove(&feed, Some(0)).await, (0, 1));
    // Long ones count as much as they take up.
    let long = |n: usize| new(Event { data: "x".repeat(200_000), ..event(&format!("long {n}")) }, &[]);
    feed.accept((0..30).map(long).collect()).await;
    assert_eq!(remove(&feed, None).await, (30, 3));
    assert_eq!(feed.claim(to, 100).await.len(), 21);
    assert!(!feed.states("crm").await.contains(&Succeeded));
}

pub(crate) async fn what_is_replayed_is_whole_and_waits_anew(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    feed.accept(vec![new(event("arrived"), &[one]), new(event("gone"), &[two])]).await;
    for to in [one, two] {
        let claimed = feed.claim(to, 1).await;
        feed.finish(&claimed[0], Next::Succeeded).await;
    }
    feed.store.remove_payloads(Span { after: 1, last: 2 }).await.unwrap();
    let keys = [feed.deliveries("one").await[0].key, feed.deliveries("two").await[0].key];
    let feed = feed.after(500);
    let replayed = feed.store.replay(keys.to_vec(), ReplayTo::default(), feed.now_ms).await.unwrap();
    assert_eq!(replayed, [Replayed::OnItsWay(keys[0]), Replayed::Gone]);
    // Its payload is needed again; and it has not waited for long, however old its event is.
    assert_eq!((remove(&feed, None).await, remove(&feed, Some(u64::MAX)).await), ((0, 1), (1, 1)));
    let waited = async |since_ms| {
        let which = GiveUp { subscriber: one, rule: Rule::Waited { since_ms }, after: 0, last: 2 };
        feed.store.give_up(which, feed.now_ms).await.unwrap().count
    };
    assert!(feed.deliveries("one").await[0].replay);
    assert_eq!(waited(feed.now_ms - 1).await, 0);
    assert_eq!(waited(feed.now_ms).await, 1);
}
