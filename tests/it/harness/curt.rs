//! A remote that answers everything with the same bytes, whatever they are, and closes.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Curt {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

/// What it says, and how.
#[derive(Clone)]
struct Manner {
    answer: Arc<[u8]>,
    /// How long it takes to think.
    pause: Duration,
    tls: Option<TlsAcceptor>,
}

/// A certificate that vouches for itself, and its key.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) pem: String,
    key_pem: String,
}

impl Certificate {
    /// Of the server with this name or address.
    pub(crate) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self { pem: made.cert.pem(), key_pem: made.signing_key.serialize_pem() }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()))
    }
}

impl Curt {
    pub(crate) async fn start(answer: impl AsRef<[u8]>) -> Self {
        Self::serving(answer, Duration::ZERO, None).await
    }

    /// One that says it so much later.
    pub(crate) async fn later(answer: impl AsRef<[u8]>, pause: Duration) -> Self {
        Self::serving(answer, pause, None).await
    }

    /// One that speaks TLS, and shows this certificate.
    pub(crate) async fn showing(answer: impl AsRef<[u8]>, certificate: &Certificate) -> Self {
        Self::serving(answer, Duration::ZERO, Some(certificate.acceptor())).await
    }

    async fn serving(answer: impl AsRef<[u8]>, pause: Duration, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Manner { answer: answer.as_ref().into(), pause, tls }));
        Self { address, _serving: serving }
    }

    /// Where it is, with this scheme.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/", self.address)
    }
}

async fn serve(listener: TcpListener, manner: Manner) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let manner = manner.clone();
        connections.spawn(async move {
            match &manner.tls {
                None => manner.answer(stream).await,
                // Whoever does not like the certificate goes before there is anything to answer.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        manner.answer(stream).await;
                    }
                }
            }
        });
    }
}

impl Manner {
    /// The other side may have gone at any time; that is its own affair.
    async fn answer(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        if read_request(&mut stream).await.is_none() {
            return;
        }
        tokio::time::sleep(self.pause).await;
        let _ = stream.write_all(&self.answer).await;
        let _ = stream.shutdown().await;
    }
}

/// To the end of its body: what is left unread when a connection is closed takes the answer along. None if it has no end.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<()> {
    let mut request = Vec::new();
    while missing(&request)? > 0 {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    Some(())
}

/// How many bytes a request lacks at least; none if it is not one of ours.
fn missing(request: &[u8]) -> Option<usize> {
    let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Some(1) };
    let head = str::from_utf8(request.get(..end)?).ok()?.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    Some((end + 4 + length.trim().parse::<usize>().ok()?).saturating_sub(request.len()))
}
