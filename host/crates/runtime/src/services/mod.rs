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

use std::{sync::Arc, time::Instant};

use slashbox_core::{Effects, Scope};
use slashbox_store::{ReadError, Reader, Usage};

pub(crate) use http::HttpGate;
pub(crate) use log::GuestLog;
pub(crate) use stdio::Stdio;

use crate::{
    Call,
    bindings::slashbox::plugin::types::ServiceError,
    guest::{Guest, SandboxSpec},
};

/// The most bytes that one call leaves behind: keys with their values, timers, events. The host holds them meanwhile, and
/// writes them in one commit.
const WRITTEN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What keeps and changes something for a plugin, during one call.
pub(crate) struct Services {
    spec: Arc<SandboxSpec>,
    call: Call,
    reader: Reader,
    scope: Option<Scope>,
    /// What the plugin kept for this tenant when it was first asked.
    usage: Option<Usage>,
    effects: Effects,
    /// What the call leaves behind, in bytes, …
    written_bytes: usize,
    /// … and what of that it keeps in `kv`.
    kept_bytes: usize,
    /// How often it has read from `kv`.
    reads: u32,
}

impl Services {
    pub(crate) fn new(spec: Arc<SandboxSpec>, call: Call, reader: Reader) -> Self {
        Self {
            spec,
            call,
            reader,
            scope: None,
            usage: None,
            effects: Effects::default(),
            written_bytes: 0,
            kept_bytes: 0,
            reads: 0,
        }
    }

    /// What is being called.
    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    /// What a call that has succeeded changes.
    pub(crate) fn into_effects(self) -> Effects {
        if !self.effects.emits.is_empty() {
            let tenant = &self.call.input.origin().tenant;
            self.spec.emit_rate.count(tenant, self.effects.emits.len(), Instant::now());
        }
        self.effects
    }

    /// Whose keys and timers these are.
    fn scope(&mut self) -> &Scope {
        self.scope.get_or_insert_with(|| Scope {
            tenant: self.call.input.origin().tenant.clone(),
            plugin: self.spec.plugin.stem.to_string(),
        })
    }

    /// How many bytes the call leaves behind with so many more in place of others; `what` they are.
    fn written_with(&self, what: &str, bytes: usize, replaced: usize) -> Result<usize, ServiceError> {
        let sum = self.written_bytes - replaced + bytes;
        if sum > WRITTEN_BYTES_MAX {
            let words = format!("{what} limit of {WRITTEN_BYTES_MAX} bytes written in one call reached");
            return Err(ServiceError::Limit(words));
        }
        Ok(sum)
    }

    /// What the plugin keeps for this tenant, this call apart.
    async fn usage(&mut self) -> Result<Usage, ServiceError> {
        if let Some(usage) = self.usage {
            return Ok(usage);
        }
        let (reader, now_ms) = (self.reader.clone(), self.call.now_ms);
        let usage = reader.usage_at(self.scope(), now_ms).await.map_err(unavailable)?;
        self.usage = Some(usage);
        Ok(usage)
    }
}

/// The cause is the host's affair, and in its log; the guest learns that it may try again.
fn unavailable(error: ReadError) -> ServiceError {
    let error: &dyn std::error::Error = &error;
    tracing::error!(target: crate::telemetry::RUNTIME, error, "what plugins keep cannot be read");
    ServiceError::Unavailable("kv cannot be read now".into())
}

/// What a service says to a plugin that only describes itself.
fn nothing_granted(service: &str) -> ServiceError {
    ServiceError::Denied(format!("{service} is not available to `describe`"))
}

impl Guest {
    /// The services, for one that is called by its name.
    fn services(&mut self, name: &str) -> Result<&mut Services, ServiceError> {
        self.services.as_mut().ok_or_else(|| nothing_granted(name))
    }
}

impl crate::bindings::slashbox::plugin::types::Host for Guest {}

#[cfg(test)]
pub(crate) mod tests;
