//! What is sent, and what comes back.
//!
//! Owns the shapes and the default limits. Shows no header and no body, which may hold secrets.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::target::Target;

/// For a new connection: the name, the connection itself, TLS. A connection over the longest way takes less than 1 s; what
/// takes longer than this is lost packets.
pub const CONNECT_MAX: Duration = Duration::from_secs(5);

/// One request.
//
// No derived Debug: `Authorization` is one of the headers.
pub struct Request {
    /// The method; CONNECT is refused.
    pub method: Method,
    /// Where to, as [`crate::Egress::check`] has read it.
    pub target: Target,
    /// The headers. Those that belong to the connection (RFC 9110, 7.6.1), `Content-Length` and `Host` are replaced, a
    /// missing `User-Agent` is added. `Host` is the target's authority: with another one, a caller who may reach one site
    /// would reach every other one that is served at the same address.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long and how much.
    pub limits: Limits,
}

/// How long a request may take, and how much of its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For everything, up to the last byte of the answer's body. Of that, a new connection gets no more than 5 s.
    pub total: Duration,
    /// Of the answer's body, in bytes; the rest is not read.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    /// The limits of a webhook's delivery.
    fn default() -> Self {
        Self { total: Duration::from_secs(15), body_bytes_max: 64 * 1024 }
    }
}

/// What the other side answered, whatever its status: a redirect, too, is an answer like any other.
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came, never decompressed.
    pub body: Bytes,
    /// Whether that is the whole body. If not, it had more than the limit, and the connection was dropped.
    pub whole: bool,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("method", &self.method).field("target", &self.target).field("limits", &self.limits);
        shown.field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Response");
        shown.field("status", &self.status).field("body_bytes", &self.body.len()).field("whole", &self.whole);
        shown.finish_non_exhaustive()
    }
}
