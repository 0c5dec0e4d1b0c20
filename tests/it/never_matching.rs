//! What nothing fits is told: at the start, at a reload, by `config check`, and of plugins wherever they are shown.

use serde_json::{Value, json};

use crate::harness::{Process, Server, Site, assert_has, eventually};

const URL: &str = "https://crm.example.com/";

/// What is wrong with a subscription to [`MISTAKEN`].
const WARNING: &str = "\"dialog_close\" matches nothing that the tenant's sources send, did you mean dialog_closed?";

const MISTAKEN: &[&str] = &["message.*", "dialog_close"];

#[tokio::test]
async fn a_mistaken_name_is_told_at_the_start_and_by_a_check() {
    let site = Site::new(&[]);
    site.add_webhook("crm", URL, MISTAKEN, "");
    let checked = Process::run(&["config", "check"], site.dir()).await;
    checked.assert(0, &["ok slashbox.toml: 1 source and 1 webhook", &format!("\nwarning: webhook crm: {WARNING}\n")]);
    let server = Server::start(&site).await;
    assert_has(
        &server.listing().await,
        &[&format!("\n  crm  crm.example.com  message.* dialog_close\n    warning: {WARNING}\n")],
    );
    server.log().wait_for(&["WARN", WARNING, "webhook=crm"]).await;
}

#[tokio::test]
async fn each_sort_of_mistake_is_told() {
    let check = async |source: &str, webhook: &str, expected: &[&str]| {
        let site = Site::empty();
        site.configure(source);
        site.configure(&format!("[[webhooks]]\nname = \"crm\"\nurl = {URL:?}\n{webhook}"));
        let checked = Process::run(&["config", "check"], site.dir()).await;
        checked.assert(0, &[]);
        let told: Vec<&str> =
            checked.out.lines().filter_map(|line| line.strip_prefix("warning: webhook crm: ")).collect();
        assert_eq!(told, expected, "{webhook}");
    };
    let hotline = "[[sources]]\nname = \"support\"\ndialect = \"hotline\"\napi_key = \"a long key\"";
    let native = "[[sources]]\nname = \"support\"\ndialect = \"native\"\ntoken = \"a long token\"";
    check(hotline, "events = [\"*\", \"native.x\", \"plugin.a.b\", \"/mark\", \"/*\", \"message_sent\"]", &[]).await;
    check(
        hotline,
        "events = [\"messages.*\", \"Reserved. Apartment #3\"]",
        &[
            "\"messages.*\" matches nothing that the tenant's sources send, did you mean message.*?",
            "\"Reserved. Apartment #3\" matches nothing that the tenant's sources send",
        ],
    )
    .await;
    check(
        hotline,
        "events = [\"message.*\", \"message.sent\", \"/mark\"]\nsenders = [\"contact\"]",
        &[
            "\"message.sent\" matches nothing that its senders write: contact",
            "\"/mark\" matches nothing that its senders write: contact",
        ],
    )
    .await;
    check(
        hotline,
        "events = [\"closed\"]\nsources = [\"support\"]",
        &["\"closed\" matches nothing that its sources send"],
    )
    .await;
    check(hotline, "events = [\"/mark\"]\nformat = \"tg-staff\"", &[
        "\"/mark\": the format tg-staff has no commands, it comes as an event of that name, and what is answered is read \
         all the same",
    ])
    .await;
    check(native, "events = [\"anything\", \"any.thing\", \"Any thing at all\", \"/mark\"]", &[]).await;
    // Of a tenant without a source, nobody knows what comes.
    check(hotline, "events = [\"dialog_close\"]\ntenant = \"acme\"", &[]).await;
}

#[tokio::test]
async fn a_reload_tells_it() {
    let site = Site::new(&[]);
    site.add_webhook("crm", URL, &["message.*"], "");
    let server = Server::start(&site).await;
    assert_eq!(server.reload().await["warnings"], json!([]));
    let before = server.log().count();
    site.edit("[\"message.*\"]", "[\"message.*\", \"dialog_close\"]");
    assert_eq!(server.reload().await["warnings"], json!([format!("webhook crm: {WARNING}")]));
    server.log().wait_after(before, &["WARN", WARNING, "webhook=crm"]).await;
    let reloaded = Process::run(&["reload", "--url", server.url()], site.dir()).await;
    reloaded.assert(0, &["reloaded: nothing has changed\n", &format!("  warning: webhook crm: {WARNING}\n")]);
}

#[tokio::test]
async fn what_a_plugin_asks_for_in_vain_is_told_once_for_each_change() {
    let site = Site::new(&["counter"]);
    let server = Server::start(&site).await;
    assert_eq!(server.admin("plugins/counter").await["warnings"], json!([]));
    site.grant("counter", "senders = [\"bot\"]\nsources = [\"suport\", \"support\"]");
    let lines = [
        "no tenant has a source \"suport\", did you mean support?",
        "\"message.*\" matches nothing that its senders write: bot",
    ];
    for line in lines {
        server.log().wait_for(&["WARN", line, "plugin=counter"]).await;
    }
    let shown = server.admin("plugins/counter").await;
    let (mut told, mut expected) = (shown["warnings"].as_array().unwrap().clone(), lines.map(|line| json!(line)));
    told.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(told, expected);
    for arguments in [&["plugins", "list"][..], &["plugins", "show", "counter"]] {
        let shown = Process::run(&[arguments, &["--url", server.url()]].concat(), site.dir()).await;
        assert_has(&shown.out, &lines);
    }
    // Another plugin, and a reload, are no change of it.
    site.plugin("mark", "mark");
    server.until("/mark x", "Marked: x").await;
    server.reload().await;
    let told = || lines.map(|line| server.log().all().iter().filter(|logged| logged.contains(line)).count());
    assert_eq!(told(), [1, 1]);
    // What is mended and comes again is one.
    let shown = async |warnings: Value| {
        let is_so = async || (server.admin("plugins/counter").await["warnings"] == warnings).then_some(());
        eventually("the warnings", is_so).await;
    };
    site.grant("counter", "");
    shown(json!([])).await;
    site.grant("counter", "senders = [\"bot\"]");
    shown(json!(lines[1..])).await;
    eventually("the log", async || (told() == [1, 2]).then_some(())).await;
    // Sources that send something else are one too.
    site.edit("dialect = \"hotline\"\napi_key", "dialect = \"native\"\ntoken");
    server.reload().await;
    shown(json!([])).await;
}

/// A shared plugin is judged by all tenants that it serves: not by one that has its own of that name.
#[tokio::test]
async fn what_one_tenant_sends_a_shared_plugin_does_not_ask_for_in_vain() {
    let site = Site::new(&["counter"]);
    site.configure("[[sources]]\nname = \"acme\"\ndialect = \"native\"\ntoken = \"a long token\"\ntenant = \"acme\"");
    site.grant("counter", "senders = [\"bot\"]");
    let server = Server::start(&site).await;
    let warnings = async |path: &str| server.admin(path).await["warnings"].clone();
    assert_eq!(warnings("plugins/counter").await, json!([]), "acme's source may send messages of bots");
    site.plugin("acme/counter", "counter");
    let line = "\"message.*\" matches nothing that its senders write: bot";
    server.log().wait_for(&["WARN", line, "plugin=counter"]).await;
    assert_eq!(warnings("plugins/counter").await, json!([line]));
    assert_eq!(warnings("plugins/acme/counter").await, json!([]));
}
