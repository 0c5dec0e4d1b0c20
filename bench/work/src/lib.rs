//! What every contestant does in a call: read the `data` of a Hotline command, and write a reply of a few lines.
//!
//! Knows nothing of who runs it: no host, no interface. The reply is made of all that was read, so that no compiler leaves
//! out a part of the work.

use serde::Deserialize;

/// The `data` of a command, with the fields of the platform's own example.
pub const DATA: &str = r#"{
    "command_data": "2026-0117 EUR",
    "chat_id": -1002146012345,
    "topic_id": 5,
    "topic_link": "https://t.me/c/2146012345/5",
    "message_id": 5850,
    "reply_message_id": null,
    "sender_user_id": 123456,
    "user_id": 7890123,
    "frontend_chat_id": 7890123,
    "frontend_thread_id": null
}"#;

/// The payload, read.
#[derive(Debug, Deserialize)]
pub struct Data {
    command_data: String,
    chat_id: i64,
    topic_id: i64,
    topic_link: String,
    message_id: i64,
    reply_message_id: Option<i64>,
    sender_user_id: i64,
    user_id: i64,
    frontend_chat_id: i64,
    frontend_thread_id: Option<i64>,
}

/// Reads the payload and writes the reply.
///
/// # Errors
/// If the payload is not what the platform sends.
pub fn reply(data: &str) -> serde_json::Result<String> {
    let data: Data = serde_json::from_str(data)?;
    let (number, currency) = data.command_data.split_once(' ').unwrap_or((&data.command_data, "EUR"));
    let thread = data.frontend_thread_id.or(data.reply_message_id).unwrap_or(data.frontend_chat_id);
    Ok(format!(
        "Invoice {number} for customer {} ({thread})\nOpen: {}.{:02} {currency}\n{} in {}:{}, asked by {}: {}",
        data.user_id,
        data.message_id / 100,
        data.message_id % 100,
        data.message_id,
        data.chat_id,
        data.topic_id,
        data.sender_user_id,
        data.topic_link,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_with_all_that_it_read() {
        let expected = "Invoice 2026-0117 for customer 7890123 (7890123)\nOpen: 58.50 EUR\n\
                        5850 in -1002146012345:5, asked by 123456: https://t.me/c/2146012345/5";
        assert_eq!(reply(DATA).unwrap(), expected);
    }
}
