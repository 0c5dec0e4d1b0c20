//! The client against real servers on loopback: refusals, hostile answers, limits, faults.
//!
//! Servers that misbehave are written to the byte. Every request has limits, so that no test can hang.

// Everything here is a test, also what clippy does not see as one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod client;
mod faults;
mod framing;
mod hostile;
mod process;
mod refusals;
mod server;
mod source;
mod streams;
mod uploads;
mod usual;
