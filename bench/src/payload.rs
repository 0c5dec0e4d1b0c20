//! The command that all contestants get, in each of its shapes, and the reply that all must give.

use anyhow::Result;
use slashbox_bench_work::{DATA, reply};

/// What the platform proves itself with.
pub(crate) const KEY: &str = "pQTngMZLh0NmAh";

/// The source's name, and the last part of its path.
pub(crate) const SOURCE: &str = "support";

/// The command's name.
pub(crate) const NAME: &str = "/invoice";

/// The platform's name for the sending installation.
pub(crate) const INSTANCE: &str = "132099468746812345";

/// The arguments, as in the payload.
pub(crate) const ARGS: &str = "2026-0117 EUR";

/// Ids as the payload has them.
pub(crate) const CONVERSATION: &str = "-1002146012345:5";
/// Who typed it.
pub(crate) const OPERATOR: &str = "123456";
/// Whom the conversation is with.
pub(crate) const CONTACT: &str = "7890123";
/// The time in the request, 2025-10-08 20:41:20 UTC.
pub(crate) const OCCURRED_AT_MS: u64 = 1_759_956_080_000;
/// An id such as the host gives.
pub(crate) const ID: &str = "01K72QGBF0000000000000TEST";

/// The request as Hotline sends it.
pub(crate) fn request() -> Vec<u8> {
    request_of(NAME, ARGS)
}

/// The same with another command and its arguments.
pub(crate) fn request_of(command: &str, args: &str) -> Vec<u8> {
    let data = DATA.replace(ARGS, args);
    let body = format!(
        "{{\"event_type\":\"{command}\",\"timestamp\":\"2025-10-08 20:41:20\",\"instance_id\":\"{INSTANCE}\",\
         \"data\":{data},\"api_key\":\"{KEY}\"}}"
    );
    let bytes = body.len();
    format!(
        "POST /in/{SOURCE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {bytes}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The body of the answer.
pub(crate) fn answer() -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&serde_json::json!({ "message": reply(DATA)? }))?)
}
