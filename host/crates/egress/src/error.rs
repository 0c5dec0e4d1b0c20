//! How sending fails: one variant for each thing that a caller does differently, which is whose fault it was.
//!
//! Owns the sorting of what reqwest reports, by the types of the causes, never by their texts. The messages are complete
//! in themselves, since they are kept with a delivery's attempt; a cause is text, and decides nothing.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::refusal::Refusal;
use crate::request::CONNECT_MAX;

/// Why there is no client.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    /// TLS cannot be set up as it is built in.
    #[error("TLS cannot be set up: {cause}")]
    Tls {
        /// What happened.
        cause: String,
    },
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may not be reached. Ours: nothing was sent, and trying again changes nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This machine cannot connect to anybody: no network, or no file descriptors, ports or memory left. Ours.
    #[error("this machine cannot connect to {authority}: {cause}")]
    Local {
        /// Host, and port if the URL has one and the name did resolve.
        authority: String,
        /// What happened.
        cause: String,
    },
    /// The name resolves to nothing.
    #[error("{host} does not resolve: {cause}")]
    Dns {
        /// The name.
        host: String,
        /// What happened.
        cause: String,
    },
    /// Nobody accepts the connection.
    #[error("no connection to {authority}: {cause}")]
    Connect {
        /// Host, and port if the URL has one.
        authority: String,
        /// What happened.
        cause: String,
    },
    /// The connection could not be secured: a wrong certificate, no common version, or no TLS at all.
    #[error("no TLS with {authority}: {cause}")]
    Tls {
        /// Host, and port if the URL has one.
        authority: String,
        /// What happened.
        cause: String,
    },
    /// A limit on time was reached.
    #[error("{authority}: no {phase} within {ms} ms")]
    Timeout {
        /// Host, and port if the URL has one.
        authority: String,
        /// What there was not.
        phase: Phase,
        /// The limit.
        ms: u64,
    },
    /// The connection ended before the answer did, or what came is not HTTP. The request may have been received.
    #[error("no whole answer from {authority}: {cause}")]
    Broken {
        /// Host, and port if the URL has one.
        authority: String,
        /// What happened.
        cause: String,
    },
}

/// Why there is no answer to a request whose body is streamed, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// What may happen to any request.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The request's own body failed midway, or had another length than it said. The sender's: the other side has done
    /// nothing wrong. It may have received the request up to there, and can tell that it is not whole.
    #[error("the body of the request to {authority} broke off: {cause}")]
    Body {
        /// Host, and port if the URL has one.
        authority: String,
        /// What happened, in the words of the body's error.
        cause: String,
    },
}

/// What was waited for when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The name, the connection, TLS, which have 5 s.
    Connection,
    /// The answer's status and headers, the request's body being taken, or a connection that had less than its 5 s left:
    /// the limit on everything.
    Answer,
    /// The end of the answer's body: the limit on everything.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connection => "connection",
            Self::Answer => "answer",
            Self::Body => "end of the answer",
        })
    }
}

impl StartError {
    pub(crate) fn from_reqwest(error: &reqwest::Error) -> Self {
        Self::Tls { cause: innermost(error) }
    }
}

impl SendError {
    /// Sorts a failure of resolving a name.
    pub(crate) fn from_lookup(error: &io::Error, host: &str) -> Self {
        let cause = error.to_string();
        if is_local(error) {
            Self::Local { authority: host.to_owned(), cause }
        } else {
            Self::Dns { host: host.to_owned(), cause }
        }
    }

    /// Sorts a failure of anything else.
    pub(crate) fn from_reqwest(error: &reqwest::Error, authority: &str) -> Self {
        // What came of resolving the name is sorted already.
        if let Some(resolving) = chain(error).find_map(|cause| cause.downcast_ref::<Self>()) {
            resolving.clone()
        } else if error.is_connect() && error.is_timeout() {
            Self::timeout(authority, Phase::Connection, CONNECT_MAX)
        } else if error.is_connect() {
            Self::from_connect(error, authority)
        } else {
            Self::from_exchange(error, authority)
        }
    }

    pub(crate) fn timeout(authority: &str, phase: Phase, limit: Duration) -> Self {
        let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Self::Timeout { authority: authority.to_owned(), phase, ms }
    }

    fn from_connect(error: &(dyn Error + 'static), authority: &str) -> Self {
        let (authority, cause) = (authority.to_owned(), innermost(error));
        match chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
            Some(io) if is_local(io) => Self::Local { authority, cause },
            Some(io) if io.kind() != io::ErrorKind::Other => Self::Connect { authority, cause },
            // Only the system's own errors are those of TCP; whatever ends a handshake is wrapped into another one.
            _ => Self::Tls { authority, cause },
        }
    }

    fn from_exchange(error: &(dyn Error + 'static), authority: &str) -> Self {
        let (authority, cause) = (authority.to_owned(), innermost(error));
        // A server's alert may arrive after the client's side of the handshake was done.
        let tls = chain(error).any(|cause| cause.is::<rustls::Error>());
        if tls { Self::Tls { authority, cause } } else { Self::Broken { authority, cause } }
    }
}

impl OpenError {
    /// For a request whose body is there as a whole. Such a body does not fail; if it did, there was no whole answer.
    pub(crate) fn into_send(self) -> SendError {
        match self {
            Self::Send(error) => error,
            Self::Body { authority, cause } => SendError::Broken { authority, cause },
        }
    }
}

/// The last cause, which says what happened. Those around it say in which part of the client, and reqwest's own shows
/// the URL with its query.
fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| cause(error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // An io error that was made of another one does not name that as its source.
    let made_of = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    made_of.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())
}

fn is_local(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, NetworkDown, NetworkUnreachable, OutOfMemory};
    matches!(error.kind(), AddrNotAvailable | NetworkDown | NetworkUnreachable | OutOfMemory) || is_out_of_files(error)
}

/// The process or the machine has no more file descriptors. Rust has no kind for it; the numbers are the same on Linux,
/// macOS and the BSDs.
fn is_out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("tcp connect error")]
    struct Outer(#[source] io::Error);

    #[test]
    fn faults_of_our_own_machine_are_told_from_the_other_sides() {
        let check = |error: io::Error, expected: &str| {
            let name = match SendError::from_connect(&Outer(error), "example.com") {
                SendError::Local { .. } => "local",
                SendError::Connect { .. } => "connect",
                SendError::Tls { .. } => "tls",
                other => panic!("{other:?}"),
            };
            assert_eq!(name, expected);
        };
        check(io::ErrorKind::ConnectionRefused.into(), "connect");
        check(io::ErrorKind::HostUnreachable.into(), "connect");
        check(io::ErrorKind::NetworkUnreachable.into(), "local");
        check(io::ErrorKind::AddrNotAvailable.into(), "local");
        check(io::Error::other(io::Error::from(io::ErrorKind::UnexpectedEof)), "tls");
        for number in [23, 24] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(is_local(&error), cfg!(unix));
            let lookup = SendError::from_lookup(&error, "example.com");
            assert_eq!(matches!(lookup, SendError::Local { .. }), cfg!(unix));
            check(error, if cfg!(unix) { "local" } else { "connect" });
        }
    }

    #[test]
    fn an_alert_after_the_handshake_is_a_fault_of_tls() {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let error = Outer(io::Error::new(io::ErrorKind::InvalidData, alert));
        assert!(matches!(SendError::from_exchange(&error, "example.com"), SendError::Tls { .. }));
        let reset = Outer(io::ErrorKind::ConnectionReset.into());
        let broken = SendError::from_exchange(&reset, "example.com");
        assert_eq!(broken.to_string(), "no whole answer from example.com: connection reset");
    }
}
