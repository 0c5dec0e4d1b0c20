//! Plugins in other languages than Rust: the guests of `tests/guests/javascript` and `tests/guests/python` are the same
//! plugin, so one test serves both. Theirs are the sources that `docs/javascript.md` and `docs/python.md` show.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::harness::{Server, Site, assert_has, skipped};

/// How long a host may take to compile a language's engine: some 10 s of its own, many times that on a busy machine.
const COMPILED_WITHIN: Duration = Duration::from_secs(300);

/// How long until the next look.
const LOOK: Duration = Duration::from_millis(100);

#[tokio::test]
async fn javascript() {
    check("javascript").await;
}

#[tokio::test]
async fn python() {
    check("python").await;
}

/// Whether `cargo xtask languages` built it; if not, the summary says that its test was skipped.
fn is_built(guest: &str) -> bool {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/test-guests/{guest}.wasm"));
    let is_built = file.exists();
    if !is_built {
        skipped(&format!("languages::{guest}"), "not built, `cargo xtask languages` says which tool is missing");
    }
    is_built
}

async fn check(guest: &str) {
    if !is_built(guest) {
        return;
    }
    let site = Site::new(&[]);
    site.configure(&format!("[limits]\ncompile_s = {}", COMPILED_WITHIN.as_secs()));
    let server = Server::start(&site).await;
    site.plugin(guest, guest);
    let logged = looked_at(&server, guest).await;
    assert_has(&logged, &["loaded", "version=\"1.0.0\"", "lacks=\"optional setting GREETING\""]);
    server
        .check(&[
            ("/visits", "Visit 1 of -1002146012345:5"),
            ("/visits", "Visit 2 of -1002146012345:5"),
            ("/last", "! nothing was said yet"),
        ])
        .await;
    server.support.writes("Grüße 👋").await;
    server.until("/last", "Grüße 👋").await;
    an_error_ends_the_call_alone(&server, guest).await;
    server.check(&[("/visits", "Visit 3 of -1002146012345:5"), ("/last", "Grüße 👋")]).await;
    server.stop().await;
    site.grant(guest, "[settings]\nGREETING = \"Moin!\"");
    let server = Server::start(&site).await;
    server.check(&[("/visits", "Moin! Visit 4 of -1002146012345:5"), ("/last", "Grüße 👋")]).await;
}

/// Waits until the host has dealt with the file, and gives back what it logs.
async fn looked_at(server: &Server, guest: &str) -> String {
    let deadline = Instant::now() + COMPILED_WITHIN;
    let of_guest = format!("plugin={guest}");
    loop {
        if let Some(line) = server.log().all().into_iter().find(|line| line.contains(&of_guest)) {
            return line;
        }
        assert!(Instant::now() < deadline, "nothing becomes of {guest}: {:#?}", server.log().all());
        tokio::time::sleep(LOOK).await;
    }
}

/// What is said is longer than what kv takes by one byte, so kv has the guest throw, and it does not catch.
async fn an_error_ends_the_call_alone(server: &Server, guest: &str) {
    let other = server.support.in_topic(6);
    other.writes(&"x".repeat(65_537)).await;
    let delivery = server.delivery("?state=due", |delivery| delivery["attempt_count"] == 1).await;
    assert_eq!(delivery["subscriber"]["name"], guest, "{delivery:#}");
    assert_has(delivery["last_attempt"]["detail"].as_str().unwrap(), &["trapped: wasm trap: "]);
    other.check(&[("/visits", "Visit 1 of -1002146012345:6"), ("/last", "! nothing was said yet")]).await;
}
