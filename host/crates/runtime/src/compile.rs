//! The threads on which plugins are compiled.
//!
//! Compiling is a matter of seconds for large guests, and wasmtime spreads one over many threads; here they are as many as
//! the machine has, and yield to all others, so that what serves goes on as before. Each compilation has threads of its
//! own: nothing can stop one, but one that takes too long keeps nobody else from being compiled.

use std::{sync::Arc, time::Duration};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

use crate::{component::LoadError, engine::StartError, threads::yield_to_all};

/// Compilations at the same time: each is spread over the whole machine, but for its first and its last steps.
const AT_ONCE: usize = 4;

/// Compilations under way, those that nobody waits for any more among them.
const UNDER_WAY_MAX: usize = 16;

/// Who may compile, and how long one compilation may take.
#[derive(Debug)]
pub(crate) struct Compiler {
    places: Semaphore,
    under_way: Arc<Semaphore>,
    max_s: u32,
}

impl Compiler {
    pub(crate) fn new(max_s: u32) -> Self {
        Self { places: Semaphore::new(AT_ONCE), under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)), max_s }
    }

    /// Has it done there. Its time begins when there is a place for it; past that, it is no longer waited for, and its
    /// place is another's.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
    ) -> Result<T, LoadError> {
        let failed = || LoadError::Compile("the compiler failed".into());
        let _place = self.places.acquire().await.map_err(|_| failed())?;
        let Ok(under_way) = self.under_way.clone().try_acquire_owned() else {
            return Err(LoadError::Crowded { under_way: UNDER_WAY_MAX });
        };
        let (done, result) = oneshot::channel();
        threads()?.spawn(move || {
            let _under_way = under_way;
            // A panic of the compiler is one plugin's: who waits sees that nothing came.
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            if let Ok(worked) = worked {
                let _ = done.send(worked); // Nobody may wait any more.
            }
        });
        match tokio::time::timeout(Duration::from_secs(self.max_s.into()), result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(failed()),
            Err(_) => Err(LoadError::CompileTime { max_s: self.max_s }),
        }
    }
}

/// Threads that end when what they were given is done.
fn threads() -> Result<ThreadPool, StartError> {
    ThreadPoolBuilder::new()
        .thread_name(|number| format!("slashbox-compile-{number}"))
        .start_handler(|_| yield_to_all())
        .build()
        .map_err(|error| StartError::Engine(format!("threads that compile: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// As many as there are places for, none of which comes to an end, and one more behind them.
    #[tokio::test]
    async fn who_takes_too_long_holds_up_nobody() {
        let compiler = Arc::new(Compiler::new(1));
        let (mut ends, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..AT_ONCE {
            let (end, ended) = mpsc::channel::<()>();
            let compiler = compiler.clone();
            slow.push(tokio::spawn(async move { compiler.run(move || Ok(ended.recv().is_ok())).await }));
            ends.push(end);
        }
        while compiler.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // Its own time is no longer than theirs, of which it has waited for all.
        assert!(compiler.run(|| Ok(true)).await.unwrap());
        for slow in slow {
            assert!(matches!(slow.await.unwrap(), Err(LoadError::CompileTime { max_s: 1 })));
        }
    }

    #[tokio::test]
    async fn those_that_nobody_waits_for_are_no_more_than_so_many() {
        let compiler = Compiler::new(0);
        let mut ends = Vec::new();
        for _ in 0..UNDER_WAY_MAX {
            let (end, ended) = mpsc::channel::<()>();
            let given_up = compiler.run(move || Ok(ended.recv().is_ok())).await;
            assert!(matches!(given_up, Err(LoadError::CompileTime { max_s: 0 })), "{given_up:?}");
            ends.push(end);
        }
        let refused = compiler.run(|| Ok(true)).await.unwrap_err().to_string();
        assert_eq!(refused, "is not compiled yet: 16 files that took too long still are");
    }

    #[tokio::test]
    async fn a_panic_is_one_plugins() {
        let compiler = Compiler::new(60);
        let panicked = compiler.run(|| -> Result<(), LoadError> { panic!("a mistake in the compiler") }).await;
        assert_eq!(panicked.unwrap_err().to_string(), "cannot be compiled: the compiler failed");
        assert!(compiler.run(|| Ok(true)).await.unwrap());
    }
}
