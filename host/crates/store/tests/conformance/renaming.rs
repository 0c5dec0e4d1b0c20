//! A plugin under another name.

use slashbox_core::{DeliveryState, Next, SubscriberId, SubscriberKind};
use slashbox_store::{Moved, RenameError, Store, SubscriberKey, Usage};

use crate::feed::Feed;
use crate::plugin::{Plugin, set, timing};

async fn rename(store: &Store, from: &str, to: &str) -> Result<Vec<Moved>, RenameError> {
    store.rename_plugin(from.to_owned(), to.to_owned(), |tenant| tenant != "apart").await
}

async fn subscriber(store: &Store, name: &str) -> SubscriberKey {
    let id = SubscriberId { tenant: "default".to_owned(), kind: SubscriberKind::Plugin, name: name.to_owned() };
    store.subscribers_of(vec![id]).await.unwrap()[0]
}

fn moved(tenant: &str, usage: Usage, deliveries: u64) -> Moved {
    Moved { tenant: tenant.to_owned(), usage, deliveries }
}

pub(crate) async fn all_that_it_keeps_goes_along(store: Store) {
    let of = |tenant, plugin| Plugin::of(store.clone(), tenant, plugin);
    for (tenant, plugin) in
        [("default", "old"), ("acme", "old"), ("apart", "old"), ("default", "older"), ("default", "ol")]
    {
        of(tenant, plugin).write(&[("k", set(&format!("{tenant} {plugin}")))]).await;
    }
    of("default", "old").commit(timing(&[("later", Some(50_000))])).await.unwrap();
    let version = of("default", "old").version("k").await;

    let usage = |kept: &str, timers| Usage { kv_keys: 1, kv_bytes: kept.len() as u64, timers };
    let (acme, default) = (usage("kacme old", 0), usage("kdefault oldlater[50000]", 1));
    let expected = [moved("acme", acme, 0), moved("default", default, 0)];
    assert_eq!(rename(&store, "old", "new").await.unwrap(), expected);

    for (tenant, plugin, text) in [
        ("default", "new", Some("default old")),
        ("acme", "new", Some("acme old")),
        ("apart", "old", Some("apart old")),
        ("default", "older", Some("default older")),
        ("default", "ol", Some("default ol")),
        ("default", "old", None),
        ("apart", "new", None),
    ] {
        assert_eq!(of(tenant, plugin).text("k").await.as_deref(), text, "{tenant} {plugin}");
    }
    assert_eq!((of("default", "new").usage().await, of("default", "old").usage().await), (default, Usage::default()));
    assert_eq!(of("default", "new").version("k").await, version);
    let feed = Feed::new(store.clone());
    let fired = feed.fire(&["event"]).await;
    assert_eq!(fired.subscribers[0].1.name, "new");
    assert_eq!(rename(&store, "old", "new").await.unwrap(), []);
}

pub(crate) async fn what_two_keep_is_not_mixed(store: Store) {
    let of = |tenant, plugin| Plugin::of(store.clone(), tenant, plugin);
    of("acme", "old").write(&[("k", set("one"))]).await;
    of("default", "old").write(&[("k", set("two"))]).await;
    of("default", "new").write(&[("other", set("three"))]).await;
    let refused = rename(&store, "old", "new").await.unwrap_err();
    let expected = "plugin \"new\" keeps 1 keys and 0 timers of its own for tenant \"default\": expected none";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(of("acme", "old").text("k").await.as_deref(), Some("one"));
    assert_eq!(of("default", "new").text("other").await.as_deref(), Some("three"));
}

pub(crate) async fn what_is_under_way_arrives_under_the_new_name(store: Store) {
    let feed = Feed::new(store.clone());
    let old = subscriber(&store, "old").await;
    feed.take(old, Some("x"), &["x1", "x2"]).await;
    let claimed = feed.claim(old, 1).await;
    feed.finish(&claimed[0], Next::Succeeded).await;
    assert_eq!(rename(&store, "old", "new").await.unwrap(), [moved("default", Usage::default(), 1)]);
    assert_eq!(subscriber(&store, "new").await, old);
    assert_eq!(feed.states("new").await, [DeliveryState::Succeeded, DeliveryState::Due]);
    assert_eq!(feed.claim_ids(old).await, ["x2"]);
}

pub(crate) async fn what_is_under_way_to_both_names_keeps_its_order(store: Store) {
    let feed = Feed::new(store.clone());
    let (old, new) = (subscriber(&store, "old").await, subscriber(&store, "new").await);
    feed.take(old, Some("x"), &["x1"]).await;
    feed.take(new, Some("x"), &["x2"]).await;
    feed.take(new, Some("y"), &["y1"]).await;
    feed.take(old, Some("y"), &["y2", "y3"]).await;
    feed.take(old, None, &["alone"]).await;
    // One that has been tried brings its attempts with it.
    let claimed = feed.claim(old, 1).await;
    feed.finish(&claimed[0], Next::RetryAt(feed.now_ms)).await;
    assert_eq!(rename(&store, "old", "new").await.unwrap(), [moved("default", Usage::default(), 4)]);
    assert_eq!(feed.states("old").await, []);

    let mut arrived = Vec::new();
    loop {
        let claimed = feed.claim(new, 100).await;
        for one in &claimed {
            arrived.push((one.event.conversation.clone(), one.event.id.clone(), one.attempt));
            feed.finish(one, Next::Succeeded).await;
        }
        if claimed.is_empty() {
            break;
        }
    }
    let of = |conversation: Option<&str>| -> Vec<(&str, u32)> {
        let of_it = arrived.iter().filter(|(of, _, _)| of.as_deref() == conversation);
        of_it.map(|(_, id, attempt)| (id.as_str(), *attempt)).collect()
    };
    assert_eq!(of(Some("x")), [("x1", 2), ("x2", 1)]);
    assert_eq!(of(Some("y")), [("y1", 1), ("y2", 1), ("y3", 1)]);
    assert_eq!(of(None), [("alone", 1)]);
}
