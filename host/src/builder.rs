//! How a [`Host`] is to be, and what is wrong with that.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use slashbox_core::{HostLimits, LimitKey, Limits};
use slashbox_delivery::Keeping;
use slashbox_egress::{Egress, Settings as EgressSettings};
use slashbox_runtime::{Folders, Runtime, Settings, StartError};
use slashbox_store::{OpenError, Store};

use crate::{
    AdminAccess, Configuration, ConfigurationError, Host, Source, Webhook,
    configured::{Configured, WayOut},
    host::Parts,
    reload::Reread,
};

/// Says how a [`Host`] is to be.
#[derive(Clone, Debug)]
pub struct HostBuilder {
    plugins_dir: PathBuf,
    data_dir: PathBuf,
    settings: Settings,
    keeping: Keeping,
    sources: Vec<Source>,
    webhooks: Vec<Webhook>,
    egress: EgressSettings,
    admin: AdminAccess,
    reread: Option<Reread>,
}

/// Why a host could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// What it keeps cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Its plugins cannot run.
    #[error(transparent)]
    Runtime(#[from] StartError),
    /// Requests cannot be sent.
    #[error(transparent)]
    Egress(#[from] slashbox_egress::StartError),
    /// What is to be delivered cannot be read.
    #[error(transparent)]
    Deliveries(#[from] slashbox_delivery::StartError),
    /// Its sources and webhooks cannot be served.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The plugins folder would be watched for what the host itself writes.
    #[error("data directory {data_dir:?}: expected a folder outside of the plugins folder {plugins_dir:?}")]
    DataInPlugins {
        /// The data directory.
        data_dir: PathBuf,
        /// The plugins folder.
        plugins_dir: PathBuf,
    },
    /// A figure is out of its range.
    #[error("{what} of {value}: expected {min} to {max}")]
    Range {
        /// Which figure.
        what: &'static str,
        /// What it is.
        value: u64,
        /// The least that it may be.
        min: u64,
        /// The most that it may be.
        max: u64,
    },
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self {
            plugins_dir: "plugins".into(),
            data_dir: "data".into(),
            settings: Settings::default(),
            keeping: Keeping::default(),
            sources: Vec::new(),
            webhooks: Vec::new(),
            egress: EgressSettings::default(),
            admin: AdminAccess::default(),
            reread: None,
        }
    }
}

impl HostBuilder {
    /// The folder with the plugins: `plugins` if nothing is said. It is made if there is none.
    #[must_use]
    pub fn plugins_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.plugins_dir = dir.into();
        self
    }

    /// Where the host keeps what must last: `data` if nothing is said. One host at a time has it.
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = dir.into();
        self
    }

    /// How much plugins may have, and all of them together.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// How long what is stored is kept, and how much of it may wait.
    #[must_use]
    pub fn keeping(mut self, keeping: Keeping) -> Self {
        self.keeping = keeping;
        self
    }

    /// The whole budget of a command, in milliseconds: waiting, a plugin's call and its commit, or a
    /// webhook's answer. 1,000 to 10,000; 5,000 if nothing is said.
    #[must_use]
    pub fn command_ms(mut self, command_ms: u32) -> Self {
        self.settings.host.command_ms = command_ms;
        self
    }

    /// One more way in.
    #[must_use]
    pub fn source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// One more remote. Of several that take a command which no plugin owns, the first one answers it.
    #[must_use]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
        self
    }

    /// Where requests may go: by HTTPS to public addresses, if nothing is said.
    #[must_use]
    pub fn egress(mut self, egress: EgressSettings) -> Self {
        self.egress = egress;
        self
    }

    /// Who may use the admin API: nobody, if nothing is said.
    #[must_use]
    pub fn admin(mut self, admin: AdminAccess) -> Self {
        self.admin = admin;
        self
    }

    /// Where sources and webhooks are read again, for [`Host::reload`] and the admin API's `POST /v1/admin/reload`. It is
    /// called for each reload, on a thread that may block. Its error is told to whoever asked for the reload, and logged; so
    /// it shows no secret.
    #[must_use]
    pub fn on_reload<E: Into<Box<dyn Error + Send + Sync>>>(
        mut self,
        read: impl Fn() -> Result<Configuration, E> + Send + Sync + 'static,
    ) -> Self {
        self.reread = Some(Reread::new(read));
        self
    }

    /// Opens the store, loads the plugins, and watches their folder from then on.
    ///
    /// # Errors
    /// If the data directory is in use or cannot be used, the sandbox or the HTTP client does not start, a webhook cannot
    /// be reached as it is configured, or sources or webhooks contradict each other. A plugin that cannot be loaded is none: see [`Catalog::problems`](crate::Catalog::problems).
    pub async fn build(self) -> Result<Host, BuildError> {
        check_ranges(&self.settings)?;
        if let Some((what, value, max)) = self.keeping.out_of_range() {
            return Err(BuildError::Range { what, value, min: 1, max });
        }
        if is_inside(&self.data_dir, &self.plugins_dir) {
            let Self { data_dir, plugins_dir, .. } = self;
            return Err(BuildError::DataInPlugins { data_dir, plugins_dir });
        }
        let way_out = WayOut { egress: Egress::new(&self.egress)?, settings: self.egress };
        let configured = Configured::check(self.sources, self.webhooks, &way_out)?;
        let store = Store::open(&self.data_dir)?;
        let folders = Folders { plugins_dir: self.plugins_dir, data_dir: self.data_dir };
        let (fallbacks, egress) = (configured.remotes.fallbacks(), Some(way_out.egress.clone()));
        let runtime = Runtime::start(&self.settings, &folders, fallbacks, store.reader(), egress).await?;
        let (admin, command_ms) = (self.admin, self.settings.host.command_ms);
        let (reread, keeping) = (self.reread, self.keeping);
        let parts = Parts { runtime, store, configured, way_out, reread, keeping, admin, command_ms };
        Ok(Host::start(parts).await?)
    }
}

fn check_ranges(settings: &Settings) -> Result<(), BuildError> {
    let host = HostLimits::KEYS.iter().map(|key| (key, settings.host.get(key.name)));
    let ceiling = Limits::KEYS.iter().map(|key| (key, settings.ceiling.get(key.name)));
    for (&LimitKey { name: what, min, max, .. }, value) in host.chain(ceiling) {
        if let Some(value) = value.filter(|value| !(min..=max).contains(value)) {
            let [value, min, max] = [value, min, max].map(u64::from);
            return Err(BuildError::Range { what, value, min, max });
        }
    }
    Ok(())
}

/// Whether a folder is another, or lies in it, as far as their names tell.
pub(crate) fn is_inside(folder: &Path, other: &Path) -> bool {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    full(folder).starts_with(full(other))
}
