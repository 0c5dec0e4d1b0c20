//! Deliveries made once more, and webhooks that wait, go on, and show that they are there.

use serde_json::{Value, json};

use crate::harness::{Ended, Process, Receiver, Said, Server, Site, recorded};

/// What the command line says to a server.
async fn run(site: &Site, server: &Server, arguments: &str) -> Ended {
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    arguments.extend(["--url", server.url()]);
    Process::run(&arguments, site.dir()).await
}

/// Three messages of two conversations, none of which is tried twice, at a receiver that takes none.
async fn with_dead_letters(receiver: &Receiver) -> (Site, Server) {
    receiver.says(Said::status(500));
    let site = Site::new(&["recorder"]);
    site.add_webhook(
        "crm",
        &receiver.url("/crm?key=s3cret-of-crm"),
        &["message.*"],
        "profile = \"none\"\napi_key = \"key-of-crm\"\nheaders = { Authorization = \"Bearer token-of-crm\" }\n",
    );
    site.allow_receivers();
    let server = Server::start(&site).await;
    for (topic, text) in [(1, "a1"), (2, "b1"), (1, "a2")] {
        server.support.in_topic(topic).writes(text).await;
    }
    server.settled().await;
    recorded(&server.support, 3).await;
    assert_eq!(receiver.all().len(), 3);
    (site, server)
}

fn texts(receiver: &Receiver, from: usize) -> Vec<String> {
    receiver.all().iter().skip(from).map(|received| received.text()).collect()
}

#[tokio::test]
async fn dead_letters_are_replayed_in_the_order_of_their_conversations() {
    let receiver = Receiver::start();
    let (site, server) = with_dead_letters(&receiver).await;
    let dry = run(&site, &server, "deliveries replay --webhook crm --dry-run").await;
    dry.assert(0, &["3 deliveries would be replayed"]);
    assert_eq!(receiver.all().len(), 3);
    receiver.says(Said::status(200));
    let done = run(&site, &server, "deliveries replay --webhook crm --json").await;
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(told, json!({ "matched": 3, "on_their_way": 3, "parked": 0, "open": 0, "gone": 0 }));
    let received = receiver.received(6).await;
    server.settled().await;
    let (before, after) = received.split_at(3);
    let of = |topic: &str| texts(&receiver, 3).into_iter().filter(|text| text.starts_with(topic)).collect::<Vec<_>>();
    assert_eq!((of("a"), of("b")), (vec!["a1".to_owned(), "a2".into()], vec!["b1".to_owned()]));
    for again in after {
        assert_eq!((again.header("webhook-replay"), again.attempt()), ("true", 2));
        let first = before.iter().find(|first| first.text() == again.text()).unwrap();
        assert_eq!((again.id(), &again.body), (first.id(), &first.body), "what it is known by, and what it is");
        assert!(!first.headers.contains_key("webhook-replay"));
    }
    let again = run(&site, &server, "deliveries replay --webhook crm").await;
    again.assert(0, &["0 deliveries on their way"]);
    let arrived = run(&site, &server, "deliveries replay --webhook crm --state succeeded --dry-run --json").await;
    assert_eq!(serde_json::from_str::<Value>(&arrived.out).unwrap()["matched"], 3);
}

#[tokio::test]
async fn filters_say_which_ones() {
    let receiver = Receiver::start();
    let (site, server) = with_dead_letters(&receiver).await;
    let events = server.listed("events").await;
    let (id, at) = (events[1]["id"].as_str().unwrap(), events[1]["accepted_at"].as_str().unwrap());
    for (filter, expected) in [
        ("--all".to_owned(), 3),
        (format!("--event {id}"), 1),
        (format!("--since {at}"), 2),
        (format!("--until {at}"), 1),
        ("--since 1h".into(), 3),
        ("--until 1h".into(), 0),
        ("--kind message.received".into(), 3),
        ("--kind message.sent".into(), 0),
        ("--plugin recorder".into(), 0),
        ("--plugin recorder --state succeeded".into(), 3),
        ("--tenant default".into(), 3),
        ("--tenant acme".into(), 0),
    ] {
        let dry = run(&site, &server, &format!("deliveries replay {filter} --dry-run --json")).await;
        assert_eq!(serde_json::from_str::<Value>(&dry.out).unwrap()["matched"], expected, "{filter}");
        if !filter.contains("--all") && !filter.contains("--state") {
            let list = run(&site, &server, &format!("deliveries list {filter} --state dead --json")).await;
            let list: Vec<Value> = serde_json::from_str(&list.out).unwrap();
            assert_eq!(list.len(), expected, "{filter}");
        }
    }
    run(&site, &server, "deliveries replay").await.assert(64, &["or --all"]);
    run(&site, &server, "deliveries replay --all --state due").await.assert(64, &["expected dead or succeeded"]);
    run(&site, &server, "deliveries replay --since soon").await.assert(64, &["expected 30s, 90m, 12h or 7d"]);
    run(&site, &server, "deliveries replay --event 01JNONE").await.assert(1, &["01JNONE"]);
    run(&site, &server, "deliveries replay --all --to-webhook nobody")
        .await
        .assert(1, &["there is no webhook \"nobody\" of the tenant default"]);
    run(&site, &server, "deliveries replay --all --to-url http://10.0.0.1/")
        .await
        .assert(64, &["the URL to replay to"]);
    assert_eq!(receiver.all().len(), 3);
}

#[tokio::test]
async fn one_delivery_is_replayed_and_an_open_one_left_alone() {
    let receiver = Receiver::start();
    let (site, server) = with_dead_letters(&receiver).await;
    let dead = server.listed("deliveries?state=dead").await;
    let id = dead[0]["id"].as_str().unwrap();
    receiver.says(Said::status(200));
    run(&site, &server, &format!("deliveries replay {id}")).await.assert(0, &["1 delivery on their way"]);
    assert_eq!(receiver.received(4).await[3].text(), "a2");
    server.settled().await;
    let shown = run(&site, &server, &format!("deliveries show {id}")).await;
    shown.assert(0, &["succeeded", "replayed", "answered with status 500", "answered with status 200"]);
    server.does("webhooks/default/crm/pause").await;
    assert_eq!(server.does(&format!("deliveries/{id}/replay")).await["parked"], 1);
    assert_eq!(server.does(&format!("deliveries/{id}/replay")).await["open"], 1);
    run(&site, &server, "deliveries replay 999-1").await.assert(1, &["there is no delivery"]);
}

#[tokio::test]
async fn a_replay_goes_elsewhere_without_the_credentials_of_here() {
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    let (site, server) = with_dead_letters(&receiver).await;
    let url = elsewhere.url("/elsewhere/Tk9ThePathsToken");
    elsewhere.says(Said::of(200, None, "no Tk9ThePathsToken here"));
    run(&site, &server, &format!("deliveries replay --webhook crm --to-url {url}")).await.assert(0, &["3 deliveries"]);
    let received = elsewhere.received(3).await;
    server.settled().await;
    for received in received {
        assert_eq!(
            (received.path.as_str(), received.header("webhook-replay")),
            ("/elsewhere/Tk9ThePathsToken", "true")
        );
        assert!(!received.headers.contains_key("authorization"));
        assert!(!received.body.contains("key-of-crm"), "{}", received.body);
    }
    // These are deliveries of their own: those of the webhook are as dead as before, and nothing speaks for it.
    let dead = server.listed("deliveries?state=dead&name=crm").await;
    assert_eq!((dead.len(), server.listed("deliveries?name=crm").await.len()), (3, 3));
    let sent: Vec<Value> = server.listed("deliveries?state=succeeded&subscriber=webhook").await;
    assert_eq!(sent.len(), 3);
    let name = sent[0]["subscriber"]["name"].as_str().unwrap();
    assert!(name.starts_with("crm@"), "{name}");
    assert!(!sent[0].to_string().contains("Tk9"), "{}", sent[0]);
    // At the same host, they are what they always are.
    let url = receiver.url("/other");
    receiver.says(Said::status(200));
    run(&site, &server, &format!("deliveries replay --webhook crm --to-url {url}")).await.assert(0, &["3 deliveries"]);
    let received = receiver.received(6).await.pop().unwrap();
    assert_eq!((received.path.as_str(), received.header("authorization")), ("/other", "Bearer token-of-crm"));
    assert!(received.body.contains("key-of-crm"), "{}", received.body);
    // The webhook's own go to where it is.
    run(&site, &server, "deliveries replay --webhook crm").await.assert(0, &["3 deliveries"]);
    assert_eq!(receiver.received(9).await[8].path, "/crm?key=s3cret-of-crm");
    run(&site, &server, &format!("deliveries replay --plugin recorder --state succeeded --to-url {url}"))
        .await
        .assert(64, &["expected no plugin"]);
}

/// Another place that fails is nothing that the webhook could do for.
#[tokio::test]
async fn a_replay_elsewhere_says_nothing_of_the_webhook() {
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    elsewhere.says(Said::status(410));
    let site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    for topic in 0..20 {
        server.support.in_topic(topic).writes("x").await;
    }
    server.settled().await;
    let url = elsewhere.url("/");
    run(&site, &server, &format!("deliveries replay --webhook crm --state succeeded --to-url {url}"))
        .await
        .assert(0, &["20 deliveries on their way"]);
    server.log().wait_for(&["left alone", "crm@"]).await;
    let [crm] = &server.listed("webhooks").await[..] else { panic!("one webhook") };
    assert_eq!((&crm["left_alone_until"], &crm["failing_since"]), (&Value::Null, &Value::Null));
    server.support.writes("y").await;
    assert_eq!(receiver.received(21).await[20].text(), "y");
}

/// What would leave its tenant is refused, and so is what would be everything by mistake.
#[tokio::test]
async fn nothing_leaves_its_tenant() {
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let (site, server) = with_dead_letters(&receiver).await;
    site.add_source("acme-support", "s3cret-of-acme", "tenant = \"acme\"");
    site.add_webhook("theirs", &other.url("/"), &["message.*"], "tenant = \"acme\"");
    site.plugin("acme/theirs", "recorder");
    server.reload().await;
    for (to, expected) in
        [("--to-webhook theirs", "no webhook \"theirs\""), ("--to-plugin theirs", "no plugin \"theirs\"")]
    {
        run(&site, &server, &format!("deliveries replay --webhook crm {to}")).await.assert(1, &[expected]);
        run(&site, &server, &format!("deliveries replay {to}")).await.assert(64, &["or --all"]);
    }
    // Nothing of theirs is there yet, whoever asks for it.
    let done = run(&site, &server, "deliveries replay --tenant acme --all --to-webhook theirs --json").await;
    assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap()["matched"], 0);
    for path in ["?to_url=http://127.0.0.1:1/", "?kind=message.received&to_webhook=theirs"] {
        let post = [("content-type", "application/json")];
        let answer = server.post_with(&format!("/v1/admin/deliveries/replay{path}"), &post).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("bad-parameter")), "{path}");
    }
    for (query, expected) in [
        ("to_webhook=a&to_plugin=b", "exclude each other"),
        ("state=due", "expected dead or succeeded"),
        ("after=1042", "expected `next` of the answer before"),
        ("dry_run=yes", "expected true or false"),
        ("limit=1", "unknown parameter"),
    ] {
        let post = [("content-type", "application/json")];
        let answer = server.post_with(&format!("/v1/admin/deliveries/replay?{query}"), &post).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains(expected), "{query}: {}", answer.body);
    }
    assert_eq!(other.all().len(), 0);
}

/// More than one page of them: each once, and in order.
#[tokio::test]
async fn very_many_are_replayed_page_by_page() {
    const COUNT: usize = 1_100;
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    for n in 0..COUNT {
        server.support.in_topic((n % 10) as u64).writes(&n.to_string()).await;
    }
    receiver.received(COUNT).await;
    server.settled().await;
    let done = run(&site, &server, "deliveries replay --webhook crm --state succeeded --json").await;
    assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap()["on_their_way"], COUNT);
    receiver.received(2 * COUNT).await;
    server.settled().await;
    let again: Vec<usize> = texts(&receiver, COUNT).iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(again.len(), COUNT);
    for topic in 0..10 {
        let of_it: Vec<usize> = again.iter().copied().filter(|n| n % 10 == topic).collect();
        assert!(of_it.is_sorted() && of_it.len() == COUNT / 10, "{of_it:?}");
    }
}

#[tokio::test]
async fn a_replay_goes_into_a_plugin_or_to_another_webhook() {
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let (site, server) = with_dead_letters(&receiver).await;
    run(&site, &server, "deliveries replay --webhook crm --to-plugin recorder")
        .await
        .assert(0, &["3 deliveries on their way"]);
    let seen = recorded(&server.support, 6).await;
    assert_eq!(seen.len(), 6);
    site.add_webhook("late", &other.url("/"), &["dialog_closed"], "");
    server.reload().await;
    // Who came later gets what was before.
    run(&site, &server, "deliveries replay --webhook crm --to-webhook late")
        .await
        .assert(0, &["3 deliveries on their way"]);
    assert_eq!(other.received(3).await.len(), 3);
}

#[tokio::test]
async fn a_webhook_waits_while_it_is_paused() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    run(&site, &server, "webhooks pause crm").await.assert(0, &["waits"]);
    run(&site, &server, "webhooks list").await.assert(0, &["paused since"]);
    server.support.writes("a").await;
    recorded(&server.support, 1).await;
    server.delivery("?name=crm", |delivery| delivery["parked"] == true && delivery["state"] == "due").await;
    server.kill().await;
    let server = Server::start(&site).await;
    server.support.writes("b").await;
    recorded(&server.support, 2).await;
    assert_eq!(receiver.all().len(), 0);
    run(&site, &server, "webhooks resume crm").await.assert(0, &["goes on"]);
    assert_eq!(receiver.received(2).await.iter().map(|received| received.text()).collect::<Vec<_>>(), ["a", "b"]);
    run(&site, &server, "webhooks pause nobody")
        .await
        .assert(1, &["there is no webhook \"nobody\" of the tenant default"]);
    run(&site, &server, "webhooks resume crm --tenant acme").await.assert(1, &["of the tenant acme"]);
}

#[tokio::test]
async fn a_webhook_shows_that_it_is_there() {
    let receiver = Receiver::start();
    receiver.says(Said::of(200, None, "hello"));
    let site = Site::new(&[]);
    site.add_webhook(
        "crm",
        &receiver.url("/"),
        &["/never"],
        "secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n",
    );
    site.allow_receivers();
    let server = Server::start(&site).await;
    run(&site, &server, "webhooks test crm").await.assert(0, &["arrived", "answered with status 200", "hello"]);
    run(&site, &server, "webhooks test crm --ping").await.assert(0, &["arrived"]);
    let received = receiver.received(2).await;
    assert!(received[0].body.contains("slashbox.test") && received[1].body.contains("ping"), "{received:?}");
    assert!(received.iter().all(|received| received.header("webhook-signature").starts_with("v1,")));
    assert_eq!(server.listed("events").await.len(), 0, "nothing of it is kept");
    receiver.says(Said::status(404));
    let failed = run(&site, &server, "webhooks test crm --json").await;
    failed.assert(1, &["the webhook crm did not take it"]);
    let told: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!((&told["arrived"], &told["status"]), (&json!(false), &json!(404)));
    // Nothing changes by a request that anybody could make a browser send.
    for path in ["webhooks/default/crm/pause", "webhooks/default/crm/test", "deliveries/replay"] {
        let answer = server.post_with(&format!("/v1/admin/{path}"), &[]).await;
        assert_eq!(answer.status, 415, "{path}");
    }
}
