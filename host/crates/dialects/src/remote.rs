//! What a remote webhook answers to a command, in Hotline's way: plain text, or JSON with `message` or `error`.
//!
//! The texts of failures complete the sentence "the webhook crm …". A reply's text is passed on as it is; cutting it to
//! what the platform shows is not done here.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::value::RawValue;
use slashbox_core::{Format, Outcome, Reply};

use crate::json::shown;

/// The most bytes that are read of a remote's answer: 4,096 characters in the longest spelling that JSON has for them,
/// and room for nodes that nobody reads.
pub const REMOTE_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The nodes that count, still as they were written; `None` if null or absent.
#[derive(Deserialize)]
struct Nodes<'b> {
    #[serde(borrow, default)]
    message: Option<&'b RawValue>,
    #[serde(borrow, default)]
    error: Option<&'b RawValue>,
}

/// What a remote's answer to a command means. `body` is its beginning, at most [`REMOTE_ANSWER_BYTES_MAX`] bytes of it,
/// `whole` whether that is all of it.
///
/// Of a success (2xx): an empty body is "done, nothing to say". An object, whatever `content_type` calls it, refuses
/// with its `error` or replies with its `message`; other nodes are ignored, `error` wins. Many receivers write both
/// nodes always, so an `error` that is null, false or empty is none, and an empty `message` is "nothing to say". Other
/// text is the reply, unless `content_type` says that it is JSON. Anything else is unavailable, and says why. Of
/// another status, only an object's `error` counts.
pub fn answer_of_remote(status: u16, content_type: Option<&str>, body: &[u8], whole: bool) -> Outcome {
    let read = if (200..300).contains(&status) {
        success(content_type, body, whole)
    } else {
        failure(body).ok_or_else(|| format!("answered with status {status}"))
    };
    read.unwrap_or_else(Outcome::Unavailable)
}

fn failure(body: &[u8]) -> Option<Outcome> {
    let nodes = std::str::from_utf8(body).ok().and_then(|body| nodes(without_mark(body))?.ok());
    let error = nodes.and_then(|nodes| string("error", nodes.error?).ok());
    error.filter(|error| !error.is_empty()).map(Outcome::Refused)
}

fn success(content_type: Option<&str>, body: &[u8], whole: bool) -> Result<Outcome, String> {
    if !whole {
        return Err(format!("answered with more than {} KiB", REMOTE_ANSWER_BYTES_MAX / 1024));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        format!("answered with a text that is no UTF-8: invalid byte at position {at}")
    })?;
    let text = without_mark(text);
    if text.trim().is_empty() {
        return Ok(Outcome::Replied(None));
    }
    match nodes(text) {
        Some(Ok(nodes)) => nodes.outcome(),
        None | Some(Err(_)) if content_type.is_some_and(is_json) => Err(no_nodes(text)),
        None | Some(Err(_)) => Ok(replied(text.into())),
    }
}

/// `None` if the text is no object by its beginning.
fn nodes(text: &str) -> Option<serde_json::Result<Nodes<'_>>> {
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text))
}

impl Nodes<'_> {
    fn outcome(self) -> Result<Outcome, String> {
        if let Some(error) = self.error.filter(|error| !matches!(error.get(), "false" | "\"\"")) {
            return string("error", error).map(Outcome::Refused);
        }
        match self.message {
            Some(message) => string("message", message).map(replied),
            None => Err("answered JSON without `message` or `error`".into()),
        }
    }
}

fn replied(text: String) -> Outcome {
    Outcome::Replied((!text.is_empty()).then_some(Reply { text, format: Format::Plain }))
}

fn string(name: &str, value: &RawValue) -> Result<String, String> {
    let value = value.get();
    serde_json::from_str(value)
        .map_err(|_| format!("answered JSON whose `{name}` is {}: expected a string of whole characters", shown(value)))
}

/// Why a text that should be JSON has no nodes.
fn no_nodes(text: &str) -> String {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) => format!("answered JSON that cannot be read: {error}"),
        Ok(_) if text.trim_start().starts_with('{') => "answered JSON that names `message` or `error` twice".into(),
        Ok(_) => "answered JSON without `message` or `error`".into(),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

/// Without a byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
