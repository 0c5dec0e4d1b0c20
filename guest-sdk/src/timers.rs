//! Durable timers: later, the plugin is called again.
//!
//! A timer belongs to this plugin alone, and to the tenant of the call that set it. It is set and cancelled together with
//! that call's outcome, as `kv` is. When its time has come, the handler that [`Plugin::on_timer`] bound gets it as a
//! [`Timer`]; it fires at least once, and what its handler changes through the host's services counts once.
//!
//! ```
//! use slashbox_sdk::{Command, Plugin, Result, Timer, log, timers};
//! use std::time::Duration;
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("tea", "1.0.0").command("/tea", "KIND", "says when it is ready", tea).on_timer(ready)
//! }
//!
//! fn tea(command: Command) -> Result<&'static str> {
//!     timers::set("tea", Duration::from_secs(180), &command.args)?;
//!     Ok("In three minutes")
//! }
//!
//! fn ready(timer: Timer) -> Result {
//!     let kind: String = timer.payload()?;
//!     log::info!("the {kind} is ready");
//!     Ok(())
//! }
//! # use slashbox_sdk::testing::Host;
//! let host = Host::new();
//! host.command(&plugin(), Command::new("/tea").args("green")).unwrap();
//! host.run_timers(&plugin(), Duration::from_secs(180)).unwrap();
//! assert_eq!(host.log()[0].text, "the green is ready");
//! ```
//!
//! [`Plugin::on_timer`]: crate::Plugin::on_timer

use crate::{Event, Origin, ServiceError, host, millis};
use serde::{Serialize, de::DeserializeOwned};
use std::time::{Duration, SystemTime};

/// The kind of the event that a timer comes as.
pub(crate) const FIRED: &str = "timer.fired";

/// Sets the timer, `after` from now; a timer with the same key is replaced. The payload is written as JSON.
///
/// The shortest delay is 1 s: a shorter one counts as that. The host counts milliseconds: what is left of one is rounded
/// up.
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

/// A timer whose time has come.
///
/// It is gone when it fires; one that shall fire again is set again by its handler. A handler that fails gets it again
/// as any [`Event`], with the same [`id`](Timer::id) and a higher [`attempt`](Timer::attempt).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Unique for this firing, and the same over all attempts to deliver it.
    pub id: String,
    /// The key with which it was set.
    pub key: String,
    /// The conversation of the call that set it.
    pub conversation: Option<String>,
    /// When it was due, in milliseconds since 1970-01-01T00:00:00Z. It fires later if the host was not running, or busy.
    pub due_at_ms: u64,
    /// 1 at the first attempt to deliver it.
    pub attempt: u32,
    /// Where the call that set it came from.
    pub origin: Origin,
    /// Its payload, as JSON text. [`payload`](Timer::payload) reads it.
    pub payload_json: String,
}

impl Timer {
    /// Reads its payload as the type with which it was set, or any other that fits.
    ///
    /// # Errors
    /// If the payload does not have the type's shape, an older version's perhaps. As a [`Failure`](crate::Failure) it is
    /// refused: the timer does not fire again.
    pub fn payload<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.payload_json)
    }

    /// A key for what belongs to its conversation, the same as [`Command::conversation_key`] in the call that set it.
    ///
    /// [`Command::conversation_key`]: crate::Command::conversation_key
    pub fn conversation_key(&self) -> Option<String> {
        self.origin.key_of(self.conversation.as_deref())
    }

    /// When it was due.
    pub fn due_at(&self) -> SystemTime {
        millis::to_time(self.due_at_ms)
    }
}

/// Reads the event `timer.fired`.
impl From<Event> for Timer {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            key: event.message.unwrap_or_default(),
            conversation: event.conversation,
            due_at_ms: event.occurred_at_ms,
            attempt: event.attempt,
            origin: event.origin,
            payload_json: event.data_json,
        }
    }
}
