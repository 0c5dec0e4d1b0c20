//! What must hold for whatever bytes come in. The fuzzer looks for bytes for which it does not; those that it has found
//! worth keeping are in `fuzz/corpus`, and are gone through as ordinary tests.
//!
//! Each function is one target of `cargo fuzz`, and panics if something does not hold.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is what the fuzzer looks for"
)]

mod configuration;
mod dialects;

use slashbox_core::{
    Format, Outcome, REPLY_UNITS_MAX, Reply, check_markdown_v2,
    signature::{Signed, SigningKey, sign, verify},
};
use slashbox_dialects::{REMOTE_ANSWER_BYTES_MAX, answer_of_remote};

pub use configuration::configuration;
pub use dialects::{hotline, inbox, native, sendpulse, tg_staff};

/// What checks some bytes.
pub type Check = fn(&[u8]);

/// A function for each target, by its name.
pub const TARGETS: [(&str, Check); 9] = [
    ("configuration", configuration),
    ("hotline", hotline),
    ("inbox", inbox),
    ("native", native),
    ("remote_answer", remote_answer),
    ("reply", reply),
    ("sendpulse", sendpulse),
    ("signature", signature),
    ("tg_staff", tg_staff),
];

/// What a remote webhook answers to a command. The first byte says with which status, and as what.
pub fn remote_answer(input: &[u8]) {
    let Some((&how, body)) = input.split_first() else { return };
    let status = [200, 204, 400, 500].into_iter().nth(usize::from(how & 3)).unwrap_or(200);
    let content_type = [None, Some("application/json"), Some("text/plain"), Some("text/html; charset=utf-8")];
    let content_type = content_type.into_iter().nth(usize::from(how >> 2 & 3)).flatten();
    let whole = body.len() <= REMOTE_ANSWER_BYTES_MAX;
    match answer_of_remote(status, content_type, body, whole) {
        Outcome::Replied(reply) => assert!((200..300).contains(&status), "{reply:?}"),
        Outcome::Refused(why) => assert!(!why.is_empty()),
        Outcome::Unavailable(why) => assert!(!why.is_empty() && why.len() < 1_000, "{why}"),
        other => panic!("{other:?}"),
    }
}

/// The end of a reply that is too long.
pub fn reply(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    // What a few bytes say is repeated: the fuzzer's inputs are shorter than a reply may be.
    for text in [text.clone(), text.repeat(1 + REPLY_UNITS_MAX / text.len().max(1))] {
        let units = text.encode_utf16().count();
        let mut reply = Reply { text: text.clone(), format: Format::MarkdownV2 };
        let cut = reply.cut();
        assert!(reply.text.encode_utf16().count() <= REPLY_UNITS_MAX);
        assert_eq!(cut.map(|cut| cut.from_units), (units > REPLY_UNITS_MAX).then_some(units));
        match cut {
            None => assert_eq!(reply.text, text),
            Some(_) => assert!(text.starts_with(reply.text.strip_suffix('…').expect("an ellipsis"))),
        }
        let _ = check_markdown_v2(&reply.text);
    }
}

/// The headers of a signed request: lines of id, timestamp and signature, and the body behind them.
pub fn signature(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (id, timestamp, written, body) = (line(), line(), line(), line());
    let keys: [SigningKey; 1] = [format!("whsec_{}", "A".repeat(32)).parse().expect("a key")];
    let now_s = 1_760_000_000;
    let trusted = verify(&keys, Signed { id, timestamp, signature: written }, body.as_bytes(), now_s).is_ok();
    let right = timestamp.parse().map(|timestamp_s| sign(&keys, id, timestamp_s, body.as_bytes()));
    // Whatever is trusted has the one signature that is right in it.
    assert!(!trusted || right.is_ok_and(|right| written.split(' ').any(|one| one == right)));
    let _ = text.parse::<SigningKey>();
}
