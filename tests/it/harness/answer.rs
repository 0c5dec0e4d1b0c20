//! What came back over HTTP.

use serde_json::Value;

/// The letters of an id: Crockford's base 32.
const ULID: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many letters an id has.
const ULID_CHARS: usize = 26;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Empty if there is none.
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Answer {
    /// What the operator sees: a message as it is, an error behind `! `, `(nothing)`, and whatever no operator should
    /// get to see with its status. Each ref that looks like one is `REF`.
    pub(crate) fn shown(&self) -> String {
        if (self.status, self.content_type.as_str(), self.body.as_str()) == (200, "", "") {
            return "(nothing)".into();
        }
        let text = match (self.status, self.nodes().as_slice()) {
            (200, [(node, text)]) if node == "message" => text.clone(),
            (200, [(node, text)]) if node == "error" => format!("! {text}"),
            (status, _) => format!("{status} {}", self.body),
        };
        match reference(&text) {
            Some(reference) => text.replace(reference, "REF"),
            None => text,
        }
    }

    /// The ref that an operator is given.
    pub(crate) fn reference(&self) -> &str {
        reference(&self.body).unwrap_or_else(|| panic!("no ref in {}", self.body))
    }

    /// The members of the JSON object, if all of them are texts.
    fn nodes(&self) -> Vec<(String, String)> {
        if self.content_type != "application/json" {
            return Vec::new();
        }
        let object: serde_json::Map<String, Value> = serde_json::from_str(&self.body).unwrap_or_default();
        let texts = object.into_iter().map(|(node, value)| Some((node, value.as_str()?.to_owned())));
        texts.collect::<Option<_>>().unwrap_or_default()
    }
}

fn reference(text: &str) -> Option<&str> {
    let (_, after) = text.rsplit_once("(ref ")?;
    let (reference, _) = after.split_once(')')?;
    let sound = reference.len() == ULID_CHARS && reference.chars().all(|letter| ULID.contains(letter));
    sound.then_some(reference)
}
