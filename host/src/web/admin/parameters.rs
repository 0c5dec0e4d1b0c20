//! The parameters of a request, read strictly.
//!
//! Invariant: a parameter that nobody knows is an error, for a filter with a typing error in it would show everything.

use std::fmt::Display;

use slashbox_core::near;
use url::form_urlencoded;
use utoipa::{IntoParams, openapi::path::ParameterIn};

use crate::web::problem::{Code, Problem};

/// How many items a page has if nothing is said: what a person looks at.
pub(super) const LIMIT_DEFAULT: u32 = 50;

/// The most items of a page. An item is about a kilobyte, five at most, so that a page stays below some megabytes.
pub(super) const LIMIT_MAX: u32 = 1_000;

/// The most characters of a wrong value that are quoted.
const QUOTED_MAX: usize = 100;

/// For endpoints without any.
#[derive(IntoParams)]
#[allow(dead_code, reason = "it has no field, and is a list of names only")]
pub(super) struct NoParameters {}

/// The parameters of a query that are known, each at most once.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query; `P` says which parameters there are.
    pub(super) fn read<P: IntoParams>(query: Option<&str>) -> Result<Self, Problem> {
        let documented = P::into_params(|| Some(ParameterIn::Query));
        let known: Vec<&str> = documented.iter().map(|parameter| parameter.name.as_str()).collect();
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                return Err(unknown(&name, &known));
            }
            if given.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Problem::new(Code::BadParameter, format!("`{name}` is there twice: expected it once")));
            }
            given.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(given))
    }

    /// A parameter's value, if it is given.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    /// A parameter's value as `parse` understands it; `expected` says what that is.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        expected: impl Display,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let bad = || Problem::new(Code::BadParameter, format!("`{name}` = {}: expected {expected}", quoted(&value)));
        parse(&value).map(Some).ok_or_else(bad)
    }

    /// How many items a page may have.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let within = |value: &str| value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        Ok(self.parsed("limit", format_args!("1 to {LIMIT_MAX}"), within)?.unwrap_or(LIMIT_DEFAULT))
    }
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let expected = match near(name, known.iter().copied()).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "expected none".into(),
        None => format!("expected one of {}", known.join(", ")),
    };
    Problem::new(Code::BadParameter, format!("unknown parameter {}: {expected}", quoted(name)))
}

/// A text of the client's, for a message to it.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(IntoParams)]
    #[allow(dead_code)]
    struct Known {
        kind: Option<String>,
        limit: Option<u32>,
    }

    fn wrong(query: &str, expected: &str) {
        let read = Parameters::read::<Known>(Some(query)).and_then(|parameters| parameters.limit());
        assert_eq!(read.unwrap_err().detail(), expected, "{query}");
    }

    #[test]
    fn parameters_are_decoded() {
        let parameters = Parameters::read::<Known>(Some("kind=%2Fmark+%D1%81&limit=7")).unwrap();
        assert_eq!(parameters.text("kind").as_deref(), Some("/mark с"));
        assert_eq!(parameters.limit().unwrap(), 7);
        for none in [None, Some("")] {
            let parameters = Parameters::read::<Known>(none).unwrap();
            assert_eq!((parameters.text("kind"), parameters.limit().unwrap()), (None, LIMIT_DEFAULT));
        }
        assert_eq!(Parameters::read::<Known>(Some("limit=1000")).unwrap().limit().unwrap(), LIMIT_MAX);
    }

    #[test]
    fn wrong_parameters() {
        wrong("knid=x", "unknown parameter \"knid\": did you mean `kind`?");
        wrong("something=x", "unknown parameter \"something\": expected one of kind, limit");
        wrong("kind=a&kind=a", "`kind` is there twice: expected it once");
        for limit in ["0", "1001", "-1", "", "ten", "1.5"] {
            wrong(&format!("limit={limit}"), &format!("`limit` = {limit:?}: expected 1 to 1000"));
        }
        wrong(
            &format!("limit={}", "ф".repeat(5_000)),
            &format!("`limit` = \"{}\"…: expected 1 to 1000", "ф".repeat(100)),
        );
        let none = Parameters::read::<NoParameters>(Some("kind=x"));
        assert_eq!(none.unwrap_err().detail(), "unknown parameter \"kind\": expected none");
    }
}
