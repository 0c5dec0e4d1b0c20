//! What came back over HTTP.

use reqwest::{
    Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::{Value, json};

use super::Taken;

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
    /// When to come again, in seconds, if it says so.
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) body: String,
}

impl Answer {
    /// The whole of it.
    pub(super) async fn read(answer: Response) -> reqwest::Result<Self> {
        let content_type = answer.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
        let retry_after = answer.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().parse().unwrap());
        Ok(Self {
            status: answer.status().as_u16(),
            content_type: content_type.unwrap_or_default(),
            retry_after_s: retry_after,
            body: answer.text().await?,
        })
    }

    /// What it says, in JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Of an event that was taken.
    pub(crate) fn taken(&self) -> Taken {
        assert_eq!((self.status, self.content_type.as_str()), (200, "application/json"), "{self:?}");
        let answer = self.json();
        let (id, duplicate) = (answer["id"].as_str().unwrap().to_owned(), answer["duplicate"].as_bool().unwrap());
        assert_eq!(answer, json!({ "duplicate": duplicate, "id": id }));
        assert!(is_id(&id), "{id}");
        Taken { id, duplicate }
    }

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
    is_id(reference).then_some(reference)
}

fn is_id(text: &str) -> bool {
    text.len() == ULID_CHARS && text.chars().all(|letter| ULID.contains(letter))
}
