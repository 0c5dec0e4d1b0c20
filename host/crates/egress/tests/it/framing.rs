//! How a streamed body goes over the wire, and what of the headers is ours.

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use slashbox_egress::{Open, OpenError, SendError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{loopback, open, soon};
use crate::server::{Server, gone, head};
use crate::source::{Source, data, source, whole};

/// Answers each request with its own bytes.
async fn mirror() -> Server {
    Server::raw(|mut stream: TcpStream| async move {
        loop {
            let mut seen = head(&mut stream).await.to_lowercase();
            if seen.is_empty() {
                return;
            }
            while !is_whole(&seen) {
                seen.push(char::from(stream.read_u8().await.unwrap()));
            }
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{seen}", seen.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

fn is_whole(seen: &str) -> bool {
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    match head.split_once("content-length: ") {
        Some((_, length)) => body.len() == length.lines().next().unwrap().parse::<usize>().unwrap(),
        None => !head.contains("transfer-encoding") || body.ends_with("0\r\n\r\n"),
    }
}

async fn mirrored(made: Open<Source>) -> String {
    let answer = loopback().open(made).await.unwrap();
    let seen = answer.body.collect().await.unwrap().to_bytes();
    String::from_utf8(seen.to_vec()).unwrap()
}

#[tokio::test]
async fn a_body_is_announced_by_what_is_known_of_it() {
    let (server, egress) = (mirror().await, loopback());
    for (method, body, expected) in [
        (Method::GET, whole(Some(0), &[]), ("", "")),
        (Method::GET, whole(None, &[]), ("", "")),
        (Method::GET, whole(None, &["", ""]), ("", "")),
        (Method::GET, whole(Some(5), &["hel", "lo"]), ("content-length: 5", "hello")),
        (Method::GET, whole(None, &["", "hel", "lo"]), ("chunked", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")),
        (Method::DELETE, whole(None, &[]), ("", "")),
        (Method::DELETE, whole(None, &["x"]), ("chunked", "1\r\nx\r\n0\r\n\r\n")),
        (Method::POST, whole(Some(0), &[]), ("content-length: 0", "")),
        (Method::POST, whole(None, &[]), ("chunked", "0\r\n\r\n")),
        (Method::POST, whole(Some(5), &["hel", "lo"]), ("content-length: 5", "hello")),
        (Method::POST, whole(None, &["hel", "lo"]), ("chunked", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")),
    ] {
        let case = format!("{method} {expected:?}");
        let seen = mirrored(open(&egress, method, &server.url("/"), body)).await;
        let (head, body) = seen.split_once("\r\n\r\n").unwrap();
        let said =
            head.lines().find(|line| line.starts_with("content-length") || line.starts_with("transfer-encoding"));
        let said = said.unwrap_or_default().trim_start_matches("transfer-encoding: ");
        assert_eq!((said, body), expected, "{case}");
    }
}

#[tokio::test]
async fn the_callers_headers_decide_neither_the_frame_nor_the_host() {
    let (server, egress) = (mirror().await, loopback());
    let mut headers = HeaderMap::new();
    headers.append(header::HOST, HeaderValue::from_static("inside.example"));
    headers.append(header::HOST, HeaderValue::from_static("other.example"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("2"));
    headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert("x-id", HeaderValue::from_static("7"));
    let body = whole(Some(5), &["hello"]);
    let seen = mirrored(Open { headers, ..open(&egress, Method::POST, &server.url("/"), body) }).await;
    let host = format!("\r\nhost: {}\r\n", server.address);
    assert!(seen.contains(&host) && seen.matches("host:").count() == 1, "{seen}");
    assert!(seen.contains("content-length: 5\r\n") && !seen.contains("gzip"), "{seen}");
    assert!(seen.contains("x-id: 7\r\n"), "{seen}");
}

#[tokio::test]
async fn trailers_are_left_out_both_ways() {
    let server = Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let mut body = [0; 11];
        stream.read_exact(&mut body).await.unwrap();
        let status = if body == *b"1\r\nx\r\n0\r\n\r\n" { 200 } else { 400 };
        let answer =
            format!("HTTP/1.1 {status} x\r\ntransfer-encoding: chunked\r\n\r\n1\r\ny\r\n0\r\nx-end: 1\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let egress = loopback();
    let (feed, body) = source(None);
    feed.send(data("x")).unwrap();
    feed.send(Ok(Frame::trailers(HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("1"))])))).unwrap();
    let mut made = open(&egress, Method::POST, &server.url("/"), body);
    made.headers.insert(header::TRAILER, HeaderValue::from_static("etag"));
    let answer = egress.open(made).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.body.collect().await.unwrap();
    assert!(body.trailers().is_none());
    assert_eq!(body.to_bytes(), "y");
}

#[tokio::test]
async fn a_connection_is_used_again_after_the_last_byte() {
    let (server, egress) = (mirror().await, loopback());
    for _ in 0..3 {
        let body = whole(None, &["x"]);
        let answer = egress.open(open(&egress, Method::POST, &server.url("/"), body)).await.unwrap();
        answer.body.collect().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_not_lost_on_a_connection_that_knows_none() {
    let server = Server::raw(|mut stream: TcpStream| async move {
        for _ in 0..2 {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n").await;
        }
        gone(&mut stream).await;
    })
    .await;
    let egress = loopback();
    let first = egress.open(open(&egress, Method::GET, &server.url("/"), Empty::new())).await.unwrap();
    first.body.collect().await.unwrap();
    let second = open(&egress, Method::POST, &server.url("/"), whole(None, &["x"]));
    let error = soon(egress.open(second)).await.unwrap_err();
    assert_eq!(server.connections(), 1, "the connection on which it was learned");
    assert!(matches!(error, OpenError::Send(SendError::Broken { .. })), "{error:?}");
    assert!(error.to_string().contains("HTTP/1.0"), "{error}");
}
