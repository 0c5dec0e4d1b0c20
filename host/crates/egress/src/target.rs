//! Where a request goes.
//!
//! Owns the reading of URLs. A URL is read once, by the rules of browsers (WHATWG), so that odd spellings of an address
//! (`0x7f.1`, `2130706433`, `[::ffff:127.0.0.1]`) have become that address before anybody looks at it; what is checked
//! and what is sent is the same parsed value.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;
use url::{Host, Url};

use crate::policy::Settings;
use crate::refusal::Refusal;

/// A URL that can be sent to. Shown without its query, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    literal: Option<IpAddr>,
    port: u16,
}

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
        Self::from_url(&url)
    }

    fn from_url(url: &Url) -> Result<Self, TargetError> {
        let uri: Uri = url.as_str().parse().map_err(malformed)?;
        // Two parsers saw it; what they make of the host must be the same, for one is checked and the other dialed.
        let (Some(host), Some(port), true) = (url.host(), url.port_or_known_default(), uri.host() == url.host_str())
        else {
            return Err(malformed("its host is unclear"));
        };
        let literal = match host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        Ok(Self { uri, literal, port })
    }

    /// Whether it may be reached, as far as that can be said without resolving its name.
    pub(crate) fn permit(&self, settings: &Settings) -> Result<(), Refusal> {
        if !self.is_https() {
            settings.permit_http(self.authority())?;
        }
        if let Some(address) = self.literal {
            settings.permit(address, None)?;
        }
        Ok(())
    }

    /// The host: a name in lower case (an international one in its ASCII form), or an address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// The port, also where the URL leaves it to the scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// The host, and the port where the URL has one that is not the scheme's.
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        write!(f, "{scheme}://{}{}", self.authority(), self.uri.path())
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
