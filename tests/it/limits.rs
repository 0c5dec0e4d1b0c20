//! What a call may use: whatever a plugin does, its call ends, alone, and tells the sender nothing of the inside.

use tokio::task::JoinSet;

use crate::harness::{Answer, Server, Site, assert_has, eventually};

#[tokio::test]
async fn a_call_that_goes_too_far_ends_and_tells_nothing() {
    let site = Site::new(&["probe"]);
    // Less than the host's own limits; time on the processor is not, since on a busy machine all of it takes longer.
    site.grant("probe", "[limits]\nmemory_mib = 16\ntimeout_ms = 1000");
    let server = Server::start(&site).await;
    let check = async |line: &str, outcome: &str, cause: &str| {
        let name = line.split(' ').next().unwrap();
        let answer: Answer = server.support.types(line).await;
        assert_eq!(answer.shown(), format!("! {name} is temporarily unavailable (ref REF)"), "{line}");
        let outcome = format!("outcome=\"{outcome}\"");
        let command = format!("command={name}");
        let logged = server.log().wait_for(&[answer.reference(), &outcome]).await;
        assert_has(&logged, &["WARN", "by=probe", "tenant=\"default\"", &command, cause]);
        // It was a sandbox of its own that broke.
        server.check(&[("/echo well", "well")]).await;
    };
    check("/spin", "limit", "cpu limit of 500 ms reached").await;
    check("/grow", "limit", "memory limit of 16 MiB reached").await;
    check("/recurse", "limit", "stack limit of 512 KiB reached").await;
    check("/sleep 60000", "limit", "timeout of 1000 ms reached").await;
    check("/trap", "trapped", "wasm `unreachable` instruction executed").await;
    check("/panic at the disco", "trapped", "wasm `unreachable` instruction executed").await;
    server.log().wait_for(&["WARN", "slashbox::guest", "probe panicked: at the disco", "plugin=probe"]).await;
}

#[tokio::test]
async fn the_hosts_own_limits_hold_without_a_grant() {
    let site = Site::new(&["probe"]);
    site.configure("[limits]\ncommand_ms = 1000\ncpu_ms = 400\nmemory_mib = 8");
    let server = Server::start(&site).await;
    for (line, cause) in [
        ("/spin", "cpu limit of 400 ms reached"),
        ("/grow", "memory limit of 8 MiB reached"),
        // The whole budget of a command, less what has gone by.
        ("/sleep 60000", "the command's time ran out"),
    ] {
        let answer = server.support.types(line).await;
        server.log().wait_for(&[answer.reference(), cause]).await;
    }
}

#[tokio::test]
async fn others_are_answered_meanwhile() {
    const SPINS: usize = 8;
    const MARKS: usize = 40;
    let site = Site::new(&["probe", "mark"]);
    site.grant("probe", "[limits]\ncpu_ms = 100");
    let server = Server::start(&site).await;
    let mut spins = JoinSet::new();
    for _ in 0..SPINS {
        let sender = server.support.clone();
        spins.spawn(async move {
            loop {
                let shown = sender.says("/spin").await;
                // After some in a row, it is set aside for a while.
                let aside = shown.starts_with("! /spin is set aside for ");
                assert!(aside || shown == "! /spin is temporarily unavailable (ref REF)", "{shown}");
            }
        });
    }
    server.log().wait_for(&["command=/spin", "outcome=\"limit\"", "cpu limit of 100 ms reached"]).await;
    let mut marks = JoinSet::new();
    for number in 0..MARKS {
        let sender = server.support.clone();
        marks.spawn(async move { (sender.says(&format!("/mark {number}")).await, format!("Marked: {number}")) });
    }
    while let Some(mark) = marks.join_next().await {
        let (shown, expected) = mark.unwrap();
        assert_eq!(shown, expected);
    }
    // A spin that was answered otherwise has ended its task.
    assert!(spins.try_join_next().is_none(), "a spin was answered as it must not be");
    assert_eq!(spins.len(), SPINS);
}

#[tokio::test]
async fn a_plugin_has_so_many_places_and_no_more() {
    let site = Site::new(&["probe", "mark"]);
    site.one_place();
    let server = Server::start(&site).await;
    let call = server.running("/sleep 2000").await;
    let answer = server.support.types("/echo hi").await;
    assert_eq!(answer.shown(), "! /echo is busy, try again in a moment (ref REF)");
    server.log().wait_for(&["WARN", answer.reference(), "command=/echo", "outcome=\"busy\""]).await;
    server.check(&[("/mark x", "Marked: x")]).await;
    assert_eq!(call.await.unwrap(), "slept 2000 ms");
    server.check(&[("/echo hi", "hi")]).await;
}

#[tokio::test]
async fn a_tenant_leaves_some_places_of_a_shared_plugin_to_others() {
    let site = Site::new(&["probe"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.grant("probe", "[limits]\nconcurrency = 4");
    site.configure("[limits]\nqueue_ms = 200");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    // Both are known from here on.
    server.check(&[("/echo a", "a")]).await;
    acme.check(&[("/echo a", "a")]).await;
    let sleeping: Vec<_> = (0..3)
        .map(|_| {
            let sender = server.support.clone();
            tokio::spawn(async move { sender.says("/sleep 3000").await })
        })
        .collect();
    server.until("/echo b", "! /echo is busy, try again in a moment (ref REF)").await;
    acme.check(&[("/echo b", "b")]).await;
    for call in sleeping {
        assert_eq!(call.await.unwrap(), "slept 3000 ms");
    }
}

#[tokio::test]
async fn of_a_tenants_own_plugin_there_is_nobody_to_leave_places_to() {
    let site = Site::new(&["mark"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.plugin("acme/probe", "probe");
    site.grant("acme/probe", "[limits]\nconcurrency = 4");
    site.configure("[limits]\nqueue_ms = 200");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    server.check(&[("/mark a", "Marked: a")]).await;
    let sleeping = (0..4).map(|_| {
        let acme = acme.clone();
        tokio::spawn(async move { acme.says("/sleep 1500").await })
    });
    for call in sleeping.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), "slept 1500 ms");
    }
}

#[tokio::test]
async fn the_host_has_so_many_places_and_no_more() {
    let site = Site::new(&["probe", "mark"]);
    site.configure("[limits]\ncalls = 1\nqueue_ms = 300");
    let server = Server::start(&site).await;
    let call = server.running("/sleep 2000").await;
    server.check(&[("/mark x", "! /mark is busy, try again in a moment (ref REF)")]).await;
    assert_eq!(call.await.unwrap(), "slept 2000 ms");
    server.check(&[("/mark x", "Marked: x")]).await;
}

/// For one tenant, and until it answers again or another version comes.
#[tokio::test]
async fn a_plugin_that_keeps_crashing_is_set_aside() {
    let site = Site::new(&["probe"]);
    site.add_source("acme", "acme's key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme's key");
    for _ in 0..5 {
        assert_eq!(server.support.says("/trap").await, "! /trap is temporarily unavailable (ref REF)");
    }
    server.log().wait_for(&["WARN", "set aside for a while: it keeps crashing", "plugin=probe", "pause_s=1"]).await;
    let aside = "! /echo is set aside for 1 s, since its plugin keeps crashing (ref REF)";
    assert_eq!(server.support.says("/echo a").await, aside);
    assert_eq!(acme.says("/echo a").await, "a");
    // It comes back by itself.
    eventually("an answer", async || (server.support.says("/echo a").await == "a").then_some(())).await;
    assert_eq!(server.support.says("/echo b").await, "b");
    // Or by a new file.
    for _ in 0..5 {
        server.support.says("/trap").await;
    }
    assert_eq!(server.support.says("/echo a").await, aside);
    site.grant("probe", "[limits]\ncpu_ms = 400");
    server.log().wait_for(&["INFO", "replaced", "plugin=probe"]).await;
    assert_eq!(server.support.says("/echo a").await, "a");
}
