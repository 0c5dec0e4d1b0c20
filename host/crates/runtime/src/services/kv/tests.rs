//! What a call sees of its memory: what it wrote itself, over what the store holds.

use slashbox_core::{Effects, Limits, Write};
use slashbox_store::Store;

use super::*;
use crate::services::tests::{NOW_MS, commit, services};

/// The longest value by default.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// A store that holds these keys.
async fn store(entries: &[(&str, &str)]) -> Store {
    let store = Store::in_memory().unwrap();
    let set = |value: &str| Write::Set { value: value.into(), expires_at_ms: None };
    let writes = entries.iter().map(|(key, value)| ((*key).to_owned(), set(value))).collect();
    commit(&store, Effects { writes, ..Effects::default() }).await;
    store
}

fn call(store: &Store) -> Services {
    services(store, Limits::default())
}

async fn get(kv: &mut Services, key: &str) -> Option<String> {
    let value = kv.get(key.into()).await.unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

async fn keys(kv: &mut Services, prefix: &str, after: Option<&str>, limit: u32) -> (Vec<String>, Option<String>) {
    let page = kv.list_keys(prefix.into(), after.map(Into::into), limit).await.unwrap();
    (page.keys, page.next)
}

fn text(result: Result<impl std::fmt::Debug, ServiceError>) -> String {
    match result.unwrap_err() {
        ServiceError::Invalid(text) => format!("invalid: {text}"),
        ServiceError::Limit(text) => format!("limit: {text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_reads_what_it_wrote() {
    let store = store(&[("a", "old"), ("n", "5")]).await;
    let mut kv = call(&store);
    assert_eq!(get(&mut kv, "a").await.as_deref(), Some("old"));
    kv.set("a".into(), b"new".into(), None).await.unwrap();
    assert_eq!(get(&mut kv, "a").await.as_deref(), Some("new"));
    kv.write("a".into(), Write::Delete).await.unwrap();
    assert_eq!(get(&mut kv, "a").await, None);
    assert_eq!(kv.increment("a".into(), 2).await.unwrap(), 2);
    assert_eq!(kv.increment("n".into(), 2).await.unwrap(), 7);
    assert_eq!(kv.increment("n".into(), -3).await.unwrap(), 4);
    assert_eq!(get(&mut kv, "n").await.as_deref(), Some("4"));
    assert_eq!(kv.increment("new".into(), 1).await.unwrap(), 1);
    assert_eq!(get(&mut call(&store), "a").await.as_deref(), Some("old"), "another call sees none of it");
}

#[tokio::test]
async fn increments_are_no_reads() {
    let store = store(&[("n", "5")]).await;
    let mut kv = call(&store);
    kv.increment("n".into(), 1).await.unwrap();
    kv.increment("n".into(), 1).await.unwrap();
    let effects = kv.into_effects();
    assert!(effects.reads.is_empty());
    assert_eq!(effects.writes["n"], Write::Add(2));
}

#[tokio::test]
async fn the_version_that_was_seen_first_counts() {
    let store = store(&[("a", "1")]).await;
    let mut kv = call(&store);
    get(&mut kv, "a").await;
    get(&mut kv, "none").await;
    let first = kv.effects.reads.clone();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["a", "none"]);
    let write = Write::Set { value: b"2".into(), expires_at_ms: None };
    let other = Effects { writes: [("a".to_owned(), write)].into(), ..Effects::default() };
    commit(&store, other).await;
    get(&mut kv, "a").await;
    assert_eq!(kv.effects.reads, first);
}

#[tokio::test]
async fn listings_are_of_the_store_and_of_the_call_together() {
    let store = store(&[("a/1", ""), ("a/2", ""), ("a/4", ""), ("b", "")]).await;
    let mut kv = call(&store);
    kv.write("a/2".into(), Write::Delete).await.unwrap();
    kv.set("a/3".into(), Vec::new(), None).await.unwrap();
    kv.increment("a/5".into(), 1).await.unwrap();
    let all = ["a/1", "a/3", "a/4", "a/5"].map(String::from);
    assert_eq!(keys(&mut kv, "a/", None, 1_000).await, (all.to_vec(), None));
    assert_eq!(keys(&mut kv, "a/", None, 4).await, (all.to_vec(), None));
    assert_eq!(keys(&mut kv, "a/", None, 3).await, (all[..3].to_vec(), Some("a/4".into())));
    assert_eq!(keys(&mut kv, "a/", Some("a/4"), 3).await, (all[3..].to_vec(), None));
    assert_eq!(keys(&mut kv, "", Some("a/5"), 3).await, (vec!["b".into()], None));
    assert_eq!(keys(&mut kv, "c", None, 3).await, (vec![], None));
}

#[tokio::test]
async fn a_time_to_live_counts_from_the_call() {
    let store = store(&[]).await;
    let mut kv = call(&store);
    kv.set("a".into(), b"1".into(), Some(5)).await.unwrap();
    assert_eq!(kv.increment("a".into(), 1).await.unwrap(), 2);
    let expected = Write::Set { value: b"2".into(), expires_at_ms: Some(NOW_MS + 5) };
    assert_eq!(kv.into_effects().writes["a"], expected);
}

#[tokio::test]
async fn keys_values_and_numbers_are_checked() {
    let store = store(&[("text", "x"), ("max", "9223372036854775807")]).await;
    let mut kv = call(&store);
    let longest = "k".repeat(KV_KEY_BYTES_MAX);
    kv.set(longest.clone(), vec![0; VALUE_BYTES_MAX], Some(1)).await.unwrap();
    assert_eq!(text(kv.get(longest + "k").await), "invalid: kv key of 513 bytes: expected 1 to 512");
    assert_eq!(text(kv.get(String::new()).await), "invalid: kv key of 0 bytes: expected 1 to 512");
    assert_eq!(text(kv.get("a\n".into()).await), "invalid: kv key \"a\\n\": expected no control characters");
    assert_eq!(
        text(kv.set("a".into(), vec![0; VALUE_BYTES_MAX + 1], None).await),
        "invalid: kv value of 65537 bytes for key \"a\": expected at most 65536"
    );
    assert_eq!(
        text(kv.set("a".into(), vec![], Some(0)).await),
        "invalid: kv time to live of 0 ms for key \"a\": expected at least 1"
    );
    assert_eq!(
        text(kv.increment("text".into(), 1).await),
        "invalid: kv key \"text\" holds no number, so it cannot be incremented"
    );
    assert_eq!(
        text(kv.increment("max".into(), 1).await),
        "invalid: kv key \"max\": 9223372036854775807 + 1 does not fit 64 bits"
    );
    for limit in [0, LIST_LIMIT_MAX + 1] {
        let expected = format!("invalid: kv list limit of {limit}: expected 1 to 1000");
        assert_eq!(text(kv.list_keys(String::new(), None, limit).await), expected);
    }
}

#[tokio::test]
async fn what_a_call_writes_is_bounded() {
    let store = store(&[]).await;
    let mut kv = call(&store);
    for number in 0..Limits::default().kv_writes {
        kv.set(format!("{number:05}"), Vec::new(), None).await.unwrap();
    }
    assert_eq!(
        text(kv.set("one more".into(), vec![], None).await),
        "limit: kv limit of 1000 keys written in one call reached"
    );
    kv.set("00000".into(), b"again".into(), None).await.unwrap();

    let mut kv = call(&store);
    let value = vec![0; VALUE_BYTES_MAX];
    for number in 0..crate::services::WRITTEN_BYTES_MAX / (VALUE_BYTES_MAX + 2) {
        kv.set(format!("{number:02}"), value.clone(), None).await.unwrap();
    }
    assert_eq!(
        text(kv.set("one more".into(), value.clone(), None).await),
        "limit: kv limit of 4194304 bytes written in one call reached"
    );
    kv.set("00".into(), value, None).await.unwrap();
}

#[tokio::test]
async fn what_a_plugin_keeps_is_bounded() {
    let limits = Limits { kv_keys: 2, kv_mib: 1, ..Limits::default() };
    let store = store(&[("a", "1")]).await;
    let mut kv = services(&store, limits);
    kv.increment("b".into(), 1).await.unwrap();
    assert_eq!(text(kv.set("c".into(), vec![], None).await), "limit: kv limit of 2 keys reached");
    assert_eq!(text(kv.increment("c".into(), 1).await), "limit: kv limit of 2 keys reached");
    kv.set("a".into(), b"2".into(), None).await.unwrap();
    kv.write("c".into(), Write::Delete).await.unwrap();

    let limits = Limits { kv_mib: 1, ..Limits::default() };
    let mut kv = services(&store, limits);
    let value = vec![0; VALUE_BYTES_MAX];
    for number in 0..15 {
        kv.set(format!("{number:02}"), value.clone(), None).await.unwrap();
    }
    assert_eq!(text(kv.set("15".into(), value.clone(), None).await), "limit: kv limit of 1 MiB reached");
    kv.set("a".into(), b"3".into(), None).await.unwrap();
    kv.set("00".into(), value, None).await.unwrap();
}

#[tokio::test]
async fn a_call_reads_so_often_and_no_more() {
    let store = store(&[("a", "1"), ("n", "5")]).await;
    let mut kv = services(&store, Limits { kv_reads: 3, ..Limits::default() });
    kv.get("a".into()).await.unwrap();
    kv.increment("n".into(), 1).await.unwrap();
    kv.list_keys(String::new(), None, 10).await.unwrap();
    let reached = "limit: kv limit of 3 reads in one call reached";
    assert_eq!(text(kv.get("a".into()).await), reached);
    assert_eq!(text(kv.increment("n".into(), 1).await), reached);
    assert_eq!(text(kv.list_keys(String::new(), None, 10).await), reached);
    // What it wrote itself is no read, and writing is none.
    kv.set("b".into(), b"2".into(), None).await.unwrap();
    assert_eq!(get(&mut kv, "b").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_write_near_the_quota_is_no_read() {
    let store = store(&[("a", "1"), ("b", "1")]).await;
    let mut kv = services(&store, Limits { kv_reads: 1, kv_keys: 2, ..Limits::default() });
    for value in ["2", "3", "4"] {
        kv.set("a".into(), value.into(), None).await.unwrap();
    }
    assert_eq!(text(kv.set("c".into(), b"1".into(), None).await), "limit: kv limit of 2 keys reached");
}

#[tokio::test]
async fn what_is_emitted_takes_no_room_in_kv() {
    let store = store(&[]).await;
    let mut kv = services(&store, Limits { kv_mib: 1, ..Limits::default() });
    for _ in 0..20 {
        kv.emit("a".into(), None, format!("\"{}\"", "x".repeat(60_000))).unwrap();
    }
    kv.set("a".into(), vec![1; VALUE_BYTES_MAX], None).await.unwrap();
}
