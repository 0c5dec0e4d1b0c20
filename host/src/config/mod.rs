//! The configuration: `slashbox.toml`, as it resolves.
//!
//! What the operator wrote ([`file`]) and what it comes to ([`Config`]) are two types. Invariant: a [`Config`] that exists
//! can be served; every mistake is found before a port is bound.

mod difference;
mod file;
mod resolve;
mod webhooks;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use slashbox_delivery::Keeping;
use slashbox_dialects::Secret;
use slashbox_egress::Settings as EgressSettings;
use slashbox_runtime::Settings;
use slashbox_toml::FileError;

use crate::{
    AdminAccess, Host, HostBuilder, Source, Warning, Webhook, WebhookId, never_matching::of_webhook,
    telemetry::LogFormat,
};

/// The configuration with every key, its default and what it is for.
pub const DEFAULT: &str = include_str!("config.default.toml");

/// A configuration that can be served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The folder with the plugins.
    pub plugins_dir: PathBuf,
    /// Where the host keeps what must last.
    pub data_dir: PathBuf,
    /// Which lines are logged.
    pub log_level: String,
    /// How they are written.
    pub log_format: LogFormat,
    /// How much plugins may have.
    pub settings: Settings,
    /// How long what is stored is kept.
    pub keeping: Keeping,
    /// Where commands and events come in.
    pub sources: Vec<Source>,
    /// The remotes, in the order in which they answer: those of the sources' files first.
    pub webhooks: Vec<Webhook>,
    /// Where requests may go.
    pub egress: EgressSettings,
    /// What opens the admin API.
    pub admin_token: Option<SecretString>,
}

/// How a running host that is configured so is reached. Reads no other key, so that the environment of the host's own
/// secrets need not be there.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// What opens the admin API.
    pub admin_token: Option<SecretString>,
}

/// How a source's platform reaches a running host that is configured so. Reads no other key, and nothing of other sources
/// but their names, so that the environment of their secrets need not be there.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The source.
    pub source: Source,
}

/// Where a host that is configured so has its files. Reads no other key.
#[derive(Clone, Debug)]
pub struct Dirs {
    /// The folder with the plugins.
    pub plugins_dir: PathBuf,
    /// Where the host keeps what must last.
    pub data_dir: PathBuf,
}

/// What a host that is configured so lets plugins have, and where it lets requests go. Reads no other key; the default is
/// that of every key.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// How much plugins may have.
    pub settings: Settings,
    /// Where requests may go.
    pub egress: EgressSettings,
}

/// What is wrong with a configuration. Names the key, its value unless it is a secret, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its keys or their types.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value.
    #[error("`{key}`{value}: {expected}", value = .value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default())]
    Value {
        /// The key, with its tables.
        key: String,
        /// What it is set to; none if it is not set, or must not be shown.
        value: Option<String>,
        /// What was expected.
        expected: String,
    },
    /// A source that is asked for.
    #[error("no source is named {name:?}: {expected}")]
    UnknownSource {
        /// What it was to be called.
        name: String,
        /// What the sources are called.
        expected: String,
    },
}

impl Config {
    /// Reads a file. Paths in it are relative to it.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let dir = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, dir, |name| std::env::var(name).ok())
    }

    /// Reads a text. Paths in it are relative to `dir`; `${VAR}` is what `environment` gives.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(text: &str, dir: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        resolve::resolve(slashbox_toml::parse(text)?, dir, environment)
    }

    /// What its webhooks ask for and will not get as they ask for it: see [`Host::warnings`].
    pub fn warnings(&self) -> Vec<Warning> {
        let of_webhook = |webhook: &Webhook| {
            let (_, name) = webhook.check(&self.egress).ok()?; // It is: a configuration that exists has been checked.
            let id = WebhookId { tenant: webhook.tenant.clone(), name };
            Some(of_webhook(&id, &webhook.subscription, webhook.format, self.sources.iter()))
        };
        self.webhooks.iter().filter_map(of_webhook).flatten().collect()
    }

    /// Who may use the admin API: whoever has the token; without one, whoever reaches a loopback address. Asked when it is
    /// known where the host listens, which may be elsewhere than the file says.
    ///
    /// # Errors
    /// If there is no token, and others can reach the address too.
    pub fn admin(&self) -> Result<AdminAccess, ConfigError> {
        let Some(token) = &self.admin_token else {
            if self.listen.ip().is_loopback() {
                return Ok(AdminAccess::Loopback);
            }
            let expected = format!("required, since `listen` = \"{}\" is no loopback address", self.listen);
            return Err(resolve::hidden("admin.token", &expected));
        };
        let secret = Secret::new(token.expose_secret());
        secret.map(AdminAccess::Token).map_err(|error| resolve::hidden("admin.token", &error.to_string()))
    }

    /// A host that is configured so.
    pub fn host(&self) -> HostBuilder {
        let builder = Host::builder()
            .plugins_dir(&self.plugins_dir)
            .data_dir(&self.data_dir)
            .settings(self.settings.clone())
            .keeping(self.keeping)
            .egress(self.egress.clone())
            .admin(self.admin().unwrap_or_default());
        let builder = self.sources.iter().cloned().fold(builder, HostBuilder::source);
        self.webhooks.iter().cloned().fold(builder, HostBuilder::webhook)
    }
}

impl Reach {
    /// Reads a file.
    ///
    /// # Errors
    /// A key that there is not or whose type is wrong, wherever it stands; else the first mistake in those that are read.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&read(path)?, |name| std::env::var(name).ok())
    }

    /// Reads a text; `${VAR}` is what `environment` gives.
    ///
    /// # Errors
    /// As [`Reach::load`].
    pub fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        resolve::reach(slashbox_toml::parse(text)?, environment)
    }
}

impl Entrance {
    /// Reads a file, and of its sources the one of this name.
    ///
    /// # Errors
    /// As [`Reach::load`]; if there is no such source.
    pub fn load(path: &Path, source: &str) -> Result<Self, ConfigError> {
        Self::parse(&read(path)?, source, |name| std::env::var(name).ok())
    }

    /// Reads a text; `${VAR}` is what `environment` gives.
    ///
    /// # Errors
    /// As [`Entrance::load`].
    pub fn parse(text: &str, source: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        resolve::entrance(slashbox_toml::parse(text)?, source, environment)
    }
}

impl Dirs {
    /// Reads a file. Paths in it are relative to it.
    ///
    /// # Errors
    /// As [`Reach::load`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let dir = path.parent().unwrap_or_else(|| Path::new(""));
        resolve::dirs(slashbox_toml::parse(&read(path)?)?, dir, |name| std::env::var(name).ok())
    }
}

impl Bounds {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`Reach::load`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        resolve::bounds(&slashbox_toml::parse(&read(path)?)?)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })
}

#[cfg(test)]
mod tests;
