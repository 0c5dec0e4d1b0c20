//! What came back.

use super::{Error, request};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// The most characters of what serde says about a body: it quotes from it.
const REASON_CHARS_MAX: usize = 200;

/// An answer with its whole body.
///
/// A handler gets one from [`Request::send`](super::Request::send). A test makes one with [`Response::new`] and the methods
/// that follow it.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Who answered, for what errors say.
    pub(crate) host: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The status, e.g. 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is a success: 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name, in whatever case. What is no UTF-8 in it is replaced.
    pub fn header(&self, name: &str) -> Option<&str> {
        request::header(&self.headers, name)
    }

    /// All headers, names and values, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body as it is.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as it is, taken out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`Error::Body`] if it is no UTF-8; other encodings are not read.
    pub fn text(&self) -> Result<&str, Error> {
        str::from_utf8(&self.body).map_err(|error| self.body_error(&error))
    }

    /// The body as any type that serde can deserialise from JSON, whatever status and content type say.
    ///
    /// # Errors
    /// [`Error::Body`] if it is no JSON or does not have the type's shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.body_error(&error))
    }

    /// The response, if its status is a success.
    ///
    /// # Errors
    /// [`Error::Status`], with the response in it, if it is none: 3xx too, since redirects are not followed.
    pub fn error_for_status(self) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        Err(Error::Status { host: self.host.clone(), status: self.status, response: Box::new(self) })
    }

    fn body_error(&self, error: &dyn fmt::Display) -> Error {
        let mut reason = format!("not the answer that was expected: {error}");
        if let Some((cut, _)) = reason.char_indices().nth(REASON_CHARS_MAX) {
            reason.truncate(cut);
            reason.push('…');
        }
        Error::Body { host: self.host.clone(), reason }
    }
}

/// For tests: a response piece by piece.
impl Response {
    /// An answer with this status, no headers and no body.
    pub fn new(status: u16) -> Self {
        Self { host: String::new(), status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body and its content type.
    pub fn body(self, bytes: impl Into<Vec<u8>>, content_type: impl Into<String>) -> Self {
        Self { body: bytes.into(), ..self }.with_header("content-type", content_type)
    }

    /// Sets the body to JSON.
    ///
    /// # Panics
    /// If the value has no JSON text.
    #[allow(clippy::expect_used, reason = "for tests, and a failed expectation is how they report")]
    pub fn body_json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let body = serde_json::to_vec(value).expect("a value that can be written as JSON");
        self.body(body, "application/json")
    }
}

/// Without the values of its headers, and its body.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("host", &self.host)
            .field("status", &self.status)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
