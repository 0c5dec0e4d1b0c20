//! Who answers a command that several plugins declare: greet v1 and greet-loud both have `/greet`.

use crate::harness::{Receiver, Said, Server, Site, assert_has};

const LOUD: &str = "HELLO";
const V1: &str = "hello v1";
/// What a remote answers.
const AFAR: &str = "hello from afar";

/// The conflict's two sides as the log tells them.
const LOGGED: &str = "several plugins declare this command; `commands` in a grant file decides otherwise";

/// The same of a command that a remote answers.
const LOGGED_OF_REMOTE: &str =
    "a webhook answers this command, and an update takes none; `commands` in a grant file decides otherwise";

#[tokio::test]
async fn at_the_first_start_the_files_name_decides() {
    for (plugins, serves, owner, other) in
        [(["a=greet-v1", "b=greet-loud"], V1, "a", "b"), (["b=greet-v1", "a=greet-loud"], LOUD, "a", "b")]
    {
        let site = Site::new(&plugins);
        let server = Server::start(&site).await;
        server.check(&[("/greet", serves), ("/shout hey", "HEY")]).await;
        let told = format!("conflict: /greet is answered by {owner}, though {other} too declares it");
        assert_has(&server.listing().await, &[&told]);
        let (owner, other) = (format!("plugin={owner}"), format!("others=\"{other}\""));
        server.log().wait_for(&["WARN", LOGGED, "command=/greet", &owner, &other]).await;
    }
}

#[tokio::test]
async fn no_newcomer_takes_a_command_from_its_owner() {
    let site = Site::new(&["b=greet-v1"]);
    let server = Server::start(&site).await;
    assert!(!server.listing().await.contains("conflict"));
    site.plugin("a", "greet-loud");
    server.until("/shout hey", "HEY").await;
    server.check(&[("/greet", V1)]).await;
    server.log().wait_for(&["WARN", LOGGED, "command=/greet", "plugin=b", "others=\"a\""]).await;
    server.stop().await;
    let server = Server::start(&site).await;
    server.check(&[("/greet", V1)]).await;
    assert_has(&server.listing().await, &["conflict: /greet is answered by b, though a too declares it"]);
    // The owner goes: the command has another now, and coming back does not take it.
    site.remove("plugins/b.wasm");
    server.until("/greet", LOUD).await;
    site.plugin("b", "greet-v1");
    server.log().wait_for(&["WARN", LOGGED, "command=/greet", "plugin=a", "others=\"b\""]).await;
    server.check(&[("/greet", LOUD)]).await;
    server.stop().await;
    let server = Server::start(&site).await;
    server.check(&[("/greet", LOUD)]).await;
}

#[tokio::test]
async fn no_update_takes_a_command_from_its_owner() {
    let site = Site::new(&["a=mark", "b=greet-v1"]);
    let server = Server::start(&site).await;
    site.plugin("a", "greet-loud");
    server.until("/shout hey", "HEY").await;
    server.check(&[("/greet", V1), ("/mark", "! unknown command /mark")]).await;
}

#[tokio::test]
async fn the_operators_word_decides_otherwise() {
    let site = Site::new(&["a=greet-v1", "b=greet-loud"]);
    let server = Server::start(&site).await;
    server.check(&[("/greet", V1)]).await;
    site.grant("b", "commands = [\"/greet\"]");
    server.until("/greet", LOUD).await;
    server.stop().await;
    let server = Server::start(&site).await;
    server.check(&[("/greet", LOUD)]).await;
    assert_has(&server.listing().await, &["conflict: /greet is answered by b, though a too declares it"]);
}

#[tokio::test]
async fn an_owner_that_fails_is_not_replaced() {
    let site = Site::new(&["a=probe", "b=probe"]);
    let server = Server::start(&site).await;
    server.check(&[("/trap", "! /trap is temporarily unavailable (ref REF)"), ("/refuse no", "! no")]).await;
    let log = server.stop().await.err;
    assert_eq!(log.matches("outcome=\"trapped\"").count(), 1, "{log}");
    assert_has(&log, &["by=a command=/trap"]);
}

#[tokio::test]
async fn a_tenants_own_plugin_precedes_the_shared_one() {
    let site = Site::new(&["greet=greet-v1", "mark"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    acme.check(&[("/greet", V1)]).await;
    // A folder that is made while the host runs.
    site.plugin("acme/own", "greet-loud");
    acme.until("/shout hey", "HEY").await;
    acme.check(&[("/greet", LOUD), ("/mark x", "Marked: x")]).await;
    server.check(&[("/greet", V1), ("/shout hey", "! unknown command /shout")]).await;
    server.stop().await;
    let server = Server::start(&site).await;
    server.sender("acme", "acme key").check(&[("/greet", LOUD)]).await;
    server.check(&[("/greet", V1)]).await;
    assert_has(
        &server.listing().await,
        &["acme/own 1.0.0", "/greet of acme is answered by acme/own, though greet too"],
    );
    site.remove("plugins/acme/own.wasm");
    let acme = server.sender("acme", "acme key");
    acme.until("/shout hey", "! unknown command /shout").await;
    acme.check(&[("/greet", V1)]).await;
}

/// A site with a remote that answers `/greet`.
fn site_with_remote(receiver: &Receiver, plugins: &[&str]) -> Site {
    receiver.says(Said::text(AFAR));
    let site = Site::new(plugins);
    site.add_webhook("crm", &receiver.url("/"), &["/greet", "/shout"], "");
    site.allow_receivers();
    site
}

#[tokio::test]
async fn no_update_takes_a_command_from_a_remote() {
    let receiver = Receiver::start();
    let site = site_with_remote(&receiver, &["a=mark"]);
    let server = Server::start(&site).await;
    server.check(&[("/greet", AFAR)]).await;
    site.plugin("a", "greet-v1");
    server.log().wait_for(&["WARN", LOGGED_OF_REMOTE, "command=/greet", "others=\"a\""]).await;
    server.until("/mark", "! unknown command /mark").await;
    server.check(&[("/greet", AFAR)]).await;
    server.stop().await;
    // While the host was down, another update came.
    site.plugin("a", "greet-loud");
    let server = Server::start(&site).await;
    server.check(&[("/greet", AFAR), ("/shout hey", AFAR)]).await;
    let conflicts = ["/greet", "/shout"]
        .map(|name| format!("conflict: {name} of default is answered by a webhook, though a too declares it"));
    assert_has(&server.listing().await, &conflicts.each_ref().map(String::as_str));
    // The operator's word decides otherwise, command by command.
    site.grant("a", "commands = [\"/greet\"]");
    server.until("/greet", LOUD).await;
    server.check(&[("/shout hey", AFAR)]).await;
    server.stop().await;
    let server = Server::start(&site).await;
    server.check(&[("/greet", LOUD), ("/shout hey", AFAR)]).await;
}

#[tokio::test]
async fn a_new_plugin_takes_a_command_from_a_remote() {
    let receiver = Receiver::start();
    let site = site_with_remote(&receiver, &["mark"]);
    let server = Server::start(&site).await;
    server.check(&[("/greet", AFAR)]).await;
    site.plugin("greet", "greet-v1");
    server.until("/greet", V1).await;
    assert!(!server.log().all().iter().any(|line| line.contains(LOGGED_OF_REMOTE)));
    // Its own updates lose nothing.
    site.plugin("greet", "greet-loud");
    server.until("/greet", LOUD).await;
    server.check(&[("/shout hey", AFAR)]).await;
    site.remove("plugins/greet.wasm");
    server.until("/greet", AFAR).await;
}

/// A remote that is configured later answers what nobody owns, and takes nothing.
#[tokio::test]
async fn a_remote_takes_no_command_from_a_plugin() {
    let receiver = Receiver::start();
    receiver.says(Said::text(AFAR));
    let site = Site::new(&["greet=greet-v1"]);
    let server = Server::start(&site).await;
    server.check(&[("/greet", V1), ("/other", "! unknown command /other")]).await;
    server.stop().await;
    site.add_webhook("crm", &receiver.url("/"), &["/*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.check(&[("/greet", V1), ("/other", AFAR)]).await;
}
