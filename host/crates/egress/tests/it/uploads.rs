//! Bodies of requests that are sent as they come: to who takes them slowly or not at all, and such as fail themselves.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use slashbox_egress::{Open, OpenError, Phase, SendError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::client::{SHORT, loopback, open, soon};
use crate::server::{Server, gone, head};
use crate::source::{CHUNK, Endless, data, source, whole};

const EARLY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers once the request's headers are there, then takes the body; tells when the other side has gone.
async fn early(answer: &'static str) -> (Server, Arc<Notify>) {
    let left = Arc::new(Notify::new());
    let tell = Arc::clone(&left);
    let server = Server::raw(move |mut stream: TcpStream| {
        let tell = Arc::clone(&tell);
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            gone(&mut stream).await;
            tell.notify_one();
        }
    });
    (server.await, left)
}

fn own_fault(server: &Server, cause: &str) -> OpenError {
    OpenError::Body { authority: server.address.to_string(), cause: cause.into() }
}

#[tokio::test]
async fn what_is_said_arrives_and_is_answered_piece_by_piece() {
    let server = Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let mut echo = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut echo).await {
            stream.write_all(&echo[..count]).await.unwrap();
        }
    })
    .await;
    let egress = loopback();
    let (feed, body) = source(None);
    let mut answer = soon(egress.open(open(&egress, Method::POST, &server.url("/"), body))).await.unwrap();
    for word in ["one", "two", "three"] {
        feed.send(data(word)).unwrap();
        assert_eq!(soon(answer.body.frame()).await.unwrap().unwrap().into_data().unwrap(), word);
    }
    drop(feed);
    assert!(soon(answer.body.frame()).await.is_none());
}

#[tokio::test]
async fn who_does_not_take_the_body_is_given_up_and_the_body_is_not_asked_for_more() {
    let (release, held) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (wait, tell) = (Arc::clone(&release), Arc::clone(&held));
    let server = Server::raw(move |mut stream: TcpStream| {
        let (wait, tell) = (Arc::clone(&wait), Arc::clone(&tell));
        async move {
            wait.notified().await;
            gone(&mut stream).await;
            tell.notify_one();
        }
    })
    .await;
    let egress = loopback();
    let asked = Arc::new(AtomicUsize::new(0));
    let body = Endless(Arc::clone(&asked));
    let made = Open { total: SHORT, ..open(&egress, Method::POST, &server.url("/"), body) };
    let error = soon(egress.open(made)).await.unwrap_err();
    let authority = server.address.to_string();
    assert_eq!(error, SendError::Timeout { authority, phase: Phase::Answer, ms: 300 }.into());
    let asked = asked.load(Ordering::SeqCst);
    assert!((CHUNK.len()..64 << 20).contains(&asked), "{asked} bytes");
    release.notify_one();
    soon(held.notified()).await;
}

#[tokio::test]
async fn who_takes_the_body_slowly_gets_all_of_it() {
    const TOTAL: usize = 16 << 20;
    let server = Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let (mut buffer, mut count) = (vec![0; 256 * 1024], 0);
        while count < TOTAL {
            count += stream.read(&mut buffer).await.unwrap();
            tokio::time::sleep(SHORT / 300).await;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nx-count: {count}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let egress = loopback();
    let (feed, body) = source(Some(TOTAL as u64));
    for _ in 0..TOTAL / CHUNK.len() {
        feed.send(Ok(http_body::Frame::data(Bytes::from_static(&CHUNK)))).unwrap();
    }
    let answer = soon(egress.open(open(&egress, Method::POST, &server.url("/"), body))).await.unwrap();
    assert_eq!(answer.headers["x-count"], TOTAL.to_string());
}

#[tokio::test]
async fn a_body_that_fails_is_the_senders_own_fault() {
    let (server, left) = early("").await;
    let egress = loopback();
    let (feed, body) = source(None);
    feed.send(data("half")).unwrap();
    feed.send(Err(io::Error::other("the guest trapped"))).unwrap();
    let error = soon(egress.open(open(&egress, Method::POST, &server.url("/"), body))).await.unwrap_err();
    assert_eq!(error, own_fault(&server, "the guest trapped"));
    soon(left.notified()).await;
}

#[tokio::test]
async fn a_body_that_fails_while_the_answer_is_read_ends_the_answer() {
    let (server, left) = early("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    let egress = loopback();
    let (feed, body) = source(Some(9));
    let mut answer = soon(egress.open(open(&egress, Method::POST, &server.url("/"), body))).await.unwrap();
    assert_eq!(soon(answer.body.frame()).await.unwrap().unwrap().into_data().unwrap(), "half");
    feed.send(Err(io::Error::other("the guest trapped"))).unwrap();
    assert_eq!(soon(answer.body.frame()).await.unwrap().unwrap_err(), own_fault(&server, "the guest trapped"));
    soon(left.notified()).await;
}

#[tokio::test]
async fn a_body_has_the_length_that_it_said() {
    let (server, _) = early("").await;
    let egress = loopback();
    for (said, chunks, cause) in [
        (5, vec!["hel"], "it is 2 bytes shorter than it said"),
        (5, vec![], "it is 5 bytes shorter than it said"),
        (5, vec!["hel", "lo!"], "it is longer than it said"),
        (2, vec!["hel"], "it is longer than it said"),
    ] {
        let made = open(&egress, Method::POST, &server.url("/"), whole(Some(said), &chunks));
        assert_eq!(soon(egress.open(made)).await.unwrap_err(), own_fault(&server, cause), "{said} {chunks:?}");
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    let egress = loopback();
    // The answer is dropped, or read to its end; who serves would take more in either case.
    for read in [false, true] {
        let (server, left) = early(EARLY).await;
        let (feed, body) = source(None);
        feed.send(data("half")).unwrap();
        let mut answer = soon(egress.open(open(&egress, Method::POST, &server.url("/"), body))).await.unwrap();
        if read {
            assert_eq!(soon((&mut answer.body).collect()).await.unwrap().to_bytes(), "ok");
        } else {
            drop(answer);
        }
        soon(feed.closed()).await;
        soon(left.notified()).await;
    }
}

#[tokio::test]
async fn dropping_a_request_that_waits_drops_connection_and_body() {
    let (server, left) = early("").await;
    let egress = loopback();
    let (feed, body) = source(None);
    let opening = egress.open(open(&egress, Method::POST, &server.url("/"), body));
    assert!(tokio::time::timeout(SHORT, opening).await.is_err());
    assert_eq!(server.connections(), 1);
    soon(feed.closed()).await;
    soon(left.notified()).await;
}
