//! Bodies that are no commands and no events: each is refused with a status of the sender's fault, and words that say what was expected.

use serde_json::{Value, json};

use crate::harness::{KEY, Server, Site};

/// The most that a body may have.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// An object with the key and these members.
fn with(members: &str) -> String {
    format!("{{\"api_key\":\"{KEY}\",{members}}}")
}

/// A command of exactly so many bytes.
fn of_size(bytes: usize) -> String {
    let body = |padding: &str| with(&format!(r#""event_type":"/echo","data":{{"command_data":"hi","x":"{padding}"}}"#));
    body(&"x".repeat(bytes - body("").len()))
}

#[tokio::test]
async fn a_bad_body_is_told_what_was_expected() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let check = async |body: &[u8], status: u16, expected: &str| {
        let answer = server.support.posts(body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
        assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/json"), "{shown}");
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error, json!({ "error": expected }), "{shown}");
    };
    let unsound = |problem: &str| format!("the body is no sound JSON object: {problem}");
    check(b"", 400, &unsound("EOF while parsing a value at line 1 column 0")).await;
    check(b" \n", 400, &unsound("EOF while parsing a value at line 2 column 0")).await;
    check(b"/mark deal", 400, "the body is /mark deal: expected a JSON object").await;
    check(b"event_type=%2Fmark", 400, "the body is event_type=%2Fmark: expected a JSON object").await;
    check(b"[]", 400, "the body is []: expected a JSON object").await;
    check(b"null", 400, "the body is null: expected a JSON object").await;
    check(b"{\"a\":1", 400, &unsound("EOF while parsing an object at line 1 column 6")).await;
    check(b"{'a':1}", 400, &unsound("key must be a string at line 1 column 2")).await;
    check(b"{} {}", 400, &unsound("trailing characters at line 1 column 4")).await;
    check(b"{\"a\":\"\xff\"}", 400, "the body is no UTF-8: invalid byte at position 6").await;
    check(b"\xff\xfe{\0}\0", 400, "the body is no UTF-8: invalid byte at position 0").await;
    let deep = [&b"{\"a\":"[..], &b"[".repeat(100_000)].concat();
    check(&deep, 400, &unsound("EOF while parsing a list at line 1 column 100005")).await;
    let long = "x".repeat(100_000);
    check(long.as_bytes(), 400, &format!("the body is {}…: expected a JSON object", "x".repeat(60))).await;
}

#[tokio::test]
async fn a_bad_member_is_named_with_its_value() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let check = async |members: &str, status: u16, expected: &str| {
        let answer = server.support.posts(with(members)).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/json"), "{members}");
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error, json!({ "error": expected }), "{members}");
    };
    let duplicate = "the body has `event_type` twice: expected it once";
    check(r#""event_type":"/a","event_type":"/b""#, 400, duplicate).await;
    let missing = "`event_type` is missing: expected a command such as \"/mark\"";
    check(r#""data":{}"#, 400, missing).await;
    check(r#""event_type":null"#, 400, missing).await;
    check(r#""event_type":5"#, 400, "`event_type` is 5: expected a string such as \"/mark\"").await;
    check(r#""event_type":["/mark"]"#, 400, "`event_type` is [\"/mark\"]: expected a string such as \"/mark\"").await;
    for name in ["/", "/a b", "//", "/a/b", "/*", "/a\\n"] {
        let found = name.replace("\\n", "\n");
        let expected = "expected / and 1 to 64 characters without white space, / and *";
        check(
            &format!("\"event_type\":\"{name}\""),
            400,
            &format!("`event_type`: {found:?} is no command name: {expected}"),
        )
        .await;
    }
    check(r#""event_type":"/a","data":[1]"#, 400, "`data` is [1]: expected an object").await;
    check(r#""event_type":"/a","data":"x""#, 400, "`data` is \"x\": expected an object").await;
    let number = "expected a string or a number";
    check(r#""event_type":"/a","data":{"chat_id":true}"#, 400, &format!("`data.chat_id` is true: {number}")).await;
    check(r#""event_type":"/a","data":{"command_data":{}}"#, 400, &format!("`data.command_data` is {{}}: {number}"))
        .await;
    check(r#""event_type":"/a","instance_id":[]"#, 400, &format!("`instance_id` is []: {number}")).await;
    for timestamp in ["yesterday", "2025-13-08 20:41:20", "2025-10-08", "1969-12-31 23:59:59", ""] {
        check(
            &format!("\"event_type\":\"/a\",\"timestamp\":\"{timestamp}\""),
            400,
            &format!("`timestamp` is {timestamp:?}: expected a time as 2025-10-08 20:41:20, in UTC"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte() {
    let site = Site::new(&["probe"]);
    let server = Server::start(&site).await;
    assert_eq!(server.support.posts(of_size(BODY_BYTES_MAX)).await.shown(), "hi");
    // Of a body that is larger by far, the rest is not read, and its sender may not get to read why.
    let answer = server.support.posts(of_size(BODY_BYTES_MAX + 1)).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (413, "application/json"));
    assert_eq!(answer.body, r#"{"error":"the body has more than 1048576 bytes"}"#);
    server.check(&[("/echo still here", "still here")]).await;
}
