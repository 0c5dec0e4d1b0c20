//! What one plugin alone can rely on.

use slashbox_core::{KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX, Scope, Write};
use slashbox_store::{CommitError, Entry, ReadError, Store};

use crate::plugin::{Plugin, set, set_until, writing};

pub(crate) async fn holds_what_was_set(store: Store) {
    let plugin = Plugin::new(store);
    assert_eq!(plugin.entry("k").await, None);
    plugin.write(&[("k", set("one")), ("l", set("other"))]).await;
    assert_eq!(plugin.text("k").await.as_deref(), Some("one"));
    plugin.write(&[("k", set("two"))]).await;
    assert_eq!(plugin.text("k").await.as_deref(), Some("two"));
    assert_eq!(plugin.text("l").await.as_deref(), Some("other"));
}

pub(crate) async fn forgets_what_was_deleted(store: Store) {
    let plugin = Plugin::new(store);
    plugin.write(&[("k", set("one")), ("l", set("other"))]).await;
    plugin.write(&[("k", Write::Delete), ("never there", Write::Delete)]).await;
    assert_eq!(plugin.text("k").await, None);
    assert_eq!(plugin.text("l").await.as_deref(), Some("other"));
}

pub(crate) async fn forgets_at_the_millisecond_of_the_expiry(store: Store) {
    let plugin = Plugin::new(store);
    plugin
        .write(&[("k", set_until("one", 2000)), ("for ever", set("two")), ("far", set_until("three", u64::MAX))])
        .await;
    let Entry { expires_at_ms, .. } = plugin.at(1999).entry("k").await.unwrap();
    assert_eq!(expires_at_ms, Some(2000));
    assert_eq!(plugin.at(2000).entry("k").await, None);
    assert_eq!(plugin.at(2001).entry("k").await, None);
    assert_eq!(plugin.at(u64::MAX).text("for ever").await.as_deref(), Some("two"));
    assert_eq!(plugin.at(u64::MAX / 4).text("far").await.as_deref(), Some("three"));

    // A value without an expiry takes away the one that was there.
    plugin.write(&[("k", set("four"))]).await;
    assert_eq!(plugin.at(2000).text("k").await.as_deref(), Some("four"));
}

pub(crate) async fn keeps_scopes_apart(store: Store) {
    let scopes = [("a", "notes"), ("b", "notes"), ("a", "other"), ("", "anotes"), ("an", "otes")];
    let plugins = scopes.map(|(tenant, plugin)| Plugin::of(store.clone(), tenant, plugin));
    for (plugin, (tenant, name)) in plugins.iter().zip(scopes) {
        plugin.write(&[("k", set(&format!("{tenant}/{name}"))), (tenant, set(""))]).await;
    }
    for (plugin, (tenant, name)) in plugins.iter().zip(scopes) {
        assert_eq!(plugin.text("k").await, Some(format!("{tenant}/{name}")));
        assert_eq!(plugin.keys("", None, 100).await, [tenant, "k"].map(str::to_owned));
    }

    // Nor does one see the other's changes as a conflict, or delete what is the other's.
    let read = plugins[0].having_read("k").await;
    plugins[1].write(&[("k", Write::Delete)]).await;
    plugins[2].write(&[("k", set("changed"))]).await;
    let effects = crate::plugin::then(read, &[("k", set("mine"))]);
    assert_eq!(plugins[0].conflict(effects).await, None);
}

pub(crate) async fn takes_any_key_and_value(store: Store) {
    let plugin = Plugin::new(store);
    let longest = "k".repeat(KV_KEY_BYTES_MAX);
    for key in [" ", "a'b\"c", "a\0b", "a\0c", "%", "_", "*", "Ä€😀", "\u{10ffff}", &longest] {
        let value: Vec<u8> = (0..KV_VALUE_BYTES_MAX).map(|n| (n % 251) as u8).chain(key.bytes()).collect();
        for value in [value, Vec::new()] {
            let write = Write::Set { value: value.clone(), expires_at_ms: None };
            plugin.write(&[(key, write)]).await;
            assert_eq!(plugin.entry(key).await.unwrap().value, value, "{key:?}");
        }
    }
}

pub(crate) async fn gives_each_write_its_own_version(store: Store) {
    let (one, two) = (Plugin::new(store.clone()), Plugin::of(store, "b", "notes"));
    let mut last = None;
    for _ in 0..3 {
        for plugin in [&one, &two] {
            // The same value, written anew, is another version; so is one that was deleted in between.
            plugin.write(&[("k", set("1")), ("l", set("1"))]).await;
            let versions = [plugin.version("k").await, plugin.version("l").await];
            assert!(last < versions[0] && versions[0] < versions[1], "{last:?} {versions:?}");
            plugin.write(&[("k", Write::Add(0)), ("l", Write::Delete)]).await;
            let added = plugin.version("k").await;
            assert!(versions[1] < added, "{versions:?} {added:?}");
            last = added;
            plugin.write(&[("k", Write::Delete)]).await;
        }
    }
}

pub(crate) async fn adds_to_whatever_number_is_there(store: Store) {
    let plugin = Plugin::new(store);
    let max = i64::MAX.to_string();
    let cases =
        [(None, 5, "5"), (Some("5"), -7, "-2"), (Some("-2"), 2, "0"), (Some(max.as_str()), -1, "9223372036854775806")];
    for (before, number, after) in cases {
        plugin.write(&[("n", before.map_or(Write::Delete, set))]).await;
        plugin.write(&[("n", Write::Add(number))]).await;
        assert_eq!(plugin.text("n").await.as_deref(), Some(after), "{before:?} + {number}");
    }

    // An expiry stays, and what has expired counts as nothing, with nothing left of its expiry.
    plugin.write(&[("n", set_until("10", 2000))]).await;
    plugin.at(1999).write(&[("n", Write::Add(1))]).await;
    let entry = plugin.at(1999).entry("n").await.unwrap();
    assert_eq!((entry.value.as_slice(), entry.expires_at_ms), (&b"11"[..], Some(2000)));
    plugin.at(2000).write(&[("n", Write::Add(1))]).await;
    let entry = plugin.at(2000).entry("n").await.unwrap();
    assert_eq!((entry.value.as_slice(), entry.expires_at_ms), (&b"1"[..], None));
}

pub(crate) async fn refuses_everything_once_closed(store: Store) {
    let plugin = Plugin::new(store.clone());
    plugin.write(&[("k", set("one"))]).await;
    store.clone().close().await;
    let scope: &Scope = &plugin.scope;
    let CommitError::Unavailable(fault) = plugin.commit(writing(&[("k", set("two"))])).await.unwrap_err() else {
        panic!("a conflict")
    };
    assert_eq!(fault.to_string(), "the store is closed");
    plugin.reader.usage(scope).await.unwrap_err();
    plugin.reader.usage_at(scope, 0).await.unwrap_err();
    plugin.reader.next_timer_at_ms().await.unwrap_err();
    let ReadError::Unavailable(fault) = plugin.reader.get(scope, "k", 0).await.unwrap_err();
    assert_eq!(fault.to_string(), "the store is closed");
    let ReadError::Unavailable(fault) = plugin.reader.list(scope, "", None, 1, 0).await.unwrap_err();
    assert_eq!(fault.to_string(), "the store is closed");
}
