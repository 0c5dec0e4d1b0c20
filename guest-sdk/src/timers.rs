//! Durable timers: later, the event `timer.fired` comes to this plugin alone.
//!
//! It has the timer's key as [`message`](crate::Event::message) and the payload as [`data`](crate::Event::data). Timers
//! are set and cancelled together with the call's outcome, as `kv` is. A timer fires at least once.
//!
//! ```
//! use slashbox_sdk::{Command, Event, Plugin, Result, log, timers};
//! use std::time::Duration;
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("remind", "1.0.0")
//!         .command("/remind", "WHAT", "reminds of it in an hour", remind)
//!         .on("timer.fired", fired)
//! }
//!
//! fn remind(command: Command) -> Result<&'static str> {
//!     timers::set(&command.id, Duration::from_secs(3600), &command.args)?;
//!     Ok("In an hour")
//! }
//!
//! fn fired(event: Event) -> Result<()> {
//!     let what: String = event.data()?;
//!     log::info!("an hour has passed since {what}");
//!     Ok(())
//! }
//! # let host = slashbox_sdk::testing::Host::new();
//! # host.command(&plugin(), Command::new("/remind").args("tea")).unwrap();
//! # host.advance(Duration::from_secs(3600));
//! # for event in host.due_timers() { host.event(&plugin(), event).unwrap(); }
//! # assert_eq!(host.log()[0].text, "an hour has passed since tea");
//! ```

use crate::{ServiceError, host, millis};
use serde::Serialize;
use std::time::Duration;

/// Sets the timer, `after` from now; a timer with the same key is replaced. The payload is
/// written as JSON. The host counts milliseconds: what is left of one is rounded up.
///
/// # Errors
/// [`ServiceError::Invalid`] if the host does not take the key or the payload, [`ServiceError::Limit`] if there are too
/// many.
pub fn set(key: impl AsRef<str>, after: Duration, payload: &(impl Serialize + ?Sized)) -> Result<(), ServiceError> {
    let key = key.as_ref();
    let payload = serde_json::to_string(payload);
    let payload = payload.map_err(|error| ServiceError::Invalid(format!("payload of timer {key:?}: {error}")))?;
    host::timer_set(key, millis::from_duration(after), &payload)
}

/// Cancels the timer; nothing happens if there is none.
///
/// # Errors
/// [`ServiceError::Invalid`] if the host does not take the key.
pub fn cancel(key: impl AsRef<str>) -> Result<(), ServiceError> {
    host::timer_cancel(key.as_ref())
}
