//! The embedding API: give a host commands and events, mount its routes, shut it down.

use std::{collections::HashMap, sync::Arc, time::Duration};

use slashbox_core::{CommandNameError, NameError};
use slashbox_delivery::{Deliveries, SystemClock};
use slashbox_dialects::EVENT_BYTES_MAX;
use slashbox_egress::Egress;
use slashbox_runtime::{Catalog, Cost, LoadError, Plugin, PluginFile, Runtime, Settings};
use slashbox_store::{OpenError, Store, WriteError};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::{
    AdminAccess, Answer, HostBuilder, NewCommand, NewEvent, Source, TrialSettings,
    pipeline::{self, AcceptError},
    room::Room,
    subscribers::{Subscribed, Subscribers, WebhookInfo},
    telemetry::HOST,
    web,
};

/// How long a shutdown waits for commands and for attempts to deliver, beyond a command's budget.
const GRACE: Duration = Duration::from_secs(1);

/// A host for plugins. Cheap to clone; all clones are one host.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) store: Store,
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) sources: HashMap<String, Source>,
    pub(crate) admin: AdminAccess,
    pub(crate) command_budget: Duration,
    pub(crate) room: Room,
    pub(crate) tasks: TaskTracker,
    /// Tells the deliveries of each change of the plugins.
    follower: JoinHandle<()>,
}

/// A host that nobody has any more ends, though nobody has shut it down: nothing more is delivered, and the data directory
/// is given free.
impl Drop for Inner {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// What a host is made of.
pub(crate) struct Parts {
    pub(crate) runtime: Runtime,
    pub(crate) store: Store,
    pub(crate) remotes: Vec<Subscribed>,
    pub(crate) sources: HashMap<String, Source>,
    pub(crate) admin: AdminAccess,
    pub(crate) command_ms: u32,
}

/// Why an event was not accepted. Nothing of it is stored, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Its kind is none.
    #[error("kind {0:?}: expected dotted words such as `message.received`")]
    Kind(String),
    /// It is larger than an event may be.
    #[error("text and data of {bytes} bytes: expected at most {EVENT_BYTES_MAX}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// The tenant's name is none.
    #[error("tenant: {0}")]
    Tenant(#[from] NameError),
    /// The store cannot write now.
    #[error(transparent)]
    Store(#[from] WriteError),
    /// The store takes too long. It may be stored all the same.
    #[error("not stored in time")]
    Late,
    /// Too much waits for the store already. Come again later.
    #[error("too many events wait to be stored")]
    Full,
}

impl From<AcceptError> for EmitError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Store(error) => Self::Store(error),
            AcceptError::Late => Self::Late,
            AcceptError::Full => Self::Full,
        }
    }
}

/// Why a single file cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum OfFileError {
    /// There is no memory for what it keeps.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Its requests cannot be sent.
    #[error(transparent)]
    Egress(#[from] slashbox_egress::StartError),
    /// What is to be delivered cannot be read.
    #[error(transparent)]
    Deliveries(#[from] slashbox_delivery::StartError),
    /// It is no plugin for this host.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No plugin of the tenant's declares it, and no webhook takes it.
    #[error("unknown command {name}{}", did_you_mean(.near))]
    Unknown {
        /// The command.
        name: String,
        /// The commands that exist and are near to it, the nearest first.
        near: Vec<String>,
    },
    /// Nobody could have typed it.
    #[error(transparent)]
    Name(#[from] CommandNameError),
    /// The tenant's name is none.
    #[error("tenant: {0}")]
    Tenant(#[from] NameError),
    /// The host ends.
    #[error("slashbox is shutting down")]
    ShuttingDown,
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

impl Host {
    /// Says how a host is to be; [`HostBuilder::build`] makes it.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// A host of one plugin's file, with the grant beside it if there is one. What the plugin keeps is gone with the host:
    /// for trying it.
    ///
    /// # Errors
    /// If the file is no plugin for this host.
    pub async fn of_file(trial: &TrialSettings, file: &PluginFile) -> Result<Self, OfFileError> {
        let TrialSettings { settings, egress, compiled_dir } = trial;
        let store = Store::in_memory()?;
        let egress = Some(Egress::new(egress)?);
        let runtime = Runtime::of_file(settings, file, compiled_dir.as_deref(), store.reader(), egress).await?;
        let (sources, admin, command_ms) = (HashMap::new(), AdminAccess::default(), settings.host.command_ms);
        Ok(Self::start(Parts { runtime, store, remotes: Vec::new(), sources, admin, command_ms }).await?)
    }

    /// Says whether a file is a plugin for a host with these settings, and what it costs. With the grant beside it if there
    /// is one. Takes as long as it takes to compile, and about two seconds at most besides.
    ///
    /// # Errors
    /// If it is none.
    pub async fn check(settings: &Settings, file: &PluginFile) -> Result<(Plugin, Cost), LoadError> {
        Runtime::check(settings, file).await
    }

    /// Puts the parts together, and begins to deliver.
    pub(crate) async fn start(parts: Parts) -> Result<Self, slashbox_delivery::StartError> {
        let Parts { runtime, store, remotes, sources, admin, command_ms } = parts;
        let runtime = Arc::new(runtime);
        let changes = runtime.changes();
        let subscribers = Subscribers::new(runtime.clone(), remotes);
        let deliveries = Deliveries::start(store.clone(), subscribers.clone(), Arc::new(SystemClock)).await?;
        let deliveries = Arc::new(deliveries);
        let follower = tokio::spawn(follow(changes, deliveries.clone()));
        let command_budget = Duration::from_millis(u64::from(command_ms));
        let (room, tasks) = (Room::default(), TaskTracker::new());
        let inner =
            Inner { runtime, store, subscribers, deliveries, sources, admin, command_budget, room, tasks, follower };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Has a tenant's command answered by the plugin that owns it, or else by the first webhook that takes it.
    ///
    /// # Errors
    /// If there is neither, if it is no command, or if the host is shutting down. How the plugin's call ended is no error,
    /// but the answer's [`outcome`](Answer::outcome).
    pub async fn command(&self, tenant: &str, command: NewCommand) -> Result<Answer, CommandError> {
        pipeline::answer(&self.inner, command.into_command(tenant)?).await
    }

    /// Stores an event of a tenant's, to be delivered to every plugin and webhook that wants it. Gives back its id. When
    /// this returns, it is on the disk.
    ///
    /// # Errors
    /// If it is no event, the store cannot write, or too much waits for it.
    pub async fn emit(&self, tenant: &str, event: NewEvent) -> Result<String, EmitError> {
        let event = event.into_event(tenant)?;
        let id = event.id.clone();
        pipeline::accept(&self.inner, vec![(event, None)]).await?;
        Ok(id)
    }

    /// The host's routes, to be served or mounted: `POST /in/{source}`, `/v1/admin/…`, `/openapi.json`, `/healthz`,
    /// `/readyz`.
    pub fn router(&self) -> axum::Router {
        web::router(self.inner.clone())
    }

    /// The plugins that serve now, and what is odd about the folder.
    pub fn plugins(&self) -> Arc<Catalog> {
        self.inner.runtime.catalog()
    }

    /// The webhooks that are configured.
    pub fn webhooks(&self) -> Vec<WebhookInfo> {
        self.inner.subscribers.webhooks()
    }

    /// Looks at the plugins folder now, and returns when what was found serves. Without it, changes are seen within a
    /// fraction of a second.
    pub async fn sync_plugins(&self) {
        self.inner.runtime.sync().await;
    }

    /// Takes no more commands, begins no more deliveries, finishes what is in flight, and closes what it keeps. A delivery
    /// that does not end within a command's budget is made again by the next host. Further calls do nothing.
    pub async fn shutdown(&self) {
        if !self.inner.tasks.close() {
            return;
        }
        let grace = self.inner.command_budget + GRACE;
        let commands = tokio::time::timeout(grace, self.inner.tasks.wait());
        let (commands, ()) = tokio::join!(commands, self.inner.deliveries.shutdown(grace));
        if commands.is_err() {
            let left = self.inner.tasks.len();
            warn!(target: HOST, left, "commands did not end within the grace time");
        }
        self.inner.runtime.shutdown().await;
        self.inner.follower.abort();
        self.inner.store.clone().close().await;
        info!(target: HOST, "shut down");
    }
}

/// Tells the deliveries of each change of the plugins: who came, who went, which are new versions.
async fn follow(mut changes: watch::Receiver<()>, deliveries: Arc<Deliveries>) {
    // Ends with the runtime, whose changes it follows.
    while changes.changed().await.is_ok() {
        deliveries.directory_changed();
    }
}
