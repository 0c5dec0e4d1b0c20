//! What remote webhooks answer.

use slashbox_core::{Format, Outcome, Reply};

use crate::answer_of_remote;

const JSON: Option<&str> = Some("application/json; charset=utf-8");
const HTML: Option<&str> = Some("text/html");

fn replied(text: &str) -> Outcome {
    Outcome::Replied(Some(Reply { text: text.into(), format: Format::Plain }))
}

fn refused(text: &str) -> Outcome {
    Outcome::Refused(text.into())
}

fn unavailable(text: &str) -> Outcome {
    Outcome::Unavailable(text.into())
}

/// Of a success, whatever its type is said to be.
fn check(body: &str, expected: &Outcome) {
    for content_type in [JSON, HTML, None] {
        assert_eq!(&answer_of_remote(200, content_type, body.as_bytes(), true), expected, "{body} as {content_type:?}");
    }
}

#[test]
fn the_documents_answers() {
    check(
        "{\n    \"message\": \"Deal created: http://internal.domain.com/crm/deals/76238\",\n    \"status\": \"ok\"\n}",
        &replied("Deal created: http://internal.domain.com/crm/deals/76238"),
    );
    check(
        "{\n    \"error\": \"User 12345678 not found in our database\"\n}",
        &refused("User 12345678 not found in our database"),
    );
    let text = "✅ Factura №12345 creada\nTotal: 1500\nEnlace: https://intranet.example.com/invoice/12345\n";
    assert_eq!(answer_of_remote(200, Some("text/plain"), text.as_bytes(), true), replied(text));
}

#[test]
fn nothing_to_say() {
    for body in ["", " \r\n\t", "\u{feff}", r#"{"message":""}"#] {
        check(body, &Outcome::Replied(None));
    }
    assert_eq!(answer_of_remote(204, None, b"", true), Outcome::Replied(None));
}

#[test]
fn nodes() {
    check(r#"{"message":"a","error":"b"}"#, &refused("b"));
    check(r#"{"message":"a","error":null}"#, &replied("a"));
    check(r#"{"message":"a","error":false}"#, &replied("a"));
    check(r#"{"message":"a","error":""}"#, &replied("a"));
    check("\u{feff} {\"message\":\" a\\n*b* \"}\n", &replied(" a\n*b* "));
    check(r#"{"message":"a","deep":[1e999,"\ud800"]}"#, &replied("a"));
    check(r#"{"error":"b","message":5}"#, &refused("b"));
    let without = unavailable("answered JSON without `message` or `error`");
    for body in ["{}", r#"{"status":"ok"}"#, r#"{"message":null}"#, r#"{"error":null}"#, r#"{"error":false}"#] {
        check(body, &without);
    }
    let no_string = |name: &str, value: &str| {
        unavailable(&format!("answered JSON whose `{name}` is {value}: expected a string of whole characters"))
    };
    check(r#"{"message":5}"#, &no_string("message", "5"));
    check(r#"{"message":["a"]}"#, &no_string("message", "[\"a\"]"));
    check(r#"{"message":"\ud800"}"#, &no_string("message", "\"\\ud800\""));
    check(r#"{"message":"a","error":{"code":5}}"#, &no_string("error", "{\"code\":5}"));
    check(r#"{"message":"a","error":true}"#, &no_string("error", "true"));
}

#[test]
fn the_type_decides_where_the_content_does_not() {
    let check = |content_type: &str, body: &str, expected: &Outcome| {
        assert_eq!(&answer_of_remote(200, Some(content_type), body.as_bytes(), true), expected);
    };
    for text in ["[1]", "\"done\"", "null", "{not JSON}", "{", r#"{"message":"a","message":"b"}"#, "<p>done</p>"] {
        check("text/html; charset=UTF-8", text, &replied(text));
    }
    let unsound = unavailable("answered JSON that cannot be read: EOF while parsing a string at line 1 column 13");
    for json in ["application/json", "Application/JSON ; charset=utf-8", "application/problem+json", "text/json"] {
        check(json, r#"{"message":"a"#, &unsound);
    }
    let without = unavailable("answered JSON without `message` or `error`");
    for other in ["[1]", "\"done\"", "null", "5"] {
        check("application/json", other, &without);
    }
    let twice = unavailable("answered JSON that names `message` or `error` twice");
    check("application/json", r#"{"message":"a","message":"b"}"#, &twice);
}

#[test]
fn what_is_too_large_or_no_text() {
    let large = "x".repeat(64 * 1024);
    assert_eq!(answer_of_remote(200, None, large.as_bytes(), true), replied(&large));
    assert_eq!(answer_of_remote(200, None, large.as_bytes(), false), unavailable("answered with more than 64 KiB"));
    let expected = unavailable("answered with a text that is no UTF-8: invalid byte at position 3");
    assert_eq!(answer_of_remote(200, HTML, b"abc\xff", true), expected);
}

#[test]
fn other_statuses() {
    for status in [100, 199, 300, 302, 401, 404, 500, 503] {
        let expected = unavailable(&format!("answered with status {status}"));
        let without = ["", "oops", "{", r#"{"message":"a"}"#, r#"{"error":5}"#, r#"{"error":null}"#, r#"{"error":""}"#];
        for body in without {
            assert_eq!(answer_of_remote(status, JSON, body.as_bytes(), true), expected);
        }
        assert_eq!(answer_of_remote(status, JSON, b"\xff", true), expected);
        assert_eq!(answer_of_remote(status, HTML, "\u{feff}{\"error\":\"b\"}".as_bytes(), true), refused("b"));
    }
    for status in [200, 201, 204, 299] {
        assert_eq!(answer_of_remote(status, None, b"done", true), replied("done"));
    }
}
