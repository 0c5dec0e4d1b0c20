//! The other side of the plugin's HTTP: what a test lets it answer, and what it was asked.

use super::fake;
use crate::http::{Error, Outgoing, Response, Scheme, Url, header};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This response.
    Response(Response),
    /// [`Error::Denied`]: the operator did not grant the host.
    Denied,
    /// [`Error::Unreachable`]: there is no connection.
    Unreachable,
    /// [`Error::Timeout`]: it takes too long.
    Timeout,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// A request that the plugin sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its method, e.g. `GET`.
    pub method: String,
    /// Its URL with what was added to the query, encoded.
    pub url: String,
    /// Its headers, names and values, as the plugin wrote them. What the host adds is not among them.
    pub headers: Vec<(String, String)>,
    /// Its body; empty if it has none.
    pub body: Vec<u8>,
    /// After how many milliseconds it would be given up.
    pub timeout_ms: Option<u32>,
}

impl Sent {
    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Its body, read from JSON.
    ///
    /// # Errors
    /// If the body is no JSON or does not have the type's shape.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}

/// What answers the requests that no answer of their own was set up for.
type Rest = Rc<dyn Fn(&Sent) -> Answer>;

/// What was set up, and what came.
#[derive(Default)]
pub(super) struct Web {
    /// By method and URL, in the order in which they are given.
    answers: BTreeMap<(String, String), VecDeque<Answer>>,
    rest: Option<Rest>,
    pub(super) sent: Vec<Sent>,
}

impl Web {
    pub(super) fn add(&mut self, method: &str, url: &str, answer: Answer) {
        let url = match Url::parse(url, &[]) {
            Ok(url) => url.to_string(),
            Err(error) => fail(&format!("cannot answer {method} {url}: {error}")),
        };
        self.answers.entry((method.to_owned(), url)).or_default().push_back(answer);
    }

    pub(super) fn set_rest(&mut self, rest: impl Fn(&Sent) -> Answer + 'static) {
        self.rest = Some(Rc::new(rest));
    }

    /// The next answer of the table; the last one stays.
    fn next(&mut self, sent: &Sent) -> Option<Answer> {
        let answers = self.answers.get_mut(&(sent.method.clone(), sent.url.clone()))?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }

    fn known(&self) -> String {
        let known: Vec<String> = self.answers.keys().map(|(method, url)| format!("\n  {method} {url}")).collect();
        if known.is_empty() { "\n  nothing".to_owned() } else { known.concat() }
    }
}

/// The twin of the sandbox's `http_send`.
pub(crate) fn http_send(request: Outgoing) -> Result<Response, Error> {
    let Outgoing { method, url, headers, body, timeout_ms } = request;
    if !fake::with(|fake| fake.call.as_ref().is_none_or(|call| call.asks_for(&url))) {
        return Err(Error::not_granted(&url.authority));
    }
    let sent = Sent { method, url: url.to_string(), headers, body, timeout_ms };
    let host = url.authority;
    match answer(&sent) {
        Answer::Response(response) => Ok(Response { host, ..response }),
        Answer::Denied => Err(Error::not_granted(&host)),
        Answer::Unreachable => Err(Error::Unreachable { host, reason: "no connection".to_owned() }),
        Answer::Timeout => Err(Error::Timeout { host, timeout_ms }),
    }
}

/// The closure runs outside of the fake, so that it may ask it.
fn answer(sent: &Sent) -> Answer {
    let (next, rest) = fake::with(|fake| {
        fake.web.sent.push(sent.clone());
        (fake.web.next(sent), fake.web.rest.clone())
    });
    match (next, rest) {
        (Some(answer), _) => answer,
        (None, Some(rest)) => rest(sent),
        (None, None) => {
            let Sent { method, url, .. } = sent;
            let known = fake::with(|fake| fake.web.known());
            fail(&format!(
                "nothing answers {method} {url}: set it up with `Host::answer({method:?}, {url:?}, …)`. What is answered:{known}"
            ))
        }
    }
}

/// Whether a host that a plugin asks for, perhaps with `*.` or a port, is where the URL leads.
pub(super) fn covers(asked: &str, url: &Url) -> bool {
    if asked == "*" {
        return true;
    }
    let default_port = match url.scheme {
        Scheme::Http => "80",
        Scheme::Https => "443",
    };
    let (asked, asked_port) = asked.rsplit_once(':').unwrap_or((asked, default_port));
    let (host, port) = url.authority.rsplit_once(':').unwrap_or((&url.authority, default_port));
    let fits = match asked.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(&suffix.to_ascii_lowercase()),
        None => host.eq_ignore_ascii_case(asked),
    };
    fits && port == asked_port
}

#[allow(clippy::panic, reason = "a failed expectation is how a test reports")]
fn fail(problem: &str) -> ! {
    panic!("{problem}")
}
