//! The loop that fires timers: each becomes an event on its way to the plugin that set it.
//!
//! Its own failures are answered as the worker's are, and nothing ends it but the order to. Invariant: `next_ms` is never
//! later than the time at which a timer is due; it may be earlier, which costs one look.

use std::sync::Arc;

use ulid::Ulid;

use crate::{Clock, intake::Intake, outage::Outage};

/// The most timers that fire in one commit: a few milliseconds' work, so that nobody waits long for the store meanwhile.
const FIRED_MAX: usize = 100;

/// All that the loop works with.
pub(crate) struct Timers {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
    next_ms: Option<u64>,
    outage: Outage,
}

/// What can happen.
enum Turn {
    Told,
    TimeCame,
}

impl Timers {
    /// `next_ms`: when the first timer is due that is set now.
    pub(crate) fn new(intake: Arc<Intake>, clock: Arc<dyn Clock>, next_ms: Option<u64>) -> Self {
        Self { intake, clock, next_ms, outage: Outage::none("timers fire") }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self) {
        loop {
            let turn = self.turn().await;
            let told = self.intake.for_timers.take();
            if told.stop {
                return;
            }
            self.next_ms = self.next_ms.into_iter().chain(told.due_ms).min();
            match turn {
                Turn::TimeCame => self.fire().await,
                Turn::Told => {}
            }
        }
    }

    async fn turn(&self) -> Turn {
        let time_came = async {
            match (self.next_ms, self.outage.until()) {
                (None, _) => std::future::pending().await,
                (Some(_), Some(until)) => tokio::time::sleep_until(until).await,
                (Some(next_ms), None) => self.clock.sleep_until(next_ms).await,
            }
        };
        tokio::select! {
            () = self.intake.for_timers.woken() => Turn::Told,
            () = time_came => Turn::TimeCame,
        }
    }

    /// Fires what is due. If that is more than can be fired at once, the next turn comes at once.
    async fn fire(&mut self) {
        let now_ms = self.clock.now_ms();
        if self.outage.until().is_some() || self.next_ms.is_none_or(|next_ms| next_ms > now_ms) {
            return;
        }
        match self.intake.fire(now_ms, ids()).await {
            Ok(next_ms) => {
                self.outage.is_over();
                self.next_ms = next_ms;
            }
            Err(error) => self.outage.begins_or_lasts(&error),
        }
    }
}

/// An id for each event that may come of it.
fn ids() -> Vec<String> {
    (0..FIRED_MAX).map(|_| Ulid::generate().to_string()).collect()
}
