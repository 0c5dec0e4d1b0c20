//! Whose fault it was, when there is no connection.

use std::future::pending;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use slashbox_egress::{Limits, Phase, SendError};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::{LIMITS, SHORT, get, get_within};
use crate::server::Server;

#[tokio::test]
async fn nobody_listening_is_no_connection() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = get(&format!("http://{closed}/")).await.unwrap_err();
    assert!(matches!(error, SendError::Connect { .. }), "{error:?}");
    assert!(error.to_string().starts_with(&format!("no connection to {closed}: ")), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_has_does_not_resolve() {
    // RFC 6761 keeps the name free; without any network the answer is the same, if later.
    let error = get("http://nobody.invalid/").await.unwrap_err();
    let expected = matches!(error, SendError::Dns { .. } | SendError::Timeout { phase: Phase::Connection, .. });
    assert!(expected, "{error:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_a_fault_of_tls() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::raw(move |stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await;
    check_tls(&server).await;
}

#[tokio::test]
async fn who_speaks_no_tls_is_a_fault_of_tls() {
    let plain = Server::raw(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        pending().await
    });
    check_tls(&plain.await).await;
    check_tls(&Server::raw(|_| async {}).await).await;
}

async fn check_tls(server: &Server) {
    let error = get(&format!("https://{}/?token=secret", server.address)).await.unwrap_err();
    assert!(matches!(error, SendError::Tls { .. }), "{error:?}");
    assert!(error.to_string().starts_with(&format!("no TLS with {}: ", server.address)), "{error}");
    assert_eq!(server.connections(), 1);
}

/// Accepts connections, and says nothing.
async fn silent() -> Server {
    Server::raw(|stream: TcpStream| async move {
        let _stream = stream;
        pending().await
    })
    .await
}

// The clock stands still and jumps to the next limit, which is the one on connecting.
#[tokio::test(start_paused = true)]
async fn a_handshake_falls_under_the_limit_on_connecting() {
    let server = silent().await;
    let error = get(&format!("https://{}/", server.address)).await.unwrap_err();
    let authority = server.address.to_string();
    assert_eq!(error, SendError::Timeout { authority, phase: Phase::Connection, ms: 5000 });
}

#[tokio::test]
async fn connecting_falls_under_the_limit_on_everything() {
    let server = silent().await;
    let limits = Limits { total: SHORT, ..LIMITS };
    let error = get_within(&format!("https://{}/", server.address), limits).await.unwrap_err();
    let authority = server.address.to_string();
    assert_eq!(error, SendError::Timeout { authority, phase: Phase::Answer, ms: 300 });
}
