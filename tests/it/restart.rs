//! What a restart finds: the last good version of each plugin, and what the operator has done meanwhile.

use crate::harness::{Server, Site, assert_has, guest};

/// A host has loaded greet v1 and stopped; then `does` happens, and another host starts.
async fn restarted(does: impl Fn(&Site)) -> (Site, Server) {
    let site = Site::new(&["greet=greet-v1"]);
    let server = Server::start(&site).await;
    server.check(&[("/greet", "hello v1")]).await;
    server.stop().await;
    does(&site);
    let server = Server::start(&site).await;
    (site, server)
}

#[tokio::test]
async fn a_file_that_is_torn_meanwhile_leaves_the_last_good_version() {
    let torn: [(&[u8], &str); 3] = [
        (&guest("greet-v2")[..40_000], "damaged or cut off"),
        (b"", "the file is empty: it may still be being written"),
        (b"PK\x03\x04 an archive", "no WebAssembly: the file begins with [50, 4b, 03, 04, 20, 61, 6e, 20]"),
    ];
    for (content, what) in torn {
        let (site, server) = restarted(|site| site.write("plugins/greet.wasm", content)).await;
        server.check(&[("/greet", "hello v1")]).await;
        let listing = server.listing().await;
        assert_has(&listing, &["greet 1.0.0  Says hello", "greet.wasm: ", what, "; the last good version serves"]);
        server.log().wait_for(&["WARN", "cannot be loaded, the last good version serves", "plugin=greet"]).await;
        // And it is not the last one for ever.
        site.plugin("greet", "greet-v2");
        server.until("/greet", "hello v2").await;
        server.stop().await;
        let server = Server::start(&site).await;
        server.check(&[("/greet", "hello v2")]).await;
    }
}

#[tokio::test]
async fn a_sound_version_that_came_meanwhile_serves() {
    let (_site, server) = restarted(|site| site.plugin("greet", "greet-v2")).await;
    server.check(&[("/greet", "hello v2")]).await;
}

#[tokio::test]
async fn a_plugin_that_was_taken_away_meanwhile_stays_away() {
    let (_site, server) = restarted(|site| site.remove("plugins/greet.wasm")).await;
    server.check(&[("/greet", "! unknown command /greet")]).await;
    assert_has(&server.listing().await, &["none yet: drop a .wasm file into the folder"]);
}

#[tokio::test]
async fn a_plugin_that_was_switched_off_meanwhile_is_off() {
    let (_site, server) = restarted(|site| site.grant("greet", "enabled = false")).await;
    server.check(&[("/greet", "! /greet is temporarily unavailable (ref REF)")]).await;
    assert_has(&server.listing().await, &["greet disabled by its grant file"]);
}

/// Without the operator's word as it is meant, nothing is known of what the plugin may do.
#[tokio::test]
async fn a_grant_that_is_broken_meanwhile_serves_nothing() {
    let (site, server) = restarted(|site| site.grant("greet", "enabled = fasle")).await;
    server.check(&[("/greet", "! /greet is temporarily unavailable (ref REF)")]).await;
    assert_has(&server.listing().await, &["not served: ", "greet.toml: grant: line 1, column "]);
    site.grant("greet", "enabled = true");
    server.until("/greet", "hello v1").await;
}

#[tokio::test]
async fn without_a_good_version_a_torn_file_serves_nothing() {
    let site = Site::new(&["mark"]);
    site.write("plugins/greet.wasm", &guest("greet-v1")[..40_000]);
    let server = Server::start(&site).await;
    server.check(&[("/greet", "! unknown command /greet"), ("/mark x", "Marked: x")]).await;
    let listing = server.listing().await;
    assert_has(&listing, &["not served: ", "greet.wasm: damaged or cut off"]);
    assert!(!listing.contains("last good"), "{listing}");
    server.log().wait_for(&["WARN", "cannot be loaded", "plugin=greet", "damaged or cut off"]).await;
}

/// Also if something broken comes under its name later: what was taken away does not come back.
#[tokio::test]
async fn a_version_that_was_taken_away_meanwhile_is_forgotten() {
    let (site, server) = restarted(|site| site.remove("plugins/greet.wasm")).await;
    server.stop().await;
    site.write("plugins/greet.wasm", "torn");
    let server = Server::start(&site).await;
    server.check(&[("/greet", "! unknown command /greet")]).await;
    assert!(!server.listing().await.contains("last good"));
}
