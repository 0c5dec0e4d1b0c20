//! Threads that work in the background, and what a thread has used.

use std::time::Duration;

/// Gives this thread the lowest weight: it gets what the threads that serve leave over, and a little more, so that it ends
/// even on a busy machine. Where a weight belongs to a whole process, nothing is done.
pub(crate) fn yield_to_all() {
    #[cfg(target_os = "linux")]
    {
        // On Linux, and only there, it counts for the calling thread. It is always allowed; if not, it is just slower.
        let _ = rustix::process::nice(19);
    }
}

/// The processor's time that this thread has used. Where the system does not tell, the time on the clock.
pub(crate) fn processor_time() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
    }
    #[cfg(not(target_os = "linux"))]
    {
        static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
        BEGAN.elapsed()
    }
}
