//! Platforms that integrate directly: `POST /v1/commands` and `POST /v1/events`, each source by its token.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Receiver, Said, Server, Site, Taken, recorded};

const TOKEN: &str = "s0me-t0ken-of-the-shop";

const OTHER_TOKEN: &str = "an0ther-t0ken";

fn site(plugins: &[&str]) -> Site {
    let site = Site::new(plugins);
    add_source(&site, "shop", TOKEN, "");
    add_source(&site, "other", OTHER_TOKEN, "tenant = \"acme\"");
    site
}

fn add_source(site: &Site, name: &str, token: &str, more: &str) {
    site.configure(&format!("[[sources]]\nname = {name:?}\ndialect = \"native\"\ntoken = {token:?}\n{more}"));
}

async fn posts(server: &Server, path: &str, token: &str, headers: &[(&'static str, &str)], body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [&[("authorization", &*authorization)], headers].concat();
    server.posts(path, &headers, body.to_string()).await
}

async fn tells(server: &Server, body: &Value) -> Answer {
    posts(server, "/v1/events", TOKEN, &[], body).await
}

async fn types(server: &Server, body: &Value) -> Answer {
    posts(server, "/v1/commands", TOKEN, &[], body).await
}

/// Which of slashbox's problems it is, and its words.
#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str, detail: &str) {
    let problem = answer.json();
    assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/problem+json"), "{answer:?}");
    assert_eq!(
        (&problem["status"], &problem["code"], &problem["detail"]),
        (&json!(status), &json!(code), &json!(detail))
    );
    assert_eq!(problem["title"], code.replace('-', " "), "{answer:?}");
}

#[tokio::test]
async fn an_event_is_stored_and_delivered() {
    let receiver = Receiver::start();
    let site = site(&["recorder"]);
    site.add_webhook("all", &receiver.url("/"), &["*"], "sources = [\"shop\"]");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let event = json!({
        "kind": "message.received",
        "id": "m-1",
        "occurred_at": "2026-03-11T10:00:00.5Z",
        "conversation": "web:1618",
        "contact": 18_446_744_073_709_551_615_u64,
        "operator": "agent_7",
        "sender": "contact",
        "message": "m-1",
        "text": "hello",
        "instance": "eu-1",
        "data": { "order": 1618, "total": 12.50, "big": 1e300 },
    });
    let answer = tells(&server, &event).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (202, "application/json"), "{answer:?}");
    let taken: Taken = taken(&answer);
    assert!(!taken.duplicate);
    let [recorded] = recorded(&server.support, 1).await.try_into().unwrap();
    let expected = [
        ("id", json!(taken.id)),
        ("kind", json!("message.received")),
        ("native_kind", json!("message.received")),
        ("conversation", json!("web:1618")),
        ("contact", json!("18446744073709551615")),
        ("operator", json!("agent_7")),
        ("sender", json!("contact")),
        ("message", json!("m-1")),
        ("text", json!("hello")),
    ];
    for (name, value) in expected {
        assert_eq!(recorded[name], value, "{name} of {recorded}");
    }
    // What goes on as it was received is what was sent.
    let [received] = receiver.received(1).await.try_into().unwrap();
    assert_eq!((received.id(), received.json()), (&*taken.id, event));
}

fn taken(answer: &Answer) -> Taken {
    let told = answer.json();
    assert_eq!(answer.status, 202, "{answer:?}");
    Taken { id: told["id"].as_str().unwrap().into(), duplicate: told["duplicate"].as_bool().unwrap() }
}

#[tokio::test]
async fn a_repetition_is_known_by_its_id_or_its_header() {
    let site = site(&["recorder"]);
    let server = Server::start(&site).await;
    let event = |id: &str, text: &str| json!({ "kind": "note.written", "id": id, "text": text });
    let first = taken(&tells(&server, &event("a", "1")).await);
    // The id is what counts, not what it says.
    let again = taken(&tells(&server, &event("a", "2")).await);
    assert_eq!(again, Taken { id: first.id.clone(), duplicate: true });
    let keyed = async |key: &str, body: &Value| {
        taken(&posts(&server, "/v1/events", TOKEN, &[("idempotency-key", key)], body).await)
    };
    assert_eq!(keyed("a", &json!({ "kind": "note.written" })).await, again);
    assert!(!keyed("b", &json!({ "kind": "note.written" })).await.duplicate);
    assert!(keyed("b", &event("b", "")).await.duplicate);
    // Another source's ids are others, and what has none is never a repetition.
    let other = posts(&server, "/v1/events", OTHER_TOKEN, &[], &event("a", "1")).await;
    assert!(!taken(&other).duplicate);
    for _ in 0..2 {
        assert!(
            !taken(&tells(&server, &json!({ "kind": "note.written", "occurred_at": "2026-03-11T10:00:00Z" })).await)
                .duplicate
        );
    }
    let differ = posts(&server, "/v1/events", TOKEN, &[("idempotency-key", "b")], &event("a", "")).await;
    assert_problem(
        &differ,
        400,
        "malformed",
        "`id` is \"a\" and the header `idempotency-key` \"b\": expected the same",
    );
}

#[tokio::test]
async fn the_token_tells_which_source_it_is() {
    let site = site(&["probe"]);
    let server = Server::start(&site).await;
    let whoami = json!({ "command": "/whoami", "args": "a", "conversation": 7, "operator": "o", "contact": "c" });
    for (token, tenant, source) in [(TOKEN, "default", "shop"), (OTHER_TOKEN, "acme", "other")] {
        let message = posts(&server, "/v1/commands", token, &[], &whoami).await.json()["message"].clone();
        let expected = format!("tenant={tenant}\nsource={source}\ndialect=native");
        assert!(message.as_str().unwrap().contains(&expected), "{message}");
    }
    // Its own path takes both, by the header or by the path.
    let by_path = server.posts(&format!("/in/shop/{TOKEN}"), &[], whoami.to_string()).await;
    assert_eq!((by_path.status, by_path.json()["outcome"].as_str()), (200, Some("replied")), "{by_path:?}");
    let told = posts(&server, "/in/other", OTHER_TOKEN, &[], &json!({ "kind": "a.b" })).await;
    assert_eq!(told.status, 202, "{told:?}");
    let expected = "expected the header `Authorization: Bearer TOKEN` with the token of a native source";
    for token in ["", "s0me-t0ken-of-the-shoq", "pQTngMZLh0NmAh", &TOKEN[1..]] {
        assert_problem(&posts(&server, "/v1/commands", token, &[], &whoami).await, 401, "unauthorized", expected);
    }
    assert_problem(&server.posts("/v1/events", &[], "{}").await, 401, "unauthorized", expected);
    let basic = server.posts("/v1/events", &[("authorization", TOKEN)], "{}").await;
    assert_problem(&basic, 401, "unauthorized", expected);
    for (path, token) in [("/in/shop", OTHER_TOKEN), ("/in/other", TOKEN)] {
        let answer = posts(&server, path, token, &[], &whoami).await;
        assert_problem(&answer, 401, "unauthorized", "the token is not this source's");
    }
    let log = server.stop().await.err;
    assert!(!log.contains(TOKEN) && !log.contains(OTHER_TOKEN), "{log}");
}

#[tokio::test]
async fn a_command_is_answered_with_its_outcome() {
    let site = site(&["probe"]);
    let server = Server::start(&site).await;
    let check = async |line: &str, expected: Value| {
        let (command, args) = line.split_once(' ').unwrap_or((line, ""));
        let answer = types(&server, &json!({ "command": command, "args": args })).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"), "{answer:?}");
        let mut answer = answer.json();
        let id = answer["id"].take();
        assert_eq!(id.as_str().map(str::len), Some(26), "{id}");
        answer.as_object_mut().unwrap().remove("id");
        let text = answer.to_string().replace(id.as_str().unwrap(), "ID");
        assert_eq!(text, expected.to_string());
    };
    let replied = |command: &str, message: &str, format: &str| json!({ "command": command, "outcome": "replied", "message": message, "format": format });
    check("/echo hi", replied("/echo", "hi", "plain")).await;
    check("/markdown *hi*", replied("/markdown", "*hi*", "markdown-v2")).await;
    check("/echo", json!({ "command": "/echo", "outcome": "replied" })).await;
    check("/refuse no", json!({ "command": "/refuse", "outcome": "refused", "error": "no" })).await;
    let unavailable = |command: &str, outcome: &str| {
        let error = format!("{command} is temporarily unavailable (ref ID)");
        json!({ "command": command, "outcome": outcome, "error": error })
    };
    check("/later", unavailable("/later", "unavailable")).await;
    check("/trap", unavailable("/trap", "trapped")).await;
    let unknown = types(&server, &json!({ "command": "/ecko" })).await;
    assert_problem(&unknown, 404, "unknown-command", "unknown command /ecko, did you mean /echo?");
}

#[tokio::test]
async fn a_named_command_runs_once() {
    let site = site(&["probe"]);
    let server = Server::start(&site).await;
    let incr = |id: &str| json!({ "command": "/incr", "args": "n", "id": id });
    let first = types(&server, &incr("a")).await;
    assert_eq!(first.json()["message"], "1");
    assert_eq!(types(&server, &incr("a")).await.json(), first.json(), "the same answer, under the same id");
    let header = [("idempotency-key", "a")];
    assert_eq!(posts(&server, "/v1/commands", TOKEN, &header, &incr("a")).await.json(), first.json());
    assert_eq!(types(&server, &incr("b")).await.json()["message"], "2");
    // Without a name, it is another one each time; and another source's names are its own.
    assert_eq!(types(&server, &json!({ "command": "/incr", "args": "n" })).await.json()["message"], "3");
    assert_eq!(posts(&server, "/v1/commands", OTHER_TOKEN, &[], &incr("a")).await.json()["message"], "1");
    let reused = types(&server, &json!({ "command": "/incr", "args": "m", "id": "a" })).await;
    assert_problem(&reused, 400, "malformed", "the idempotency key is another command's: expected a new one");
    // What may go better the next time is tried again, as the same command.
    let later = json!({ "command": "/later", "id": "c" });
    let [one, two] = [types(&server, &later).await.json(), types(&server, &later).await.json()];
    assert_eq!((&one["outcome"], &one["id"]), (&json!("unavailable"), &two["id"]));
}

#[tokio::test]
async fn a_command_whose_sender_hung_up_is_not_run_again() {
    let receiver = Receiver::start();
    receiver.answers(|_| {
        std::thread::sleep(Duration::from_millis(1_500)); // Longer than its sender waits.
        Said::text("done")
    });
    let site = site(&[]);
    site.add_webhook("crm", &receiver.url("/"), &["/invoice"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let slow = json!({ "command": "/invoice", "id": "slow" });
    let given_up = tokio::time::timeout(Duration::from_millis(500), types(&server, &slow)).await;
    assert!(given_up.is_err(), "{given_up:?}");
    let [one, two] = [types(&server, &slow).await.json(), types(&server, &slow).await.json()];
    assert_eq!((&one["message"], &one), (&json!("done"), &two));
    assert_eq!(receiver.all().len(), 1, "it was asked once");
}

#[tokio::test]
async fn mistakes_are_told() {
    let site = site(&["probe"]);
    let server = Server::start(&site).await;
    let check = async |path: &str, body: &str, detail: &str| {
        let authorization = format!("Bearer {TOKEN}");
        let answer = server.posts(path, &[("authorization", &authorization)], body.to_owned()).await;
        assert_problem(&answer, 400, "malformed", detail);
    };
    let (commands, events) = ("/v1/commands", "/v1/events");
    check(events, "", "the body: EOF while parsing a value at line 1 column 0").await;
    check(events, "[]", "the body begins with '[': expected a JSON object").await;
    check(events, "{}", "`command` and `kind` are missing: expected one of them").await;
    check(events, r#"{"kind":"a","command":"/a"}"#, "`command` and `kind` are both there: expected one of them").await;
    check(events, r#"{"command":"/a"}"#, "`command` is there: expected an event, commands go to /v1/commands").await;
    check(commands, r#"{"kind":"a"}"#, "`kind` is there: expected a command, events go to /v1/events").await;
    for kind in ["", "a..b", "message.*", "/mark", "a b"] {
        let detail = format!("`kind` is {kind:?}: expected dotted words such as `message.received`");
        check(events, &json!({ "kind": kind }).to_string(), &detail).await;
    }
    for kind in ["timer.fired", "plugin.mark.done", "slashbox.test"] {
        let detail = format!("`kind` is {kind:?}: expected one that is not the host's own to make");
        check(events, &json!({ "kind": kind }).to_string(), &detail).await;
    }
    check(events, r#"{"kind":5}"#, "`kind` is 5: expected a string").await;
    check(
        events,
        r#"{"kind":"a","sender":"me"}"#,
        "`sender`: \"me\" is no sender: expected contact, operator, bot, system or unknown",
    )
    .await;
    check(events, r#"{"kind":"a","contact":{}}"#, "`contact` is {}: expected a string or a number").await;
    check(events, r#"{"kind":"a","args":"x"}"#, "`args` is there: an event has none").await;
    check(commands, r#"{"command":"/a","text":"x"}"#, "`text` is there: a command has none").await;
    let time = "`occurred_at` is \"yesterday\": expected a time as 2025-10-08T20:41:20Z (RFC 3339)";
    check(events, r#"{"kind":"a","occurred_at":"yesterday"}"#, time).await;
    let names = "expected one of `command`, `args`, `kind`, `native_kind`, `id`, `conversation`, `contact`, `operator`, `sender`, `message`, `text`, `occurred_at`, `instance`, `data`";
    check(
        events,
        r#"{"kind":"a","conversaton":1}"#,
        &format!("the body: unknown field `conversaton`, {names} at line 1 column 25"),
    )
    .await;
    check(events, r#"{"kind":"a","kind":"b"}"#, "the body: duplicate field `kind` at line 1 column 18").await;
    let name = "`command`: \"/\" is no command name: expected / and 1 to 64 characters without white space, / and *";
    check(commands, r#"{"command":"/"}"#, name).await;
    let large = tells(&server, &json!({ "kind": "a", "data": "x".repeat(256 * 1024) })).await;
    let bytes = 256 * 1024 + "{\"kind\":\"a\"}\"\"".len();
    let detail = format!("the event has {bytes} bytes: expected at most 262144");
    assert_problem(&large, 413, "too-large", &detail);
    let get = server.request(Method::GET, "/v1/events").await;
    assert_problem(&get, 405, "method-not-allowed", "GET is not taken at this path");
}

/// What the documents of the API say is what the dialect reads.
#[tokio::test]
async fn the_api_is_described() {
    let server = Server::start(&site(&[])).await;
    let document = server.request(Method::GET, "/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    for (path, schema, required) in [("/v1/commands", "NewCommand", "command"), ("/v1/events", "NewEvent", "kind")] {
        let operation = &document["paths"][path]["post"];
        assert_eq!(operation["security"], json!([{ "source": [] }]), "{operation}");
        let reference = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(reference, &format!("#/components/schemas/{schema}"));
        assert_eq!(schemas[schema]["required"], json!([required]));
        // Each member that is described is known, and no other.
        let known = schemas[schema]["properties"].as_object().unwrap().keys().cloned();
        for name in known.chain(["other".into()]) {
            let body = json!({ required: { "a": 1 }, &*name: { "a": 1 } });
            let detail = posts(&server, path, TOKEN, &[], &body).await.json()["detail"].to_string();
            assert_eq!(detail.contains("unknown field"), name == "other", "{name}: {detail}");
        }
    }
    assert!(document["components"]["securitySchemes"]["source"].is_object());
}
