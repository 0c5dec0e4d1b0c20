//! An attempt's end and what the call changes: all or none.

use slashbox_core::{DeliveryState, Effects, Event, Limit, Next, Quota, Write};
use slashbox_store::{Change, CommitError, FinishError, Store, SubscriberKey};
use tokio::task::JoinSet;

use crate::feed::{Feed, event, finished, new};
use crate::plugin::{Plugin, UNLIMITED, set, then, timing, writing};

pub(crate) async fn effects_come_with_the_end(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    feed.take(to, None, &["a", "b", "c"]).await;
    let claimed = feed.claim(to, 9).await;
    feed.finish_with(&claimed[0], plugin.change(writing(&[("k", set("one")), ("n", Write::Add(2))]))).await.unwrap();
    assert_eq!(plugin.text("k").await.as_deref(), Some("one"));
    // What was read and still holds.
    let effects = then(plugin.having_read("k").await, &[("k", set("two")), ("n", Write::Add(3))]);
    feed.finish_with(&claimed[1], plugin.change(effects)).await.unwrap();
    assert_eq!(plugin.text("k").await.as_deref(), Some("two"));
    assert_eq!(plugin.text("n").await.as_deref(), Some("5"));
    feed.finish_with(&claimed[2], plugin.change(Effects::default())).await.unwrap();
    assert_eq!(feed.states("notes").await, [DeliveryState::Succeeded; 3]);
}

pub(crate) async fn a_conflict_leaves_the_delivery_leased(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    plugin.write(&[("k", set("one")), ("text", set("no number"))]).await;
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    let claimed = feed.claim(to, 9).await.remove(0);
    let stale = plugin.having_read("k").await;
    plugin.write(&[("k", set("changed"))]).await;
    let before = feed.deliveries("notes").await;
    let conflicts = [
        ("k", then(stale.clone(), &[("a", set("1")), ("k", set("mine"))])),
        // Found when the first write is done.
        ("text", writing(&[("a", set("1")), ("text", Write::Add(1))])),
    ];
    for (expected, effects) in conflicts {
        let error = feed.finish_with(&claimed, plugin.change(effects)).await.unwrap_err();
        assert!(matches!(&error, FinishError::Conflict { key } if key == expected), "{error:?}");
        assert_eq!(feed.deliveries("notes").await, before);
        assert_eq!((plugin.text("k").await.as_deref(), plugin.text("a").await), (Some("changed"), None));
    }
    // Run again, it ends under the same claim.
    let effects = then(plugin.having_read("k").await, &[("k", set("mine"))]);
    let next = feed.finish_with(&claimed, plugin.change(effects)).await.unwrap();
    assert_eq!(next, Some(before[1].key));
    assert_eq!(plugin.text("k").await.as_deref(), Some("mine"));
}

/// A call that writes, sets a timer and emits an event for `to`.
fn all_sorts(plugin: &Plugin, to: SubscriberKey) -> Change {
    let effects = Effects { timers: timing(&[("t", Some(5))]).timers, ..writing(&[("k", set("mine"))]) };
    let emitted = Event { hops: 1, ..event("emitted") };
    Change { events: vec![new(emitted, &[to])], ..plugin.change(effects) }
}

/// Whether all that `all_sorts` does is there, or nothing of it.
async fn is_there(feed: &Feed, plugin: &Plugin) -> bool {
    let event = feed.reader.event("emitted").await.unwrap();
    let there = [plugin.text("k").await.is_some(), plugin.usage().await.timers == 1, event.is_some()];
    assert!(there == [true; 3] || there == [false; 3], "{there:?}");
    there[0]
}

pub(crate) async fn what_a_call_changes_is_kept_as_a_whole(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let (to, other) = (feed.webhook("notes").await, feed.webhook("other").await);
    plugin.write(&[("text", set("no number"))]).await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 1).await.remove(0);

    let mut stale = all_sorts(&plugin, other);
    stale.effects.reads.insert("text".to_owned(), None);
    // Found when some of it is done.
    let mut no_number = all_sorts(&plugin, other);
    no_number.effects.writes.insert("text".to_owned(), Write::Add(1));
    let over = Change { quota: Quota { timers: 0, ..UNLIMITED }, ..all_sorts(&plugin, other) };
    let unknown = all_sorts(&plugin, SubscriberKey(999));
    for change in [stale, no_number, over, unknown] {
        let of_command = feed.store.commit(change.clone(), feed.now_ms).await.unwrap_err();
        let of_event = feed.finish_with(&claimed, change).await.unwrap_err();
        match (of_command, of_event) {
            (CommitError::Conflict { key }, FinishError::Conflict { key: same }) => assert_eq!(key, same),
            (CommitError::Quota(limit), FinishError::Quota(same)) => {
                assert_eq!((limit, same), (Limit::Timers { timers: 0 }, Limit::Timers { timers: 0 }));
            }
            (CommitError::Unavailable(fault), FinishError::Unavailable(_)) => {
                assert_eq!(fault.to_string(), "there is no subscriber with key 999");
            }
            errors => panic!("{errors:?}"),
        }
        assert!(!is_there(&feed, &plugin).await);
        assert_eq!(feed.states("notes").await, [DeliveryState::Leased]);
    }

    feed.finish_with(&claimed, all_sorts(&plugin, other)).await.unwrap();
    assert!(is_there(&feed, &plugin).await);
    assert_eq!(feed.states("notes").await, [DeliveryState::Succeeded]);
    let emitted = feed.claim(other, 9).await.remove(0);
    assert_eq!((emitted.event.id.as_str(), emitted.event.hops), ("emitted", 1));
    // Fenced now.
    let late = Change { events: vec![new(event("late"), &[other])], ..plugin.change(writing(&[("l", set("1"))])) };
    assert!(matches!(feed.finish_with(&claimed, late).await, Err(FinishError::Fenced)));
    assert_eq!((plugin.text("l").await, feed.kept().await.len()), (None, 2));
}

pub(crate) async fn a_call_may_emit_and_change_nothing_else(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    plugin.emit(Effects::default(), vec![new(event("a"), &[to]), new(event("b"), &[])]).await.unwrap();
    assert_eq!(feed.kept().await, ["a", "b"]);
    // Its own subscriber, in the conversation that it is called for: that comes next.
    let in_x = |id: &str| Event { conversation: Some("x".to_owned()), ..event(id) };
    feed.accept(vec![new(in_x("x1"), &[to])]).await;
    let claimed = feed.claim(to, 9).await.pop().unwrap();
    let change = Change { events: vec![new(in_x("x2"), &[to])], ..plugin.change(Effects::default()) };
    let next = feed.finish_with(&claimed, change).await.unwrap();
    assert_eq!(next, Some(feed.deliveries("notes").await[2].key));
    assert_eq!(feed.claim_ids(to).await, ["x2"]);
    assert_eq!(plugin.usage().await, slashbox_store::Usage::default());
}

pub(crate) async fn who_is_fenced_changes_nothing(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 9).await.remove(0);
    feed.finish_with(&claimed, plugin.change(writing(&[("n", Write::Add(1))]))).await.unwrap();
    for _ in 0..2 {
        let error = feed.finish_with(&claimed, plugin.change(writing(&[("n", Write::Add(1))]))).await.unwrap_err();
        assert!(matches!(error, FinishError::Fenced), "{error:?}");
    }
    assert_eq!(plugin.text("n").await.as_deref(), Some("1"));
}

pub(crate) async fn of_many_that_end_one_alike_one_counts(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    feed.take(to, None, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut calls = JoinSet::new();
    for claimed in feed.claim(to, 100).await {
        for _ in 0..5 {
            let (feed, claimed) = (feed.clone(), claimed.clone());
            let change = plugin.change(writing(&[("n", Write::Add(1))]));
            calls.spawn(async move { feed.finish_with(&claimed, change).await.is_ok() });
        }
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|counted| *counted).count(), 20);
    assert_eq!(plugin.text("n").await.as_deref(), Some("20"));
}

pub(crate) async fn refuses_everything_once_closed(store: Store) {
    let feed = Feed::new(store.clone());
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 1).await.remove(0);
    store.close().await;
    let now_ms = feed.now_ms;
    feed.store.accept(vec![], now_ms).await.unwrap_err();
    feed.store.claim(vec![], now_ms, now_ms).await.unwrap_err();
    feed.store.release_leases(now_ms).await.unwrap_err();
    feed.store.set_absent(vec![], 0).await.unwrap_err();
    feed.store.subscribers_of(vec![]).await.unwrap_err();
    feed.store.fire_timers(now_ms, vec![]).await.unwrap_err();
    for change in [None, Some(Plugin::new(feed.store.clone()).change(writing(&[("k", set("1"))])))] {
        let finished = slashbox_store::Finished { change, ..finished(&claimed, Next::Succeeded) };
        let FinishError::Unavailable(fault) = feed.store.finish(finished, now_ms).await.unwrap_err() else { panic!() };
        assert_eq!(fault.to_string(), "the store is closed");
    }
    feed.reader.subscribers().await.unwrap_err();
    feed.reader.delivery(claimed.delivery).await.unwrap_err();
}
