//! Trying a plugin: one call that changes nothing, and what it would have changed.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Effects, Event, Outcome, TIMER_FIRED};
use slashbox_egress::Settings as EgressSettings;
use slashbox_runtime::{Call, Input, Plugin, Settings};

use crate::{CommandError, EmitError, Host, NewCommand, NewEvent, pipeline};

/// With what a plugin's file is tried; the default is that of a host whose configuration says nothing.
#[derive(Clone, Debug, Default)]
pub struct TrialSettings {
    /// How much it may have.
    pub settings: Settings,
    /// Where its requests may go.
    pub egress: EgressSettings,
    /// Where compiled code is kept for the next trial; nowhere if there is no such folder. Whoever can write there can run
    /// native code in this process.
    pub compiled_dir: Option<PathBuf>,
}

/// What a call came to.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended; a reply is no longer than platforms take.
    pub outcome: Outcome,
    /// What it would change: keys, timers, events.
    pub effects: Effects,
    /// Whether a host would have called the plugin at all.
    pub wanted: bool,
    /// When it was called, in milliseconds since the Unix epoch.
    pub called_at_ms: u64,
    /// How long it took.
    pub took: Duration,
}

impl Host {
    /// Calls a plugin with a command that it declares, whoever owns it, and stores nothing.
    ///
    /// # Errors
    /// If it does not declare the command, or it is none.
    pub async fn try_command(
        &self,
        plugin: &Arc<Plugin>,
        tenant: &str,
        command: NewCommand,
    ) -> Result<Trial, CommandError> {
        let command = command.into_command(tenant)?;
        if !plugin.descriptor().commands.iter().any(|declared| declared.name == command.name) {
            let name = command.name.as_str();
            let near = self.inner.subscribers.near(&self.inner.configured.load().remotes, tenant, name);
            return Err(CommandError::Unknown { name: name.into(), near });
        }
        let id = command.id.clone();
        let mut trial = self.try_input(plugin, Input::Command(Arc::new(command)), true).await;
        pipeline::make_fit(&mut trial.outcome, &id, plugin.id());
        Ok(trial)
    }

    /// Calls a plugin with an event, whether or not it wants such events, and stores nothing.
    ///
    /// # Errors
    /// If it is no event.
    pub async fn try_event(&self, plugin: &Arc<Plugin>, tenant: &str, event: NewEvent) -> Result<Trial, EmitError> {
        Ok(self.try_on_event(plugin, event.into_event(tenant)?).await)
    }

    /// As [`Host::try_event`], with a command that another answers.
    ///
    /// # Errors
    /// If it is no command.
    pub async fn try_observed(
        &self,
        plugin: &Arc<Plugin>,
        tenant: &str,
        command: NewCommand,
    ) -> Result<Trial, CommandError> {
        let event = Event::from(&command.into_command(tenant)?);
        Ok(self.try_on_event(plugin, event).await)
    }

    async fn try_on_event(&self, plugin: &Arc<Plugin>, event: Event) -> Trial {
        let covers = |event: &Event| {
            plugin.descriptor().events.iter().any(|pattern| pattern.covers(&event.kind, &event.native_kind))
        };
        let wanted = event.kind == TIMER_FIRED || covers(&event);
        self.try_input(plugin, Input::Event { event: Arc::new(event), attempt: 1 }, wanted).await
    }

    async fn try_input(&self, plugin: &Arc<Plugin>, input: Input, wanted: bool) -> Trial {
        let (called_at_ms, began) = (pipeline::now_ms(), Instant::now());
        let call = Call { input, now_ms: called_at_ms, deadline: began + self.inner.command_budget };
        let (outcome, effects) = self.inner.runtime.call(plugin, &call).await;
        Trial { outcome, effects, wanted, called_at_ms, took: began.elapsed() }
    }
}
