//! What the platform gets back.

use super::*;
use crate::{Answer, Shown, Taken};

const JSON: Option<&str> = Some("application/json");
const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

fn check(answer: &Answer, status: u16, content_type: Option<&str>, body: &str) {
    assert_eq!((answer.status, answer.content_type, answer.body.as_str()), (status, content_type, body));
}

#[test]
fn to_commands() {
    let check = |reply: ReplyStyle, shown: Shown, content_type: Option<&str>, body: &str| {
        check(&Hotline { reply, ..hotline() }.answer(shown), 200, content_type, body);
    };
    check(ReplyStyle::Json, Shown::Message("a \"b\"\n".into()), JSON, r#"{"message":"a \"b\"\n"}"#);
    check(ReplyStyle::Json, Shown::Error("no".into()), JSON, r#"{"error":"no"}"#);
    check(ReplyStyle::Json, Shown::Nothing, None, "");
    check(ReplyStyle::Text, Shown::Message("a \"b\"\n".into()), TEXT, "a \"b\"\n");
    check(ReplyStyle::Text, Shown::Error("no".into()), TEXT, "no");
    check(ReplyStyle::Text, Shown::Nothing, None, "");
}

#[test]
fn to_events() {
    let new = Taken { id: "01J".into(), duplicate: false };
    let old = Taken { id: "01H".into(), duplicate: true };
    let check = |reply: ReplyStyle, events: &[Taken], content_type: Option<&str>, body: &str| {
        check(&Hotline { reply, ..hotline() }.accepted(events), 200, content_type, body);
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
    check(&hotline().refuse(&Refusal::Unauthorized("who are you?".into())), 401, JSON, r#"{"error":"who are you?"}"#);
    let large = Refusal::TooLarge { bytes_max: 7 };
    check(&hotline().refuse(&large), 413, JSON, r#"{"error":"the body has more than 7 bytes"}"#);
    assert_eq!(hotline().refuse(&large).retry_after_s, None);
    let later = hotline().refuse(&Refusal::Unavailable("later".into()));
    check(&later, 503, JSON, r#"{"error":"later"}"#);
    assert_eq!(later.retry_after_s, Some(5));
}
