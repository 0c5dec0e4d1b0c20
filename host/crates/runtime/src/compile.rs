//! The threads on which plugins are compiled.
//!
//! Compiling is a matter of seconds for large guests, and wasmtime spreads one over many threads; here they are as many as
//! the machine has, and yield to all others, so that what serves goes on as before.

use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;

use crate::{component::LoadError, engine::StartError, threads::yield_to_all};

/// The threads, and how long one compilation may take.
#[derive(Debug)]
pub(crate) struct Compiler {
    threads: ThreadPool,
    max_s: u32,
}

impl Compiler {
    pub(crate) fn start(max_s: u32) -> Result<Self, StartError> {
        let threads = ThreadPoolBuilder::new()
            .thread_name(|number| format!("slashbox-compile-{number}"))
            .start_handler(|_| yield_to_all())
            .build()
            .map_err(|error| StartError::Engine(format!("threads that compile: {error}")))?;
        Ok(Self { threads, max_s })
    }

    /// Has it done there. Nothing can stop a compilation: past its time, it is no longer waited for.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
    ) -> Result<T, LoadError> {
        let ((begin, begun), (done, result)) = (oneshot::channel(), oneshot::channel());
        self.threads.spawn(move || {
            let _ = begin.send(()); // Nobody may wait any more; so below.
            // A panic of the compiler is one plugin's: who waits sees that nothing came.
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            if let Ok(worked) = worked {
                let _ = done.send(worked);
            }
        });
        let _ = begun.await; // Others may be compiled first. If it does not begin, nothing comes of it either.
        match tokio::time::timeout(Duration::from_secs(self.max_s.into()), result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(LoadError::Compile("the compiler failed".into())),
            Err(_) => Err(LoadError::CompileTime { max_s: self.max_s }),
        }
    }
}
