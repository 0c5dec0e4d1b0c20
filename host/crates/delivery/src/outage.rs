//! A store that does not write: said once, tried again after growing pauses.

use std::time::Duration;

use slashbox_store::WriteError;
use tokio::time::Instant;
use tracing::{error, info};

use crate::telemetry::DELIVERIES;

/// The pauses, from the first to the longest, doubling.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// Whether a loop has to leave the store alone.
#[derive(Debug)]
pub(crate) struct Outage {
    /// What cannot be done meanwhile, for the log.
    what: &'static str,
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    length: Duration,
    until: Instant,
}

impl Outage {
    /// None, for a loop that does this.
    pub(crate) fn none(what: &'static str) -> Self {
        Self { what, pause: None }
    }

    /// Until when nothing is tried.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.pause.map(|pause| pause.until).filter(|until| Instant::now() < *until)
    }

    /// The store has not written.
    pub(crate) fn begins_or_lasts(&mut self, error: &WriteError) {
        if self.pause.is_none() {
            let error: &dyn std::error::Error = error;
            error!(target: DELIVERIES, error, "the store does not write: {} as soon as it does", self.what);
        }
        self.lasts();
    }

    /// As [`Outage::begins_or_lasts`], of what nobody has to be told.
    pub(crate) fn lasts(&mut self) {
        let (first, longest) = PAUSES;
        let length = self.pause.map_or(first, |pause| (pause.length * 2).min(longest));
        self.pause = Some(Pause { length, until: Instant::now() + length });
    }

    /// The store has written.
    pub(crate) fn is_over(&mut self) {
        if self.pause.take().is_some() {
            info!(target: DELIVERIES, "the store writes again: {}", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use slashbox_store::Store;
    use tracing::{Event, Level, Metadata, Subscriber, span};

    use super::*;

    /// The levels of the lines in the log.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<Level>>>);

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == DELIVERIES
        }

        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_until_it_is_over_and_it_is_told_once() {
        let store = Store::in_memory().unwrap();
        store.clone().close().await;
        let error = store.release_leases(0).await.unwrap_err();
        let lines = Lines::default();
        let _log = tracing::subscriber::set_default(lines.clone());
        let mut outage = Outage::none("tests go on");
        for _ in 0..2 {
            outage.is_over();
            for millis in [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000] {
                assert_eq!(outage.until(), None);
                outage.begins_or_lasts(&error);
                let end = Instant::now() + Duration::from_millis(millis);
                assert_eq!(outage.until(), Some(end));
                tokio::time::sleep_until(end).await;
            }
        }
        assert_eq!(*lines.0.lock().unwrap(), [Level::ERROR, Level::INFO, Level::ERROR]);
    }
}
