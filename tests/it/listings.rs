//! `slashbox events` and `slashbox deliveries`: what a running host says to whoever asks it from a shell.

use serde_json::Value;

use crate::harness::{Ended, MESSAGE_SENT, Process, Receiver, Said, Server, Site, assert_has};

/// Asks a host by its address, as it is, with these variables.
async fn ask(site: &Site, server: &Server, arguments: &str, environment: &[(&str, &str)]) -> Ended {
    let arguments: Vec<&str> = arguments.split(' ').chain(["--url", server.url()]).collect();
    let environment: Vec<_> = environment.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    Process::start(&arguments, site.dir(), &environment).ended().await
}

/// What a listing in JSON has.
async fn listed(site: &Site, server: &Server, arguments: &str) -> Value {
    let ended = ask(site, server, arguments, &[]).await;
    ended.assert(0, &[]);
    assert_eq!(ended.err, "", "{arguments}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

/// A host with a dead letter of each sort.
async fn with_dead_letters(receiver: &Receiver) -> (Site, Server, String) {
    receiver.says(Said::of(500, None, "oops\u{1b}[2J"));
    let site = Site::new(&["counter"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "profile = \"none\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let id = server.support.writes("refuse").await.id;
    server.settled().await;
    (site, server, id)
}

#[tokio::test]
async fn events_are_listed_and_shown() {
    let site = Site::new(&["recorder"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let none = ask(&site, &server, "events list", &[]).await;
    none.assert(0, &["no events"]);
    assert_eq!(listed(&site, &server, "events list --json").await, serde_json::json!([]));
    let hello = server.support.writes("hello\u{1b}[2J").await.id;
    let sent = server.support.posts(MESSAGE_SENT).await.taken().id;
    let acme = server.sender("acme", "acme key").writes("hello").await.id;
    server.settled().await;
    let list = ask(&site, &server, "events list", &[]).await;
    list.assert(0, &["KIND", "CONVERSATION"]);
    let line =
        |id: &str| list.out.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("no {id}: {list:#?}"));
    assert_has(line(&sent), &["message.sent", "-1002146012345:5343", "operator", "support"]);
    assert_has(line(&hello), &["message.received", "-1002146012345:5 ", "contact", "support"]);
    assert_has(line(&acme), &["acme"]);
    let ids = |events: &Value| -> Vec<String> {
        events.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    };
    for (arguments, expected) in [
        ("", vec![&acme, &sent, &hello]),
        (" --limit 2", vec![&acme, &sent]),
        (" --tenant default", vec![&sent, &hello]),
        (" --source acme", vec![&acme]),
        (" --kind message.sent", vec![&sent]),
        (" --conversation -1002146012345:5343", vec![&sent]),
        (" --conversation=-1002146012345:5 --tenant default", vec![&hello]),
    ] {
        let events = listed(&site, &server, &format!("events list --json{arguments}")).await;
        assert_eq!(ids(&events).iter().collect::<Vec<_>>(), expected, "{arguments}");
    }
    assert_eq!(listed(&site, &server, "events list --json").await.as_array(), Some(&server.listed("events").await));
    let show = ask(&site, &server, &format!("events show {sent}"), &[]).await;
    show.assert(
        0,
        &["message.sent (message_sent)", "2025-10-09 00:21:57", "test message", "plugin recorder", "succeeded"],
    );
    // Whatever somebody wrote is shown, and does nothing.
    ask(&site, &server, &format!("events show {hello}"), &[]).await.assert(0, &["hello\\u{1b}[2J"]);
    let shown = listed(&site, &server, &format!("events show {sent} --json")).await;
    assert_eq!(shown, server.admin(&format!("events/{sent}")).await);
}

#[tokio::test]
async fn dead_letters_are_listed_and_shown_with_their_reasons() {
    let receiver = Receiver::start();
    let (site, server, event) = with_dead_letters(&receiver).await;
    let list = ask(&site, &server, "deliveries list --state dead", &[]).await;
    list.assert(0, &["plugin counter", "refused: told to refuse", "webhook crm", "answered with status 500"]);
    assert!(
        list.out.lines().skip(1).all(|line| line.contains("dead") && line.contains("message.received")),
        "{list:#?}"
    );
    for (arguments, expected) in [
        ("", 2),
        (" --state dead", 2),
        (" --state succeeded", 0),
        (" --plugin counter", 1),
        (" --plugin default/counter", 1),
        (" --plugin default/counter --tenant default", 1),
        (" --plugin acme/counter", 0),
        (" --webhook crm", 1),
        (" --webhook counter", 0),
        (" --tenant acme", 0),
        (&format!(" --event {event}"), 2),
        (" --limit 1", 1),
    ] {
        let deliveries = listed(&site, &server, &format!("deliveries list --json{arguments}")).await;
        assert_eq!(deliveries.as_array().unwrap().len(), expected, "{arguments}");
    }
    let deliveries = listed(&site, &server, "deliveries list --json --webhook crm").await;
    let id = deliveries[0]["id"].as_str().unwrap();
    let show = ask(&site, &server, &format!("deliveries show {id}"), &[]).await;
    let parts = ["webhook crm", "dead", "refuse", "theirs", "answered with status 500", "oops\\u{1b}[2J"];
    show.assert(0, &parts);
    let shown = listed(&site, &server, &format!("deliveries show {id} --json")).await;
    assert_eq!(shown, server.admin(&format!("deliveries/{id}")).await);
}

#[tokio::test]
async fn what_cannot_be_told_is_told_why() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    for (arguments, code, expected) in [
        ("events show 01JQ7K4E8Z7V0M2D3N4P5Q6R7S", 1, "error: there is no event \"01JQ7K4E8Z7V0M2D3N4P5Q6R7S\""),
        ("deliveries show 9-9", 1, "error: there is no delivery \"9-9\""),
        ("deliveries list --event 01JQ", 1, "error: there is no event \"01JQ\""),
        ("events show ../x", 64, "invalid value '../x'"),
        ("deliveries list --state lost", 64, "invalid value 'lost' for '--state <STATE>'"),
        ("events list --limit 0", 64, "invalid value '0' for '--limit <"),
        ("events", 64, "Usage: slashbox events <COMMAND>"),
        ("deliveries list --plugin a --webhook b", 64, "cannot be used with"),
        ("deliveries list --plugin a/b/c", 64, "invalid value 'a/b/c' for '--plugin <NAME>'"),
        ("deliveries list --plugin a/b --tenant c", 64, "--tenant c: a plugin of a gets nothing of another tenant's"),
    ] {
        let ended = ask(&site, &server, arguments, &[]).await;
        ended.assert(code, &[]);
        assert_eq!(ended.out, "", "{arguments}");
        assert_has(&ended.err, &[expected]);
    }
    let url = server.url().to_owned();
    server.stop().await;
    for arguments in [&["events", "list"][..], &["deliveries", "show", "1-1", "--json"]] {
        let ended = Process::run(&[arguments, &["--url", &url]].concat(), site.dir()).await;
        ended.assert(1, &["error: cannot ask ", &url, "does slashbox run there?"]);
        assert_eq!(ended.out, "");
    }
}

#[tokio::test]
async fn a_token_comes_from_the_environment_or_the_configuration() {
    const VARIABLE: &str = "SLASHBOX_ADMIN_TOKEN";
    let site = Site::new(&[]);
    site.configure("[admin]\ntoken = \"right token\"");
    let server = Server::start(&site).await;
    let list = "events list";
    ask(&site, &server, list, &[(VARIABLE, "right token")]).await.assert(0, &["no events"]);
    ask(&site, &server, "events list --config slashbox.toml", &[]).await.assert(0, &["no events"]);
    ask(&site, &server, list, &[]).await.assert(1, &["wants a token: name its configuration", VARIABLE]);
    let wrong = ask(&site, &server, list, &[(VARIABLE, "wrong token")]).await;
    wrong.assert(1, &["the token is not that of `admin.token`"]);
    assert!(!wrong.err.contains("wrong token") && !wrong.err.contains("right token"), "{wrong:#?}");
    // A configuration says where its host is, too.
    let address = server.url().strip_prefix("http://").unwrap();
    site.write("at.toml", format!("listen = {address:?}\n[admin]\ntoken = \"right token\""));
    Process::run(&["events", "list", "--config", "at.toml"], site.dir()).await.assert(0, &["no events"]);
    site.write("slashbox.toml", format!("listen = {address:?}\n[admin]\ntoken = \"right token\""));
    Process::run(&["deliveries", "list"], site.dir()).await.assert(0, &["no deliveries"]);
}
