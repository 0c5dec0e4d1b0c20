//! The time, as the worker sees it: given to it, so that a test of some days takes milliseconds.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;

use crate::millis;

/// A wait that ends when its time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock on the wall.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// A time that nobody sets, from any beginning: by it, a clock that was set is told from time that has passed.
    fn steady_ms(&self) -> u64 {
        self.now_ms()
    }

    /// Ends when it is `at_ms`, or somewhat earlier: whoever waits looks at the clock again.
    fn sleep_until(&self, at_ms: u64) -> Sleep;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The longest sleep in one piece: if somebody sets the clock meanwhile, it takes so long to be noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn steady_ms(&self) -> u64 {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        millis(BEGAN.get_or_init(Instant::now).elapsed())
    }

    fn sleep_until(&self, at_ms: u64) -> Sleep {
        let left = Duration::from_millis(at_ms.saturating_sub(self.now_ms()));
        Box::pin(tokio::time::sleep(left.min(SLEEP_MAX)))
    }
}

/// A clock that stands still until it is set, for tests.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now_ms: watch::Sender<u64>,
    steady_ms: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows this time, in milliseconds since the Unix epoch.
    pub fn at(now_ms: u64) -> Self {
        Self { now_ms: watch::Sender::new(now_ms), steady_ms: Arc::new(AtomicU64::new(now_ms)) }
    }

    /// Shows this time from now on, as if somebody had set it: no time has passed.
    pub fn set(&self, now_ms: u64) {
        self.now_ms.send_modify(|shown_ms| *shown_ms = now_ms);
    }

    /// Goes on by so much, at once.
    pub fn advance(&self, by: Duration) {
        let by_ms = millis(by);
        self.steady_ms.fetch_add(by_ms, Ordering::Relaxed);
        self.now_ms.send_modify(|now_ms| *now_ms = now_ms.saturating_add(by_ms));
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        *self.now_ms.borrow()
    }

    fn steady_ms(&self) -> u64 {
        self.steady_ms.load(Ordering::Relaxed)
    }

    fn sleep_until(&self, at_ms: u64) -> Sleep {
        let mut now_ms = self.now_ms.subscribe();
        Box::pin(async move {
            if now_ms.wait_for(|&now_ms| now_ms >= at_ms).await.is_err() {
                // Nobody is left who could set it.
                std::future::pending::<()>().await;
            }
        })
    }
}
