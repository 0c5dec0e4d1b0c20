//! The client.
//!
//! Owns how reqwest is set up and asked, what is checked before that, and the limit on an answer's size. Never resolves a
//! name: [`crate::guard`] does. The limit on time is kept in [`crate::answer`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use reqwest::{Client, redirect, retry};

use crate::answer::{AnswerBody, Exchange};
use crate::error::{OpenError, SendError, StartError};
use crate::guard::Guarded;
use crate::lookup::Lookup;
use crate::open::{Open, Opened};
use crate::outgoing::{BoxError, Outgoing};
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
/// A connection whose other side takes nothing of what is sent is given up after it. That is the end of one on which a
/// whole answer came, but which is still full of a request's body that nobody is there to take back: hyper waits for the
/// other side before it looks again. Only Linux can do that; elsewhere the other side decides.
#[cfg(any(target_os = "android", target_os = "linux"))]
const STALLED_MAX: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("slashbox/", env!("CARGO_PKG_VERSION"));

/// What belongs to the connection and to the message's frame (RFC 9110, 7.6.1), and what repeats the target, which are
/// ours to make.
pub const OWN_HEADERS: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
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
        let builder = Client::builder();
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let builder = builder.tcp_user_timeout(STALLED_MAX);
        let client = builder
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
        let Request { method, target, headers, body, limits } = request;
        let open = Open { method, target, headers, body: Full::new(body), total: limits.total };
        let Opened { status, headers, body } = self.open(open).await.map_err(OpenError::into_send)?;
        let (body, whole) = read(body, limits.body_bytes_max).await.map_err(OpenError::into_send)?;
        Ok(Response { status, headers, body, whole })
    }

    /// Sends a request whose body comes piece by piece, once, and gives the answer as soon as its headers are there,
    /// which may be before the request's body has ended. Dropping this or the answer's body ends everything.
    ///
    /// The connection itself is another task's, which takes from the request's body what fits into its buffer and the
    /// system's, and reads the answer's body only as it is asked for.
    ///
    /// # Errors
    /// There is no answer within the limit on time; the variant says whose fault that was. A status is never an error.
    pub async fn open<B>(&self, open: Open<B>) -> Result<Opened, OpenError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Open { method, target, headers, body, total } = open;
        self.permit(&method, &target).map_err(SendError::from)?;
        let (body, fault) = Outgoing::new(body);
        let mut exchange = Exchange::begin(&target, total, fault);
        let mut answer = exchange.answer(self.ask(method, &target, headers, body)).await?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        Ok(Opened { status, headers, body: AnswerBody::new(answer, exchange) })
    }

    /// Checked again, for the target may come from another client with other settings; and the only check of an address
    /// in place of a name, for which no resolver is asked.
    fn permit(&self, method: &Method, target: &Target) -> Result<(), Refusal> {
        if method == Method::CONNECT {
            return Err(Refusal::Tunnel);
        }
        target.permit(&self.0.settings)?;
        match &self.0.no_certificates {
            Some(cause) if target.is_https() => {
                let authority = target.authority().to_owned();
                Err(Refusal::NoCertificates { authority, cause: cause.clone() })
            }
            _ => Ok(()),
        }
    }

    async fn ask<B>(
        &self,
        method: Method,
        target: &Target,
        mut headers: HeaderMap,
        mut body: Outgoing<B>,
    ) -> reqwest::Result<reqwest::Response>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let expects_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        if !expects_body {
            body.begin().await;
        }
        frame(&mut headers, body.length(), expects_body);
        let mut message = reqwest::Request::new(method, target.url().clone());
        *message.headers_mut() = headers;
        *message.body_mut() = Some(reqwest::Body::wrap(body));
        self.0.client.execute(message).await
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Replaces what is ours to say about the message. A length is announced by hyper, from the body's size hint.
fn frame(headers: &mut HeaderMap, length: Option<u64>, expects_body: bool) {
    for name in &OWN_HEADERS {
        headers.remove(name);
    }
    match length {
        // Servers expect to be told (RFC 9110, 8.6), and hyper is silent about a body that is not there.
        Some(0) if expects_body => headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0)),
        Some(_) => None,
        // Said in any case, since hyper takes it that a GET of unknown length has no body.
        None => headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
    };
}

/// The body up to the limit, and whether that is the whole one. The rest goes with the connection.
async fn read(mut answer: AnswerBody, bytes_max: usize) -> Result<(Bytes, bool), OpenError> {
    let mut body = BytesMut::new();
    while let Some(frame) = answer.frame().await {
        let chunk = frame?.into_data().unwrap_or_default();
        let room = bytes_max - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return Ok((body.freeze(), false));
        }
    }
    Ok((body.freeze(), true))
}
