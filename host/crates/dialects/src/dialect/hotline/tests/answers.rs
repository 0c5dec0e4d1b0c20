//! What the platform gets back.

use slashbox_core::{Format, Reply};

use super::*;
use crate::{Answer, Answered, Shown, Taken};

const JSON: Option<&str> = Some("application/json");
const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

fn check(answer: &Answer, status: u16, content_type: Option<&str>, body: &str) {
    assert_eq!((answer.status, answer.content_type, answer.body.as_str()), (status, content_type, body));
}

fn answered(shown: Shown) -> Answered {
    Answered { id: "01J".into(), command: "/mark".into(), outcome: "replied", shown }
}

fn message(text: &str) -> Shown {
    Shown::Message(Reply { text: text.into(), format: Format::Plain })
}

#[test]
fn to_commands() {
    let check = |reply: ReplyStyle, shown: Shown, content_type: Option<&str>, body: &str| {
        check(&hotline().answer(answered(shown), reply), 200, content_type, body);
    };
    check(ReplyStyle::Json, message("a \"b\"\n"), JSON, r#"{"message":"a \"b\"\n"}"#);
    check(ReplyStyle::Json, Shown::Error("no".into()), JSON, r#"{"error":"no"}"#);
    check(ReplyStyle::Json, Shown::Nothing, None, "");
    check(ReplyStyle::Text, message("a \"b\"\n"), TEXT, "a \"b\"\n");
    check(ReplyStyle::Text, Shown::Error("no".into()), TEXT, "no");
    check(ReplyStyle::Text, Shown::Nothing, None, "");
}

#[test]
fn to_events() {
    let new = Taken { id: "01J".into(), duplicate: false };
    let old = Taken { id: "01H".into(), duplicate: true };
    let check = |reply: ReplyStyle, events: &[Taken], content_type: Option<&str>, body: &str| {
        check(&hotline().accepted(events, reply), 200, content_type, body);
    };
    check(ReplyStyle::Json, std::slice::from_ref(&new), JSON, r#"{"duplicate":false,"id":"01J"}"#);
    check(ReplyStyle::Json, std::slice::from_ref(&old), JSON, r#"{"duplicate":true,"id":"01H"}"#);
    check(ReplyStyle::Text, std::slice::from_ref(&new), TEXT, "accepted as 01J");
    check(ReplyStyle::Text, &[new.clone(), old.clone()], TEXT, "accepted as 01J\nduplicate of 01H");
    let both = r#"[{"duplicate":false,"id":"01J"},{"duplicate":true,"id":"01H"}]"#;
    check(ReplyStyle::Json, &[new, old], JSON, both);
}

#[test]
fn to_what_is_not_taken() {
    check(
        &hotline().refuse(&Refusal::Unauthorized("who are you?".into()), ReplyStyle::Json),
        401,
        JSON,
        r#"{"error":"who are you?"}"#,
    );
    let large = Refusal::TooLarge { bytes_max: 7 };
    check(&hotline().refuse(&large, ReplyStyle::Json), 413, JSON, r#"{"error":"the body has more than 7 bytes"}"#);
    assert_eq!(hotline().refuse(&large, ReplyStyle::Json).retry_after_s, None);
    let unknown = Refusal::UnknownCommand("unknown command /a".into());
    check(&hotline().refuse(&unknown, ReplyStyle::Json), 200, JSON, r#"{"error":"unknown command /a"}"#);
    check(&hotline().refuse(&unknown, ReplyStyle::Text), 200, TEXT, "unknown command /a");
    let later = hotline().refuse(&Refusal::Unavailable("later".into()), ReplyStyle::Json);
    check(&later, 503, JSON, r#"{"error":"later"}"#);
    assert_eq!(later.retry_after_s, Some(5));
}
