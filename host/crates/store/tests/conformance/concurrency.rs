//! What calls that run at the same time do to each other.

use slashbox_core::Write;
use slashbox_store::Store;
use tokio::task::JoinSet;

use crate::plugin::{Plugin, set, then, writing};

pub(crate) async fn additions_add_up_and_never_conflict(store: Store) {
    let plugin = Plugin::new(store);
    let mut calls = JoinSet::new();
    for number in 1..=200 {
        let plugin = plugin.clone();
        calls.spawn(async move { plugin.conflict(writing(&[("n", Write::Add(number))])).await });
    }
    assert!(calls.join_all().await.iter().all(Option::is_none));
    assert_eq!(plugin.text("n").await.as_deref(), Some("20100"));
}

pub(crate) async fn no_update_is_lost(store: Store) {
    const TASKS: usize = 8;
    const UPDATES: usize = 10;
    let plugin = Plugin::new(store);
    let mut calls = JoinSet::new();
    for _ in 0..TASKS {
        let plugin = plugin.clone();
        calls.spawn(async move {
            for _ in 0..UPDATES {
                // Until it gets through; each conflict means that another one did, so they cannot be more than all.
                let mut conflicts = 0;
                while !update(&plugin).await {
                    conflicts += 1;
                    assert!(conflicts < TASKS * UPDATES, "conflicts without end");
                }
            }
        });
    }
    calls.join_all().await;
    assert_eq!(plugin.text("n").await, Some((TASKS * UPDATES).to_string()));
}

/// Reads a number and sets it one higher. Tells whether it was committed.
async fn update(plugin: &Plugin) -> bool {
    let entry = plugin.entry("n").await;
    let number: usize = entry.as_ref().map_or(0, |entry| str::from_utf8(&entry.value).unwrap().parse().unwrap());
    let mut effects = writing(&[("n", set(&(number + 1).to_string()))]);
    effects.reads.insert("n".to_owned(), entry.map(|entry| entry.version));
    plugin.conflict(effects).await.is_none()
}

pub(crate) async fn a_commit_is_seen_whole(store: Store) {
    let plugin = Plugin::new(store);
    let keys = ["a", "b", "c"];
    plugin.write(&keys.map(|key| (key, set("0")))).await;
    let writer = tokio::spawn({
        let plugin = plugin.clone();
        async move {
            for _ in 0..50 {
                let listed = plugin.having_listed("", None, 3).await;
                plugin.commit(then(listed, &keys.map(|key| (key, Write::Add(1))))).await.unwrap();
            }
        }
    });
    // The versions of one commit follow each other.
    while !writer.is_finished() {
        let versions: Vec<_> = plugin.list("", None, 3).await.into_iter().map(|(_, version)| version.0).collect();
        assert_eq!(versions, [versions[0], versions[0] + 1, versions[0] + 2]);
    }
    writer.await.unwrap();
}
