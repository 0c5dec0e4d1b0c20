//! Where calls run: on the threads that serve, and those that compute for long on threads of their own.
//!
//! A call that has used up two ticks is handed over, whole, to a small runtime whose threads yield to all others, and
//! those of a plugin that does so as a rule begin there; so however many calls compute, those that do not keep their pace. Invariant: a panic in a call ends that call alone.

use std::{
    any::Any,
    future::poll_fn,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, time::timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    engine::TICK,
    meter::{Meter, Metered},
    threads::yield_to_all,
};

/// After how much of the processor's time a call is handed over.
const SERVED_MAX: Duration = TICK.saturating_mul(2);

/// And after how many interruptions: a call that lost its core to others for a while was interrupted once at most.
const SERVED_YIELDS: u32 = 2;

/// A call's own part: it borrows nothing, so that it can run anywhere.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a call's own part ended.
#[derive(Debug)]
pub(crate) enum Ended<T> {
    /// By itself.
    Done(T),
    /// It was dropped when its time was up.
    TimedOut,
    /// The host panicked in it, and said this.
    Panicked(String),
}

/// Where a call begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// On the threads that serve.
    Serving,
    /// On those for calls that compute for long.
    Slow,
}

/// The runtime for calls that compute for long.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// None once it is dropped.
    slow: Option<tokio::runtime::Runtime>,
}

impl Lanes {
    pub(crate) fn start() -> io::Result<Self> {
        let slow = Builder::new_multi_thread()
            .thread_name("slashbox-slow")
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
            .on_thread_start(yield_to_all)
            .enable_all()
            .build()?;
        Ok(Self { slow: Some(slow) })
    }

    /// Runs a call's own part under its meter and its timeout.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        begins_on: Lane,
        meter: Arc<Meter>,
        timeout: Duration,
        work: Work<T>,
    ) -> Ended<T> {
        let until = Instant::now() + timeout;
        let run = async {
            match begins_on {
                Lane::Slow => self.run_slowly(meter, work).await,
                Lane::Serving => match serve(&meter, work).await {
                    Served::Ended(ended) => ended,
                    Served::Slow(work) => self.run_slowly(meter, work).await,
                },
            }
        };
        timeout_at(until.into(), run).await.unwrap_or(Ended::TimedOut)
    }

    async fn run_slowly<T: Send + 'static>(&self, meter: Arc<Meter>, work: Work<T>) -> Ended<T> {
        let Some(slow) = &self.slow else { return Ended::TimedOut }; // Nothing runs while this is dropped.
        meter.count_by_thread();
        match AbortOnDropHandle::new(slow.spawn(Metered::new(meter, work))).await {
            Ok(done) => Ended::Done(done),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Ended::Panicked(words_of(&*panic)),
                Err(_) => Ended::TimedOut, // The runtime has ended.
            },
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        if let Some(slow) = self.slow.take() {
            slow.shutdown_background(); // Waiting for it is not allowed where asynchronous code runs.
        }
    }
}

enum Served<T> {
    Ended(Ended<T>),
    Slow(Work<T>),
}

/// Polls on the spot until the work is over, or has computed for too long.
async fn serve<T>(meter: &Arc<Meter>, work: Work<T>) -> Served<T> {
    let mut work = Some(Metered::new(meter.clone(), work));
    poll_fn(|context| {
        let Some(running) = &mut work else { return Poll::Pending }; // As any future that was polled after its end.
        // Nothing of the work is looked at again after a panic.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(running).poll(context))) {
            Ok(Poll::Ready(done)) => Poll::Ready(Served::Ended(Ended::Done(done))),
            Ok(Poll::Pending) if meter.yields() < SERVED_YIELDS || meter.total() < SERVED_MAX => Poll::Pending,
            Ok(Poll::Pending) => match work.take() {
                Some(slow) => Poll::Ready(Served::Slow(slow.into_inner())),
                None => Poll::Pending,
            },
            Err(panic) => Poll::Ready(Served::Ended(Ended::Panicked(words_of(&*panic)))),
        }
    })
    .await
}

/// What a panic says.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref().map(String::as_str)).unwrap_or("no text").into()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn compute(time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    /// Computes in pieces, each ending with a yield, and tells on which threads that was.
    async fn pieces(meter: Arc<Meter>, count: usize, each: Duration) -> Vec<String> {
        let mut threads = Vec::new();
        for _ in 0..count {
            compute(each);
            meter.note_yield();
            threads.push(thread::current().name().unwrap_or_default().to_owned());
            tokio::task::yield_now().await;
        }
        threads
    }

    async fn run<F: Future<Output = Vec<String>> + Send + 'static>(
        work: impl FnOnce(Arc<Meter>) -> F,
        timeout: Duration,
    ) -> Ended<Vec<String>> {
        let meter = Arc::new(Meter::new());
        Lanes::start().unwrap().run(Lane::Serving, meter.clone(), timeout, Box::pin(work(meter))).await
    }

    #[tokio::test]
    async fn who_computes_for_long_leaves_the_threads_that_serve() {
        let Ended::Done(threads) = run(|meter| pieces(meter, 6, TICK), Duration::from_secs(60)).await else { panic!() };
        let slow = threads.iter().position(|thread| thread == "slashbox-slow");
        assert!(matches!(slow, Some(1..=2)), "{threads:?}");
        assert!(threads[slow.unwrap()..].iter().all(|thread| thread == "slashbox-slow"), "{threads:?}");
    }

    #[tokio::test]
    async fn who_is_known_to_compute_for_long_begins_there() {
        let meter = Arc::new(Meter::new());
        let work = Box::pin(pieces(meter.clone(), 2, Duration::ZERO));
        let ended = Lanes::start().unwrap().run(Lane::Slow, meter, Duration::from_secs(60), work).await;
        let Ended::Done(threads) = ended else { panic!() };
        assert_eq!(threads, ["slashbox-slow"; 2]);
    }

    #[tokio::test]
    async fn who_waits_for_long_does_not() {
        let waits = |meter| async {
            tokio::time::sleep(SERVED_MAX * 20).await;
            pieces(meter, 1, Duration::ZERO).await
        };
        let Ended::Done(threads) = run(waits, Duration::from_secs(60)).await else { panic!() };
        assert_ne!(threads[0], "slashbox-slow");
    }

    #[tokio::test]
    async fn who_lost_its_core_for_a_while_does_not() {
        let preempted = |meter| pieces(meter, 1, SERVED_MAX * 5);
        let Ended::Done(threads) = run(preempted, Duration::from_secs(60)).await else { panic!() };
        assert_ne!(threads[0], "slashbox-slow");
    }

    #[tokio::test]
    async fn its_time_ends_on_both() {
        let waits = |_| async {
            std::future::pending::<()>().await;
            Vec::new()
        };
        assert!(matches!(run(waits, Duration::from_millis(20)).await, Ended::TimedOut));
        let slow = |meter| pieces(meter, usize::MAX, TICK);
        assert!(matches!(run(slow, Duration::from_millis(50)).await, Ended::TimedOut));
    }

    #[tokio::test]
    async fn a_panic_ends_one_call_on_both() {
        let panics = |_| async { panic!("of {}", "the host") };
        let Ended::Panicked(words) = run(panics, Duration::from_secs(60)).await else { panic!() };
        assert_eq!(words, "of the host");
        let slow = |meter| async {
            pieces(meter, 4, TICK).await;
            panic!("later")
        };
        let Ended::Panicked(words) = run(slow, Duration::from_secs(60)).await else { panic!() };
        assert_eq!(words, "later");
    }
}
