//! When what a call read no longer holds.

use slashbox_core::{Effects, Version, Write};
use slashbox_store::Store;

use crate::plugin::{Plugin, set, set_until, then, writing};

/// What the others write while a call is under way.
type Meanwhile<'a> = &'a [(&'a str, Write)];

pub(crate) async fn a_read_conflicts_if_its_key_changed(store: Store) {
    let plugin = Plugin::new(store);
    let cases: [(&str, Meanwhile<'_>, bool); 8] = [
        ("there", &[], false),
        ("there", &[("another", set("2"))], false),
        ("there", &[("there", set("2"))], true),
        ("there", &[("there", set("1"))], true),
        ("there", &[("there", Write::Add(1))], true),
        ("there", &[("there", Write::Delete)], true),
        ("absent", &[("absent", Write::Delete)], false),
        ("absent", &[("absent", set("1"))], true),
    ];
    for (key, meanwhile, conflicts) in cases {
        plugin.write(&[("there", set("1")), ("absent", Write::Delete)]).await;
        let effects = then(plugin.having_read(key).await, &[("out", set("done"))]);
        plugin.write(meanwhile).await;
        let expected = conflicts.then(|| key.to_owned());
        assert_eq!(plugin.conflict(effects).await, expected, "{key} {meanwhile:?}");
    }
}

pub(crate) async fn a_listing_conflicts_if_it_changed(store: Store) {
    let plugin = Plugin::new(store);
    // The call lists two keys after `a/1`, of `a/1` to `a/5` without `a/3`: it sees `a/2` and `a/4`.
    let cases: [(Meanwhile<'_>, Option<&str>); 10] = [
        (&[], None),
        (&[("b", set("outside the prefix"))], None),
        (&[("a/1", Write::Delete)], None),
        (&[("a/5", set("beyond the limit"))], None),
        (&[("a/2", set("another value"))], None),
        (&[("a/2", Write::Delete)], Some("a/2")),
        (&[("a/3", set("added between"))], Some("a/3")),
        (&[("a/4", Write::Add(1))], None),
        (&[("a/4", Write::Delete)], Some("a/4")),
        (&[("a/4", Write::Delete), ("a/5", Write::Delete)], Some("a/4")),
    ];
    for (meanwhile, expected) in cases {
        plugin.write(&["a/1", "a/2", "a/4", "a/5"].map(|key| (key, set("1")))).await;
        plugin.write(&[("a/3", Write::Delete)]).await;
        let listed = plugin.having_listed("a/", Some("a/1"), 2).await;
        assert_eq!(listed.ranges[0].seen.len(), 2);
        let effects = then(listed, &[("out", set("done"))]);
        plugin.write(meanwhile).await;
        assert_eq!(plugin.conflict(effects).await.as_deref(), expected, "{meanwhile:?}");
    }

    // A listing that ended before its limit also sees what is added at its end.
    let effects = then(plugin.having_listed("a/", None, 100).await, &[("out", set("done"))]);
    plugin.write(&[("a/9", set("1"))]).await;
    assert_eq!(plugin.conflict(effects).await.as_deref(), Some("a/9"));
}

pub(crate) async fn an_expiry_is_a_change(store: Store) {
    let plugin = Plugin::new(store);
    for (now_ms, conflicts) in [(1999, false), (2000, true)] {
        plugin.write(&[("k", set_until("1", 2000))]).await;
        for read in [plugin.having_read("k").await, plugin.having_listed("", None, 1).await] {
            let effects = then(read, &[("out", set("done"))]);
            let expected = conflicts.then_some("k");
            assert_eq!(plugin.at(now_ms).conflict(effects).await.as_deref(), expected, "at {now_ms}");
        }
    }

    // What had expired when it was read, and is still in the database, was not there.
    plugin.write(&[("k", set_until("1", 2000))]).await;
    let late = plugin.at(2000);
    let effects = then(late.having_read("k").await, &[("out", set("done"))]);
    assert_eq!(late.conflict(effects).await, None);
}

pub(crate) async fn an_addition_conflicts_without_a_number(store: Store) {
    let plugin = Plugin::new(store);
    let (min, max) = (i64::MIN.to_string(), i64::MAX.to_string());
    for (present, number) in [("", 1), ("one", 1), ("1.5", 1), (" 1", 1), (max.as_str(), 1), (min.as_str(), -1)] {
        plugin.write(&[("n", set(present))]).await;
        let effects = writing(&[("a", set("before it")), ("n", Write::Add(number)), ("z", set("after it"))]);
        assert_eq!(plugin.conflict(effects).await.as_deref(), Some("n"), "{present:?} + {number}");
        assert_eq!(plugin.text("n").await.as_deref(), Some(present));
        assert_eq!(plugin.keys("", None, 9).await, ["n"]);
    }
}

pub(crate) async fn a_conflict_writes_nothing(store: Store) {
    let plugin = Plugin::new(store);
    plugin.write(&[("read", set("1")), ("kept", set("1")), ("n", set("1"))]).await;
    let writes = [("kept", Write::Delete), ("n", Write::Add(1)), ("new", set("1")), ("read", set("2"))];
    let effects = then(plugin.having_read("read").await, &writes);
    plugin.write(&[("read", set("3"))]).await;
    let before = plugin.list("", None, 9).await;
    assert_eq!(plugin.conflict(effects).await.as_deref(), Some("read"));
    assert_eq!(plugin.list("", None, 9).await, before);

    // Run again, it reads what is there now.
    let effects = then(plugin.having_read("read").await, &writes);
    assert_eq!(plugin.conflict(effects).await, None);
    assert_eq!(plugin.keys("", None, 9).await, ["n", "new", "read"]);
}

pub(crate) async fn reading_alone_is_never_checked(store: Store) {
    let plugin = Plugin::new(store);
    let stale = Effects { reads: [("k".to_owned(), Some(Version(7)))].into(), ..Effects::default() };
    assert_eq!(plugin.conflict(stale.clone()).await, None);
    assert_eq!(plugin.conflict(then(stale, &[("out", set("done"))])).await.as_deref(), Some("k"));
}
