//! Keys: whatever a sender writes, the source's key is nowhere in what the host keeps, shows or hands on.

use std::{fs, path::Path};

use serde_json::json;

use crate::harness::{Ended, KEY, Receiver, Said, Server, Site, assert_has, recorded};

/// The key of the remote.
const REMOTE_KEY: &str = "Ru8TheRemotesOwnKey";

/// A header's value.
const HEADER: &str = "Bearer Hd7TheHeadersToken";

/// All files of a folder, those in its folders too.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
    found
}

fn has(content: &[u8], text: &str) -> bool {
    content.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Events that have the key where no key belongs.
fn odd_bodies() -> Vec<String> {
    let event = |name: &str, data: String, more: &str| {
        format!(r#"{{"event_type":"{name}","timestamp":"2025-10-08 20:41:20","data":{data},"api_key":"{KEY}"{more}}}"#)
    };
    let (first, rest) = KEY.split_at(1);
    let escaped = format!("\\u{:04x}{rest}", u32::from(first.as_bytes()[0]));
    vec![
        event("message_received", json!({ "text": format!("my key is {KEY}, and {KEY}") }).to_string(), ""),
        event("message_received", format!(r#"{{"text":"{escaped}","chat_id":1,"topic_id":1}}"#), ""),
        event("message_received", json!({ "backend_chat_id": KEY, "backend_thread_id": KEY }).to_string(), ""),
        event("message_sent", json!({ "backend_message_id": KEY, "sender_user_id": KEY }).to_string(), ""),
        event("dialog_closed", json!({ "chat_id": KEY, "topic_id": KEY, "user_id": KEY }).to_string(), ""),
        event("dialog_created", json!({ KEY: { KEY: [KEY, { "api_key": KEY }] } }).to_string(), ""),
        event("dialog_created", json!({ "json": json!({ "api_key": KEY }).to_string() }).to_string(), ""),
        event("dialog_created", "{}".into(), &format!(r#","{KEY}":"{KEY}","more":["{KEY}"]"#)),
        event("dialog_reopened", "{}".into(), &format!(r#","instance_id":"{KEY}""#)),
        event("dialog_merged", format!("\"{KEY}\""), ""),
        event("/mark", json!({ "command_data": KEY, "user_id": KEY, "chat_id": KEY, "topic_id": 5 }).to_string(), ""),
    ]
}

#[tokio::test]
async fn a_sources_key_is_nowhere() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder", "client", "watch", "mark"]);
    let more = format!("api_key = {REMOTE_KEY:?}\nheaders = {{ Authorization = {HEADER:?} }}");
    site.add_webhook("crm", &receiver.url("/"), &["*", "/mark"], &more);
    site.configure("[log]\nlevel = \"debug\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bodies = odd_bodies();
    for body in &bodies {
        assert_eq!(server.support.posts(body.clone()).await.status, 200, "{body}");
    }
    let named = server.support.posts(format!(r#"{{"event_type":"{KEY}","api_key":"{KEY}"}}"#)).await;
    assert_eq!(named.status, 400, "{named:?}");
    assert!(!named.body.contains(KEY), "{named:?}");
    server.settled().await;
    // They did come, with something in the key's place.
    let recorded = recorded(&server.support, bodies.len()).await;
    let received = receiver.received(bodies.len()).await;
    for received in &received {
        assert_has(&received.body, &["[redacted]", &format!("\"api_key\":\"{REMOTE_KEY}\"")]);
    }
    let mut shown = vec![format!("{recorded:?}"), format!("{received:?}")];
    for path in ["events", "deliveries"] {
        for item in server.listed(path).await {
            shown.push(server.admin(&format!("{path}/{}", item["id"].as_str().unwrap())).await.to_string());
        }
    }
    assert!(!shown.iter().any(|shown| shown.contains(KEY)), "{shown:#?}");
    let Ended { out, err, .. } = server.stop().await;
    assert!(!format!("{out}{err}").contains(KEY), "{err}");
    nowhere(&site, &[KEY, REMOTE_KEY, HEADER]);
}

/// A remote that repeats what it was sent tells nobody its key.
#[tokio::test]
async fn a_remotes_key_is_nowhere_either() {
    let receiver = Receiver::start();
    receiver.answers(|received| Said::of(500, None, format!("{} {:?}", received.body, received.headers)));
    let site = Site::empty();
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    site.write("webhooks.json", json!({ receiver.url("/?token=Tk9ThePathsToken"): ["*", "/mark"] }).to_string());
    let more = format!("api_key = {REMOTE_KEY:?}\nheaders = {{ Authorization = {HEADER:?} }}");
    site.add_webhook("crm", &receiver.url("/"), &["*"], &more);
    site.configure("[log]\nlevel = \"debug\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.support.writes("hello").await;
    assert_has(&server.says("/mark").await, &["answered with status 500"]);
    receiver.received(3).await;
    let secrets = [KEY, REMOTE_KEY, HEADER, "Tk9ThePathsToken"];
    for delivery in server.listed("deliveries").await {
        let id = delivery["id"].as_str().unwrap().to_owned();
        let is_this = |delivery: &serde_json::Value| delivery["attempt_count"] == 1;
        crate::harness::eventually("an attempt", async || {
            is_this(&server.admin(&format!("deliveries/{id}")).await).then_some(())
        })
        .await;
        let shown = server.admin(&format!("deliveries/{id}")).await.to_string();
        assert_has(&shown, &["answered with status 500", "[redacted]"]);
        assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
    }
    let Ended { out, err, .. } = server.stop().await;
    assert!(!secrets.iter().any(|secret| format!("{out}{err}").contains(secret)), "{out}{err}");
    nowhere(&site, &secrets);
}

/// The files of the data directory have none of these.
pub(crate) fn nowhere(site: &Site, secrets: &[&str]) {
    let files = files(&site.path("data"));
    assert!(files.iter().any(|(_, content)| has(content, "message.received")), "nothing is kept at all");
    for (path, content) in files {
        for secret in secrets {
            assert!(!has(&content, secret), "{secret} is in {path}");
        }
    }
}
