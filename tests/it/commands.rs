//! The way of a command: the platform's request comes in, the plugin that owns it gets all of it, its reply goes out.

use serde_json::json;

use crate::harness::{KEY, MARK, Server, Site};

/// Data that a JSON library would like to write otherwise.
const ODD_DATA: &str = include_str!("cases/hotline/odd-data.json");

#[tokio::test]
async fn the_documented_request_is_answered() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let answer = server.support.posts(MARK).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    assert_eq!(answer.body, r#"{"message":"Marked: deal"}"#);
    let answer = server.support.posts(MARK.replace(r#""deal""#, r#""""#)).await;
    assert_eq!(answer.body, r#"{"message":"deal — marked by 123456 on 2025-10-08 20:41 UTC"}"#);
    let elsewhere = MARK.replace(r#""deal""#, r#""""#).replace(r#""topic_id": 5"#, r#""topic_id": 6"#);
    assert_eq!(server.support.posts(elsewhere).await.shown(), "Not marked yet. Mark it with /mark STATUS");
}

#[tokio::test]
async fn nobodys_command_is_told_and_near_ones_are_named() {
    let site = Site::new(&["mark", "acme/greet=greet-v1"]);
    let server = Server::start(&site).await;
    server
        .check(&[
            ("/foo", "! unknown command /foo"),
            ("/foo bar", "! unknown command /foo"),
            ("/mrak deal", "! unknown command /mrak, did you mean /mark?"),
            ("/Mark deal", "! unknown command /Mark, did you mean /mark?"),
            ("/mar", "! unknown command /mar, did you mean /mark?"),
            // Another tenant's commands are not this one's business.
            ("/greet", "! unknown command /greet"),
            ("/gret", "! unknown command /gret"),
        ])
        .await;
}

#[tokio::test]
async fn what_everybody_needs_is_a_typed_field() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let check = async |body: String, expected: &[&str]| {
        let shown = server.support.posts(body).await.shown();
        let (id, rest) = shown.split_once('\n').unwrap();
        assert!(id.starts_with("id=") && id.len() == "id=".len() + 26, "{id}");
        let (deadline, rest): (Vec<_>, Vec<_>) = rest.lines().partition(|line| line.starts_with("deadline_ms="));
        let deadline_ms: u32 = deadline[0].strip_prefix("deadline_ms=").unwrap().parse().unwrap();
        assert!((1..=5_000).contains(&deadline_ms), "{deadline_ms}");
        assert_eq!(rest, expected);
    };
    let full = MARK.replace("/mark", "/whoami").replace(r#""deal""#, r#"" a  b\n""#);
    let expected = [
        "name=/whoami",
        "args= a  b",
        "", // The line's end that was typed.
        "conversation=-1002146012345:5",
        "operator=123456",
        "contact=7890123",
        "occurred_at_ms=1759956080000",
        "tenant=default",
        "source=support",
        "dialect=hotline",
        "instance=132099468746812345",
    ];
    check(full, &expected).await;
    let least = json!({ "event_type": "/whoami", "timestamp": "1970-01-01 00:00:01", "api_key": KEY });
    let expected = [
        "name=/whoami",
        "args=",
        "conversation=none",
        "operator=none",
        "contact=none",
        "occurred_at_ms=1000",
        "tenant=default",
        "source=support",
        "dialect=hotline",
        "instance=none",
    ];
    check(least.to_string(), &expected).await;
}

#[tokio::test]
async fn the_data_is_passed_on_as_it_was_written() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let check = async |member: &str, expected: &str| {
        let body = format!("{{\"event_type\":\"/data\", {member} \"api_key\":\"{KEY}\"}}");
        assert_eq!(server.support.posts(body).await.shown(), expected);
    };
    let odd = ODD_DATA.trim_end();
    check(&format!("\"data\":  {odd} ,"), odd).await;
    check("\"data\":{},", "{}").await;
    check("\"data\":null,", "null").await;
    check("", "null").await;
}

#[tokio::test]
async fn no_plugin_gets_the_sources_key() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    let check = async |data: &str, expected: &str| {
        let body = format!("{{\"event_type\":\"/data\",\"data\":{data},\"api_key\":\"{KEY}\"}}");
        assert_eq!(server.support.posts(body).await.shown(), expected);
    };
    check(
        &format!(r#"{{"command_data":"{KEY}","deep":[{{"api_key": "{KEY}"}}],"n":1.0}}"#),
        r#"{"command_data":"[redacted]","deep":[{"api_key": "[redacted]"}],"n":1.0}"#,
    )
    .await;
    check(&format!(r#"{{"header":"Bearer {KEY}!"}}"#), r#"{"header":"[redacted]"}"#).await;
    check(&format!(r#"{{"spelled":"\u0070{}"}}"#, &KEY[1..]), r#"{"spelled":"[redacted]"}"#).await;
    let data = json!({ "command_data": KEY, "user_id": KEY, "sender_user_id": KEY, "chat_id": KEY, "topic_id": KEY });
    let body = json!({ "event_type": "/whoami", "instance_id": KEY, "data": data, "api_key": KEY });
    let shown = server.support.posts(body.to_string()).await.shown();
    for field in ["args", "contact", "operator", "instance"] {
        assert!(shown.contains(&format!("{field}=[redacted]")), "{field}: {shown}");
    }
    assert!(!shown.contains(KEY), "{shown}");
    let ended = server.stop().await;
    assert!(!format!("{}{}", ended.out, ended.err).contains(KEY), "{ended:#?}");
}
