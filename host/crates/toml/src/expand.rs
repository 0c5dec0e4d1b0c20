//! Values from the environment: `${VAR}` inside of a string.

/// Why a value cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// The environment does not have it.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// It is not closed, or its name is none.
    #[error("expected ${{NAME}} with letters, digits and `_`; write $${{ for a plain ${{")]
    Malformed,
}

/// Replaces each `${VAR}` by the variable's value. `$${` stands for a plain `${`.
///
/// # Errors
/// A variable that is not set, or a `${` without a name and an end. The error never shows the text itself.
pub fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        let (name, after) = after.split_once('}').ok_or(ExpandError::Malformed)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(ExpandError::Malformed);
        }
        expanded.push_str(before);
        expanded.push_str(&variable(name).ok_or_else(|| ExpandError::NotSet(name.into()))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, ExpandError>) {
        let variable = |name: &str| (name == "KEY").then(|| "value".to_owned());
        assert_eq!(expand(text, variable), expected.map(Into::into), "{text:?}");
    }

    #[test]
    fn variables() {
        check("plain $ {} text", Ok("plain $ {} text"));
        check("${KEY}", Ok("value"));
        check("Bearer ${KEY}${KEY}!", Ok("Bearer valuevalue!"));
        check("$${KEY} and ${KEY}", Ok("${KEY} and value"));
    }

    #[test]
    fn mistakes() {
        check("${NONE}", Err(ExpandError::NotSet("NONE".into())));
        check("${KEY", Err(ExpandError::Malformed));
        check("${}", Err(ExpandError::Malformed));
        check("${A-B}", Err(ExpandError::Malformed));
    }
}
