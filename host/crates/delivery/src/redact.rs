//! Keeps secrets out of what is shown.

/// The fewest bytes of a secret. A shorter one is found all over, and taking it out would leave nothing of use.
const SECRET_BYTES_MIN: usize = 8;

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// Some secrets, in each spelling that is looked for.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut spellings: Vec<String> =
            secrets.into_iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN).flat_map(spellings).collect();
        // One may be part of another: the longer ones first.
        spellings.sort_unstable_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        Self(spellings)
    }

    /// The text without the secrets.
    pub(crate) fn clean(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REDACTED);
            }
        }
        text
    }
}

/// As it is, and as JSON's writers write it: some escape the slash.
fn spellings(secret: &str) -> [String; 3] {
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    [secret.to_owned(), json.replace('/', "\\/"), json]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_however_they_are_spelled() {
        let redactor = Redactor::new(["s3cret/of\"crm", "s3cret/of\"crm-2", "short"]);
        let check = |text: &str, expected: &str| assert_eq!(redactor.clean(text.into()), expected);
        check("no secret, though short", "no secret, though short");
        check("a s3cret/of\"crm b", "a [redacted] b");
        check("a s3cret/of\"crm-2 b", "a [redacted] b");
        check(r#"{"key":"s3cret/of\"crm"}"#, r#"{"key":"[redacted]"}"#);
        check(r#"{"key":"s3cret\/of\"crm"}"#, r#"{"key":"[redacted]"}"#);
    }
}
