//! Commands without a pause, while something else happens.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::task::JoinSet;

use super::{Sender, eventually};

/// How many answers make sure that a phase was not missed.
const ANSWERS_MIN: usize = 10;

/// One line, typed over and over by several operators at once.
#[derive(Debug)]
pub(crate) struct Load {
    record: Arc<Record>,
    operators: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Record {
    phase: AtomicUsize,
    over: AtomicBool,
    answers: Mutex<Vec<Given>>,
}

/// An answer, and in which phases its command was sent and answered.
#[derive(Debug)]
struct Given {
    sent: usize,
    answered: usize,
    shown: String,
}

impl Load {
    pub(crate) fn start(sender: &Sender, line: &'static str, operators: usize) -> Self {
        let record = Arc::<Record>::default();
        let mut tasks = JoinSet::new();
        for _ in 0..operators {
            let (record, sender) = (record.clone(), sender.clone());
            tasks.spawn(async move {
                while !record.over.load(Ordering::SeqCst) {
                    let sent = record.phase.load(Ordering::SeqCst);
                    let shown = sender.says(line).await;
                    let answered = record.phase.load(Ordering::SeqCst);
                    record.answers.lock().unwrap().push(Given { sent, answered, shown });
                }
            });
        }
        Self { record, operators: tasks }
    }

    /// Begins the next phase.
    pub(crate) fn next_phase(&self) {
        self.record.phase.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until there are answers to commands of the present phase.
    pub(crate) async fn answers(&self) {
        let phase = self.record.phase.load(Ordering::SeqCst);
        let given = || self.record.answers.lock().unwrap().iter().filter(|given| given.sent == phase).count();
        eventually("answers under load", async || (given() >= ANSWERS_MIN).then_some(())).await;
    }

    /// Ends it. Each answer must be one of those that are allowed in a phase that its command lived through. Returns how
    /// many there were.
    pub(crate) async fn end(mut self, allowed: &[Vec<&str>]) -> usize {
        self.record.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.operators.join_next().await {
            ended.unwrap();
        }
        let answers = self.record.answers.lock().unwrap();
        let wrong: BTreeSet<String> = answers
            .iter()
            .filter(|given| !allowed[given.sent..=given.answered].concat().contains(&given.shown.as_str()))
            .map(|given| format!("phase {} to {}: {}", given.sent, given.answered, given.shown))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}\nallowed: {allowed:#?}");
        answers.len()
    }
}
