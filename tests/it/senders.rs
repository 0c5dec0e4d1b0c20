//! Who may send commands where: each source has a key, and everything else is told in the way of whoever asks.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, Server, Site};

/// The key of the source `other`.
const OTHER_KEY: &str = "xS3cr3tOfOther";

#[tokio::test]
async fn only_the_sources_own_key_opens_it() {
    let site = Site::new(&["mark"]);
    site.add_source("other", OTHER_KEY, "tenant = \"acme\"");
    let server = Server::start(&site).await;
    let check = async |key: Value, expected: &str| {
        let mut body = json!({ "event_type": "/mark", "data": { "chat_id": 1, "topic_id": 2 }, "api_key": key });
        if body["api_key"] == "ABSENT" {
            body.as_object_mut().unwrap().remove("api_key");
        }
        let answer = server.support.posts(body.to_string()).await;
        let expected = json!({ "error": expected }).to_string();
        assert_eq!((answer.status, answer.content_type.as_str()), (401, "application/json"), "{key}");
        assert_eq!(answer.body, expected, "{key}");
    };
    let (missing, wrong) = ("`api_key` is missing: expected this source's key", "`api_key` is not this source's key");
    check(json!("ABSENT"), missing).await;
    check(json!(null), missing).await;
    check(json!(""), wrong).await;
    check(json!("pQTngMZLh0NmAx"), wrong).await;
    check(json!("pqtngmzlh0nmah"), wrong).await;
    check(json!(&KEY[..KEY.len() - 1]), wrong).await;
    check(json!(format!("{KEY}h")), wrong).await;
    check(json!("k".repeat(100_000)), wrong).await;
    check(json!(OTHER_KEY), wrong).await;
    check(json!([KEY]), wrong).await;
    check(json!({ "$ne": "" }), wrong).await;
    check(json!(0), wrong).await;
    check(json!(true), wrong).await;
    // The keys themselves are right.
    let unmarked = "Not marked yet. Mark it with /mark STATUS";
    assert_eq!(server.says("/mark").await, unmarked);
    assert_eq!(server.sender("other", OTHER_KEY).says("/mark").await, unmarked);
    // The host's log tells each refusal, and never a key, right or wrong.
    let line = server.log().wait_for(&["request not taken", "status=401", "unauthorized"]).await;
    assert!(line.contains("source=\"support\""), "{line}");
    let log = server.stop().await.err;
    assert_eq!(log.matches("status=401").count(), 13, "{log}");
    for key in [KEY, OTHER_KEY, "pQTngMZLh0N", "pqtngmzlh0nmah", "kkkk"] {
        assert!(!log.contains(key), "{key} in:\n{log}");
    }
}

#[tokio::test]
async fn the_key_is_asked_for_before_anything_else_is_judged() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    for body in
        [r#"{}"#, r#"{"event_type":5}"#, r#"{"event_type":"dialog_closed","timestamp":"never"}"#, "{\"data\":[]}"]
    {
        assert_eq!(server.support.posts(body).await.status, 401, "{body}");
    }
}

#[tokio::test]
async fn what_is_not_served_is_told_as_a_problem() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let check = async |method: Method, path: &str, status: u16, code: &str, detail: &str| {
        let answer = server.request(method.clone(), path).await;
        let what = format!("{method} {path}: {answer:?}");
        assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/problem+json"), "{what}");
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&problem["code"], &problem["detail"]), (&json!(code), &json!(detail)), "{what}");
        assert_eq!(problem["status"], status, "{what}");
        assert!(problem["title"].is_string(), "{what}");
    };
    let nothing = "nothing is served at this path";
    check(Method::POST, "/in/nobody", 404, "unknown-source", "no source is named \"nobody\"").await;
    check(Method::POST, "/in/Support", 404, "unknown-source", "no source is named \"Support\"").await;
    check(Method::POST, "/in/a%20b", 404, "unknown-source", "no source is named \"a b\"").await;
    check(Method::POST, "/in/%ff", 404, "unknown-source", "the source's name is no UTF-8").await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let detail = format!("{method} is not taken at this path");
        check(method, "/in/support", 405, "method-not-allowed", &detail).await;
    }
    check(Method::POST, "/healthz", 405, "method-not-allowed", "POST is not taken at this path").await;
    for path in ["/", "/in", "/in/", "/in/support/more", "/nowhere"] {
        check(Method::POST, path, 404, "not-found", nothing).await;
    }
}

#[tokio::test]
async fn a_host_says_that_it_is_there() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let Answer { status, body: found, .. } = server.request(Method::GET, path).await;
        assert_eq!((status, found.as_str()), (200, body), "{path}");
    }
}
