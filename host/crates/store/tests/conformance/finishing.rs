//! An attempt's end and the call's effects: all or none.

use slashbox_core::{DeliveryState, Effects, Next, Scope, Write};
use slashbox_store::{FinishError, Store};
use tokio::task::JoinSet;

use crate::feed::{Feed, finished};
use crate::plugin::{Plugin, set, then, writing};

pub(crate) async fn effects_come_with_the_end(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    feed.take(to, None, &["a", "b", "c"]).await;
    let claimed = feed.claim(to, 9).await;
    feed.finish_with(&claimed[0], &plugin.scope, writing(&[("k", set("one")), ("n", Write::Add(2))])).await.unwrap();
    assert_eq!(plugin.text("k").await.as_deref(), Some("one"));
    // What was read and still holds.
    let effects = then(plugin.having_read("k").await, &[("k", set("two")), ("n", Write::Add(3))]);
    feed.finish_with(&claimed[1], &plugin.scope, effects).await.unwrap();
    assert_eq!(plugin.text("k").await.as_deref(), Some("two"));
    assert_eq!(plugin.text("n").await.as_deref(), Some("5"));
    feed.finish_with(&claimed[2], &plugin.scope, Effects::default()).await.unwrap();
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
        let error = feed.finish_with(&claimed, &plugin.scope, effects).await.unwrap_err();
        assert!(matches!(&error, FinishError::Conflict { key } if key == expected), "{error:?}");
        assert_eq!(feed.deliveries("notes").await, before);
        assert_eq!((plugin.text("k").await.as_deref(), plugin.text("a").await), (Some("changed"), None));
    }
    // Run again, it ends under the same claim.
    let effects = then(plugin.having_read("k").await, &[("k", set("mine"))]);
    let next = feed.finish_with(&claimed, &plugin.scope, effects).await.unwrap();
    assert_eq!(next, Some(before[1].key));
    assert_eq!(plugin.text("k").await.as_deref(), Some("mine"));
}

pub(crate) async fn who_is_fenced_changes_nothing(store: Store) {
    let (feed, plugin) = (Feed::new(store.clone()), Plugin::new(store));
    let to = feed.webhook("notes").await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 9).await.remove(0);
    feed.finish_with(&claimed, &plugin.scope, writing(&[("n", Write::Add(1))])).await.unwrap();
    for _ in 0..2 {
        let error = feed.finish_with(&claimed, &plugin.scope, writing(&[("n", Write::Add(1))])).await.unwrap_err();
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
            let (feed, claimed, scope) = (feed.clone(), claimed.clone(), plugin.scope.clone());
            calls.spawn(
                async move { feed.finish_with(&claimed, &scope, writing(&[("n", Write::Add(1))])).await.is_ok() },
            );
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
    feed.store.set_absent(vec![]).await.unwrap_err();
    feed.store.subscribers_of(vec![]).await.unwrap_err();
    for effects in [None, Some((Scope { tenant: String::new(), plugin: String::new() }, writing(&[("k", set("1"))])))] {
        let finished = slashbox_store::Finished { effects, ..finished(&claimed, Next::Succeeded) };
        let FinishError::Unavailable(fault) = feed.store.finish(finished, now_ms).await.unwrap_err() else { panic!() };
        assert_eq!(fault.to_string(), "the store is closed");
    }
    feed.reader.subscribers().await.unwrap_err();
    feed.reader.delivery(claimed.delivery).await.unwrap_err();
}
