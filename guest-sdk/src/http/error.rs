//! Why a request did not give what was asked of it.
//!
//! Invariant: no text has more of a URL than its host, since tokens stand in paths and queries too.

use super::Response;
use std::fmt;

/// Why a request did not give what was asked of it: each variant is something else that a caller may want to do.
///
/// As a [`Failure`](crate::Failure), by `?`, [`Unreachable`](Error::Unreachable) and [`Timeout`](Error::Timeout) are
/// unavailable, and so is a [`Status`](Error::Status) of 408, 425, 429 or 5xx: it may work later. The others are refused.
///
/// ```
/// use slashbox_sdk::{Result, http};
///
/// fn name(id: &str) -> Result<Option<String>> {
///     match http::get(format!("https://crm.example.com/names/{id}")).text() {
///         Ok(name) => Ok(Some(name)),
///         Err(http::Error::Status { status: 404, .. }) => Ok(None),
///         Err(error) => Err(error.into()),
///     }
/// }
/// # use slashbox_sdk::{Failure, testing::{Answer, Host}};
/// # Host::new()
/// #     .answer("GET", "https://crm.example.com/names/1", http::Response::new(404))
/// #     .answer("GET", "https://crm.example.com/names/2", Answer::Timeout);
/// # assert_eq!(name("1"), Ok(None));
/// # assert_eq!(name("2"), Err(Failure::unavailable("crm.example.com: no answer in time")));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The request itself is wrong: a URL without a host, a header with a line break, a body that has no JSON text.
    /// Nothing was sent.
    Invalid(String),
    /// The operator did not grant the host, the plugin did not ask for it, or it leads to an address that plugins must
    /// not reach. Nothing was sent.
    Denied {
        /// The host as the URL names it, with the port if that has one.
        host: String,
        /// Why, and what the operator can do about it.
        reason: String,
    },
    /// It would pass a limit of the host, on a call's requests or their bodies.
    Limit {
        /// The host as the URL names it, with the port if that has one.
        host: String,
        /// Which limit.
        reason: String,
    },
    /// There was no connection, or it broke off before the whole answer was there.
    Unreachable {
        /// The host as the URL names it, with the port if that has one.
        host: String,
        /// What happened.
        reason: String,
    },
    /// It took too long.
    Timeout {
        /// The host as the URL names it, with the port if that has one.
        host: String,
        /// The request's own limit, in milliseconds; none if it was the host's that was reached.
        timeout_ms: Option<u32>,
    },
    /// The status is no success, that is, not 200 to 299.
    Status {
        /// The host as the URL names it, with the port if that has one.
        host: String,
        /// The status.
        status: u16,
        /// The whole answer: many APIs say in its body what is wrong.
        response: Box<Response>,
    },
    /// The answer's body is not what was expected: no UTF-8, no JSON, or JSON of another shape.
    Body {
        /// The host as the URL names it, with the port if that has one.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// What the host says by `HTTP-request-denied`.
    pub(crate) fn not_granted(host: &str) -> Self {
        let reason =
            "not granted: it must stand in `allowed_hosts` in the plugin's .toml, and the plugin must ask for it";
        Self::Denied { host: host.to_owned(), reason: reason.to_owned() }
    }

    /// Whether asking again cannot help.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            Self::Invalid(_) | Self::Denied { .. } | Self::Limit { .. } | Self::Body { .. } => true,
            Self::Unreachable { .. } | Self::Timeout { .. } => false,
            // Request Timeout, Too Early, Too Many Requests, and whatever goes wrong on the other side.
            Self::Status { status, .. } => !matches!(status, 408 | 425 | 429 | 500..),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => f.write_str(text),
            Self::Denied { host, reason }
            | Self::Limit { host, reason }
            | Self::Unreachable { host, reason }
            | Self::Body { host, reason } => write!(f, "{host}: {reason}"),
            Self::Timeout { host, timeout_ms: Some(ms) } => write!(f, "{host}: no answer within {ms} ms"),
            Self::Timeout { host, timeout_ms: None } => write!(f, "{host}: no answer in time"),
            Self::Status { host, status, .. } => write!(f, "{host}: answered {status}"),
        }
    }
}

impl std::error::Error for Error {}
