//! What a plugin keeps: it changes exactly once for each command that succeeds, and for none that does not.

use tokio::task::JoinSet;

use crate::harness::{Sender, Server, Site};

/// What an operator sees when others keep changing the same data.
const CONTENDED: &str = "! /add is temporarily unavailable (ref REF)";

/// Has a line typed by so many operators at once.
async fn at_once(server: &Server, line: &'static str, operators: usize) -> Vec<String> {
    let mut calls = JoinSet::new();
    for _ in 0..operators {
        let sender = server.support.clone();
        calls.spawn(async move { sender.says(line).await });
    }
    calls.join_all().await
}

#[tokio::test]
async fn keys_are_set_read_listed_and_deleted() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/list", "none"),
            ("/get a", "none"),
            ("/set a 1 und ü", "set"),
            ("/get a", "1 und ü"),
            ("/set a 2", "set"),
            ("/get a", "2"),
            ("/set ab x", "set"),
            ("/set b y", "set"),
            ("/list", "a\nab\nb"),
            ("/list a", "a\nab"),
            ("/list c", "none"),
            ("/delete ab", "deleted"),
            ("/delete ab", "deleted"),
            ("/list", "a\nb"),
            ("/incr a", "3"),
            ("/incr n", "1"),
            ("/get n", "1"),
            ("/incr b", "! kv key \"b\" holds no number, so it cannot be incremented"),
            ("/get b", "y"),
            ("/get ", "! kv key of 0 bytes: expected 1 to 512"),
        ])
        .await;
    let (at, over) = ("k".repeat(512), "k".repeat(513));
    assert_eq!(server.says(&format!("/set {at} v")).await, "set");
    assert_eq!(server.says(&format!("/set {over} v")).await, "! kv key of 513 bytes: expected 1 to 512");
    assert_eq!(server.says(&format!("/set big {}", "v".repeat(65_536))).await, "set");
    let shown = server.says(&format!("/set big {}", "w".repeat(65_537))).await;
    assert_eq!(shown, "! kv value of 65537 bytes for key \"big\": expected at most 65536");
}

#[tokio::test]
async fn a_call_that_does_not_succeed_leaves_nothing() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/set-then-trap a 1", "! /set-then-trap is temporarily unavailable (ref REF)"),
            ("/set-then-refuse b 2", "! refused after setting"),
            ("/list", "none"),
            ("/set a 1", "set"),
            ("/set-then-trap a 2", "! /set-then-trap is temporarily unavailable (ref REF)"),
            ("/set-then-refuse a 2", "! refused after setting"),
            ("/get a", "1"),
        ])
        .await;
}

#[tokio::test]
async fn a_value_may_expire() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/ttl long 600000 v", "set"),
            ("/ttl short 200 v", "set"),
            ("/get long", "v"),
            ("/ttl x 0 v", "! kv time to live of 0 ms for key \"x\": expected at least 1"),
        ])
        .await;
    server.until("/get short", "none").await;
    server.check(&[("/get long", "v"), ("/list", "long")]).await;
}

#[tokio::test]
async fn increments_at_once_add_up() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let answers = at_once(&server, "/incr n", 40).await;
    assert!(answers.iter().all(|answer| answer.parse::<u32>().is_ok()), "{answers:?}");
    server.check(&[("/get n", "40")]).await;
}

/// Two that read and write the same: the one that comes too late runs again.
#[tokio::test]
async fn two_at_once_are_two() {
    const ROUNDS: usize = 25;
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    for round in 0..ROUNDS {
        let mut answers = at_once(&server, "/add n", 2).await;
        answers.sort_by_key(|answer| answer.parse::<usize>().unwrap_or(0));
        assert_eq!(answers, [(2 * round + 1).to_string(), (2 * round + 2).to_string()]);
    }
    assert_eq!(server.says("/get n").await, (2 * ROUNDS).to_string());
}

/// Among many, some may find no gap; but each is told the truth.
#[tokio::test]
async fn every_success_counts_once() {
    const ROUNDS: usize = 5;
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let mut successes = 0;
    for _ in 0..ROUNDS {
        let answers = at_once(&server, "/add n", 8).await;
        for answer in &answers {
            assert!(answer == CONTENDED || answer.parse::<usize>().is_ok(), "{answers:?}");
        }
        successes += answers.iter().filter(|answer| *answer != CONTENDED).count();
    }
    assert!(successes >= ROUNDS, "nobody ever succeeded");
    assert_eq!(server.says("/get n").await, successes.to_string());
}

#[tokio::test]
async fn it_outlives_the_host() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server.check(&[("/set a 1", "set"), ("/incr n", "1"), ("/ttl t 600000 v", "set")]).await;
    server.stop().await;
    let server = Server::start(&site).await;
    server.check(&[("/get a", "1"), ("/incr n", "2"), ("/get t", "v")]).await;
    // What was answered was saved, however the host ends.
    server.signal("KILL");
    assert_eq!(server.ended().await.code, None);
    let server = Server::start(&site).await;
    server.check(&[("/get n", "2"), ("/list", "a\nn\nt")]).await;
}

#[tokio::test]
async fn it_belongs_to_the_plugins_file_and_outlives_its_versions() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server.check(&[("/set a 1", "set")]).await;
    site.plugin("probe", "greet-v1");
    server.until("/greet", "hello v1").await;
    site.plugin("probe", "probe");
    server.until("/get a", "1").await;
    site.rename("plugins/probe.wasm", "plugins/other.wasm");
    server.until("/get a", "none").await;
    site.rename("plugins/other.wasm", "plugins/probe.wasm");
    server.until("/get a", "1").await;
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let site = Site::new(&["probe"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.add_source("again", "again key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let (acme, again) = (server.sender("acme", "acme key"), server.sender("again", "again key"));
    server.check(&[("/set a default's", "set"), ("/incr n", "1")]).await;
    acme.check(&[("/get a", "none"), ("/list", "none"), ("/incr n", "1"), ("/set a acme's", "set")]).await;
    server.check(&[("/get a", "default's"), ("/delete n", "deleted")]).await;
    again.check(&[("/get a", "acme's"), ("/list", "a\nn")]).await;
    // Two sources of one tenant are one tenant; the plugin sees which is which.
    let source = async |sender: &Sender| {
        let shown = sender.says("/whoami").await;
        let lines: Vec<String> = shown.lines().map(Into::into).collect();
        let field = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        (field("tenant="), field("source="))
    };
    assert_eq!(source(&acme).await, ("acme".into(), "acme".into()));
    assert_eq!(source(&again).await, ("acme".into(), "again".into()));
}
