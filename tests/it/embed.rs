//! The library in a program of somebody else's: no binary, and HTTP only where it is mounted.

use std::path::Path;

use serde_json::json;
use slashbox::{
    AdminAccess, Answer, BuildError, CommandError, Configuration, Dialect, EgressSettings, EmitError, Format, Host,
    HostBuilder, NewCommand, NewEvent, Outcome, ReloadError, Reply, Sender, Shown, Source, SourceError, Standing,
    Webhook, WebhookFormat,
};
use tokio::net::TcpListener;

use crate::harness::{KEY, Receiver, Said, Site, assert_has, client};

/// A host on a site's folders.
fn host(site: &Site) -> HostBuilder {
    Host::builder().plugins_dir(site.plugins()).data_dir(site.path("data"))
}

async fn shown(host: &Host, tenant: &str, command: NewCommand) -> Shown {
    host.command(tenant, command).await.unwrap().shown()
}

fn message(text: &str) -> Shown {
    Shown::Message(Reply { text: text.into(), format: Format::Plain })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gives_commands_itself() {
    let site = Site::new(&["probe"]);
    let host = host(&site).build().await.unwrap();
    let command = NewCommand::new("/echo").args("hi");
    let Answer { id, command, by, outcome, .. } = host.command("acme", command).await.unwrap();
    assert_eq!((id.len(), command.as_str(), by.name(), outcome.name()), (26, "/echo", "probe", "replied"));
    let command = NewCommand::new("/whoami").args("a b").conversation("7").operator("anna").contact("bert");
    let Shown::Message(Reply { text: fields, .. }) = shown(&host, "acme", command.source("shop")).await else {
        panic!("no message")
    };
    assert_has(&fields, &["args=a b\nconversation=7\noperator=anna\ncontact=bert\n"]);
    assert_has(&fields, &["tenant=acme\nsource=shop\ndialect=native\ninstance=none"]);
    let data = json!({ "a": [1, 2] });
    assert_eq!(shown(&host, "acme", NewCommand::new("/data").data(&data)).await, message(&data.to_string()));
    let text = "{ \"n\" : 1e999 }";
    assert_eq!(shown(&host, "acme", NewCommand::new("/data").data_text(text.into())).await, message(text));
    assert_eq!(shown(&host, "acme", NewCommand::new("/refuse").args("no")).await, Shown::Error("no".into()));
    assert_eq!(shown(&host, "acme", NewCommand::new("/echo")).await, Shown::Nothing);
    let answer = host.command("acme", NewCommand::new("/trap")).await.unwrap();
    let Outcome::Trapped(trap) = &answer.outcome else { panic!("{answer:?}") };
    assert_has(&trap.cause, &["unreachable"]);
    let expected = format!("/trap is temporarily unavailable (ref {})", answer.id);
    assert_eq!(answer.shown(), Shown::Error(expected));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_tells_of_events_itself() {
    let receiver = Receiver::start();
    receiver.answers(|received| match received.json()["event_type"].as_str() {
        Some("/invoice") => Said::text("from the webhook"),
        _ => Said::status(200),
    });
    let site = Site::new(&["recorder"]);
    let kinds = ["order.*", "message.sent", "/invoice"].map(|kind| kind.parse().unwrap());
    let webhook = Webhook::new(&receiver.url("/hook")).name("shop").tenant("acme").api_key("the shop's").events(kinds);
    let webhook = webhook.header("Authorization", "Bearer t0ken").unwrap();
    let webhook = webhook.format(WebhookFormat::Dialect(Dialect::HOTLINE));
    let egress = EgressSettings { allow_http: true, allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()] };
    let host = host(&site).webhook(webhook).egress(egress).build().await.unwrap();
    let [info] = host.webhooks().try_into().unwrap();
    assert_eq!((&*info.name, &*info.tenant, &*info.host, info.events.len()), ("shop", "acme", "127.0.0.1", 3));
    let data = json!({ "order": 12 });
    let event = NewEvent::new("order.paid").conversation("7").data(&data).source("shop").occurred_at_ms(1_000);
    let paid = host.emit("acme", event).await.unwrap();
    let event = NewEvent::new("message.sent").conversation("7").text("hi").sender(Sender::Operator).operator("anna");
    let event = event.source("shop"); // Of another source, it would be another conversation, and in no order with the first.
    let sent = host.emit("acme", event).await.unwrap();
    host.emit("other", NewEvent::new("order.paid")).await.unwrap();
    let [first, second] = receiver.received(2).await.try_into().unwrap();
    assert_eq!((first.id(), second.id()), (&*paid, &*sent));
    assert_eq!(first.header("authorization"), "Bearer t0ken");
    let expected = json!({
        "event_type": "order.paid",
        "instance_id": "shop",
        "timestamp": "1970-01-01 00:00:01",
        "data": { "chat_id": 7, "order": 12 },
        "api_key": "the shop's",
    });
    assert_eq!(first.json(), expected);
    // For receivers that know the platform, it has the platform's name.
    assert_eq!(second.json()["event_type"], "message_sent");
    crate::harness::eventually("the plugin's events", async || {
        (shown(&host, "acme", NewCommand::new("/seen")).await == message("2")).then_some(())
    })
    .await;
    let answer = host.command("acme", NewCommand::new("/invoice").args("5")).await.unwrap();
    assert_eq!((answer.by.name(), answer.shown()), ("shop", message("from the webhook")));
    for wrong in ["", "/mark", "order..paid", "order paid", "*"] {
        assert!(matches!(host.emit("acme", NewEvent::new(wrong)).await, Err(EmitError::Kind(kind)) if kind == wrong));
    }
    assert!(matches!(host.emit("a/b", NewEvent::new("order.paid")).await, Err(EmitError::Tenant(_))));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_an_error() {
    let site = Site::new(&["probe"]);
    let host = host(&site).build().await.unwrap();
    let check = async |tenant: &str, name: &str, expected: &str| {
        let error = host.command(tenant, NewCommand::new(name)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check("acme", "/ecko", "unknown command /ecko, did you mean /echo?").await;
    check(
        "acme",
        "echo",
        "\"echo\" is no command name: expected / and 1 to 64 characters without white space, / and *",
    )
    .await;
    let name = "expected letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and at most 100 bytes";
    check("a/b", "/echo", &format!("tenant: \"a/b\" is no name: {name}")).await;
    host.shutdown().await;
    assert_eq!(host.command("acme", NewCommand::new("/echo")).await.unwrap_err(), CommandError::ShuttingDown);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_share_a_plugin_and_nothing_else() {
    let site = Site::new(&["probe"]);
    site.plugin("acme/greet", "greet-v1");
    let host = host(&site).build().await.unwrap();
    let says =
        async |tenant: &str, name: &str, args: &str| shown(&host, tenant, NewCommand::new(name).args(args)).await;
    assert_eq!(says("acme", "/set", "a acme's").await, message("set"));
    assert_eq!(says("beta", "/get", "a").await, message("none"));
    assert_eq!(says("beta", "/set", "a beta's").await, message("set"));
    assert_eq!(says("acme", "/get", "a").await, message("acme's"));
    assert_eq!(says("acme", "/greet", "").await, message("hello v1"));
    let error = host.command("beta", NewCommand::new("/greet")).await.unwrap_err();
    assert!(matches!(error, CommandError::Unknown { .. }), "{error:?}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_routes_are_mounted_where_the_program_likes() {
    let site = Site::new(&["mark"]);
    let source = Source::hotline("support", KEY).unwrap().tenant("acme").unwrap();
    let host = host(&site).source(source).build().await.unwrap();
    let app = axum::Router::new().nest("/plugins", host.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/plugins", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = client();
    let post = async || {
        let answer = client.post(format!("{url}/in/support")).body(include_str!("cases/hotline/mark.json"));
        let answer = answer.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(post().await, (200, r#"{"message":"Marked: deal"}"#.into()));
    // It was the tenant's, and the program sees what the platform did.
    let command = || NewCommand::new("/mark").conversation("-1002146012345:5").source("support");
    let Shown::Message(Reply { text: mark, .. }) = shown(&host, "acme", command()).await else { panic!("no message") };
    assert_has(&mark, &["deal — marked by 123456"]);
    assert_eq!(shown(&host, "beta", command()).await, message("Not marked yet. Mark it with /mark STATUS"));
    let ready = async || client.get(format!("{url}/readyz")).send().await.unwrap().status().as_u16();
    assert_eq!(ready().await, 200);
    host.shutdown().await;
    assert_eq!(ready().await, 503);
    assert_eq!(post().await, (503, r#"{"error":"slashbox is shutting down"}"#.into()));
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_changes_sources_and_webhooks_itself() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::text(&received.path));
    let site = Site::new(&[]);
    let source = |name: &str| Source::hotline(name, KEY).unwrap();
    let webhook =
        |name: &str| Webhook::new(&receiver.url(&format!("/{name}"))).name(name).events(["/order".parse().unwrap()]);
    let egress = EgressSettings { allow_http: true, allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()] };
    let builder = host(&site).egress(egress).source(source("support")).webhook(webhook("shop"));
    let host = builder.admin(AdminAccess::Loopback).build().await.unwrap();
    let order = async || shown(&host, "default", NewCommand::new("/order")).await;
    let two = Configuration {
        sources: vec![source("support"), source("sales")],
        webhooks: vec![webhook("crm"), webhook("shop")],
        after_restart: Vec::new(),
    };
    let reloaded = host.reconfigure(two.clone()).await.unwrap();
    assert_eq!(
        (reloaded.sources.to_string(), reloaded.webhooks.to_string()),
        ("added sales".into(), "added crm".into())
    );
    assert_eq!(order().await, message("/crm"));
    // Whatever of it cannot be served, none of it is.
    for (wrong, expected) in [
        (Configuration { sources: vec![source("a"), source("a")], ..two.clone() }, "source \"a\" is there twice"),
        (Configuration { webhooks: vec![webhook("b"), webhook("b")], ..two.clone() }, "webhook \"b\" is there twice"),
        (
            Configuration { webhooks: vec![webhook("a"), Webhook::new("https://example.com")], ..two.clone() },
            "webhook without a name: events: expected at least one",
        ),
        (
            Configuration { webhooks: vec![webhook("a").header("a", "b").unwrap().tenant("a/b")], ..two.clone() },
            "webhook \"a\": tenant: \"a/b\" is no name",
        ),
        (
            Configuration { webhooks: vec![Webhook::new("https://10.0.0.1").name("c")], ..two.clone() },
            "webhook \"c\": url: egress to 10.0.0.1 (private) is refused",
        ),
    ] {
        let error = host.reconfigure(wrong).await.unwrap_err();
        assert!(matches!(error, ReloadError::Configuration { .. }), "{error:?}");
        assert_has(&error.to_string(), &[expected]);
        assert_eq!((host.webhooks().len(), order().await), (2, message("/crm")), "{error}");
    }
    assert!(host.reconfigure(two).await.unwrap().webhooks.is_empty());
    // It has not said where its configuration is read again.
    assert!(matches!(host.reload().await, Err(ReloadError::NoConfiguration)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/admin/reload", listener.local_addr().unwrap());
    let app = host.router();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let answer = client().post(url).header("content-type", "application/json").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 409);
    assert_has(&answer.text().await.unwrap(), &["\"code\":\"not-reloadable\""]);
    server.abort();
    host.shutdown().await;
    assert!(matches!(host.reconfigure(Configuration::default()).await, Err(ReloadError::ShuttingDown)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_says_where_its_configuration_is_read_again() {
    let site = Site::new(&[]);
    let read = || {
        let sources = vec![Source::hotline("support", KEY)?];
        Ok::<_, SourceError>(Configuration { sources, after_restart: vec!["region".into()], ..Default::default() })
    };
    let host = host(&site).on_reload(read).build().await.unwrap();
    let reloaded = host.reload().await.unwrap();
    assert_eq!((reloaded.sources.added, reloaded.after_restart), (vec!["support".into()], vec!["region".into()]));
    host.shutdown().await;
    let host = self::host(&site).on_reload(|| Err("the database is gone")).build().await.unwrap();
    assert_eq!(host.reload().await.unwrap_err().to_string(), "the database is gone");
    host.shutdown().await;
    // Whatever happens there, the host lives on.
    let host = self::host(&site).on_reload(|| -> Result<_, String> { panic!("a mistake") }).build().await.unwrap();
    assert!(matches!(host.reload().await, Err(ReloadError::Failed)));
    assert!(host.reconfigure(Configuration::default()).await.is_ok());
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_looked_at_when_the_program_asks() {
    let site = Site::new(&[]);
    let host = host(&site).build().await.unwrap();
    assert_eq!(host.plugins().plugins().count(), 0);
    site.plugin("greet", "greet-v1");
    host.sync_plugins().await;
    let greet = NewCommand::new("/greet");
    assert_eq!(shown(&host, "acme", greet.clone()).await, message("hello v1"));
    site.write("plugins/greet.wasm", "broken");
    host.sync_plugins().await;
    assert_eq!(shown(&host, "acme", greet).await, message("hello v1"));
    let plugins = host.plugins();
    let [(_, Standing::LastGood(problem))] = plugins.standings().collect::<Vec<_>>()[..] else { panic!("{plugins:?}") };
    assert!(problem.path.ends_with("greet.wasm") && plugins.odd_files().is_empty(), "{problem:?}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_built_says_why() {
    let site = Site::new(&[]);
    let check = async |builder: HostBuilder, expected: &str| {
        let error: BuildError = builder.build().await.unwrap_err();
        assert_has(&error.to_string(), &[expected]);
    };
    let source = || Source::hotline("support", KEY).unwrap();
    check(host(&site).source(source()).source(source()), "source \"support\" is there twice").await;
    check(host(&site).command_ms(999), "command_ms of 999: expected 1000 to 10000").await;
    check(host(&site).command_ms(10_001), "command_ms of 10001: expected 1000 to 10000").await;
    let running = host(&site).build().await.unwrap();
    check(host(&site), "is in use by another slashbox").await;
    running.shutdown().await;
    host(&site).build().await.unwrap().shutdown().await;
    assert!(Source::hotline("a b", KEY).is_err() && source().tenant("../x").is_err());
    assert!(Path::new(&site.path("data/slashbox.db")).exists());
}

#[tokio::test]
async fn a_host_that_nobody_has_any_more_gives_its_data_free() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    let webhook = || Webhook::new(&receiver.url("/hook")).events(["*".parse().unwrap()]);
    let egress = EgressSettings { allow_http: true, allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()] };
    let built = async || host(&site).webhook(webhook()).egress(egress.clone()).build().await;
    let first = built().await.unwrap();
    assert!(built().await.is_err(), "one host at a time");
    first.emit("default", NewEvent::new("order.paid")).await.unwrap();
    receiver.received(1).await;
    drop(first);
    let second = crate::harness::eventually("the data directory", async || built().await.ok()).await;
    second.shutdown().await;
}
