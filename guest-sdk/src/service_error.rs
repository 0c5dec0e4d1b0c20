//! Why one of the host's services did not do what it was asked.

use std::fmt;

/// Why one of the host's services did not do what it was asked. The text names the thing, its value and what was
/// expected.
///
/// As a [`Failure`](crate::Failure), by `?`, the first three are refused: asking again will not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// The request itself is wrong: a key that is too long, a counter that holds no number.
    Invalid(String),
    /// It would pass a limit of the host.
    Limit(String),
    /// The operator did not grant it, or the host does not have it.
    Denied(String),
    /// The service cannot do it now.
    Unavailable(String),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) | Self::Limit(text) | Self::Denied(text) | Self::Unavailable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ServiceError {}
