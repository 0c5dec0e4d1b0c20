//! The configuration that `slashbox serve` serves: what the file says, and what the command line says instead.
//!
//! Invariant: what is read when somebody asks for it passes the same checks as what is read at the start.

use std::{net::SocketAddr, path::PathBuf};

use slashbox::{Configuration, config::Config};

use crate::cli::{Serve, Usage, config};

/// Where the configuration comes from.
#[derive(Debug)]
pub(super) struct Written {
    file: PathBuf,
    listen: Option<SocketAddr>,
    plugins: Option<PathBuf>,
    data: Option<PathBuf>,
}

impl Written {
    pub(super) fn new(arguments: Serve) -> Self {
        let Serve { config, listen, plugins, data } = arguments;
        Self { file: config, listen, plugins, data }
    }

    /// As it is now.
    pub(super) fn read(&self) -> Result<Config, Usage> {
        let mut config = config::load(&self.file)?;
        config.listen = self.listen.unwrap_or(config.listen);
        config.plugins_dir = self.plugins.clone().unwrap_or(config.plugins_dir);
        config.data_dir = self.data.clone().unwrap_or(config.data_dir);
        // The address may be another than the file's.
        config.admin().map_err(|error| config::mistake(&self.file, &error))?;
        Ok(config)
    }

    /// As it is now, for a host that runs with what it was.
    pub(super) fn read_again(&self, in_force: &Config) -> Result<Configuration, Usage> {
        let config = self.read()?;
        let after_restart = config.differing_keys(in_force);
        Ok(Configuration { sources: config.sources, webhooks: config.webhooks, after_restart })
    }
}
