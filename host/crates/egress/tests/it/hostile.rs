//! Answers that never end, never begin, or end in the middle.

use std::future::pending;
use std::time::Instant;

use slashbox_egress::{Limits, Phase, SendError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{LIMITS, SHORT, get, get_within};
use crate::server::{Server, head};

/// Reads the request, answers the bytes, and keeps the connection.
async fn answering(bytes: &'static str) -> Server {
    Server::raw(move |mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(bytes.as_bytes()).await;
        pending().await
    })
    .await
}

/// Answers the first bytes, then the others until nobody reads them any more.
async fn endless(first: &'static str, others: &'static str) -> Server {
    Server::raw(move |mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(first.as_bytes()).await;
        while stream.write_all(others.as_bytes()).await.is_ok() {}
    })
    .await
}

async fn check_timeout(server: Server, expected: Phase) {
    let begin = Instant::now();
    let error = get_within(&server.url("/"), Limits { total: SHORT, ..LIMITS }).await.unwrap_err();
    let authority = server.address.to_string();
    assert_eq!(error, SendError::Timeout { authority, phase: expected, ms: 300 });
    assert!((SHORT..SHORT * 10).contains(&begin.elapsed()), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn who_never_answers_is_given_up() {
    check_timeout(answering("").await, Phase::Answer).await;
}

#[tokio::test]
async fn who_never_ends_the_headers_is_given_up() {
    check_timeout(answering("HTTP/1.1 200 OK\r\nx: y\r\n").await, Phase::Answer).await;
}

#[tokio::test]
async fn who_never_ends_the_body_is_given_up() {
    check_timeout(answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await, Phase::Body).await;
}

#[tokio::test]
async fn a_body_that_trickles_ends_with_the_time() {
    let server = Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let mut tick = tokio::time::interval(SHORT / 30);
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            tick.tick().await;
        }
    });
    check_timeout(server.await, Phase::Body).await;
}

#[tokio::test]
async fn interim_answers_without_end_end_with_the_time() {
    let server = Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let mut tick = tokio::time::interval(SHORT / 30);
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.is_ok() {
            tick.tick().await;
        }
    });
    check_timeout(server.await, Phase::Answer).await;
}

#[tokio::test]
async fn headers_without_end_are_not_collected() {
    for server in [endless("HTTP/1.1 200 OK\r\n", "x: y\r\n").await, endless("HTTP/1.1 200 OK\r\nx: ", "y").await] {
        let error = get(&server.url("/")).await.unwrap_err();
        assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_the_limit() {
    let chunk = "10\r\n0123456789abcdef\r\n";
    let until_closed = endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef").await;
    let chunked = endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk).await;
    for server in [until_closed, chunked] {
        let response = get(&server.url("/")).await.unwrap();
        assert!(!response.whole);
        assert_eq!(response.body, "0123456789abcdef".repeat(63)[..LIMITS.body_bytes_max]);
    }
}

#[tokio::test]
async fn a_body_at_the_limit_is_whole_and_one_byte_more_is_not() {
    for (sent, read, whole) in [(0, 0, true), (999, 999, true), (1000, 1000, true), (1001, 1000, false)] {
        let server = Server::raw(move |mut stream: TcpStream| async move {
            head(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {sent}\r\n\r\n{}", "x".repeat(sent));
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let response = get(&server.await.url("/")).await.unwrap();
        assert_eq!((response.body.len(), response.whole), (read, whole), "{sent}");
    }
}

#[tokio::test]
async fn a_limit_of_nothing_reads_nothing() {
    let server = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let response = get_within(&server.url("/"), Limits { body_bytes_max: 0, ..LIMITS }).await.unwrap();
    assert_eq!((response.body.len(), response.whole), (0, false));
}

#[tokio::test]
async fn what_ends_in_the_middle_is_broken() {
    let cases = [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nx: y\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "SSH-2.0-OpenSSH_9.6\r\n",
    ];
    for case in cases {
        let server = Server::raw(move |mut stream: TcpStream| async move {
            head(&mut stream).await;
            let _ = stream.write_all(case.as_bytes()).await;
        });
        let error = get(&server.await.url("/?token=secret")).await.unwrap_err();
        assert!(matches!(error, SendError::Broken { .. }), "{case:?}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
