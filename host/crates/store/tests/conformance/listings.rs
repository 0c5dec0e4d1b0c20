//! Which keys a listing holds, and in which order.

use slashbox_core::Write;
use slashbox_store::Store;

use crate::plugin::{Plugin, set, set_until};

/// Keys of one to four bytes a character, at the edges of each length, in the order of their bytes.
const KEYS: [&str; 16] = [
    "A",
    "Z",
    "a",
    "a\u{1}",
    "a/",
    "a/1",
    "a0",
    "b",
    "\u{7f}",
    "é",
    "éa",
    "\u{7ff}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{10ffff}\u{10ffff}",
];

async fn with_keys(store: Store) -> Plugin {
    let plugin = Plugin::new(store);
    plugin.write(&KEYS.map(|key| (key, set("1")))).await;
    plugin
}

pub(crate) async fn come_in_the_order_of_bytes(store: Store) {
    let plugin = with_keys(store).await;
    assert_eq!(plugin.keys("", None, 100).await, KEYS);
    plugin.write(&KEYS.map(|key| (key, Write::Delete))).await;
    assert_eq!(plugin.keys("", None, 100).await, [""; 0]);
}

pub(crate) async fn hold_exactly_the_keys_with_the_prefix(store: Store) {
    let plugin = with_keys(store).await;
    let prefixes = KEYS.iter().copied().chain(["", "a/1/", "%", "_", "*", "\u{10fffe}", "\u{d7fe}", "zz"]);
    for prefix in prefixes {
        let expected: Vec<_> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(plugin.keys(prefix, None, 100).await, expected, "{prefix:?}");
    }
}

pub(crate) async fn come_in_pages(store: Store) {
    let plugin = with_keys(store).await;
    for limit in [1, 3, 15, 16, 17] {
        let mut keys = Vec::new();
        loop {
            let page = plugin.keys("", keys.last().map(String::as_str), limit).await;
            assert!(page.len() <= limit as usize && keys.len() <= KEYS.len(), "by {limit}: {keys:?}");
            if page.is_empty() {
                break;
            }
            keys.extend(page);
        }
        assert_eq!(keys, KEYS, "by {limit}");
    }

    let cases: [(&str, &str, u32, &[&str]); 7] = [
        ("", "", 0, &[]),
        ("a", "", 2, &["a", "a\u{1}"]),
        ("a", "A", 2, &["a", "a\u{1}"]),
        ("a", "a", 2, &["a\u{1}", "a/"]),
        ("a", "a.", 2, &["a/", "a/1"]),
        ("a", "a0", 2, &[]),
        ("a", "b", 2, &[]),
    ];
    for (prefix, after, limit, expected) in cases {
        assert_eq!(plugin.keys(prefix, Some(after), limit).await, expected, "{prefix:?} after {after:?}");
    }
}

pub(crate) async fn leave_out_what_expired(store: Store) {
    let plugin = Plugin::new(store);
    plugin.write(&[("a", set_until("1", 2000)), ("b", set("1")), ("c", set_until("1", 2001)), ("d", set("1"))]).await;
    assert_eq!(plugin.at(1999).keys("", None, 2).await, ["a", "b"]);
    // What is left out does not count.
    assert_eq!(plugin.at(2000).keys("", None, 2).await, ["b", "c"]);
    assert_eq!(plugin.at(2001).keys("", None, 2).await, ["b", "d"]);
}

pub(crate) async fn tell_the_versions_that_get_tells(store: Store) {
    let plugin = with_keys(store).await;
    for (key, version) in plugin.list("", None, 100).await {
        assert_eq!(plugin.version(&key).await, Some(version), "{key:?}");
    }
}
