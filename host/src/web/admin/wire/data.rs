//! A sender's own data, as it came.

use serde::Serialize;
use serde_json::value::RawValue;

/// JSON, its numbers unaltered; or a text, should it be none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Data {
    Json(Box<RawValue>),
    Text(String),
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        // What is checked is given away; only what is no JSON is needed again.
        match serde_json::from_str::<&RawValue>(&text) {
            Ok(json) => Self::Json(json.to_owned()),
            Err(_) => Self::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_not_altered() {
        for (data, expected) in [
            (r#"{"id":12345678901234567890123,"n":1.0, "a":[]}"#, r#"{"id":12345678901234567890123,"n":1.0, "a":[]}"#),
            ("null", "null"),
            ("", r#""""#),
            ("{", r#""{""#),
            ("no \"json\"", r#""no \"json\"""#),
        ] {
            assert_eq!(serde_json::to_string(&Data::from(data.to_owned())).unwrap(), expected);
        }
    }
}
