//! Delivers what was accepted: each event to each of its subscribers, however often it takes.
//!
//! Owns when a delivery is attempted, again attempted, and given up; when timers fire; how remotes are reached; and how long what is stored is kept. What is
//! delivered stands in the store, and nowhere else. Plugins and remotes are the same to it: a [`Subscriber`].
//!
//! Invariants:
//! * An attempt's record, the delivery's next state and what the call changes are one commit, by whoever still has the
//!   lease.
//! * No transaction is open while a subscriber is busy.
//! * Nothing here is needed to find out what is due: after a crash, the store tells.

mod attempt;
mod breaker;
mod clock;
mod deliveries;
mod fares;
#[cfg(test)]
mod figures;
mod heads;
mod intake;
mod keeper;
mod news;
mod outage;
mod queues;
mod redact;
mod remote;
mod retry_after;
mod subscriber;
mod telemetry;
mod timers;
mod worker;

pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use deliveries::{Addressed, CutOff, Deliveries, StartError};
pub use keeper::Keeping;
pub use remote::{ANSWER_MAX, IN_FLIGHT_MAX, Remote, RemoteSettings, Success};
pub use subscriber::{Attempted, Changed, Delivering, Delivery, Directory, Policy, Subscriber, Verdict};

/// A time as the store and the clock have it.
fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
