//! A remote's side: takes what a webhook sends, remembers it, and answers as it is told.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, Method, Uri, header::CONTENT_TYPE},
    response::Response,
};
use serde_json::Value;
use tokio::{runtime, sync::oneshot};

use super::eventually;

/// A remote on a port of its own, which it keeps while it is down.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
}

/// What it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// This.
    Whole { status: u16, headers: Vec<(HeaderName, &'static str)>, body: Vec<u8> },
    /// Nothing, for as long as somebody listens.
    Nothing,
}

type Answers = dyn Fn(&Received) -> Said + Send + Sync;

struct Shared {
    received: Mutex<Vec<Received>>,
    answers: Mutex<Arc<Answers>>,
}

/// The thread that serves, until the sender is dropped.
#[derive(Debug)]
struct Running {
    until: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Said {
    /// A success with this body, of a type that says nothing.
    pub(crate) fn text(body: &str) -> Self {
        Self::of(200, Some("text/plain; charset=utf-8"), body)
    }

    /// A success with this JSON.
    pub(crate) fn json(body: &str) -> Self {
        Self::of(200, Some("application/json"), body)
    }

    /// A status, and no body.
    pub(crate) fn status(status: u16) -> Self {
        Self::of(status, None, "")
    }

    pub(crate) fn of(status: u16, content_type: Option<&'static str>, body: impl AsRef<[u8]>) -> Self {
        let headers = content_type.map(|content_type| (CONTENT_TYPE, content_type)).into_iter().collect();
        Self::Whole { status, headers, body: body.as_ref().into() }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value));
        }
        self
    }
}

impl Received {
    /// What identifies the event, the same at each attempt.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// Which attempt it is, from 1 on.
    pub(crate) fn attempt(&self) -> u32 {
        self.header("webhook-attempt").parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What the event's message says.
    pub(crate) fn text(&self) -> String {
        self.json()["data"]["text"].as_str().unwrap_or_default().to_owned()
    }
}

impl Receiver {
    /// One that answers each request with 200 and nothing more.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let answers: Arc<Answers> = Arc::new(|_: &Received| Said::status(200));
        let shared = Arc::new(Shared { received: Mutex::default(), answers: Mutex::new(answers) });
        let running = Some(Running::start(listener, shared.clone()));
        Self { address, shared, running }
    }

    /// One whose port is taken, and which is down.
    pub(crate) fn down() -> Self {
        let mut receiver = Self::start();
        receiver.stop();
        receiver
    }

    /// Where it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it answers so.
    pub(crate) fn answers(&self, answers: impl Fn(&Received) -> Said + Send + Sync + 'static) {
        *self.shared.answers.lock().unwrap() = Arc::new(answers);
    }

    /// From now on it answers this.
    pub(crate) fn says(&self, said: Said) {
        self.answers(move |_| said.clone());
    }

    /// Goes down: connections end, and no new one is accepted.
    pub(crate) fn stop(&mut self) {
        if let Some(Running { until, thread }) = self.running.take() {
            drop(until);
            thread.join().unwrap();
        }
    }

    /// Comes up again, where it was.
    pub(crate) async fn restart(&mut self) {
        assert!(self.running.is_none(), "it is up");
        let bind = async || TcpListener::bind(self.address).ok();
        let listener = eventually("the receiver's port", bind).await;
        self.running = Some(Running::start(listener, self.shared.clone()));
    }

    /// All so far, in the order in which they arrived.
    pub(crate) fn all(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until there are so many, and gives back all.
    pub(crate) async fn received(&self, count: usize) -> Vec<Received> {
        let what = format!("{count} requests at the receiver");
        eventually(&what, async || Some(self.all()).filter(|all| all.len() >= count)).await
    }

    /// Waits until there is one, and gives it back.
    pub(crate) async fn first(&self) -> Received {
        self.received(1).await.remove(0)
    }
}

impl Running {
    /// Serves on a thread and a runtime of its own: when these end, all connections do.
    fn start(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let (until, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, shared, ended));
        });
        Self { until, thread }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, ended: oneshot::Receiver<()>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let served =
        axum::serve(listener, Router::new().fallback(take).layer(DefaultBodyLimit::disable()).with_state(shared));
    tokio::select! {
        served = served.into_future() => served.unwrap(),
        _ = ended => {}
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let received = Received { at: Instant::now(), method, path: uri.to_string(), headers, body };
    let answers = shared.answers.lock().unwrap().clone();
    shared.received.lock().unwrap().push(received.clone());
    let Said::Whole { status, headers, body } = answers(&received) else {
        return std::future::pending().await;
    };
    let response = Response::builder().status(status);
    let response = headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(Body::from(body)).unwrap()
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("received", &self.received).finish_non_exhaustive()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}
