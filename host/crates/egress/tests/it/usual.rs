//! What goes over the wire when all is well.

use axum::Router;
use axum::http::header::{HOST, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::routing::{any, get};
use bytes::Bytes;
use slashbox_egress::Request;
use tokio::io::AsyncWriteExt;

use crate::client::{get as get_url, loopback, request};
use crate::server::{Server, head};

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let echo = |method: Method, headers: HeaderMap, body: Bytes| async move {
        let seen = format!("{method} {:?} {:?} {}", headers.get("x-id"), headers.get(USER_AGENT), body.len());
        (StatusCode::CREATED, [("x-answer", "yes")], seen)
    };
    let server = Server::routes(Router::new().route("/echo", any(echo))).await;
    let egress = loopback();
    let mut headers = HeaderMap::new();
    headers.insert("x-id", HeaderValue::from_static("7"));
    headers.insert("content-length", HeaderValue::from_static("3"));
    let made = Request {
        method: Method::POST,
        headers,
        body: Bytes::from_static(b"hello"),
        ..request(&egress, &server.url("/echo?q=1"))
    };
    let response = egress.send(made).await.unwrap();
    assert_eq!((response.status, response.whole), (StatusCode::CREATED, true));
    assert_eq!(response.headers["x-answer"], "yes");
    assert_eq!(response.body, concat!("POST Some(\"7\") Some(\"slashbox/", env!("CARGO_PKG_VERSION"), "\") 5"));
}

#[tokio::test]
async fn the_callers_user_agent_stays_and_the_host_is_the_targets() {
    let echo = |headers: HeaderMap| async move { format!("{:?} {:?}", headers[USER_AGENT], headers[HOST]) };
    let server = Server::routes(Router::new().route("/", get(echo))).await;
    let egress = loopback();
    let mut made = request(&egress, &server.url("/"));
    made.headers.insert(USER_AGENT, HeaderValue::from_static("mine"));
    made.headers.insert(HOST, HeaderValue::from_static("inside.example"));
    let response = egress.send(made).await.unwrap();
    assert_eq!(response.body, format!("\"mine\" \"{}\"", server.address));
}

#[tokio::test]
async fn nothing_asks_for_compression_or_brings_cookies_back() {
    let server = Server::raw(|mut stream| async move {
        for _ in 0..2 {
            let head = head(&mut stream).await;
            let answer = "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-encoding: gzip\r\ncontent-length";
            let _ = stream.write_all(format!("{answer}: {}\r\n\r\n{head}", head.len()).as_bytes()).await;
        }
    })
    .await;
    let egress = loopback();
    for _ in 0..2 {
        let response = egress.send(request(&egress, &server.url("/"))).await.unwrap();
        let head = String::from_utf8(response.body.to_vec()).unwrap().to_lowercase();
        assert!(!head.contains("accept-encoding") && !head.contains("cookie"), "{head}");
    }
    assert_eq!(server.connections(), 1, "the connection is used again");
}

#[tokio::test]
async fn a_post_without_a_body_says_that_it_has_none() {
    let server = Server::raw(|mut stream| async move {
        let head = head(&mut stream).await.to_lowercase();
        let status = if head.contains("content-length: 0\r\n") { 204 } else { 411 };
        let _ = stream.write_all(format!("HTTP/1.1 {status} x\r\n\r\n").as_bytes()).await;
    })
    .await;
    let egress = loopback();
    let made = Request { method: Method::POST, ..request(&egress, &server.url("/")) };
    assert_eq!(egress.send(made).await.unwrap().status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let inside = Server::raw(|_| async {}).await;
    let location = inside.url("/inside");
    let outside = Router::new().route("/", get(move || async move { (StatusCode::FOUND, [("location", location)]) }));
    let outside = Server::routes(outside).await;
    let response = get_url(&outside.url("/")).await.unwrap();
    assert_eq!(response.status, StatusCode::FOUND);
    assert_eq!(response.headers["location"], inside.url("/inside"));
    assert_eq!(inside.connections(), 0);
}
