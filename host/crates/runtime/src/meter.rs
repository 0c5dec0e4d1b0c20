//! How long a call really computes.
//!
//! The meter sums the time inside of `poll`: a call that waits in the host is not polled, so waiting costs nothing.
//! Counting ticks instead would charge a whole tick for the first check after any wait. At first that is time on the clock,
//! which costs next to nothing to ask for; of a call that goes on for long it is the processor's time, since its thread yields
//! to all others, and what they take is not the call's.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use pin_project_lite::pin_project;

use crate::threads::processor_time;

/// The processor time of one call; shared by the future that spends it and the check inside of the guest.
#[derive(Debug)]
pub(crate) struct Meter {
    born: Instant,
    /// Spent in polls that are over.
    spent_ns: AtomicU64,
    /// When the present poll began, by the clock that counts.
    poll_began_ns: AtomicU64,
    /// Whether the thread's own clock counts; else the one on the wall, from `born` on.
    by_thread: AtomicBool,
    /// How often the guest was interrupted while it computed.
    yields: AtomicU32,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            born: Instant::now(),
            spent_ns: AtomicU64::new(0),
            poll_began_ns: AtomicU64::new(0),
            by_thread: AtomicBool::new(false),
            yields: AtomicU32::new(0),
        }
    }

    /// What the call has spent so far. To be asked from inside of its poll.
    pub(crate) fn spent(&self) -> Duration {
        let this_poll = self.now_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed) + this_poll)
    }

    /// The guest is interrupted while it computes.
    pub(crate) fn note_yield(&self) {
        self.yields.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was.
    pub(crate) fn yields(&self) -> u32 {
        self.yields.load(Ordering::Relaxed)
    }

    /// What the call has spent in polls that are over.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed))
    }

    /// From the next poll on, the time that the thread has the processor is what counts.
    pub(crate) fn count_by_thread(&self) {
        self.by_thread.store(true, Ordering::Relaxed);
    }

    fn now_ns(&self) -> u64 {
        let now = if self.by_thread.load(Ordering::Relaxed) { processor_time() } else { self.born.elapsed() };
        u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
    }

    fn begin(&self) {
        self.poll_began_ns.store(self.now_ns(), Ordering::Relaxed);
    }

    fn end(&self) {
        let spent = u64::try_from(self.spent().as_nanos()).unwrap_or(u64::MAX);
        self.spent_ns.store(spent, Ordering::Relaxed);
    }
}

pin_project! {
    /// A future whose polls are metered.
    pub(crate) struct Metered<F> {
        meter: Arc<Meter>,
        #[pin]
        future: F,
    }
}

impl<F> Metered<F> {
    pub(crate) fn new(meter: Arc<Meter>, future: F) -> Self {
        Self { meter, future }
    }

    /// The future, to be polled elsewhere.
    pub(crate) fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.meter.begin();
        let poll = this.future.poll(context);
        this.meter.end();
        poll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compute(time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn waiting_costs_nothing_and_computing_adds_up() {
        let meter = Arc::new(Meter::new());
        let worked = Duration::from_millis(4);
        Metered::new(meter.clone(), async {
            compute(worked / 2);
            tokio::time::sleep(Duration::from_millis(200)).await;
            compute(worked / 2);
        })
        .await;
        let spent = meter.total();
        assert!(spent >= worked, "{spent:?}");
        assert!(spent < Duration::from_millis(150), "the wait was charged: {spent:?}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn of_a_thread_that_yields_to_others_its_own_time_counts() {
        let meter = Arc::new(Meter::new());
        meter.count_by_thread();
        Metered::new(meter.clone(), async {
            compute(Duration::from_millis(4));
            std::thread::sleep(Duration::from_millis(200));
        })
        .await;
        let spent = meter.total();
        assert!(spent < Duration::from_millis(150), "others' time was charged: {spent:?}");
        assert!(spent > Duration::ZERO);
    }
}
