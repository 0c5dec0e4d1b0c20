//! HTTP as the sandbox has it, `wasi:http/outgoing-handler`: sent, and waited for.
//!
//! Resources are dropped in the order that WASI demands, children before their parents: what is subscribed to before its
//! stream, the stream before its body.

use crate::http::{Error, Outgoing, Response, Scheme};
use wasip2::{
    clocks::monotonic_clock,
    http::{
        outgoing_handler,
        types::{
            self, ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingBody, IncomingResponse, Method,
            OutgoingBody, OutgoingRequest,
        },
    },
    io::{
        poll::{self, Pollable},
        streams::StreamError,
    },
};

/// The most that is read at once: room for it is taken before it is known how much there is.
const PIECE_BYTES_MAX: u64 = 64 * 1024;

/// Why the host goes nowhere for a plugin although it may reach the URL's host.
const NOT_ALLOWED: &str =
    "not allowed: it must be https, and no private address, unless `[egress]` in slashbox.toml says otherwise";

pub(crate) fn http_send(request: Outgoing) -> Result<Response, Error> {
    let timeout = request.timeout_ms.map(|ms| monotonic_clock::subscribe_duration(u64::from(ms) * 1_000_000));
    Exchange { request, timeout }.run()
}

/// A request, and when it is given up.
struct Exchange {
    request: Outgoing,
    timeout: Option<Pollable>,
}

impl Exchange {
    fn run(&self) -> Result<Response, Error> {
        let outgoing = self.outgoing()?;
        let body = if self.request.body.is_empty() { None } else { Some(outgoing.body().map_err(|()| self.broken())?) };
        let future = outgoing_handler::handle(outgoing, None).map_err(|code| self.error(code))?;
        if let Some(body) = body {
            self.write(body)?;
        }
        self.read(&self.answer(&future)?)
    }

    fn outgoing(&self) -> Result<OutgoingRequest, Error> {
        let Outgoing { method, url, headers, body, .. } = &self.request;
        let fields = Fields::new();
        for (name, value) in headers {
            fields.append(name, value.as_bytes()).map_err(|error| header_error(name, &error))?;
        }
        if !body.is_empty() {
            // Else the body goes out in chunks, which not every server takes.
            let length = body.len().to_string();
            fields
                .append("content-length", length.as_bytes())
                .map_err(|error| header_error("content-length", &error))?;
        }
        let outgoing = OutgoingRequest::new(fields);
        let scheme = match url.scheme {
            Scheme::Http => types::Scheme::Http,
            Scheme::Https => types::Scheme::Https,
        };
        outgoing
            .set_method(&to_method(method))
            .and_then(|()| outgoing.set_scheme(Some(&scheme)))
            .and_then(|()| outgoing.set_authority(Some(&url.authority)))
            .and_then(|()| outgoing.set_path_with_query(Some(&url.path_and_query)))
            .map_err(|()| Error::Invalid(format!("{}: the host takes no such method or URL", url.authority)))?;
        Ok(outgoing)
    }

    /// Writes the body, in pieces as the host has room for them. A host that takes no more has its reason, which its answer
    /// tells.
    fn write(&self, body: OutgoingBody) -> Result<(), Error> {
        {
            let stream = body.write().map_err(|()| self.broken())?;
            let room = stream.subscribe();
            let mut rest = self.request.body.as_slice();
            while !rest.is_empty() {
                let Ok(bytes) = stream.check_write() else { return Ok(()) };
                if bytes == 0 {
                    self.wait_for(&room)?;
                    continue;
                }
                let (piece, others) = rest.split_at(rest.len().min(usize::try_from(bytes).unwrap_or(usize::MAX)));
                if stream.write(piece).is_err() {
                    return Ok(());
                }
                rest = others;
            }
        }
        OutgoingBody::finish(body, None).map_err(|code| self.error(code))
    }

    fn answer(&self, future: &FutureIncomingResponse) -> Result<IncomingResponse, Error> {
        self.wait_for(&future.subscribe())?;
        match future.get() {
            Some(Ok(answer)) => answer.map_err(|code| self.error(code)),
            // Not ready although it said so, or already taken.
            None | Some(Err(())) => Err(self.broken()),
        }
    }

    fn read(&self, answer: &IncomingResponse) -> Result<Response, Error> {
        let lossy = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
        let headers = answer.headers().entries().into_iter().map(lossy).collect();
        let body = self.read_body(&answer.consume().map_err(|()| self.broken())?)?;
        Ok(Response { host: self.host(), status: answer.status(), headers, body })
    }

    fn read_body(&self, incoming: &IncomingBody) -> Result<Vec<u8>, Error> {
        let stream = incoming.stream().map_err(|()| self.broken())?;
        let more = stream.subscribe();
        let mut body = Vec::new();
        loop {
            match stream.read(PIECE_BYTES_MAX) {
                Ok(piece) if piece.is_empty() => self.wait_for(&more)?,
                Ok(piece) => body.extend_from_slice(&piece),
                Err(StreamError::Closed) => return Ok(body),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(types::http_error_code(&error).map_or_else(|| self.broken(), |code| self.error(code)));
                }
            }
        }
    }

    fn wait_for(&self, ready: &Pollable) -> Result<(), Error> {
        let Some(timeout) = &self.timeout else {
            ready.block();
            return Ok(());
        };
        // An answer that trickles is always ready, so the time decides.
        if poll::poll(&[ready, timeout]).contains(&1) {
            return Err(Error::Timeout { host: self.host(), timeout_ms: self.request.timeout_ms });
        }
        Ok(())
    }

    fn host(&self) -> String {
        self.request.url.authority.clone()
    }

    /// There is no more of it. Also what becomes of what a host that keeps to WASI never does.
    fn broken(&self) -> Error {
        self.unreachable("the connection broke off")
    }

    fn unreachable(&self, reason: &str) -> Error {
        Error::Unreachable { host: self.host(), reason: reason.to_owned() }
    }

    fn error(&self, code: ErrorCode) -> Error {
        let host = self.host();
        let limit = |reason: &str| Error::Limit { host: self.host(), reason: reason.to_owned() };
        match code {
            ErrorCode::HttpRequestDenied => Error::not_granted(&host),
            ErrorCode::DestinationIpProhibited => Error::Denied { host, reason: NOT_ALLOWED.to_owned() },
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => Error::Timeout { host, timeout_ms: None },
            ErrorCode::ConnectionLimitReached => limit("more requests than a call may send (`http_requests`)"),
            ErrorCode::HttpRequestBodySize(_) | ErrorCode::HttpResponseBodySize(_) => {
                limit("larger bodies than a call may send and receive (`http_mib`)")
            }
            ErrorCode::HttpRequestUriTooLong
            | ErrorCode::HttpRequestHeaderSize(_)
            | ErrorCode::HttpRequestHeaderSectionSize(_) => limit("a longer URL or longer headers than the host sends"),
            ErrorCode::HttpResponseHeaderSize(_) | ErrorCode::HttpResponseHeaderSectionSize(_) => {
                limit("longer headers than the host takes")
            }
            ErrorCode::HttpRequestMethodInvalid | ErrorCode::HttpRequestUriInvalid => {
                Error::Invalid(format!("{host}: the host takes no such method or URL"))
            }
            ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => self.unreachable("its name does not resolve"),
            ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => self.broken(),
            ErrorCode::TlsCertificateError | ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
                self.unreachable("no TLS, or a certificate that is not valid")
            }
            ErrorCode::InternalError(Some(reason)) => self.unreachable(&reason),
            _ => self.unreachable("no connection"),
        }
    }
}

fn to_method(method: &str) -> Method {
    match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn header_error(name: &str, error: &HeaderError) -> Error {
    match error {
        HeaderError::Forbidden => Error::Invalid(format!("header {name:?} is the host's to make")),
        _ => Error::Invalid(format!("header {name:?}: the host takes no such name or value")),
    }
}
