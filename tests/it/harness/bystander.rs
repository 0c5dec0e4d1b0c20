//! A plugin that does no harm, beside others that do: it is answered as ever, and how fast is printed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use super::Sender;

/// A plugin that does no harm, called without a pause while others do.
#[derive(Debug)]
pub(crate) struct Bystander {
    over: Arc<AtomicBool>,
    calls: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    pub(crate) fn start(sender: &Sender) -> Self {
        let over = Arc::<AtomicBool>::default();
        let (sender, until) = (sender.in_topic(7), over.clone());
        let calls = tokio::spawn(async move {
            let mut took = Vec::new();
            while !until.load(Ordering::SeqCst) {
                let (began, line) = (Instant::now(), format!("/mark {}", took.len()));
                assert_eq!(sender.says(&line).await, format!("Marked: {}", took.len()));
                took.push(began.elapsed());
            }
            took
        });
        Self { over, calls }
    }

    /// Prints how long its answers took; each was right.
    #[expect(
        clippy::print_stdout,
        reason = "for whoever runs it with --nocapture: how fast is no matter of right or wrong"
    )]
    pub(crate) async fn end(self, meanwhile: &str) {
        self.over.store(true, Ordering::SeqCst);
        let mut took = self.calls.await.unwrap();
        took.sort_unstable();
        assert!(!took.is_empty(), "{meanwhile}: the bystander was never answered");
        let (middle, tail, last) = (took[took.len() / 2], took[took.len() * 99 / 100], took[took.len() - 1]);
        println!(
            "bystander during {meanwhile}: {} answers, p50 {middle:?}, p99 {tail:?}, longest {last:?}",
            took.len()
        );
    }
}
