//! What is refused before anything is connected to.

use http::Method;
use slashbox_egress::{Egress, Refusal, Request, SendError, Settings, TargetError};

use crate::client::{loopback, request};
use crate::server::Server;

#[tokio::test]
async fn loopback_and_plain_http_are_refused_by_default() {
    let server = Server::raw(|_| async {}).await;
    let check = |settings: Settings, url: &str, message: &str| {
        let error = Egress::new(&settings).unwrap().check(url).unwrap_err();
        assert!(matches!(error, TargetError::Refused(_)));
        assert_eq!(error.to_string(), message);
    };
    let plain = format!("plain http to {} is refused: set egress.allow_http to allow it", server.address);
    check(Settings::default(), &server.url("/"), &plain);
    let address = "egress to 127.0.0.1 (loopback) is refused: list it in egress.allow_cidrs to allow it";
    check(Settings { allow_http: true, ..Settings::default() }, &server.url("/"), address);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_target_is_checked_again_by_the_client_that_sends() {
    let server = Server::raw(|_| async {}).await;
    let elsewhere = request(&loopback(), &server.url("/"));
    let strict = Egress::new(&Settings { allow_http: true, ..Settings::default() }).unwrap();
    let error = strict.send(elsewhere).await.unwrap_err();
    assert!(matches!(error, SendError::Refused(Refusal::Address(_))), "{error:?}");
    let error = Egress::new(&Settings::default()).unwrap().send(request(&loopback(), &server.url("/"))).await;
    assert!(matches!(error, Err(SendError::Refused(Refusal::PlainHttp { .. }))), "{error:?}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_loopback_is_refused() {
    let server = Server::raw(|_| async {}).await;
    let egress = Egress::new(&Settings { allow_http: true, ..Settings::default() }).unwrap();
    let made = request(&egress, &format!("http://localhost:{}/?token=secret", server.address.port()));
    let message = egress.send(made).await.unwrap_err().to_string();
    assert!(message.starts_with("egress to localhost, which resolves to "), "{message}");
    assert!(message.ends_with(" (loopback), is refused: list it in egress.allow_cidrs to allow it"), "{message}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn no_tunnels_are_made() {
    let server = Server::raw(|_| async {}).await;
    let egress = loopback();
    let made = Request { method: Method::CONNECT, ..request(&egress, &server.url("/")) };
    assert_eq!(egress.send(made).await.unwrap_err(), SendError::Refused(Refusal::Tunnel));
    assert_eq!(server.connections(), 0);
}
