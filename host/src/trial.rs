//! Trying a plugin: one call that changes nothing, and what it would have changed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Effects, Outcome};
use slashbox_runtime::{Call, Input, Plugin};

use crate::{EmitError, Host, NewEvent, pipeline};

/// What a call came to.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended.
    pub outcome: Outcome,
    /// What it would change: keys, timers, events.
    pub effects: Effects,
    /// Whether the plugin wants such events at all.
    pub wanted: bool,
    /// How long it took.
    pub took: Duration,
}

impl Host {
    /// Calls a plugin with an event, whether or not it wants such events, and stores nothing.
    ///
    /// # Errors
    /// If it is no event.
    pub async fn try_event(&self, plugin: &Arc<Plugin>, tenant: &str, event: NewEvent) -> Result<Trial, EmitError> {
        let event = event.into_event(tenant)?;
        let wanted = plugin.descriptor().events.iter().any(|pattern| pattern.covers(&event.kind, &event.native_kind));
        let (input, began) = (Input::Event { event: Arc::new(event), attempt: 1 }, Instant::now());
        let call = Call { input, now_ms: pipeline::now_ms(), deadline: began + self.inner.command_budget };
        let (outcome, effects) = self.inner.runtime.call(plugin, &call).await;
        Ok(Trial { outcome, effects, wanted, took: began.elapsed() })
    }
}
