//! A request as an author puts it together, and as it goes to the host.

use super::{Error, Response, Url};
use crate::host;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// What belongs to the connection and to the message's frame (RFC 9110, 7.6.1 and `Host`): the host's to make.
const HOST_HEADERS: [&str; 12] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request that is not sent yet. [`get`](super::get) and its siblings begin one.
///
/// What is wrong with it, a header with a line break for instance, is told when it is sent.
#[must_use = "a request does nothing until it is sent"]
#[derive(Clone)]
pub struct Request {
    method: String,
    url: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout_ms: Option<u32>,
    /// The first mistake.
    mistake: Option<Error>,
}

/// A request without mistakes, as it goes to the host.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout_ms: Option<u32>,
}

/// What is added to it.
impl Request {
    pub(super) fn new(method: String, url: String) -> Self {
        let mistake = (!is_token(&method)).then(|| Error::Invalid(format!("method {method:?}: expected e.g. \"GET\"")));
        Self { method, url, query: Vec::new(), headers: Vec::new(), body: Vec::new(), timeout_ms: None, mistake }
    }

    /// Adds a header. One with the same name stays. `Host`, `Content-Length` and those of the connection are the host's to
    /// make.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match check_header(&name, &value) {
            Ok(()) => self.headers.push((name, value)),
            Err(mistake) => self.add_mistake(mistake),
        }
        self
    }

    /// Adds the header `Authorization: Bearer TOKEN`.
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.header("Authorization", format!("Bearer {}", token.as_ref()))
    }

    /// Adds names and values to the URL's query, encoded as they must be.
    ///
    /// ```
    /// use slashbox_sdk::{Result, http};
    ///
    /// fn find(what: &str) -> Result<String> {
    ///     Ok(http::get("https://crm.example.com/clients").query(&[("name", what), ("limit", "5")]).text()?)
    /// }
    /// # let url = "https://crm.example.com/clients?name=Smith%20%26%20Co&limit=5";
    /// # slashbox_sdk::testing::Host::new().answer("GET", url, http::Response::new(200).body("[]", "application/json"));
    /// # assert_eq!(find("Smith & Co"), Ok("[]".to_owned()));
    /// ```
    pub fn query(mut self, pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> Self {
        self.query.extend(pairs.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())));
        self
    }

    /// Sends the value as JSON, with the header `Content-Type: application/json` unless there is one.
    ///
    /// What goes out is the body of this name; [`json`](Request::json) is what comes back.
    #[doc(alias = "json")]
    pub fn body_json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body(body, "application/json"),
            Err(error) => {
                self.add_mistake(Error::Invalid(format!("request's body: {error}")));
                self
            }
        }
    }

    /// Sends the bytes, with that content type in the header `Content-Type` unless there is one.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>, content_type: impl Into<String>) -> Self {
        self.body = bytes.into();
        if has_header(&self.headers, "content-type") { self } else { self.header("Content-Type", content_type) }
    }

    /// Gives up after so many milliseconds, from when it is sent to the last byte of the answer. Without it, a request may
    /// take as long as the call has left ([`Command::deadline_ms`](crate::Command::deadline_ms); 5 s, unless the operator
    /// set another limit), and the call then ends with it. A handler that has something else to say than "temporarily
    /// unavailable" sets less.
    pub fn timeout_ms(self, timeout_ms: u32) -> Self {
        Self { timeout_ms: Some(timeout_ms), ..self }
    }

    /// The first mistake is the one that is told.
    fn add_mistake(&mut self, mistake: Error) {
        self.mistake.get_or_insert(mistake);
    }
}

/// What ends it.
impl Request {
    /// Sends it, and waits for the whole answer, whatever its status is.
    ///
    /// # Errors
    /// All of [`Error`] but [`Status`](Error::Status) and [`Body`](Error::Body).
    pub fn send(self) -> Result<Response, Error> {
        host::http_send(self.finish()?)
    }

    /// Sends it, and reads the answer's body as JSON. This is `send()?.error_for_status()?.json()`.
    ///
    /// # Errors
    /// All of [`Error`]: [`Status`](Error::Status) if it is no success, [`Body`](Error::Body) if the answer is no JSON or
    /// does not have the type's shape.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send()?.error_for_status()?.json()
    }

    /// Sends it, and reads the answer's body as text. This is `send()?.error_for_status()?.text()`.
    ///
    /// # Errors
    /// All of [`Error`]: [`Status`](Error::Status) if it is no success, [`Body`](Error::Body) if the answer is no UTF-8.
    pub fn text(self) -> Result<String, Error> {
        self.send()?.error_for_status()?.text().map(str::to_owned)
    }

    /// Sends it, and gives the answer's body as it is. This is `send()?.error_for_status()?.into_bytes()`.
    ///
    /// # Errors
    /// All of [`Error`] but [`Body`](Error::Body).
    pub fn bytes(self) -> Result<Vec<u8>, Error> {
        Ok(self.send()?.error_for_status()?.into_bytes())
    }

    fn finish(self) -> Result<Outgoing, Error> {
        let Self { method, url, query, headers, body, timeout_ms, mistake } = self;
        match mistake {
            Some(mistake) => Err(mistake),
            None => Ok(Outgoing { method, url: Url::parse(&url, &query)?, headers, body, timeout_ms }),
        }
    }
}

/// Without URL, values of headers, and body, where secrets may be.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("timeout_ms", &self.timeout_ms)
            .finish_non_exhaustive()
    }
}

/// The value of the first header of that name.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn has_header(headers: &[(String, String)], name: &str) -> bool {
    header(headers, name).is_some()
}

fn check_header(name: &str, value: &str) -> Result<(), Error> {
    if !is_token(name) {
        return Err(Error::Invalid(format!("header {name:?}: expected a name like \"X-Api-Key\"")));
    }
    if HOST_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(Error::Invalid(format!("header {name:?} is the host's to make")));
    }
    // The value may be a secret.
    if value.contains(|c: char| c.is_ascii_control() && c != '\t') {
        return Err(Error::Invalid(format!("value of header {name:?}: expected no line breaks or control characters")));
    }
    Ok(())
}

/// Whether a text may be a method or a header's name (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}
