//! The client.
//!
//! Owns the pool of connections and the limit on a request's time. Never opens a connection: [`crate::dial`] does.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body;
use crate::dial::{CONNECT, Connector, ms};
use crate::error::{Phase, SendError, StartError};
use crate::lookup::Lookup;
use crate::policy::Settings;
use crate::refusal::Refusal;
use crate::request::{Limits, Request, Response};
use crate::target::{Target, TargetError};
use crate::tls::Tls;

/// How long an unused connection is kept. Most servers close theirs after 60 s or more, and a name's new address is
/// found the sooner.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Unused connections for each host: as many as deliveries are in flight to one endpoint, so that a busy one reuses all.
const IDLE_PER_HOST_MAX: usize = 40;
/// Of an answer's status line and headers, in bytes. Common servers send no more than 8 to 16 KiB.
const HEAD_BYTES_MAX: usize = 64 * 1024;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("slashbox/", env!("CARGO_PKG_VERSION")));

/// What belongs to the connection and to the message's frame (RFC 9110, 7.6.1), which are ours to make.
const OURS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The HTTP client. A clone is the same client: it shares connections.
///
/// Used within a Tokio runtime with its timer and its IO. A connection is the pool's from its first request to its end.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    client: Client<Connector, Full<Bytes>>,
    no_certificates: Option<String>,
}

impl Egress {
    /// A client that may reach public addresses over https, and what the settings add to that.
    ///
    /// # Errors
    /// TLS cannot be set up. A machine without certificates is not an error: see [`Refusal::NoCertificates`].
    pub fn new(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self::with(settings, Lookup::system(), Tls::platform()?))
    }

    pub(crate) fn with(settings: &Settings, lookup: Lookup, tls: Tls) -> Self {
        let settings = Arc::new(settings.clone());
        let connector = Connector::new(Arc::clone(&settings), lookup, tls.config);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Self(Arc::new(Inner { settings, client, no_certificates: tls.no_certificates }))
    }

    /// Reads a URL, and refuses what can be refused without connecting: its scheme, a user or password in it, an address
    /// in place of a name. For the check of a configuration, and for [`Egress::send`], which checks again.
    ///
    /// # Errors
    /// The URL is not one that can be sent to; the message says which key of the configuration would change that.
    pub fn check(&self, url: &str) -> Result<Target, TargetError> {
        let target = Target::parse(url)?;
        target.permit(&self.0.settings)?;
        Ok(target)
    }

    /// Sends a request and reads the answer, once. It runs in the caller's task: dropping it ends it.
    ///
    /// # Errors
    /// There is no whole answer within the limits; the variant says whose fault that was. A status is never an error.
    pub async fn send(&self, request: Request) -> Result<Response, SendError> {
        self.permit(&request)?;
        let Request { method, target, headers, body, limits } = request;
        let message = message(method, &target, headers, body);
        let mut phase = Phase::Answer;
        let exchange = CONNECT.scope(limits.connect, self.exchange(message, &target, limits, &mut phase));
        let done = tokio::time::timeout(limits.total, exchange).await;
        done.unwrap_or_else(|_| {
            Err(SendError::Timeout { authority: target.authority().to_owned(), phase, ms: ms(limits.total) })
        })
    }

    /// Checked again, for the target may come from another client with other settings.
    fn permit(&self, request: &Request) -> Result<(), Refusal> {
        if request.method == Method::CONNECT {
            return Err(Refusal::Tunnel);
        }
        request.target.permit(&self.0.settings)?;
        match &self.0.no_certificates {
            Some(cause) if request.target.is_https() => {
                let authority = request.target.authority().to_owned();
                Err(Refusal::NoCertificates { authority, cause: cause.clone() })
            }
            _ => Ok(()),
        }
    }

    async fn exchange(
        &self,
        message: http::Request<Full<Bytes>>,
        target: &Target,
        limits: Limits,
        phase: &mut Phase,
    ) -> Result<Response, SendError> {
        let answer = self.0.client.request(message).await.map_err(|error| sorted(&error, target))?;
        *phase = Phase::Body;
        let (head, body) = answer.into_parts();
        let (body, whole) = body::read(body, limits.body_bytes_max)
            .await
            .map_err(|error| SendError::from_exchange(&error, target.authority()))?;
        Ok(Response { status: head.status, headers: head.headers, body, whole })
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

fn message(method: Method, target: &Target, mut headers: HeaderMap, body: Bytes) -> http::Request<Full<Bytes>> {
    for name in &OURS {
        headers.remove(name);
    }
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        // Servers expect to be told (RFC 9110, 8.6), and hyper is silent about a body that is not there.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    }
    let mut message = http::Request::new(Full::new(body));
    *message.method_mut() = method;
    *message.uri_mut() = target.uri().clone();
    *message.headers_mut() = headers;
    message
}

/// What the connector reports is sorted already; the client wraps it.
fn sorted(error: &hyper_util::client::legacy::Error, target: &Target) -> SendError {
    match error.source() {
        Some(cause) => match cause.downcast_ref::<SendError>() {
            Some(dialing) => dialing.clone(),
            None => SendError::from_exchange(cause, target.authority()),
        },
        None => SendError::from_exchange(error, target.authority()),
    }
}
