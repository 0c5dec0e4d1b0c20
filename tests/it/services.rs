//! What else a plugin may ask for: what is not granted or not sound is refused in words, and nothing breaks.

use crate::harness::{Server, Site, assert_has};

#[tokio::test]
async fn what_is_not_served_is_refused_in_words() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/timer call-back 1000 {}", "ok"),
            ("/emit paid {\"sum\":1}", "ok"),
            ("/emit pa*d {}", "error: event \"pa*d\": expected dotted words such as `paid`"),
            ("/echo still here", "still here"),
        ])
        .await;
}

#[tokio::test]
async fn what_a_plugin_says_is_in_the_log_under_its_name() {
    let site = Site::new(&["probe"]);
    site.configure("[log]\nlevel = \"info,slashbox::guest=trace\"");
    let server = Server::start(&site).await;
    for level in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"] {
        let (lower, word) = (level.to_lowercase(), format!("said-{level}"));
        server.check(&[(&format!("/log {lower} {word}"), "logged")]).await;
        let line = server.log().wait_for(&["slashbox::guest", &word]).await;
        assert_has(&line, &[level, "plugin=probe", "tenant=\"default\"", "call=\""]);
    }
    server.check(&[("/print a line", "printed")]).await;
    server.log().wait_for(&["INFO", "slashbox::guest", "out: a line", "plugin=probe"]).await;
    server.log().wait_for(&["WARN", "slashbox::guest", "err: a line", "plugin=probe"]).await;
}

/// Whoever reads the log must know who speaks.
#[tokio::test]
async fn a_plugin_cannot_write_the_hosts_lines() {
    const FORGED: &str = "2026-01-01T00:00:00.000000Z  INFO slashbox::host: all is well";
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    for line_end in ["\n", "\r\n", "\r"] {
        server.check(&[(&format!("/log warn one{line_end}{FORGED}{line_end}\x1b[2Jthree"), "logged")]).await;
        server.check(&[(&format!("/print one{line_end}{FORGED}{line_end}\x1b[2Jthree"), "printed")]).await;
    }
    let log = server.stop().await.err;
    assert_eq!(log.matches(FORGED).count(), 9, "{log}");
    for line in log.split(['\n', '\r']).filter(|line| line.contains(FORGED)) {
        assert_has(line, &["slashbox::guest: ", "plugin=probe"]);
    }
    assert!(!log.contains('\x1b'), "{log:?}");
}

#[tokio::test]
async fn a_plugin_that_talks_without_end_is_cut_off() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let many = "many words\n".repeat(20_000);
    server
        .check(&[(&format!("/log warn {many}"), "logged"), (&format!("/log warn {}", "x".repeat(100_000)), "logged")])
        .await;
    server
        .log()
        .wait_for(&["WARN", "log limit of 64 KiB reached, the rest was dropped", "plugin=probe", "lines="])
        .await;
    let log = server.stop().await.err;
    assert!(log.len() < 300_000, "{} bytes", log.len());
}
