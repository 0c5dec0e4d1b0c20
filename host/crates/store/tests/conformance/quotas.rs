//! How much a plugin may keep for a tenant, and what it keeps.

use slashbox_core::{KV_VALUE_BYTES_MAX, Limit, Quota, Write};
use slashbox_store::{CommitError, Store, Usage};
use tokio::task::JoinSet;

use crate::plugin::{Plugin, UNLIMITED, set, set_until, timing, writing};

fn keys(kv_keys: u64) -> Quota {
    Quota { kv_keys, ..UNLIMITED }
}

fn bytes(kv_bytes: u64) -> Quota {
    Quota { kv_bytes, ..UNLIMITED }
}

fn timers(timers: u64) -> Quota {
    Quota { timers, ..UNLIMITED }
}

/// Tries to write, and tells which limit stands against it. Then nothing has changed.
async fn refused(plugin: &Plugin, writes: &[(&str, Write)]) -> Option<Limit> {
    refused_effects(plugin, writing(writes)).await
}

async fn refused_effects(plugin: &Plugin, effects: slashbox_core::Effects) -> Option<Limit> {
    let before = (plugin.usage().await, plugin.list("", None, 1000).await);
    match plugin.commit(effects).await {
        Ok(()) => None,
        Err(CommitError::Quota(limit)) => {
            assert_eq!((plugin.usage().await, plugin.list("", None, 1000).await), before);
            Some(limit)
        }
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) async fn keys_are_counted(store: Store) {
    let plugin = Plugin::new(store).within(keys(2));
    let limit = Some(Limit::KvKeys { keys: 2 });
    assert_eq!(refused(&plugin, &[("a", set("1")), ("b", set("1")), ("c", set("1"))]).await, limit);
    assert_eq!(refused(&plugin, &[("a", set("1")), ("b", set("1"))]).await, None);
    // At the quota: values change, nothing new comes, unless something else goes.
    assert_eq!(refused(&plugin, &[("a", set("longer")), ("b", Write::Add(1))]).await, None);
    assert_eq!(refused(&plugin, &[("c", set(""))]).await, limit);
    assert_eq!(refused(&plugin, &[("c", Write::Add(1))]).await, limit);
    assert_eq!(refused(&plugin, &[("a", Write::Delete), ("c", set("1"))]).await, None);
    assert_eq!(refused(&plugin, &[("never there", Write::Delete)]).await, None);
    assert_eq!(plugin.keys("", None, 9).await, ["b", "c"]);
    assert_eq!(plugin.usage().await, Usage { kv_keys: 2, kv_bytes: 4, timers: 0 });
    let none = plugin.within(keys(0));
    assert_eq!(refused(&none, &[("d", set("1"))]).await, Some(Limit::KvKeys { keys: 0 }));
}

pub(crate) async fn bytes_of_keys_and_values_are_counted(store: Store) {
    let plugin = Plugin::new(store).within(bytes(10));
    let limit = Some(Limit::KvSize { mib: 1 });
    // Two bytes, and those behind a NUL.
    assert_eq!(refused(&plugin, &[("é", set("12345678"))]).await, None);
    assert_eq!(refused(&plugin, &[("é", set("123456789"))]).await, limit);
    assert_eq!(refused(&plugin, &[("n", set(""))]).await, limit);
    assert_eq!(refused(&plugin, &[("é", set("12345")), ("\0", set("\0\0"))]).await, None);
    assert_eq!(refused(&plugin, &[("\0x", set(""))]).await, limit);
    assert_eq!(plugin.usage().await.kv_bytes, 10);
    // A counter grows with its digits.
    assert_eq!(refused(&plugin, &[("é", Write::Delete), ("n", set("99999"))]).await, None);
    assert_eq!(refused(&plugin, &[("n", Write::Add(1))]).await, None);
    assert_eq!(refused(&plugin, &[("n", Write::Add(900_000))]).await, limit);
    assert_eq!(refused(&plugin, &[("n", Write::Add(-1))]).await, None);

    let large = Plugin::of(plugin.store.clone(), "default", "large").within(bytes(3 * 1024 * 1024 / 2));
    let value = "x".repeat(KV_VALUE_BYTES_MAX - 2);
    let names: Vec<String> = (10..34).map(|n| n.to_string()).collect();
    let writes: Vec<_> = names.iter().map(|key| (key.as_str(), set(&value))).collect();
    assert_eq!(refused(&large, &writes).await, None);
    assert_eq!(refused(&large, &[("", set(""))]).await, None);
    assert_eq!(refused(&large, &[("a", set(""))]).await, Some(Limit::KvSize { mib: 2 }));
}

pub(crate) async fn timers_are_counted(store: Store) {
    let plugin = Plugin::new(store).within(timers(2));
    let limit = Some(Limit::Timers { timers: 2 });
    let refused = async |timers: &[(&str, Option<u64>)]| refused_effects(&plugin, timing(timers)).await;
    assert_eq!(refused(&[("a", Some(1)), ("b", Some(2)), ("c", Some(3))]).await, limit);
    assert_eq!(refused(&[("a", Some(1)), ("b", Some(2))]).await, None);
    assert_eq!(refused(&[("a", Some(7)), ("none", None)]).await, None);
    assert_eq!(refused(&[("c", Some(3))]).await, limit);
    assert_eq!(refused(&[("c", Some(3)), ("a", None)]).await, None);
    assert_eq!(plugin.usage().await, Usage { timers: 2, kv_bytes: 8, ..Usage::default() });
    // One that has fired is none any more.
    plugin.store.fire_timers(2, vec!["event".to_owned()]).await.unwrap();
    assert_eq!(refused(&[("d", Some(4))]).await, None);
    assert_eq!(plugin.usage().await.timers, 2);
}

/// Also over a quota that was larger before.
pub(crate) async fn what_does_not_grow_is_not_refused(store: Store) {
    let plugin = Plugin::new(store);
    plugin.write(&["a", "b", "c", "d", "e"].map(|key| (key, set("12")))).await;
    plugin.commit(timing(&[("t", Some(1)), ("u", Some(2))])).await.unwrap();
    let narrow = plugin.within(Quota { kv_keys: 2, kv_bytes: 5, timers: 1 });
    let passed = [
        writing(&[("a", set("21"))]),
        writing(&[("a", Write::Delete)]),
        writing(&[("b", set("1"))]),
        writing(&[("c", Write::Delete), ("a", set("12"))]),
        writing(&[("d", set("")), ("e", set("123"))]),
        timing(&[("t", Some(9))]),
        timing(&[("t", None), ("v", Some(3))]),
        timing(&[("u", None)]),
    ];
    for effects in passed {
        assert_eq!(refused_effects(&narrow, effects.clone()).await, None, "{effects:?}");
    }
    // Each of the three by itself.
    assert_eq!(
        refused(&narrow, &[("d", Write::Delete), ("x", set("")), ("y", set(""))]).await,
        Some(Limit::KvKeys { keys: 2 })
    );
    assert_eq!(refused(&narrow, &[("a", set("123"))]).await, Some(Limit::KvSize { mib: 1 }));
    let narrow = plugin.within(timers(1));
    assert_eq!(refused_effects(&narrow, timing(&[("w", Some(1))])).await, Some(Limit::Timers { timers: 1 }));
}

pub(crate) async fn what_timers_carry_counts_too(store: Store) {
    let plugin = Plugin::new(store).within(bytes(10));
    // Its key, and `[7]`.
    assert_eq!(refused_effects(&plugin, timing(&[("abcdef", Some(7))])).await, None);
    let limit = Some(Limit::KvSize { mib: 1 });
    assert_eq!(refused_effects(&plugin, timing(&[("abcdef", Some(12345))])).await, limit);
    assert_eq!(refused(&plugin, &[("a", set("1"))]).await, limit);
    assert_eq!(refused_effects(&plugin, timing(&[("abcdef", None), ("b", Some(1))])).await, None);
    assert_eq!(refused(&plugin, &[("a", set("12345"))]).await, None);
    assert_eq!(plugin.usage().await, Usage { kv_keys: 1, kv_bytes: 10, timers: 1 });
    plugin.store.fire_timers(2, vec!["event".to_owned()]).await.unwrap();
    assert_eq!(plugin.usage().await, Usage { kv_keys: 1, kv_bytes: 6, timers: 0 });
}

pub(crate) async fn what_has_expired_makes_room(store: Store) {
    // Others' have expired before, and are removed first as long as nothing else calls for it.
    let other = Plugin::of(store.clone(), "default", "other");
    let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let writes: Vec<_> = names.iter().map(|key| (key.as_str(), set_until("1", 1500))).collect();
    other.write(&writes).await;

    let plugin = Plugin::new(store).within(Quota { kv_keys: 200, kv_bytes: 2000, ..UNLIMITED });
    let names: Vec<String> = (100..300).map(|n| n.to_string()).collect();
    let writes: Vec<_> = names.iter().map(|key| (key.as_str(), set_until("1234567", 2000))).collect();
    plugin.write(&writes).await;
    let full = Usage { kv_keys: 200, kv_bytes: 2000, timers: 0 };
    assert_eq!((plugin.usage().await, plugin.alive().await), (full, full));
    assert_eq!(refused(&plugin.at(1999), &[("new", set(""))]).await, Some(Limit::KvKeys { keys: 200 }));

    let late = plugin.at(2000);
    assert_eq!((late.usage().await, late.alive().await), (full, Usage::default()));
    // All of it, though not all is removed at once.
    let values: Vec<_> = names.iter().map(|key| (key.as_str(), set("1234567"))).collect();
    let others: Vec<String> = (300..350).map(|n| n.to_string()).collect();
    let others: Vec<_> = others.iter().map(|key| (key.as_str(), set("1234567"))).collect();
    assert_eq!(refused(&late, &others).await, None);
    assert_eq!(late.alive().await, Usage { kv_keys: 50, kv_bytes: 500, timers: 0 });
    assert!(late.usage().await.kv_keys < 200, "{:?}", late.usage().await);
    assert_eq!(refused(&late, &values).await, Some(Limit::KvKeys { keys: 200 }));
    assert_eq!(refused(&late, &values[50..]).await, None);
    assert_eq!((late.usage().await, late.alive().await), (full, full));
}

/// A key that has expired and comes back is one more, though its row was there.
pub(crate) async fn what_comes_back_counts_anew(store: Store) {
    let plugin = Plugin::new(store);
    plugin.write(&[("a", set("1")), ("b", set_until("1", 2000))]).await;
    let late = plugin.at(2000).within(keys(1));
    for write in [set("1"), Write::Add(1)] {
        assert_eq!(refused(&late, &[("b", write)]).await, Some(Limit::KvKeys { keys: 1 }));
    }
    // It is not there even now.
    assert_eq!(refused(&late, &[("b", set_until("1", 2000))]).await, None);
    assert_eq!(refused(&late.within(keys(2)), &[("b", set("1"))]).await, None);
    assert_eq!(late.usage().await, Usage { kv_keys: 2, kv_bytes: 4, timers: 0 });
}

pub(crate) async fn each_scope_has_its_own(store: Store) {
    let one = Plugin::new(store.clone()).within(keys(1));
    for other in [Plugin::of(store.clone(), "other", "notes"), Plugin::of(store, "default", "other")] {
        let other = other.within(keys(1));
        assert_eq!(refused(&other, &[("k", set_until("1", 2000))]).await, None);
        assert_eq!(refused(&other, &[("l", set("1"))]).await, Some(Limit::KvKeys { keys: 1 }));
    }
    assert_eq!(one.usage().await, Usage::default());
    // What it finds expired of others is taken from theirs.
    assert_eq!(refused(&one.at(2000), &[("k", set("1"))]).await, None);
    assert_eq!(one.usage().await, Usage { kv_keys: 1, kv_bytes: 2, timers: 0 });
    assert_eq!(Plugin::of(one.store.clone(), "other", "notes").usage().await, Usage::default());
}

pub(crate) async fn many_at_once_keep_no_more(store: Store) {
    let plugin = Plugin::new(store).within(keys(10));
    let mut calls = JoinSet::new();
    for number in 0..50 {
        let plugin = plugin.clone();
        calls.spawn(async move { plugin.commit(writing(&[(&number.to_string(), set("1"))])).await.is_ok() });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|kept| *kept).count(), 10);
    assert_eq!(plugin.usage().await.kv_keys, 10);
}
