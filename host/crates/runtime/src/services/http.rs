//! HTTP out of a sandbox: to granted hosts, through `slashbox-egress`, and counted.
//!
//! Invariants: a request leaves only if the plugin asks for its host and the operator grants it, whatever a redirect or an
//! earlier answer said; what is refused says in the plugin's log which and why; all ends with the call.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use slashbox_core::HttpHost;
use slashbox_egress::{Egress, Open, OpenError, Phase, SendError, Target};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use super::GuestLog;
use crate::{
    Call,
    bindings::slashbox::plugin::log::Level,
    guest::{Hosts, SandboxSpec},
};

/// How much of a request's body the host holds for the guest at a time: it holds some for each request that is open.
const BODY_CHUNK_BYTES: usize = 16 * 1024;

/// By what a server knows a request again that is sent a second time. Source:
/// datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

type Transmission = Box<dyn Future<Output = Result<()>> + Send>;
type Response = (http::Response<WasiBody>, Transmission);
type Answered = Result<Response>;

/// The way out for one call.
pub(crate) struct HttpGate {
    spec: Arc<SandboxSpec>,
    /// Its id and its end; none while the plugin describes itself.
    call: Option<(String, Instant)>,
    log: Arc<GuestLog>,
    sent: u32,
    /// Bytes of bodies that may still pass, in and out.
    left: Arc<AtomicU64>,
    /// Where connections live: not on the threads of slow calls.
    runtime: Handle,
}

/// Why a request was not sent, for the guest, and for the log.
struct Refused(Error, String);

/// Why there is no answer.
enum Failure {
    Refused(Refused),
    Other(Error),
}

impl Failure {
    /// What the guest is told, once it is in its log.
    fn told(self, log: &GuestLog, place: &str) -> Error {
        match self {
            Self::Refused(Refused(error, why)) => {
                log.write(Level::Warn, &format!("http to {place} refused: {why}"));
                error
            }
            Self::Other(error) => {
                log.write(Level::Info, &format!("http to {place}: {error}"));
                error
            }
        }
    }
}

/// Host and port, without what else a plugin may have put there: a password, say.
fn place_of(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl HttpGate {
    /// To be made within a runtime.
    pub(crate) fn new(spec: Arc<SandboxSpec>, call: Option<&Call>, log: Arc<GuestLog>, runtime: Handle) -> Self {
        let left = Arc::new(AtomicU64::new(u64::from(spec.limits.http_mib) * 1024 * 1024));
        let call = call.map(|call| (call.input.id().to_owned(), call.deadline));
        Self { spec, call, log, sent: 0, left, runtime }
    }

    /// Whether any request left.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent > 0
    }

    /// What it takes to send it, if it may be sent.
    fn permit(&mut self, request: &mut http::Request<WasiBody>) -> Result<(Egress, Target, Duration), Refused> {
        let refused = |why: &str| Refused(Error::HttpRequestDenied, why.into());
        let Some((id, deadline)) = &self.call else { return Err(refused("`describe` has nothing granted")) };
        let Some(egress) = self.spec.egress.clone() else { return Err(refused("this host sends none for plugins")) };
        if !self.spec.hosts.allow(request.uri()) {
            return Err(refused(
                "not among the hosts that the plugin asks for and `allowed_hosts` of its grant allows",
            ));
        }
        let limit = self.spec.limits.http_requests;
        if self.sent >= limit {
            let words = format!("limit of {limit} HTTP requests in a call reached");
            return Err(Refused(Error::ConnectionLimitReached, words));
        }
        let target = egress
            .check(&request.uri().to_string())
            .map_err(|error| Refused(Error::DestinationIpProhibited, error.to_string()))?;
        self.sent += 1;
        let headers = request.headers_mut();
        if !headers.contains_key(&IDEMPOTENCY_KEY) {
            // Others may be called for the same event; and of several requests in a call, each has a key of its own, the
            // same one if the call is made again.
            let plugin = &self.spec.plugin.stem;
            let key = if self.sent == 1 { format!("{id}-{plugin}") } else { format!("{id}-{plugin}-{}", self.sent) };
            headers.extend(HeaderValue::try_from(key).ok().map(|key| (IDEMPOTENCY_KEY, key)));
        }
        Ok((egress, target, deadline.saturating_duration_since(Instant::now())))
    }
}

impl Hosts {
    fn allow(&self, uri: &Uri) -> bool {
        let own_port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let (Some(host), port) = (uri.host(), uri.port_u16().unwrap_or(own_port)) else { return false };
        let host = host.to_ascii_lowercase();
        let covered = |hosts: &[HttpHost]| hosts.iter().any(|pattern| pattern.covers(&host, port, own_port));
        covered(&self.asked) && covered(&self.allowed)
    }
}

impl WasiHttpHooks for HttpGate {
    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Transmission,
    ) -> Box<dyn Future<Output = Answered> + Send> {
        let place = place_of(request.uri());
        let (egress, target, total) = match self.permit(&mut request) {
            Ok(permitted) => permitted,
            Err(refused) => {
                let error = Failure::Refused(refused).told(&self.log, &place);
                return Box::new(async { Err(error) });
            }
        };
        let (log, left) = (self.log.clone(), self.left.clone());
        let exchange = exchange(egress, target, request, options.unwrap_or_default(), total, left, log.clone());
        let exchange = AbortOnDropHandle::new(self.runtime.spawn(exchange));
        Box::new(async move {
            let answered = exchange.await.unwrap_or(Err(Failure::Other(Error::InternalError(None))));
            answered.map_err(|failure| failure.told(&log, &place))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
}

async fn exchange(
    egress: Egress,
    target: Target,
    request: http::Request<WasiBody>,
    options: RequestOptions,
    total: Duration,
    left: Arc<AtomicU64>,
    log: Arc<GuestLog>,
) -> std::result::Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    // A body of a length that the guest told is sent with that length, any other in pieces.
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = Counted {
        body,
        length,
        left: left.clone(),
        over: Over { error: || Error::HttpRequestBodySize(None), log: log.clone() },
    };
    let open = Open { method: parts.method, target, headers: parts.headers, body, total };
    let begun = options.first_byte_timeout.map_or(total, |first_byte| first_byte.min(total));
    let opened = tokio::time::timeout(begun, egress.open(open)).await;
    let opened = opened.map_err(|_| Failure::Other(Error::HttpResponseTimeout))?.map_err(|error| match error {
        // Where a name leads shows only now; the operator is told as of one that is refused at once.
        OpenError::Send(SendError::Refused(refusal)) => {
            Failure::Refused(Refused(Error::DestinationIpProhibited, refusal.to_string()))
        }
        error => Failure::Other(error_of(error)),
    })?;
    let body = opened.body.map_err(error_of).boxed_unsync();
    let body = Counted { body, length: None, left, over: Over { error: || Error::HttpResponseBodySize(None), log } };
    let mut response = http::Response::new(body.boxed_unsync());
    (*response.status_mut(), *response.headers_mut()) = (opened.status, opened.headers);
    Ok((response, Box::new(async { Ok(()) })))
}

/// A body that ends when the call has had as many bytes as it may.
struct Counted {
    body: WasiBody,
    /// How much is still to come, if that is known.
    length: Option<u64>,
    left: Arc<AtomicU64>,
    over: Over,
}

/// What becomes of a body that passes the limit. The log has it too: of an answer that breaks off, wasmtime does not tell
/// guests why.
struct Over {
    error: fn() -> Error,
    log: Arc<GuestLog>,
}

impl Over {
    fn error(&self) -> Error {
        self.log.write(Level::Warn, &format!("http limit of {} MiB in a call reached", self.log.limits().http_mib));
        (self.error)()
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else { return Poll::Ready(None) };
        let frame = frame?;
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.length = self.length.map(|length| length.saturating_sub(bytes));
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        Poll::Ready(Some(taken.map(|_| frame).map_err(|_| self.over.error())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(|| self.body.size_hint(), SizeHint::with_exact)
    }
}

/// What a guest is told: as much as it needs to decide what to do.
fn error_of(error: OpenError) -> Error {
    let error = match error {
        OpenError::Send(error) => error,
        // The guest's own body: it passed its limit, or ended early.
        OpenError::Body { .. } => return Error::HttpRequestBodySize(None),
    };
    match error {
        SendError::Refused(_) => Error::DestinationIpProhibited,
        SendError::Local { .. } => Error::DestinationUnavailable,
        SendError::Dns { .. } => Error::DnsError { rcode: None, info_code: None },
        SendError::Connect { .. } => Error::ConnectionRefused,
        SendError::Tls { .. } => Error::TlsCertificateError,
        SendError::Timeout { phase: Phase::Connection, .. } => Error::ConnectionTimeout,
        SendError::Timeout { .. } => Error::HttpResponseTimeout,
        SendError::Broken { .. } => Error::HttpResponseIncomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_and_granted() {
        let hosts = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let granted = Hosts {
            asked: hosts(&["*.example.com", "other.example", "a.test:8443"]),
            allowed: hosts(&["api.example.com", "*.test", "a.test:8443"]),
        };
        let check = |uri: &str, expected: bool| assert_eq!(granted.allow(&uri.parse().unwrap()), expected, "{uri}");
        check("https://api.example.com/x", true);
        check("https://API.Example.com/x", true);
        check("http://api.example.com/x", true);
        check("https://api.example.com:443/x", true);
        check("https://api.example.com:8443/x", false);
        check("http://api.example.com:443/x", false);
        check("https://www.example.com/", false);
        check("https://other.example/", false);
        check("https://a.test/", false);
        check("https://a.test:8443/", true);
        check("https://api.example.com.evil.test/", false);
        check("https://api.example.com@evil.test/", false);
    }
}
