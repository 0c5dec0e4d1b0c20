//! What a sender must know.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What stands where a credential stood.
const REDACTED: &str = "[redacted]";

/// A credential. It is never shown; its text is kept to be taken out of what a sender repeats.
#[derive(Clone)]
pub struct Secret {
    digest: [u8; 32],
    text: String,
}

/// A credential without a text: everybody would know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is empty")]
pub struct EmptySecret;

impl Secret {
    /// The secret with this text.
    ///
    /// # Errors
    /// If it is empty.
    pub fn new(text: &str) -> Result<Self, EmptySecret> {
        if text.is_empty() {
            return Err(EmptySecret);
        }
        Ok(Self { digest: Sha256::digest(text).into(), text: text.into() })
    }

    /// Whether a text is the secret. Takes the same time wherever, and however long, the two differ.
    pub fn is(&self, text: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(text).into();
        digest.ct_eq(&self.digest).into()
    }

    /// A text without the secret.
    pub(crate) fn taken_out_of(&self, text: String) -> String {
        if text.contains(&self.text) { text.replace(&self.text, REDACTED) } else { text }
    }

    /// JSON text without the secret: a string that has it, however it is spelled, becomes `"[redacted]"`. All else stays
    /// as it was written. `None` if it is nowhere.
    pub(crate) fn taken_out_of_json(&self, json: &str) -> Option<String> {
        if !json.contains(&self.text) && !json.contains('\\') {
            return None; // Without an escape, there is only one spelling.
        }
        let mut clean = String::with_capacity(json.len());
        let mut rest = json;
        let mut found = false;
        while let Some((before, after)) = rest.split_once('"') {
            let (string, tail) = after.split_at(end_of_string(after));
            clean.push_str(before);
            if self.is_in(string) {
                found = true;
                clean.push_str(&format!("\"{REDACTED}\""));
            } else {
                clean.push('"');
                clean.push_str(string);
            }
            rest = tail;
        }
        clean.push_str(rest);
        found.then_some(clean)
    }

    /// Whether a JSON string, given without its first quote, has the secret in it.
    fn is_in(&self, string: &str) -> bool {
        if !string.contains('\\') {
            return string.contains(&self.text);
        }
        // What is no sound string, no handler can read either.
        serde_json::from_str::<String>(&format!("\"{string}")).is_ok_and(|text| text.contains(&self.text))
    }
}

/// The length of a JSON string without its first quote, its last one included.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 1)
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
        assert_eq!(Secret::new("").unwrap_err(), EmptySecret);
    }

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("hunter2").unwrap()), "Secret(..)");
    }

    #[test]
    fn it_is_taken_out_of_json_however_it_is_spelled() {
        let secret = Secret::new("k/\"1").unwrap();
        let check = |json: &str, expected: Option<&str>| {
            assert_eq!(secret.taken_out_of_json(json).as_deref(), expected, "{json}");
        };
        check(r#"{"a":1,"b":"plain"}"#, None);
        check(r#"{"a":"tab\t","b":"k\/"}"#, None);
        check(r#"{"a": "k/\"1"}"#, Some(r#"{"a": "[redacted]"}"#));
        check(r#"{"a":"k\/\"1","n": 1e999}"#, Some(r#"{"a":"[redacted]","n": 1e999}"#));
        check(r#"{"a":["x","\u006b/\u00221"]}"#, Some(r#"{"a":["x","[redacted]"]}"#));
        check(r#"{"a":"Bearer k/\"1!"}"#, Some(r#"{"a":"[redacted]"}"#));
        check(r#"{"k/\"1":"\\"}"#, Some(r#"{"[redacted]":"\\"}"#));
    }
}
