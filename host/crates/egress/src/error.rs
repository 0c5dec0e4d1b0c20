//! How sending fails: one variant for each thing that a caller does differently, which is whose fault it was.
//!
//! Owns the sorting of what the HTTP library reports, by the types of the causes, never by their texts. The messages
//! are complete in themselves, since they are kept with a delivery's attempt; a cause is text, and decides nothing.

use std::error::Error;
use std::io;

use crate::refusal::Refusal;

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
        /// Host, and port if the URL has one.
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

/// What was waited for when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The name, the connection, TLS: `Limits::connect`.
    Connection,
    /// The answer's status and headers: `Limits::total`.
    Answer,
    /// The end of the answer's body: `Limits::total`.
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

impl SendError {
    /// Sorts a failure of an established connection.
    pub(crate) fn from_exchange(error: &(dyn Error + 'static), authority: &str) -> Self {
        let (authority, cause) = (authority.to_owned(), text(error));
        // A server's alert may arrive after the client's side of the handshake was done.
        if chain(error).any(is_tls) { Self::Tls { authority, cause } } else { Self::Broken { authority, cause } }
    }

    /// Sorts a failure of resolving a name.
    pub(crate) fn from_lookup(error: &io::Error, host: &str, authority: &str) -> Self {
        let cause = text(error);
        if is_local(error) {
            Self::Local { authority: authority.to_owned(), cause }
        } else {
            Self::Dns { host: host.to_owned(), cause }
        }
    }

    /// Sorts a failure of connecting.
    pub(crate) fn from_dial(error: &(dyn Error + 'static), authority: &str, limit_ms: u64) -> Self {
        let (authority, cause) = (authority.to_owned(), text(error));
        let io = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        match io {
            // Of several addresses each has its share of the time, so that the last one's end may be told here first.
            Some(io) if io.kind() == io::ErrorKind::TimedOut => {
                Self::Timeout { authority, phase: Phase::Connection, ms: limit_ms }
            }
            Some(io) if is_local(io) => Self::Local { authority, cause },
            _ => Self::Connect { authority, cause },
        }
    }
}

/// An error and its causes, in one line.
pub(crate) fn text(error: &(dyn Error + 'static)) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // An io error that was made of another one does not name that as its source.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
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
            let name = match SendError::from_dial(&Outer(error), "example.com", 300) {
                SendError::Local { .. } => "local",
                SendError::Connect { .. } => "connect",
                SendError::Timeout { phase: Phase::Connection, ms: 300, .. } => "timeout",
                other => panic!("{other:?}"),
            };
            assert_eq!(name, expected);
        };
        check(io::ErrorKind::ConnectionRefused.into(), "connect");
        check(io::ErrorKind::HostUnreachable.into(), "connect");
        check(io::ErrorKind::TimedOut.into(), "timeout");
        check(io::ErrorKind::NetworkUnreachable.into(), "local");
        check(io::ErrorKind::AddrNotAvailable.into(), "local");
        for number in [23, 24] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(is_local(&error), cfg!(unix));
            let lookup = SendError::from_lookup(&error, "example.com", "example.com:1");
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
        assert_eq!(broken.to_string(), "no whole answer from example.com: tcp connect error: connection reset");
    }
}
