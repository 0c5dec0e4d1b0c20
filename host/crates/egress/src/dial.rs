//! Connecting: the one place that opens connections.
//!
//! Owns the way from a URI to a connection: name, check, dial, TLS, within a limit on time. What dials is handed the
//! checked addresses and nothing else; it never learns the name, so that nothing can be resolved again.

use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::error::{Phase, SendError, text};
use crate::lookup::Lookup;
use crate::policy::Settings;
use crate::request::Limits;

/// An idle connection whose other side has silently gone is noticed after some 30 s.
const KEEPALIVE: Duration = Duration::from_secs(15);

tokio::task_local! {
    /// The present request's limit on connecting. The client asks the connector with no more than a URI, but from within
    /// the request's own future.
    pub(crate) static CONNECT: Duration;
}

type Tcp = TokioIo<TcpStream>;
type Boxed = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Makes connections. All that goes wrong is a [`SendError`] already.
#[derive(Clone)]
pub(crate) struct Connector(HttpsConnector<Dialer>);

impl Connector {
    pub(crate) fn new(settings: Arc<Settings>, lookup: Lookup, tls: ClientConfig) -> Self {
        Self(HttpsConnector::from((Dialer { settings, lookup }, tls)))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Tcp>;
    type Error = SendError;
    type Future = Connecting<Self::Response, SendError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = connect_limit();
        let authority = authority(&uri);
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(sorted(error, authority)),
                Err(_) => Err(SendError::Timeout { authority, phase: Phase::Connection, ms: ms(limit) }),
            }
        })
    }
}

/// What the dialer did not say itself, TLS said.
fn sorted(error: Boxed, authority: String) -> SendError {
    match error.downcast::<SendError>() {
        Ok(error) => *error,
        Err(error) => SendError::Tls { authority, cause: text(&*error) },
    }
}

/// Opens TCP connections to checked addresses.
#[derive(Clone)]
struct Dialer {
    settings: Arc<Settings>,
    lookup: Lookup,
}

impl Service<Uri> for Dialer {
    type Response = Tcp;
    type Error = SendError;
    type Future = Connecting<Tcp, SendError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (dialer, limit) = (self.clone(), connect_limit());
        Box::pin(async move {
            let addresses = dialer.checked(&uri).await?;
            dial(addresses, limit).await.map_err(|error| SendError::from_dial(&*error, &authority(&uri), ms(limit)))
        })
    }
}

impl Dialer {
    /// Every address of the URI's host; each may be reached.
    async fn checked(&self, uri: &Uri) -> Result<Vec<SocketAddr>, SendError> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        if let Some(address) = literal(host) {
            self.settings.permit(address, None)?;
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let found = self.lookup.addresses(host, port).await;
        let found = found.map_err(|error| SendError::from_lookup(&error, host, &authority(uri)))?;
        for address in &found {
            self.settings.permit(address.ip(), Some(host))?;
        }
        Ok(found)
    }
}

/// Dials the addresses in turn, IPv4 beside IPv6 if that takes long (RFC 8305); each has its share of the time.
async fn dial(addresses: Vec<SocketAddr>, limit: Duration) -> Result<Tcp, Boxed> {
    let port = addresses.first().map_or(0, SocketAddr::port);
    let mut connector = HttpConnector::new_with_resolver(Checked(addresses));
    connector.set_connect_timeout(Some(limit));
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE));
    connector.set_nodelay(true);
    // A name, so that it has to ask for its addresses; one that nobody has (RFC 6761), should it ever ask somebody else.
    let anybody = Uri::builder().scheme("http").authority(format!("checked.invalid:{port}")).path_and_query("/");
    Ok(connector.call(anybody.build()?).await?)
}

/// Answers with the checked addresses, whatever it is asked.
#[derive(Clone)]
struct Checked(Vec<SocketAddr>);

impl Service<Name> for Checked {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(std::mem::take(&mut self.0).into_iter()))
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

fn authority(uri: &Uri) -> String {
    uri.authority().map(ToString::to_string).unwrap_or_default()
}

fn connect_limit() -> Duration {
    CONNECT.try_with(|limit| *limit).unwrap_or(Limits::default().connect)
}

pub(crate) fn ms(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}
