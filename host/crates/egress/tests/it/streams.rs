//! Answers that are read as they come: slowly, not at all, and to no end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Empty};
use slashbox_egress::{AnswerBody, Egress, Open, OpenError, Phase, Refusal, SendError, Settings};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::client::{LIMITS, SHORT, get_open, loopback, open, soon};
use crate::server::{Server, gone, head};
use crate::source::CHUNK;

/// More than all buffers on the way hold together, and far less than goes over loopback in 300 ms.
const BUFFERS_BYTES_MAX: usize = 64 << 20;

async fn next(body: &mut AnswerBody) -> Option<Result<Bytes, OpenError>> {
    soon(body.frame()).await.map(|frame| frame.map(|frame| frame.into_data().unwrap()))
}

/// Reads chunks, none larger than that, up to the error at their end.
async fn last(body: &mut AnswerBody, chunk_bytes_max: usize) -> OpenError {
    let reading = async {
        loop {
            match next(body).await.unwrap() {
                Ok(chunk) => assert!(chunk.len() <= chunk_bytes_max, "{} bytes were collected", chunk.len()),
                Err(error) => return error,
            }
        }
    };
    soon(reading).await
}

fn timeout(server: &Server, phase: Phase) -> OpenError {
    OpenError::Send(SendError::Timeout { authority: server.address.to_string(), phase, ms: 300 })
}

/// Answers these bytes and keeps the connection; tells when the other side has gone.
async fn answering(bytes: &'static str) -> (Server, Arc<Notify>) {
    let left = Arc::new(Notify::new());
    let tell = Arc::clone(&left);
    let server = Server::raw(move |mut stream: TcpStream| {
        let tell = Arc::clone(&tell);
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
            gone(&mut stream).await;
            tell.notify_one();
        }
    });
    (server.await, left)
}

/// What became of an answer without end.
#[derive(Default)]
struct Flood {
    written: AtomicUsize,
    stalled: Notify,
    left: Notify,
}

/// Answers without end; tells when nobody takes it for a while, and when the other side has gone.
async fn flooding() -> (Server, Arc<Flood>) {
    let flood = Arc::new(Flood::default());
    let tell = Arc::clone(&flood);
    let server = Server::raw(move |mut stream: TcpStream| {
        let tell = Arc::clone(&tell);
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            loop {
                match tokio::time::timeout(SHORT, stream.write(&CHUNK)).await {
                    Ok(Ok(count)) => drop(tell.written.fetch_add(count, Ordering::SeqCst)),
                    Ok(Err(_)) => return tell.left.notify_one(),
                    Err(_) => tell.stalled.notify_one(),
                }
            }
        }
    });
    (server.await, flood)
}

#[tokio::test]
async fn what_comes_byte_by_byte_is_read_so_and_ends_with_the_time() {
    let left = Arc::new(Notify::new());
    let tell = Arc::clone(&left);
    let server = Server::raw(move |mut stream: TcpStream| {
        let tell = Arc::clone(&tell);
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let mut tick = tokio::time::interval(SHORT / 30);
            while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
                tick.tick().await;
            }
            tell.notify_one();
        }
    })
    .await;
    let begin = Instant::now();
    let mut body = get_open(&server.url("/"), SHORT).await.body;
    assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"x"))));
    assert_eq!(last(&mut body, 30).await, timeout(&server, Phase::Body));
    assert!((SHORT..SHORT * 10).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    assert_eq!(next(&mut body).await, None);
    soon(left.notified()).await;
}

#[tokio::test]
async fn a_body_that_never_keeps_its_reader_waiting_ends_with_the_time() {
    let (server, flood) = flooding().await;
    let mut body = get_open(&server.url("/"), SHORT).await.body;
    let begin = Instant::now();
    assert_eq!(last(&mut body, usize::MAX).await, timeout(&server, Phase::Body));
    assert!(begin.elapsed() < SHORT * 10, "{:?}", begin.elapsed());
    soon(flood.left.notified()).await;
}

#[tokio::test]
async fn who_never_answers_is_given_up() {
    let (server, left) = answering("").await;
    let egress = loopback();
    let made = Open { total: SHORT, ..open(&egress, Method::GET, &server.url("/"), Empty::new()) };
    assert_eq!(egress.open(made).await.unwrap_err(), timeout(&server, Phase::Answer));
    soon(left.notified()).await;
}

#[tokio::test]
async fn what_ends_in_the_middle_is_broken_after_what_came() {
    let server = Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    })
    .await;
    let mut body = get_open(&server.url("/?token=secret"), LIMITS.total).await.body;
    assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"half"))));
    let error = next(&mut body).await.unwrap().unwrap_err();
    assert!(matches!(error, OpenError::Send(SendError::Broken { .. })), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn what_is_not_read_is_not_taken_and_goes_with_the_body() {
    let (server, flood) = flooding().await;
    let mut body = get_open(&server.url("/"), LIMITS.total * 10).await.body;
    next(&mut body).await.unwrap().unwrap();
    soon(flood.stalled.notified()).await;
    let written = flood.written.load(Ordering::SeqCst);
    assert!(written < BUFFERS_BYTES_MAX, "{written} bytes");
    drop(body);
    soon(flood.left.notified()).await;
}

#[tokio::test]
async fn dropping_a_body_that_waits_drops_the_connection() {
    let (server, left) = answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    let mut body = get_open(&server.url("/"), LIMITS.total * 10).await.body;
    assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"half"))));
    drop(body);
    soon(left.notified()).await;
}

#[tokio::test]
async fn a_redirect_to_inside_is_an_answer_like_any_other() {
    let inside = Server::raw(|_| async {}).await;
    let location = inside.url("/inside");
    let outside = Router::new().route("/", get(move || async move { (StatusCode::FOUND, [("location", location)]) }));
    let outside = Server::routes(outside).await;
    let answer = get_open(&outside.url("/"), LIMITS.total).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers["location"], inside.url("/inside"));
    assert_eq!(answer.body.collect().await.unwrap().to_bytes(), "");
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_target_is_checked_again_by_the_client_that_opens() {
    let server = Server::raw(|_| async {}).await;
    let strict = Egress::new(&Settings { allow_http: true, ..Settings::default() }).unwrap();
    let elsewhere = open(&loopback(), Method::GET, &server.url("/"), Empty::new());
    let error = strict.open(elsewhere).await.unwrap_err();
    assert!(matches!(error, OpenError::Send(SendError::Refused(Refusal::Address(_)))), "{error:?}");
    assert_eq!(server.connections(), 0);
}
