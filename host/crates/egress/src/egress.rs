//! The client.
//!
//! Owns how reqwest is set up and asked, what is checked before that, and the limits on a request's time and on its
//! answer's size. Never resolves a name: [`crate::guard`] does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use reqwest::{Client, redirect, retry};

use crate::error::{Phase, SendError, StartError};
use crate::guard::Guarded;
use crate::lookup::Lookup;
use crate::policy::Settings;
use crate::refusal::Refusal;
use crate::request::{CONNECT_MAX, Request, Response};
use crate::target::{Target, TargetError};
use crate::tls::Tls;

/// How long an unused connection is kept. Most servers close theirs after 60 s or more, and a name's new address is
/// found the sooner.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Unused connections for each host: as many as a configuration lets be in flight to one endpoint, so that a busy one
/// reuses all of them.
const IDLE_PER_HOST_MAX: usize = 256;
/// An idle connection whose other side has silently gone is noticed after some 30 s.
const KEEPALIVE: Duration = Duration::from_secs(15);

const USER_AGENT: &str = concat!("slashbox/", env!("CARGO_PKG_VERSION"));

/// What belongs to the connection and to the message's frame (RFC 9110, 7.6.1), which are ours to make.
pub const OWN_HEADERS: [HeaderName; 7] = [
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
    client: Client,
    no_certificates: Option<String>,
}

impl Egress {
    /// A client that may reach public addresses over https, and what the settings add to that.
    ///
    /// # Errors
    /// TLS cannot be set up. A machine without certificates is not an error: see [`Refusal::NoCertificates`].
    pub fn new(settings: &Settings) -> Result<Self, StartError> {
        Self::with(settings, Lookup::system(), Tls::platform()?)
    }

    pub(crate) fn with(settings: &Settings, lookup: Lookup, tls: Tls) -> Result<Self, StartError> {
        let Tls { config, no_certificates } = tls;
        let settings = Arc::new(settings.clone());
        let guarded = Guarded { settings: Arc::clone(&settings), lookup };
        let client = Client::builder()
            .dns_resolver(guarded)
            .tls_backend_preconfigured(config)
            .http1_only()
            .user_agent(USER_AGENT)
            // Nothing is asked, followed, sent again or unpacked that the caller has not asked for, whatever the
            // environment says and whatever reqwest can do because another crate switched it on.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(CONNECT_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEPALIVE)
            .tcp_keepalive_interval(KEEPALIVE)
            .build()
            .map_err(|error| StartError::from_reqwest(&error))?;
        Ok(Self(Arc::new(Inner { settings, client, no_certificates })))
    }

    /// The same as [`Settings::check`], by this client's settings.
    ///
    /// # Errors
    /// The URL is not one that can be sent to; the message says which key of the configuration would change that.
    pub fn check(&self, url: &str) -> Result<Target, TargetError> {
        self.0.settings.check(url)
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
        let exchange = self.exchange(message, limits.body_bytes_max, &mut phase);
        match tokio::time::timeout(limits.total, exchange).await {
            Ok(done) => done.map_err(|error| SendError::from_reqwest(&error, target.authority())),
            Err(_) => Err(SendError::timeout(target.authority(), phase, limits.total)),
        }
    }

    /// Checked again, for the target may come from another client with other settings; and the only check of an address
    /// in place of a name, for which no resolver is asked.
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
        message: reqwest::Request,
        body_bytes_max: usize,
        phase: &mut Phase,
    ) -> reqwest::Result<Response> {
        let mut answer = self.0.client.execute(message).await?;
        *phase = Phase::Body;
        let (body, whole) = read(&mut answer, body_bytes_max).await?;
        Ok(Response { status: answer.status(), headers: std::mem::take(answer.headers_mut()), body, whole })
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

fn message(method: Method, target: &Target, mut headers: HeaderMap, body: Bytes) -> reqwest::Request {
    for name in &OWN_HEADERS {
        headers.remove(name);
    }
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        // Servers expect to be told (RFC 9110, 8.6), and reqwest is silent about a body that is not there.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    }
    let mut message = reqwest::Request::new(method, target.url().clone());
    *message.headers_mut() = headers;
    *message.body_mut() = Some(body.into());
    message
}

/// The body up to the limit, and whether that is the whole one. The rest goes with the connection.
async fn read(answer: &mut reqwest::Response, bytes_max: usize) -> reqwest::Result<(Bytes, bool)> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = bytes_max - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return Ok((body.freeze(), false));
        }
    }
    Ok((body.freeze(), true))
}
