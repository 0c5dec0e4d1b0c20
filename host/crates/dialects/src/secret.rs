//! What a sender must know.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A credential, of which only the digest is kept, and never shown.
#[derive(Clone)]
pub struct Secret {
    digest: [u8; 32],
    /// As it stands in JSON text, quotes included: to be taken out of what a sender repeats.
    quoted: String,
}

impl Secret {
    /// The secret with this text.
    pub fn new(text: &str) -> Self {
        let quoted = serde_json::to_string(text).unwrap_or_default(); // A text is always JSON.
        Self { digest: Sha256::digest(text).into(), quoted }
    }

    /// Whether a text is the secret. Takes the same time wherever, and however long, the two differ.
    pub fn is(&self, text: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(text).into();
        digest.ct_eq(&self.digest).into()
    }

    /// JSON text without the secret: wherever it stands as a string, `"[redacted]"` stands instead.
    pub(crate) fn taken_out_of(&self, json: &str) -> Option<String> {
        // Replacing a whole string by another keeps the text JSON.
        json.contains(&self.quoted).then(|| json.replace(&self.quoted, "\"[redacted]\""))
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
        let secret = Secret::new("pQTngMZLh0NmAh");
        assert!(secret.is("pQTngMZLh0NmAh"));
        for other in ["", "p", "pQTngMZLh0NmA", "pQTngMZLh0NmAhx", "pQTngMZLh0NmAH", "pQTngMZLh0NmAh\0"] {
            assert!(!secret.is(other), "{other:?}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(..)");
    }

    #[test]
    fn it_is_taken_out_of_json() {
        let secret = Secret::new("k\"1");
        assert_eq!(secret.taken_out_of(r#"{"a":1}"#), None);
        let taken = secret.taken_out_of(r#"{"a":"k\"1","b":["k\"1"],"c":"xk\"1"}"#).unwrap();
        assert_eq!(taken, r#"{"a":"[redacted]","b":["[redacted]"],"c":"xk\"1"}"#);
    }
}
