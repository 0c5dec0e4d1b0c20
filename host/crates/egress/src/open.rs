//! What is sent, and what comes back, where bodies are streamed.
//!
//! Owns the shapes. Shows no header and no body, which may hold secrets.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};

use crate::answer::AnswerBody;
use crate::target::Target;

/// One request whose body is sent as it comes.
//
// No derived Debug: `Authorization` is one of the headers.
pub struct Open<B> {
    /// The method; CONNECT is refused.
    pub method: Method,
    /// Where to, as [`crate::Egress::check`] has read it.
    pub target: Target,
    /// The headers, by the rules of [`crate::Request::headers`].
    pub headers: HeaderMap,
    /// The body. It is asked for more only as the connection takes it, and dropped once nobody wants it any more.
    ///
    /// One whose size hint is exact is sent with `Content-Length`, and must have that length; any other one is sent
    /// chunked. An empty one is not announced at all, but by POST, PUT and PATCH. To find out whether one of unknown
    /// length is empty, every other method waits for its first bytes before it connects. Trailers are not sent.
    pub body: B,
    /// For everything, up to the last byte of the answer's body, however slowly it comes or is read. Of that, a new
    /// connection gets no more than 5 s. There is no limit on sizes: who streams counts.
    pub total: Duration,
}

/// What the other side answered, whatever its status, with its body still to come: a redirect, too, is an answer like any
/// other.
pub struct Opened {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it comes, never decompressed.
    pub body: AnswerBody,
}

impl<B> fmt::Debug for Open<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Open");
        shown.field("method", &self.method).field("target", &self.target).field("total", &self.total);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("status", &self.status).field("body", &self.body).finish_non_exhaustive()
    }
}
