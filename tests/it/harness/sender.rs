//! A platform's side: sends commands to one source, as Hotline does.

use reqwest::{Body, Client, Method, header::CONTENT_TYPE};
use serde_json::json;

use super::{Answer, eventually};

/// Who sends commands to a source. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    client: Client,
    url: String,
    key: String,
}

impl Sender {
    pub(super) fn new(client: Client, url: String, key: &str) -> Self {
        Self { client, url, key: key.into() }
    }

    /// Has a line typed, such as `/mark deal`, and tells what is [shown](Answer::shown).
    pub(crate) async fn says(&self, line: &str) -> String {
        self.types(line).await.shown()
    }

    /// Has a line typed.
    pub(crate) async fn types(&self, line: &str) -> Answer {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let body = json!({
            "event_type": name,
            "timestamp": "2025-10-08 20:41:20",
            "instance_id": "132099468746812345",
            "data": {
                "command_data": arguments,
                "chat_id": -1_002_146_012_345_i64,
                "topic_id": 5,
                "sender_user_id": 123_456,
                "user_id": 7_890_123,
            },
            "api_key": self.key,
        });
        self.posts(body.to_string()).await
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

/// One request, and the whole answer.
pub(super) async fn send(client: &Client, method: Method, url: &str, body: Body) -> Answer {
    let answer = client.request(method, url).body(body).send().await;
    let answer = answer.unwrap_or_else(|error| panic!("{url}: no answer: {error:?}"));
    let content_type = answer.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: answer.status().as_u16(),
        content_type: content_type.unwrap_or_default(),
        body: answer.text().await.unwrap(),
    }
}
