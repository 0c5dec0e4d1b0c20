//! What a name's answers and a server's certificate do, with a resolver and certificates of the tests' own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use http::{HeaderMap, Method};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::lookup::Lookup;
use crate::request::CONNECT_MAX;
use crate::tls::Tls;
use crate::{Egress, Limits, Phase, Refusal, Request, Response, SendError, Settings};

/// The port is the URL's.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn settings(ranges: &[&str]) -> Settings {
    Settings { allow_http: true, allow_cidrs: ranges.iter().map(|range| range.parse().unwrap()).collect() }
}

/// A client whose names all have the addresses that the function gives.
fn resolving(
    ranges: &[&str],
    tls: Tls,
    resolver: impl Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
) -> Egress {
    Egress::with(&settings(ranges), Lookup::new(Arc::new(move |_: &str| resolver())), tls).unwrap()
}

async fn get(egress: &Egress, url: &str) -> Result<Response, SendError> {
    let limits = Limits { total: CONNECT_MAX * 2, body_bytes_max: 1024 };
    let target = egress.check(url).unwrap();
    egress.send(Request { method: Method::GET, target, headers: HeaderMap::new(), body: Bytes::new(), limits }).await
}

/// Answers each connection once and closes it; counts them.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            answer(&mut stream).await;
        }
    });
    (port, count)
}

async fn answer<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) {
    let _ = stream.read(&mut [0; 4096]).await;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    let _ = stream.shutdown().await;
}

fn platform() -> Tls {
    Tls::platform().unwrap()
}

#[tokio::test]
async fn one_forbidden_address_refuses_the_whole_answer() {
    let (port, connections) = server().await;
    for bad in ["10.0.0.1:0", "[::1]:0", "169.254.169.254:0", "[::ffff:10.0.0.1]:0"] {
        let bad: SocketAddr = bad.parse().unwrap();
        for good_first in [true, false] {
            let egress = resolving(&["127.0.0.1"], platform(), move || {
                Ok(if good_first { vec![LOOPBACK, bad] } else { vec![bad, LOOPBACK] })
            });
            let error = get(&egress, &format!("http://two.example:{port}/")).await.unwrap_err();
            let SendError::Refused(Refusal::Address(forbidden)) = error else { panic!("{bad}: {error:?}") };
            assert_eq!((forbidden.address, forbidden.host.as_deref()), (bad.ip(), Some("two.example")));
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_resolves_differently_the_second_time_gains_nothing() {
    let (port, connections) = server().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let egress = resolving(&["127.0.0.1"], platform(), move || {
        let last = if counted.fetch_add(1, Ordering::SeqCst) == 0 { 1 } else { 2 };
        Ok(vec![SocketAddr::from(([127, 0, 0, last], 0))])
    });
    let url = format!("http://rebind.example:{port}/");
    assert_eq!(get(&egress, &url).await.unwrap().body, "ok");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "what was checked is what is dialed");
    assert!(matches!(get(&egress, &url).await, Err(SendError::Refused(_))));
    assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn where_one_address_is_down_the_next_one_is_dialed() {
    let (port, _) = server().await;
    let egress = resolving(&["127.0.0.1", "::1"], platform(), move || {
        Ok(vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), LOOPBACK])
    });
    assert_eq!(get(&egress, &format!("http://two.example:{port}/")).await.unwrap().body, "ok");
}

#[tokio::test]
async fn a_name_without_addresses_is_a_fault_of_its_dns() {
    let none = resolving(&[], platform(), || Ok(Vec::new()));
    let failing = resolving(&[], platform(), || Err(io::Error::other("no such name")));
    for (egress, cause) in [(none, "no address"), (failing, "no such name")] {
        let error = get(&egress, "https://none.example/").await.unwrap_err();
        assert_eq!(error, SendError::Dns { host: "none.example".into(), cause: cause.into() });
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_name_falls_under_the_limit_on_connecting() {
    let (release, held) = mpsc::channel::<()>();
    let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let held = Mutex::new(held);
    let egress = resolving(&[], platform(), move || {
        ask.send(()).unwrap();
        let _ = held.lock().unwrap().recv();
        Ok(Vec::new())
    });
    // A clock that stands still goes on by itself only when nothing else does, and the resolver's thread does.
    let clock = async {
        asked.recv().await.unwrap();
        tokio::time::advance(CONNECT_MAX).await;
        // To the limit on everything, so that it ends in any case.
        tokio::time::advance(CONNECT_MAX).await;
    };
    let (answer, ()) = tokio::join!(get(&egress, "https://slow.example/"), clock);
    drop(release);
    let authority = "slow.example".into();
    assert_eq!(answer.unwrap_err(), SendError::Timeout { authority, phase: Phase::Connection, ms: 5000 });
}

/// A server's TLS for a name, and a client's that believes in it.
fn certified(name: &str) -> (TlsAcceptor, Tls) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let server = server.unwrap().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = client.with_root_certificates(roots).with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), Tls { config, no_certificates: None })
}

#[tokio::test]
async fn a_certificate_counts_for_its_own_name_alone() {
    for (name, believed) in [("right.example", true), ("wrong.example", false)] {
        let (acceptor, tls) = certified("right.example");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                answer(&mut stream).await;
            }
        });
        let egress = resolving(&["127.0.0.1"], tls, || Ok(vec![LOOPBACK]));
        match get(&egress, &format!("https://{name}:{port}/")).await {
            Ok(response) => assert!(believed && response.body == "ok"),
            Err(error) => assert!(!believed && matches!(error, SendError::Tls { .. }), "{error:?}"),
        }
    }
}
