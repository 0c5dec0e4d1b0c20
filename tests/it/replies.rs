//! What an operator gets to see: a reply, a refusal, nothing, or that it cannot be had now.

use crate::harness::{KEY, Server, Site, assert_has};

/// What a message may have, in UTF-16 code units.
const REPLY_UNITS_MAX: usize = 4_096;

#[tokio::test]
async fn each_way_to_end_is_shown() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/echo hi", "hi"),
            ("/echo *as* <b>it</b> \"is\" \\ / 😀\n\t", "*as* <b>it</b> \"is\" \\ / 😀\n\t"),
            ("/echo", "(nothing)"),
            ("/refuse not before noon", "! not before noon"),
            ("/refuse", "! /refuse was refused (ref REF)"),
            ("/later", "! /later is temporarily unavailable (ref REF)"),
        ])
        .await;
}

#[tokio::test]
async fn why_it_cannot_now_is_for_the_log() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let answer = server.support.types("/later the CRM rests").await;
    assert_eq!(answer.shown(), "! /later is temporarily unavailable (ref REF)");
    let line = server.log().wait_for(&[answer.reference()]).await;
    assert_has(&line, &["WARN", "command=/later", "outcome=\"unavailable\"", "the CRM rests"]);
}

#[tokio::test]
async fn a_source_may_want_plain_text() {
    let site = Site::new(&["probe"]);
    site.add_source("plain", "plain key", "reply = \"text\"");
    let server = Server::start(&site).await;
    let plain = server.sender("plain", "plain key");
    let check = async |line: &str, status: u16, content_type: &str, expected: &str| {
        let answer = plain.types(line).await;
        let found = (answer.status, answer.content_type.as_str(), answer.body.as_str());
        assert_eq!(found, (status, content_type, expected), "{line}");
    };
    let text = "text/plain; charset=utf-8";
    check("/echo {\"a\": \"ы\"}", 200, text, "{\"a\": \"ы\"}").await;
    check("/echo", 200, "", "").await;
    check("/refuse no", 200, text, "no").await;
    check("/nobodys", 200, text, "unknown command /nobodys").await;
    check("/ command", 400, text, {
        "`event_type`: \"/\" is no command name: expected / and 1 to 64 characters without white space, / and *"
    })
    .await;
    let answer = server.sender("plain", KEY).types("/echo hi").await;
    assert_eq!((answer.status, answer.body.as_str()), (401, "`api_key` is not this source's key"));
}

#[tokio::test]
async fn a_reply_is_cut_to_what_a_platform_takes() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let check = async |units: usize, expected: String| {
        let shown = server.says(&format!("/long {units}")).await;
        assert!(shown == expected, "{units}: …{:?}", shown.chars().rev().take(5).collect::<Vec<_>>());
        assert!(shown.encode_utf16().count() <= REPLY_UNITS_MAX, "{units}");
    };
    let text = "x".repeat(REPLY_UNITS_MAX - 2);
    check(REPLY_UNITS_MAX - 1, format!("{text}y")).await;
    check(REPLY_UNITS_MAX, format!("{text}😀")).await;
    assert!(!server.log().all().iter().any(|line| line.contains("too long")), "{:#?}", server.log().all());
    // The emoji would leave no room for the ellipsis, and half of it is none.
    check(REPLY_UNITS_MAX + 1, format!("{text}…")).await;
    check(5_000, format!("{text}…")).await;
    for from in ["from=4097", "from=5000"] {
        server.log().wait_for(&["WARN", "reply too long, cut to 4096", "by=probe", from]).await;
    }
}

#[tokio::test]
async fn a_refusal_is_cut_too() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let shown = server.says(&format!("/refuse {}", "ы".repeat(5_000))).await;
    assert!(shown == format!("! {}…", "ы".repeat(REPLY_UNITS_MAX - 1)), "{} characters", shown.chars().count());
}

#[tokio::test]
async fn markdown_that_is_not_sound_is_sent_and_logged() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/markdown *bold* and \\*", "*bold* and \\*"),
            ("/echo *plain", "*plain"),
            ("/markdown ok *bold", "ok *bold"),
        ])
        .await;
    let line = server.log().wait_for(&["MarkdownV2"]).await;
    assert_has(&line, &["WARN", "by=probe", "\"*\" at character 3 is never closed"]);
    let log = server.stop().await.err;
    assert_eq!(log.matches("MarkdownV2").count(), 1, "{log}");
}
