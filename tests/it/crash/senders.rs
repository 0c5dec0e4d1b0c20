//! The platform's side: several conversations at once, in each one message after the other, and what was told of each.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use serde_json::Value;
use tokio::task::JoinSet;

use super::plan::Plan;
use crate::harness::{Sender, eventually};

/// How many conversations there are: enough for commits that hold several events.
const CONVERSATIONS: u64 = 8;

/// A message, and what its sender was told last.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) text: String,
    pub(super) told: Told,
}

/// What a sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It was taken, under this id.
    Accepted(String),
    /// It was not, and is to be sent again.
    Refused,
    /// Nothing: it may have been taken.
    Nothing,
}

/// One conversation's messages, in their order.
#[derive(Debug)]
struct Conversation {
    topic: u64,
    sent: Vec<Sent>,
    /// The last one, if nothing was told of it.
    unanswered: Option<Value>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Senders {
    resting: Vec<Conversation>,
    sending: JoinSet<Conversation>,
    /// How many were accepted of the present host.
    accepted: Arc<AtomicU32>,
}

impl Senders {
    pub(super) fn new() -> Self {
        let conversation = |topic| Conversation { topic, sent: Vec::new(), unanswered: None };
        let resting = (1..=CONVERSATIONS).map(conversation).collect();
        Self { resting, sending: JoinSet::new(), accepted: Arc::default() }
    }

    /// Sends without a pause until nobody answers.
    pub(super) fn begin(&mut self, sender: &Sender) {
        self.accepted = Arc::default();
        for conversation in self.resting.drain(..) {
            let (sender, accepted) = (sender.in_topic(conversation.topic), self.accepted.clone());
            self.sending.spawn(conversation.send(sender, accepted));
        }
    }

    /// Waits until so many events were accepted of the present host.
    pub(super) async fn accepted(&self, count: u32) {
        eventually("accepted events", async || (self.accepted.load(Ordering::SeqCst) >= count).then_some(())).await;
    }

    /// Waits until all have found out that nobody answers. Some send again what was not answered, some go on.
    pub(super) async fn end(&mut self, plan: &mut Plan) {
        while let Some(ended) = self.sending.join_next().await {
            self.resting.push(ended.unwrap());
        }
        for conversation in &mut self.resting {
            if !plan.comes_again() {
                conversation.unanswered = None;
            }
        }
    }

    /// How many were accepted of all hosts.
    pub(super) fn accepted_so_far(&self) -> usize {
        let sent = self.resting.iter().flat_map(|conversation| &conversation.sent);
        sent.filter(|sent| matches!(sent.told, Told::Accepted(_))).count()
    }

    /// What was sent in each conversation.
    pub(super) fn sent(&self) -> Vec<Vec<Sent>> {
        self.resting.iter().map(|conversation| conversation.sent.clone()).collect()
    }
}

impl Conversation {
    async fn send(mut self, sender: Sender, accepted: Arc<AtomicU32>) -> Self {
        loop {
            let event = self.unanswered.take().unwrap_or_else(|| self.next(&sender));
            let told = match sender.tries(event.clone()).await {
                Ok(answer) if answer.status == 200 => {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    Told::Accepted(answer.taken().id)
                }
                Ok(answer) => {
                    assert_eq!(answer.status, 503, "{answer:?}");
                    Told::Refused
                }
                Err(_) => Told::Nothing,
            };
            let last = self.sent.last_mut().expect("it was just sent");
            last.told = told;
            if last.told == Told::Nothing {
                self.unanswered = Some(event);
                return self;
            }
        }
    }

    fn next(&mut self, sender: &Sender) -> Value {
        let text = format!("{} {}", self.topic, self.sent.len());
        let event = sender.message(&text);
        self.sent.push(Sent { text, told: Told::Nothing });
        event
    }
}
