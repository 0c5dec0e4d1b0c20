//! The worker with a store in memory, a clock that stands still until it is set, and subscribers that do as they are told.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is a test"
)]

mod cases;
mod changes;
mod keeper;
mod outage;
mod place;
mod policy;
mod script;
mod timers;
