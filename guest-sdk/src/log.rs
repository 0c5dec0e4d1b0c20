//! Lines in the host's log, with the plugin's name.
//!
//! Each macro takes what [`format!`] takes. What is printed gets there too: on stdout as `info`, on stderr as `warn`.
//! Never put a secret or somebody's message in a line. What passes the host's limit on a call's log volume is dropped,
//! and counted in a last line.
//!
//! ```
//! use slashbox_sdk::log;
//!
//! let count = 3;
//! log::info!("closed {count} conversations");
//! # let host = slashbox_sdk::testing::Host::new();
//! # log::warn!("{}", 1);
//! # assert_eq!(host.log()[0].text, "1");
//! ```

use crate::host;

#[doc(inline)]
pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Step by step.
    Trace,
    /// For the plugin's author.
    Debug,
    /// For the operator.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

/// Writes one line.
pub fn write(level: Level, line: &str) {
    host::log_write(level, line);
}

/// Writes a line that tells step by step what happens.
#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Trace, &::std::format!($($line)*)) };
}

/// Writes a line for the plugin's author.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($line)*)) };
}

/// Writes a line for the operator.
#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($line)*)) };
}

/// Writes a line about something odd.
#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($line)*)) };
}

/// Writes a line about something that failed.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($line)*)) };
}
