//! A platform's side: sends commands and events to one source, as Hotline does.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Body, Client, Method};
use serde_json::{Value, json};

use super::{Answer, eventually};

/// The chat in which operators work.
const CHAT: i64 = -1_002_146_012_345;

/// By what the platform's library multiplies the ids of messages and threads.
const STEP: u64 = 1 << 20;

/// Who sends commands and events to a source. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    client: Client,
    url: String,
    key: String,
    topic: u64,
}

/// An event that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its id; of a duplicate, that of the first one.
    pub(crate) id: String,
    pub(crate) duplicate: bool,
}

impl Sender {
    pub(super) fn new(client: Client, url: String, key: &str) -> Self {
        Self { client, url, key: key.into(), topic: 5 }
    }

    /// The same in another conversation; the documents' are 5 and 5343.
    pub(crate) fn in_topic(&self, topic: u64) -> Self {
        Self { topic, ..self.clone() }
    }

    /// Has a line typed, such as `/mark deal`, and tells what is [shown](Answer::shown).
    pub(crate) async fn says(&self, line: &str) -> String {
        self.types(line).await.shown()
    }

    /// Has a line typed.
    pub(crate) async fn types(&self, line: &str) -> Answer {
        self.posts(self.command(line)).await
    }

    /// Has a line typed, which must be answered if anybody is there.
    pub(crate) async fn try_types(&self, line: &str) -> reqwest::Result<Answer> {
        try_send(&self.client, Method::POST, &self.url, self.command(line).into()).await
    }

    fn command(&self, line: &str) -> String {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let body = json!({
            "event_type": name,
            "timestamp": "2025-10-08 20:41:20",
            "instance_id": "132099468746812345",
            "data": {
                "command_data": arguments,
                "chat_id": CHAT,
                "topic_id": self.topic,
                "sender_user_id": 123_456,
                "user_id": 7_890_123,
            },
            "api_key": self.key,
        });
        body.to_string()
    }

    /// Has the contact write something, as no message before.
    pub(crate) async fn writes(&self, text: &str) -> Taken {
        self.sends(self.message(text)).await
    }

    /// A message of the contact's, as no message before.
    pub(crate) fn message(&self, text: &str) -> Value {
        static MESSAGES: AtomicU64 = AtomicU64::new(5_850);
        let message = MESSAGES.fetch_add(1, Ordering::Relaxed) * STEP;
        json!({
            "event_type": "message_received",
            "timestamp": "2025-10-08 20:41:20",
            "instance_id": "132099468746812345",
            "data": {
                "backend_chat_id": CHAT,
                "backend_thread_id": self.topic * STEP,
                "backend_message_id": message,
                "sender_user_id": 7_890_123,
                "text": text,
                "content_type": "messageText",
            },
        })
    }

    /// Sends an event, which must be taken.
    pub(crate) async fn sends(&self, event: Value) -> Taken {
        self.try_sends(event).await.unwrap_or_else(|error| panic!("{}: no answer: {error:?}", self.url))
    }

    /// Sends an event, which must be taken if anybody is there.
    pub(crate) async fn try_sends(&self, event: Value) -> reqwest::Result<Taken> {
        Ok(self.tries(event).await?.taken())
    }

    /// Sends an event, whatever is answered to it, if anybody is there.
    pub(crate) async fn tries(&self, mut event: Value) -> reqwest::Result<Answer> {
        event["api_key"] = self.key.clone().into();
        try_send(&self.client, Method::POST, &self.url, event.to_string().into()).await
    }

    /// Sends a body as it is.
    pub(crate) async fn posts(&self, body: impl Into<Body>) -> Answer {
        send(&self.client, Method::POST, &self.url, body.into()).await
    }

    /// Has a line typed until this is shown.
    pub(crate) async fn until(&self, line: &str, shown: &str) {
        eventually(&format!("{line}: {shown}"), async || (self.says(line).await == shown).then_some(())).await;
    }

    /// Has each line typed, one after the other, and asserts what is shown.
    pub(crate) async fn check(&self, expected: &[(&str, &str)]) {
        for (line, shown) in expected {
            assert_eq!(self.says(line).await, *shown, "{line}");
        }
    }
}

/// A client for plain HTTP. Its library is the host's too, which wants TLS, so it has to know how that would be done.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default(); // Another test may have been first.
    Client::builder().no_proxy().build().unwrap()
}

/// One request, and the whole answer.
pub(super) async fn send(client: &Client, method: Method, url: &str, body: Body) -> Answer {
    let answer = try_send(client, method, url, body).await;
    answer.unwrap_or_else(|error| panic!("{url}: no answer: {error:?}"))
}

async fn try_send(client: &Client, method: Method, url: &str, body: Body) -> reqwest::Result<Answer> {
    Answer::read(client.request(method, url).body(body).send().await?).await
}
