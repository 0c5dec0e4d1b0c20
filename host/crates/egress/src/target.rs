//! Where a request goes.
//!
//! Owns the reading of URLs. A URL is read once, by the rules of browsers (WHATWG), so that odd spellings of an address
//! (`0x7f.1`, `2130706433`, `[::ffff:127.0.0.1]`) have become that address before anybody looks at it; what is checked
//! and what is sent is the same parsed value.

use std::fmt;

use http::Uri;
use url::{Host, Url};

use crate::policy::Settings;
use crate::refusal::Refusal;

/// A URL that can be sent to. Shown without its query, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why a URL is not sent to. The messages do not repeat the URL, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is not a URL.
    #[error("not a URL: {reason}, expected https://host/path")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// It is neither `https:` nor `http:`.
    #[error("URL with scheme {scheme:?}, expected https")]
    Scheme {
        /// Its scheme.
        scheme: String,
    },
    /// It has a user or a password.
    #[error("URL with user or password for {host}: put them into an Authorization header")]
    UserInfo {
        /// Its host.
        host: String,
    },
    /// It may not be reached.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Target {
    /// Reads a URL. Whether it may be reached, [`Target::permit`] says.
    pub(crate) fn parse(url: &str) -> Result<Self, TargetError> {
        let mut url = Url::parse(url).map_err(malformed)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(TargetError::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserInfo { host: url.host_str().unwrap_or_default().to_owned() });
        }
        url.set_fragment(None);
        // reqwest has it parsed once more, and dials what that parser takes for the host: it must be what is checked.
        let uri: Uri = url.as_str().parse().map_err(malformed)?;
        if url.host_str().is_none() || uri.host() != url.host_str() {
            return Err(malformed("its host is unclear"));
        }
        Ok(Self(url))
    }

    /// Whether it may be reached, as far as that can be said without resolving its name.
    pub(crate) fn permit(&self, settings: &Settings) -> Result<(), Refusal> {
        if !self.is_https() {
            settings.permit_http(self.authority())?;
        }
        match self.0.host() {
            Some(Host::Ipv4(address)) => settings.permit(address.into(), None),
            Some(Host::Ipv6(address)) => settings.permit(address.into(), None),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// The host: a name in lower case (an international one in its ASCII form), or an address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, also where the URL leaves it to the scheme.
    pub fn port(&self) -> u16 {
        // Both schemes have one.
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, and the port where the URL has one that is not the scheme's.
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// The path. It may hold a secret.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The query, if there is one. It may hold a secret.
    pub fn query(&self) -> Option<&str> {
        self.0.query()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.0.scheme(), self.authority(), self.0.path())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

fn malformed(reason: impl fmt::Display) -> TargetError {
    TargetError::Malformed { reason: reason.to_string() }
}
