//! Threads that work in the background.

/// Gives this thread the lowest weight: it gets what the threads that serve leave over, and a little more, so that it ends
/// even on a busy machine. Where a weight belongs to a whole process, nothing is done.
pub(crate) fn yield_to_all() {
    #[cfg(target_os = "linux")]
    {
        // On Linux, and only there, it counts for the calling thread. It is always allowed; if not, it is just slower.
        let _ = rustix::process::nice(19);
    }
}
