//! What a plugin is granted: the operator's file beside it, which is read again when it changes.

use crate::harness::{Server, Site, assert_has};

/// Why a grant file is not taken; the plugin goes on with the one before.
const NOT_TAKEN: &str = "cannot be loaded, the last good version serves";

#[tokio::test]
async fn settings_are_read_again_when_they_change() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    server.check(&[("/setting GREETING", "unset"), ("/setting PATH", "unset"), ("/setting HOME", "unset")]).await;
    for greeting in ["moin", "servus", "", "with \"quotes\" = and\nlines"] {
        site.grant("probe", &format!("[settings]\nGREETING = {greeting:?}"));
        server.until("/setting GREETING", greeting).await;
    }
    site.remove("plugins/probe.toml");
    server.until("/setting GREETING", "unset").await;
}

#[tokio::test]
async fn a_plugin_is_switched_off_and_on() {
    let site = Site::new(&["probe", "mark"]);
    let server = Server::start(&site).await;
    site.grant("probe", "enabled = false");
    // It keeps its commands meanwhile: nobody else answers in its place.
    site.plugin("zzz", "probe");
    server.until("/echo hi", "! /echo is temporarily unavailable (ref REF)").await;
    server.log().wait_for(&["INFO", "disabled by its grant", "plugin=probe"]).await;
    let answer = server.support.types("/echo hi").await;
    let line = server.log().wait_for(&[answer.reference()]).await;
    assert_has(&line, &["WARN", "by=probe", "command=/echo", "outcome=\"unavailable\"", "broken or disabled"]);
    server.check(&[("/mark x", "Marked: x")]).await;
    site.grant("probe", "enabled = true");
    server.until("/echo hi", "hi").await;
}

#[tokio::test]
async fn a_grant_with_a_mistake_changes_nothing() {
    let site = Site::new(&["probe"]);
    site.grant("probe", "[settings]\nGREETING = \"moin\"");
    let server = Server::start(&site).await;
    let check = async |grant: &str, expected: &str| {
        let logged = server.log().count();
        site.grant("probe", grant);
        let line = server.log().wait_after(logged, &["WARN", NOT_TAKEN, "plugin=probe", expected]).await;
        assert!(!line.contains("servus"), "a setting's value: {line}");
        server.check(&[("/setting GREETING", "moin")]).await;
    };
    let servus = "[settings]\nGREETING = \"servus\"\n";
    check(&format!("{servus}["), "grant: line 3, column ").await;
    check(&format!("enable = false\n{servus}"), "grant: unknown key `enable`: did you mean `enabled`?").await;
    check(&format!("enabled = 1\n{servus}"), "grant: `enabled`: invalid type: integer `1`, expected a boolean").await;
    check(&format!("{servus}N = 5"), "grant: `settings.N`: expected text in quotes").await;
    check(&format!("{servus}N = \"${{NOT_SET}}\""), "grant: `settings.N`: the environment variable NOT_SET is not set")
        .await;
    check(&format!("commands = [\"x y\"]\n{servus}"), "grant: `commands`: \"x y\" is no command name: expected /")
        .await;
    check(
        &format!("{servus}[limits]\nmemory_mib = 65"),
        "grant: `limits.memory_mib` = 65: expected 1 to 64, the host's own limit",
    )
    .await;
    check(
        &format!("{servus}[limits]\ncpu_ms = 0"),
        "grant: `limits.cpu_ms` = 0: expected 1 to 500, the host's own limit",
    )
    .await;
    site.grant("probe", servus);
    server.until("/setting GREETING", "servus").await;
}

#[tokio::test]
async fn a_setting_may_come_from_the_hosts_environment() {
    const TOKEN: &str = "t0p-s3cret";
    let mut site = Site::new(&["probe"]);
    site.set_variable("CRM_TOKEN", TOKEN);
    site.grant("probe", "[settings]\nTOKEN = \"Bearer ${CRM_TOKEN}!\"\nGREETING = \"$${CRM_TOKEN}\"");
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/setting TOKEN", "Bearer t0p-s3cret!"),
            ("/setting GREETING", "${CRM_TOKEN}"),
            // It is granted by name; the rest of the environment is not.
            ("/setting CRM_TOKEN", "unset"),
        ])
        .await;
    let listing = server.listing().await;
    assert!(!listing.contains("lacks required setting"), "{listing}");
    let ended = server.stop().await;
    assert!(!format!("{}{}", ended.out, ended.err).contains(TOKEN), "{ended:#?}");
}

#[tokio::test]
async fn a_tenants_folder_does_not_read_the_hosts_environment() {
    let mut site = Site::empty();
    site.set_variable("CRM_TOKEN", "t0p-s3cret");
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.plugin("acme/probe", "probe");
    site.grant("acme/probe", "[settings]\nTOKEN = \"${CRM_TOKEN}\"");
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    acme.check(&[("/setting TOKEN", "! unknown command /setting")]).await;
    let what = "grant: `settings.TOKEN`: the host's environment is for plugins of all tenants; write the value itself";
    assert_has(&server.listing().await, &["acme/probe.toml: ", what]);
    site.grant("acme/probe", "[settings]\nTOKEN = \"acme's own\"");
    acme.until("/setting TOKEN", "acme's own").await;
}

#[tokio::test]
async fn what_a_plugin_lacks_is_told_until_it_is_granted() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let lacks: Vec<String> = ["optional setting GREETING", "required setting TOKEN", "http to crm.example.com"]
        .into_iter()
        .map(|lack| format!("lacks {lack}, to be given in "))
        .collect();
    let listing = server.listing().await;
    assert_has(&listing, &lacks.iter().map(String::as_str).collect::<Vec<_>>());
    assert_has(&listing, &["[settings] of ", "allowed_hosts of ", "probe.toml"]);
    let asks = "it asks for what its grant file does not give";
    let line = server.log().wait_for(&["WARN", asks, "plugin=probe"]).await;
    assert_has(&line, &["optional setting GREETING, required setting TOKEN, http to crm.example.com"]);
    site.grant("probe", "allowed_hosts = [\"*.example.com\"]\n[settings]\nTOKEN = \"t\"\nGREETING = \"moin\"");
    server.until("/setting GREETING", "moin").await;
    server.stop().await;
    let server = Server::start(&site).await;
    let listing = server.listing().await;
    assert!(!listing.contains("lacks"), "{listing}");
}

#[tokio::test]
async fn a_new_version_that_asks_for_more_is_told() {
    let site = Site::new(&["greet=greet-v1"]);
    let server = Server::start(&site).await;
    // It is another plugin altogether, but that is no matter.
    site.plugin("greet", "probe");
    let asks = "asks=\"optional setting GREETING, required setting TOKEN, http to crm.example.com\"";
    server.log().wait_for(&["WARN", "replaced; it asks for more than before", asks, "lacks="]).await;
    site.grant("greet", "allowed_hosts = [\"crm.example.com\"]\n[settings]\nTOKEN = \"t\"\nGREETING = \"moin\"");
    server.until("/setting GREETING", "moin").await;
    let shown = server.admin("plugins/greet").await;
    let granted = serde_json::json!(["setting GREETING", "setting TOKEN", "http to crm.example.com"]);
    assert_eq!(shown["serving"]["granted"], granted);
    // More than before, though all of it is granted; events need no grant.
    let before = server.log().count();
    site.plugin("greet", "counter");
    server
        .log()
        .wait_after(before, &["WARN", "replaced; it asks for more than before", "asks=\"events message.*"])
        .await;
}

#[tokio::test]
async fn a_tenants_grant_lies_in_the_tenants_folder() {
    let site = Site::new(&["probe"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.grant("probe", "[settings]\nTOKEN = \"t0p-s3cret\"");
    site.plugin("acme/spy", "probe");
    std::os::unix::fs::symlink("../probe.toml", site.path("plugins/acme/spy.toml")).unwrap();
    let server = Server::start(&site).await;
    let what = "grant: cannot be read: a link that leads out of the tenant's folder: expected a file in it";
    assert_has(&server.listing().await, &["acme/spy.toml: ", what]);
}

#[tokio::test]
async fn a_grant_that_is_too_long_is_not_cut() {
    let site = Site::new(&["probe"]);
    site.grant("probe", &format!("{}\nenabled = false", "# a comment\n".repeat(30_000)));
    let server = Server::start(&site).await;
    assert_has(&server.listing().await, &["probe.toml: grant: cannot be read: the file has more than 262144 bytes"]);
}
