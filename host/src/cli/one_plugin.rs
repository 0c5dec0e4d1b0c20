//! The one plugin that `check`, `call` and `emit` are about: a file, without a host running.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use slashbox::{
    Folder, Host, Plugin, PluginFile, TrialSettings,
    config::Bounds,
    telemetry::{self, LogFormat},
};
use slashbox_core::{NameError, check_name};

use super::{Usage, config};

/// Whose commands and events these are if nothing is said.
const TENANT: &str = "default";

/// Which plugin, and what it may have.
#[derive(Debug, clap::Args)]
pub(super) struct OnePlugin {
    /// The component, NAME.wasm; a grant NAME.toml beside it gives it settings, hosts and limits
    #[arg(value_name = "FILE.wasm")]
    pub(super) file: PathBuf,
    /// The configuration, for its limits and its [egress]; slashbox.toml if there is one, else every key's default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As this tenant's own plugin, which lies in a folder of the tenant's
    #[arg(long, value_name = "NAME", value_parser = tenant)]
    tenant: Option<String>,
}

impl OnePlugin {
    /// Whose commands and events it gets.
    pub(super) fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or(TENANT)
    }

    /// As a host takes it.
    pub(super) fn file(&self) -> PluginFile {
        let folder = self.tenant.as_deref().map_or(Folder::Shared, |tenant| Folder::Tenant(tenant.into()));
        PluginFile { path: self.file.clone(), folder }
    }

    /// What it may have at most.
    pub(super) fn bounds(&self) -> Result<Bounds, Usage> {
        config::bounds(config::named_or_usual(self.config.as_deref()))
    }

    /// Loads it, to be tried. What it says from now on is shown: its author wants to see it.
    pub(super) async fn start(&self) -> anyhow::Result<(Host, Arc<Plugin>)> {
        telemetry::start_log("warn,slashbox::guest=trace", LogFormat::Text)?;
        let Bounds { settings, egress } = self.bounds()?;
        let compiled_dir = dirs::cache_dir().map(|dir| dir.join("slashbox").join("compiled"));
        let host = Host::of_file(&TrialSettings { settings, egress, compiled_dir }, &self.file()).await;
        let host = host.with_context(|| self.file.display().to_string())?;
        let plugin = host.plugins().plugins().next().cloned().context("the file holds no plugin")?;
        Ok((host, plugin))
    }
}

fn tenant(name: &str) -> Result<String, NameError> {
    check_name(name).map(|()| name.to_owned())
}
