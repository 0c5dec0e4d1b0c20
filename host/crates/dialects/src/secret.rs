//! What a sender must know, and how it is kept out of what that sender writes.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{Deserializer, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What stands where a credential stood.
const REDACTED: &str = "[redacted]";

/// A credential. It is never shown; its text is kept to be taken out of what a sender repeats.
#[derive(Clone)]
pub struct Secret {
    digest: [u8; 32],
    text: String,
    escape: &'static str,
}

/// The fewest characters of a credential. A shorter one is soon guessed, and is found all over what people write: taking it
/// out of that would leave nothing of use.
pub const SECRET_CHARS_MIN: usize = 8;

/// A credential that is too short to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{chars} characters: expected at least {SECRET_CHARS_MIN}")]
pub struct ShortSecret {
    /// How long it is.
    pub chars: usize,
}

/// Takes the same time wherever two of them differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.digest.ct_eq(&other.digest).into()
    }
}

impl Eq for Secret {}

impl Secret {
    /// The secret with this text.
    ///
    /// # Errors
    /// If it has fewer than [`SECRET_CHARS_MIN`] characters.
    pub fn new(text: &str) -> Result<Self, ShortSecret> {
        let chars = text.chars().count();
        if chars < SECRET_CHARS_MIN {
            return Err(ShortSecret { chars });
        }
        Ok(Self::of(text))
    }

    fn of(text: &str) -> Self {
        Self { digest: Sha256::digest(text).into(), text: text.into(), escape: escape_of(text) }
    }

    /// Whether a text is the secret. Takes the same time wherever, and however long, the two differ.
    pub fn is(&self, text: &str) -> bool {
        self.is_bytes(text.as_bytes())
    }

    /// As [`Secret::is`].
    pub fn is_bytes(&self, text: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(text).into();
        digest.ct_eq(&self.digest).into()
    }

    /// Its text, for a request that is to carry it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// A text without the secret.
    pub(crate) fn taken_out_of<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.contains(&self.text) { text.replace(&self.text, REDACTED).into() } else { text.into() }
    }

    /// Sound JSON without the secret: a string that has it, however it is spelled, becomes `"[redacted]"`. All else
    /// stays as it was written, numbers too, since a secret is a string. Owned only if it was somewhere.
    pub(crate) fn taken_out_of_json<'j>(&self, json: &'j str) -> Cow<'j, str> {
        if !json.contains(self.escape) && !json.contains(&self.text) {
            return json.into(); // Without an escape, there is only one spelling.
        }
        let mut clean = String::new();
        let mut kept = 0; // How much of it stands in `clean`, or is left out there.
        let mut at = 0;
        while let Some(place) = next_string(json, at) {
            at = place.end;
            if self.is_in(json.get(place.clone()).unwrap_or_default()) {
                clean.push_str(json.get(kept..place.start).unwrap_or_default());
                clean.push('"');
                clean.push_str(REDACTED);
                clean.push('"');
                kept = place.end;
            }
        }
        if kept == 0 {
            return json.into();
        }
        clean.push_str(json.get(kept..).unwrap_or_default());
        clean.into()
    }

    /// Whether a JSON string, given with its quotes, has the secret in it.
    fn is_in(&self, string: &str) -> bool {
        if string.len() < self.text.len() + 2 {
            return false; // No spelling is shorter than the text itself, and most strings are.
        }
        string.contains(&self.text) || (string.contains(self.escape) && self.is_spelled_in(string))
    }

    fn is_spelled_in(&self, string: &str) -> bool {
        let mut string = serde_json::Deserializer::from_str(string);
        string.deserialize_bytes(Holds(&self.text)).is_ok_and(|holds| holds)
    }
}

/// How every escape begins that can stand for a character of this text. Those of the usual keys have a code point each
/// and no other escape: looking for it is far quicker than reading every string that has a line's end or a Cyrillic
/// letter.
fn escape_of(text: &str) -> &'static str {
    if text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'/')) {
        "\\u00"
    } else {
        "\\"
    }
}

/// Where the next string of some JSON is, its quotes included.
fn next_string(json: &str, from: usize) -> Option<Range<usize>> {
    let start = from + json.get(from..)?.find('"')?;
    let mut end = start + 1;
    loop {
        end += json.get(end..)?.find('"')? + 1;
        let inside = json.as_bytes().get(start + 1..end - 1)?;
        let backslashes = inside.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if backslashes % 2 == 0 {
            return Some(start..end);
        }
    }
}

/// Whether a string's text has this in it. Reads bytes, since a string with half of a surrogate pair is no text, but
/// some handlers can read it nevertheless.
struct Holds<'s>(&'s str);

impl de::Visitor<'_> for Holds<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<bool, E> {
        Ok(String::from_utf8_lossy(bytes).contains(self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_is_the_secret() {
        let secret = Secret::new("pQTngMZLh0NmAh").unwrap();
        assert!(secret.is("pQTngMZLh0NmAh"));
        for other in ["", "p", "pQTngMZLh0NmA", "pQTngMZLh0NmAhx", "pQTngMZLh0NmAH", "pQTngMZLh0NmAh\0"] {
            assert!(!secret.is(other), "{other:?}");
        }
        assert_eq!(Secret::new("").unwrap_err(), ShortSecret { chars: 0 });
        assert_eq!(Secret::new("sécrets").unwrap_err().to_string(), "7 characters: expected at least 8");
        assert!(Secret::new("sécrets!").is_ok());
    }

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::of("hunter2")), "Secret(..)");
    }

    fn check(secret: &str, json: &str, expected: Option<&str>) {
        let clean = Secret::of(secret).taken_out_of_json(json).into_owned();
        assert_eq!(clean, expected.unwrap_or(json), "{secret}");
        let owned = matches!(Secret::of(secret).taken_out_of_json(json), Cow::Owned(_));
        assert_eq!(owned, expected.is_some(), "{secret} in {json}");
    }

    #[test]
    fn every_character_of_it_may_be_escaped() {
        for secret in ["pQT-0", "a/b", "a\"b", "a\\b", "a\tb", "a b", "ключ", "k😀y", "\u{7f}"] {
            let units = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            check(secret, &format!("[\"x{}\"]", units.collect::<String>()), Some("[\"[redacted]\"]"));
            let plain = serde_json::to_string(secret).unwrap();
            check(secret, &format!("[{plain}]"), Some("[\"[redacted]\"]"));
            check(secret, &format!("[{}]", plain.replace('/', "\\/")), Some("[\"[redacted]\"]"));
        }
    }

    #[test]
    fn it_is_taken_out_of_json_however_it_is_spelled() {
        let check = |json: &str, expected: Option<&str>| check("k/\"1", json, expected);
        check("", None);
        check("1e999", None);
        check(r#"{"a":1,"b":"plain"}"#, None);
        check(r#"{"a":"tab\t","b":"k\/"}"#, None);
        check(r#""k\/\"1""#, Some(r#""[redacted]""#));
        check(r#"{"a": "k/\"1"}"#, Some(r#"{"a": "[redacted]"}"#));
        check(r#"{"a":"k\/\"1","n": 1e999}"#, Some(r#"{"a":"[redacted]","n": 1e999}"#));
        check(r#"{"a":["x","\u006b/\u00221"]}"#, Some(r#"{"a":["x","[redacted]"]}"#));
        check(r#"{"a":"Bearer k/\"1!"}"#, Some(r#"{"a":"[redacted]"}"#));
        check(r#"{"k/\"1":"\\"}"#, Some(r#"{"[redacted]":"\\"}"#));
        check(r#"["k/\"1","\\","k/\"1","ы"]"#, Some(r#"["[redacted]","\\","[redacted]","ы"]"#));
        check(r#"["\ud800 k/\"1 \udfff"]"#, Some(r#"["[redacted]"]"#));
        check(r#"["{\"a\":\"k/\\\"1\"}", "k/\\\"1"]"#, None); // Spelled twice is another text.
    }
}
