//! The host's services as guests see them, one file each.
//!
//! Invariant: a service that is refused says so with a [`ServiceError`] that names the thing, its value and what was
//! expected; only a broken sandbox traps.

mod events;
mod http;
mod kv;
mod log;
mod stdio;
mod timers;

pub(crate) use http::HttpGate;
pub(crate) use kv::Kv;
pub(crate) use log::GuestLog;
pub(crate) use stdio::Stdio;

use crate::bindings::slashbox::plugin::types::ServiceError;

/// What a service says to a plugin that only describes itself.
fn nothing_granted(service: &str) -> ServiceError {
    ServiceError::Denied(format!("{service} is not available to `describe`"))
}

impl crate::bindings::slashbox::plugin::types::Host for crate::guest::Guest {}
