//! Ids and texts in what platforms send. Ids are texts from here on, their digits as they were written.

use serde::{Deserializer, de};

use crate::{
    Refusal,
    json::{Members, shown},
};

/// The most bytes of an id. The platforms' have some tens; what orders deliveries and stands in logs must have an end.
const ID_BYTES_MAX: usize = 256;

/// As [`text`], of at most [`ID_BYTES_MAX`].
pub(crate) fn id(key: &str, value: Option<&str>) -> Result<Option<String>, Refusal> {
    match text(key, value)? {
        Some(id) if id.len() > ID_BYTES_MAX => {
            let bytes = id.len();
            Err(Refusal::Malformed(format!("`{key}` has {bytes} bytes: expected an id of at most {ID_BYTES_MAX}")))
        }
        id => Ok(id),
    }
}

/// A string's text or a number's digits as they were written; none if it is null or absent.
pub(crate) fn text(key: &str, value: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(raw) = value else { return Ok(None) };
    let malformed = |problem: &str| Refusal::Malformed(format!("`{key}` is {}: {problem}", shown(raw)));
    if let Some(text) = without_escapes(raw) {
        return Ok(Some(text.into()));
    }
    match raw.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => match serde_json::from_str(raw) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(malformed("expected whole characters, found half of a surrogate pair")),
        },
        Some(b'-' | b'0'..=b'9') => Ok(Some(raw.into())),
        _ => Err(malformed("expected a string or a number")),
    }
}

/// What platforms send whose fields come and go: what does not fit is left out, and still stands in the event's data.
impl Members<'_> {
    /// The first of these members that is an id.
    pub(crate) fn id(&self, names: &[&str]) -> Option<String> {
        let id = |raw: &str| id("", Some(raw)).ok().flatten().filter(|id| !id.is_empty());
        names.iter().find_map(|name| id(self.get(name)?))
    }

    /// The first of these members that is a text. Half of a surrogate pair, which is no character, becomes U+FFFD.
    pub(crate) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| lossy(self.get(name)?))
    }
}

/// What a string says that has no escapes, as nearly all have none: it need not be read character by character.
fn without_escapes(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))
}

pub(crate) fn lossy(raw: &str) -> Option<String> {
    if let Some(text) = without_escapes(raw) {
        return Some(text.into());
    }
    match raw.as_bytes().first()? {
        b'"' => serde_json::Deserializer::from_str(raw).deserialize_bytes(Lossy).ok(),
        b'-' | b'0'..=b'9' => Some(raw.into()),
        _ => None,
    }
}

struct Lossy;

impl de::Visitor<'_> for Lossy {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        let json = format!(
            r#"{{"id":{{}},"no":"","long":"{}","n":-0,"t":"a\ud800b","f":1e999,"l":["x"],"half":"\ud800"}}"#,
            "x".repeat(257)
        );
        let members = Members::of(&json).unwrap();
        assert_eq!(members.id(&["id", "no", "long", "half", "none"]), None);
        assert_eq!(members.id(&["id", "n"]).as_deref(), Some("-0"));
        assert_eq!(members.text(&["l", "id", "t"]).as_deref(), Some("a\u{fffd}\u{fffd}\u{fffd}b"));
        assert_eq!(members.text(&["f"]).as_deref(), Some("1e999"));
    }
}
