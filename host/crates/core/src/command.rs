//! A command that somebody typed.

use std::{fmt, str::FromStr, sync::Arc};

/// The most characters that a command's name has behind its slash.
const NAME_CHARS_MAX: usize = 64;

/// A command's name with its slash, e.g. `/invoice`.
///
/// `/` and 1 to 64 characters, none of them white space, `/`, `*` or a control character: the stars are for patterns, and
/// a name must survive being written in a list of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandName(Arc<str>);

impl CommandName {
    /// The name with its slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for CommandName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is no command name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no command name: expected / and 1 to {NAME_CHARS_MAX} characters without white space, / and *")]
pub struct CommandNameError {
    name: String,
}

impl FromStr for CommandName {
    type Err = CommandNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let valid = name.strip_prefix('/').is_some_and(|rest| {
            let allowed = |c: char| !(c.is_whitespace() || c.is_control() || matches!(c, '/' | '*'));
            !rest.is_empty() && rest.chars().count() <= NAME_CHARS_MAX && rest.chars().all(allowed)
        });
        if valid { Ok(Self(name.into())) } else { Err(CommandNameError { name: name.chars().take(80).collect() }) }
    }
}

/// Where a command or an event came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The customer whom it belongs to.
    pub tenant: String,
    /// The name of the source that took it in.
    pub source: String,
    /// How that source's platform writes, e.g. `hotline`.
    pub dialect: String,
    /// The platform's own name for the sending installation.
    pub instance: Option<String>,
}

/// A command that somebody typed, as a plugin gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Unique, and the same if the call has to run again.
    pub id: String,
    /// What was typed, e.g. `/invoice`.
    pub name: CommandName,
    /// What followed the name, as typed.
    pub args: String,
    /// The conversation in which it was typed.
    pub conversation: Option<String>,
    /// The platform's id of the person who typed it.
    pub operator: Option<String>,
    /// The platform's id of the person whom the conversation is with.
    pub contact: Option<String>,
    /// The platform's id of the message in which it was typed.
    pub message: Option<String>,
    /// When it was typed, in milliseconds since the Unix epoch.
    pub occurred_at_ms: u64,
    /// Where it came from.
    pub origin: Origin,
    /// The sender's own JSON text, numbers unaltered, without credentials; `null` if it sent none.
    pub data: String,
    /// The rest of the sender's request as its dialect keeps it, without `data` and credentials: what it takes to send
    /// the request on as it came. Empty if there is none.
    pub envelope: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, valid: bool| assert_eq!(name.parse::<CommandName>().is_ok(), valid, "{name:?}");
        for valid in ["/a", "/mark", "/счёт", "/a-b_c.d@bot", &format!("/{}", "x".repeat(64))] {
            check(valid, true);
        }
        for invalid in
            ["", "/", "mark", "//", "/a/b", "/*", "/a b", "/a\n", "/a\0", " /a", &format!("/{}", "x".repeat(65))]
        {
            check(invalid, false);
        }
    }

    #[test]
    fn an_invalid_name_is_quoted_and_bounded() {
        let error = format!("/{}", "x".repeat(10_000)).parse::<CommandName>().unwrap_err().to_string();
        assert!(error.starts_with("\"/xxx") && error.contains("expected / and 1 to 64 characters"), "{error}");
        assert!(error.len() < 250);
    }
}
