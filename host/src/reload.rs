//! Other sources and webhooks for a host that runs.
//!
//! Invariants: all of it is taken, or nothing; one reload at a time; it runs to its end, whoever asked for it. What is under
//! way ends with what it began with.
//!
//! The owners of commands change before the remotes do, and whoever looks takes the remotes first
//! ([`Subscribers::of_command`](crate::subscribers::Subscribers::of_command)). So nobody sees the new remotes with the old
//! owners, where a command would have neither a remote any more nor a plugin yet. The other way round does no harm: a reload
//! takes no command from a plugin.

mod changes;

use std::{error::Error, fmt, sync::Arc};

use tracing::{error, info, warn};

use crate::{
    ConfigurationError, Host, Source, Webhook, activation, configured::Configured, host::Inner, telemetry::HOST,
};

pub use changes::{Changes, Reloaded, WebhookId};

/// What a host that runs is to be configured with.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Where commands and events come in.
    pub sources: Vec<Source>,
    /// The remotes, in the order in which they answer.
    pub webhooks: Vec<Webhook>,
    /// What else has changed, by its key. It is only told: it takes effect after a restart.
    pub after_restart: Vec<String>,
}

/// Why everything stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The host was built without saying where its configuration is read again: see
    /// [`HostBuilder::on_reload`](crate::HostBuilder::on_reload).
    #[error("this host has no configuration that could be read again")]
    NoConfiguration,
    /// The configuration cannot be read, or has a mistake.
    #[error(transparent)]
    Read(Box<dyn Error + Send + Sync>),
    /// It cannot be served by this host.
    #[error("{error}{}", hint(.after_restart))]
    Configuration {
        /// Why not.
        error: ConfigurationError,
        /// What has changed too, and takes effect after a restart alone: it may be the reason.
        after_restart: Vec<String>,
    },
    /// The host ends.
    #[error("slashbox is shutting down")]
    ShuttingDown,
    /// The host cannot decide who owns which command, or has failed. The log says more.
    #[error("the host failed, its log says why")]
    Failed,
}

fn hint(after_restart: &[String]) -> String {
    let keys = after_restart.join(", ");
    if keys.is_empty() { keys } else { format!(" (changed too, but not in force before a restart: {keys})") }
}

/// Reads a configuration again.
#[derive(Clone)]
pub(crate) struct Reread(Arc<dyn Fn() -> Result<Configuration, Box<dyn Error + Send + Sync>> + Send + Sync>);

impl Reread {
    pub(crate) fn new<E: Into<Box<dyn Error + Send + Sync>>>(
        read: impl Fn() -> Result<Configuration, E> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move || read().map_err(Into::into)))
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reread")
    }
}

impl Host {
    /// Reads the configuration again, by [`HostBuilder::on_reload`](crate::HostBuilder::on_reload), and has it served. All
    /// of it is taken, or nothing. The log tells what became of it.
    ///
    /// # Errors
    /// If it cannot be read or served; then everything stays as it was.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.in_turn(None).await
    }

    /// Has other sources and webhooks served from now on, as [`Host::reload`] does.
    ///
    /// Requests and commands under way end with those they began with. What waits to be delivered belongs to its webhook's
    /// name: it goes where that is now, at once if something has changed in how it is reached, and waits if there is none of
    /// that name any more. No plugin loses a command by it; one that webhooks answer no more falls to the plugin that declares
    /// it.
    ///
    /// # Errors
    /// If they cannot be served; then everything stays as it was.
    pub async fn reconfigure(&self, configuration: Configuration) -> Result<Reloaded, ReloadError> {
        self.in_turn(Some(configuration)).await
    }

    async fn in_turn(&self, configuration: Option<Configuration>) -> Result<Reloaded, ReloadError> {
        if self.inner.tasks.is_closed() {
            return Err(ReloadError::ShuttingDown);
        }
        let inner = self.inner.clone();
        // A task of its own: whoever asked may leave in the midst of it.
        let task = self.inner.tasks.spawn(async move {
            let _turn = inner.reloads.lock().await;
            let reloaded = reload(&inner, configuration).await;
            report(&reloaded);
            reloaded
        });
        task.await.unwrap_or_else(|panic| {
            error!(target: HOST, %panic, "the host failed in a reload");
            Err(ReloadError::Failed)
        })
    }
}

async fn reload(inner: &Inner, configuration: Option<Configuration>) -> Result<Reloaded, ReloadError> {
    let configuration = match configuration {
        Some(configuration) => configuration,
        None => read(inner).await?,
    };
    let Configuration { sources, webhooks, after_restart } = configuration;
    let before = inner.configured.load_full();
    let next = match Configured::check(sources, webhooks, &inner.way_out) {
        Ok(mut next) => {
            activation::carry_over(&before.remotes, &mut next.remotes);
            Arc::new(next)
        }
        Err(error) => return Err(ReloadError::Configuration { error, after_restart }),
    };
    // In this order: see the module's head.
    if !inner.runtime.set_fallbacks(next.remotes.fallbacks()).await {
        return Err(ReloadError::Failed);
    }
    inner.configured.store(next.clone());
    inner.deliveries.directory_changed();
    activation::ask(&next, &inner.deliveries);
    inner.warnings.look_again().await;
    Ok(Reloaded { warnings: inner.warnings.all(), ..Reloaded::between(&before, &next, after_restart) })
}

async fn read(inner: &Inner) -> Result<Configuration, ReloadError> {
    let Some(Reread(read)) = inner.reread.clone() else { return Err(ReloadError::NoConfiguration) };
    let read = tokio::task::spawn_blocking(move || read()).await;
    read.map_err(|panic| {
        error!(target: HOST, %panic, "the configuration cannot be read");
        ReloadError::Failed
    })?
    .map_err(ReloadError::Read)
}

fn report(reloaded: &Result<Reloaded, ReloadError>) {
    match reloaded {
        Ok(Reloaded { sources, webhooks, webhooks_reordered: reordered, after_restart, warnings: _ }) => {
            info!(target: HOST, %sources, %webhooks, reordered, "configuration reloaded");
            for key in after_restart {
                warn!(target: HOST, key, "changed in the configuration, takes effect after a restart");
            }
        }
        Err(error) => error!(target: HOST, %error, "configuration not reloaded, the one before stays in force"),
    }
}
