//! What is refused, and which key of the configuration would allow it.
//!
//! Owns the words. A refusal is ours, decided before anything is sent: it says nothing about the other side.

use std::net::{IpAddr, Ipv4Addr};

use crate::special::Class;

/// Why something is not sent. The configuration decides, not the other side; trying again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The address is not a public one, and not listed.
    #[error(transparent)]
    Address(#[from] Forbidden),
    /// The URL is `http:`, and plain HTTP is not allowed.
    #[error("plain http to {authority} is refused: set egress.allow_http to allow it")]
    PlainHttp {
        /// Host, and port if the URL has one.
        authority: String,
    },
    /// The method is CONNECT, which would make a tunnel past all that is checked here.
    #[error("method CONNECT is refused: egress makes no tunnels")]
    Tunnel,
    /// The URL is `https:`, and this machine has no certificates by which to know anybody.
    #[error("https to {authority} is refused: {cause}; install CA certificates, or set SSL_CERT_FILE, and start again")]
    NoCertificates {
        /// Host, and port if the URL has one.
        authority: String,
        /// What came of looking for them.
        cause: String,
    },
}

/// An address that may not be reached, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("egress to {} is refused: {}", self.what(), self.remedy())]
pub struct Forbidden {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub class: Class,
    /// The forbidden IPv4 address that an IPv6 address stands for.
    pub carried: Option<Ipv4Addr>,
    /// The name that resolved to it; `None` if the URL has the address itself.
    pub host: Option<String>,
}

impl Forbidden {
    fn what(&self) -> String {
        let Self { address, class, .. } = self;
        let address = match self.carried {
            Some(carried) => format!("{address} ({class}, as {carried})"),
            None => format!("{address} ({class})"),
        };
        match &self.host {
            Some(host) => format!("{host}, which resolves to {address},"),
            None => address,
        }
    }

    fn remedy(&self) -> String {
        match self.class {
            Class::Metadata => format!("only egress.allow_cidrs with {} itself allows it", self.address),
            _ => "list it in egress.allow_cidrs to allow it".to_owned(),
        }
    }
}
