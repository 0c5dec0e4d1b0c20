//! Whether a plugin's calls compute for long as a rule, and so begin on the threads for such calls.
//!
//! Of some of its calls the processor's time is taken; what they use beyond a quick call's adds up, and quick ones take it
//! off again. Time on the clock would not do: on a busy machine, a quick call loses its core to others now and then, and
//! that must not count against it. Belongs to a loaded version: a new file begins anew.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::{Plugin, engine::TICK, lanes::Work, threads::processor_time};

/// What a call of a quick plugin uses on average, in microseconds: as many as a tenant may have at once hold up others by
/// three milliseconds on two cores. Most plugins in Rust use less than half of it.
const QUICK_US: u32 = 50;

/// One call in so many is looked at: that costs two calls of the system.
const ONE_IN: u8 = 8;

/// How much of one call counts: a single long one says little of the others, and is handed over anyway.
const COUNTED_MAX: Duration = TICK;

/// From when on a plugin is slow, in microseconds: a few long calls of those that are looked at.
const SLOW_US: u32 = 2_000;

/// What there is to remember, in microseconds: a plugin that was slow is quick again after some hundreds of quick calls.
const STRAIN_US_MAX: u32 = 4_000;

/// What the calls of a version were like lately.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    strain_us: AtomicU32,
}

impl Pace {
    /// Whether its calls compute for long.
    pub(crate) fn is_slow(&self) -> bool {
        self.strain_us.load(Relaxed) >= SLOW_US
    }

    /// Notes for how long a call computed. Of calls that end at the same moment one may be forgotten: they are many.
    fn note(&self, computed: Duration) {
        let before = self.strain_us.load(Relaxed);
        let counted = u32::try_from(computed.min(COUNTED_MAX).as_micros()).unwrap_or(u32::MAX);
        self.strain_us.store((before + counted).saturating_sub(QUICK_US).min(STRAIN_US_MAX), Relaxed);
    }
}

/// Looks at some calls of a plugin: gives back the call's own part, to be run in its place.
pub(crate) fn watched<T: 'static>(plugin: &Arc<Plugin>, work: Work<T>) -> Work<T> {
    match fastrand::u8(..ONE_IN) {
        0 => Box::pin(Watched { plugin: plugin.clone(), computed: Duration::ZERO, work }),
        _ => work,
    }
}

/// A call's own part, whose use of the processor is noted when it is over, however it ends.
struct Watched<T> {
    plugin: Arc<Plugin>,
    computed: Duration,
    work: Work<T>,
}

impl<T> Future for Watched<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let before = processor_time();
        let poll = self.work.as_mut().poll(context);
        self.computed += processor_time().saturating_sub(before);
        poll
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        self.plugin.pace.note(self.computed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(400);
    const SHORT: Duration = Duration::from_micros(15);

    /// Notes calls of which one in so many is long.
    fn after(pace: &Pace, calls: u32, one_in: u32) -> bool {
        (0..calls).for_each(|call| pace.note(if call % one_in == 0 { LONG } else { SHORT }));
        pace.is_slow()
    }

    #[test]
    fn long_calls_make_a_plugin_slow_and_short_ones_quick() {
        let pace = Pace::default();
        assert!(!after(&pace, 2, 1));
        assert!(after(&pace, 1, 1));
        assert!(after(&pace, 1_000, 1));
        assert!(!after(&pace, 100, 100));
    }

    #[test]
    fn the_average_counts() {
        assert!(!after(&Pace::default(), 100_000, 40));
        assert!(after(&Pace::default(), 1_000, 20));
        let pace = Pace::default();
        (0..100_000).for_each(|_| pace.note(Duration::from_micros(u64::from(QUICK_US))));
        assert!(!pace.is_slow());
    }
}
