//! The embedding API: give a host commands and events, mount its routes, shut it down.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use slashbox_core::{CommandNameError, NameError};
use slashbox_delivery::{Deliveries, Keeping, SystemClock};
use slashbox_dialects::EVENT_BYTES_MAX;
use slashbox_egress::Egress;
use slashbox_runtime::{Catalog, Cost, LoadError, Plugin, PluginFile, Runtime, Settings};
use slashbox_store::{OpenError, Store, WriteError};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::{
    AdminAccess, Answer, HostBuilder, NewCommand, NewEvent, TrialSettings, activation,
    configured::{Configured, WayOut},
    pipeline::{self, AcceptError},
    reload::Reread,
    repeats::Repeats,
    room::Room,
    subscribers::{Subscribers, WebhookInfo},
    telemetry::HOST,
    warnings::Warnings,
    web,
};

/// How long a shutdown waits for commands and for attempts to deliver, beyond a command's budget.
const GRACE: Duration = Duration::from_secs(1);

/// How long closing the store may take: what is queued, and bringing its log into its file.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// What a shutdown did not wait for any longer: it was neither finished nor given back. Nobody was told that it was done, and
/// nothing is lost of what somebody was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutOff {
    /// Commands that had no answer yet, and requests with events that were not stored yet.
    pub requests: usize,
    /// Attempts to deliver that could not be given back.
    pub attempts: usize,
    /// Whether the store was not closed. Then dropping the host waits for that.
    pub store: bool,
}

impl CutOff {
    /// Whether all has ended well.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

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
    pub(crate) warnings: Arc<Warnings>,
    pub(crate) configured: Arc<ArcSwap<Configured>>,
    pub(crate) way_out: WayOut,
    pub(crate) reread: Option<Reread>,
    /// Whoever has it replaces what is configured.
    pub(crate) reloads: Mutex<()>,
    pub(crate) admin: AdminAccess,
    pub(crate) command_budget: Duration,
    pub(crate) room: Room,
    pub(crate) repeats: Repeats,
    pub(crate) tasks: TaskTracker,
    /// Tells the deliveries of each change of the plugins, and operators what they ask for in vain.
    follower: JoinHandle<((), ())>,
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
    pub(crate) configured: Configured,
    pub(crate) way_out: WayOut,
    pub(crate) reread: Option<Reread>,
    pub(crate) keeping: Keeping,
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

pub(crate) fn did_you_mean(near: &[String]) -> String {
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
        let way_out = WayOut { settings: egress.clone(), egress: Egress::new(egress)? };
        let egress = Some(way_out.egress.clone());
        let runtime = Runtime::of_file(settings, file, compiled_dir.as_deref(), store.reader(), egress).await?;
        let (admin, command_ms) = (AdminAccess::default(), settings.host.command_ms);
        let configured = Configured::default();
        let (reread, keeping) = (None, Keeping::default());
        Ok(Self::start(Parts { runtime, store, configured, way_out, reread, keeping, admin, command_ms }).await?)
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
        let Parts { runtime, store, configured, way_out, reread, keeping, admin, command_ms } = parts;
        let runtime = Arc::new(runtime);
        let changes = [runtime.changes(), runtime.changes()];
        let configured = Arc::new(ArcSwap::from_pointee(configured));
        let subscribers = Subscribers::new(runtime.clone(), configured.clone());
        let clock = Arc::new(SystemClock);
        let deliveries = Deliveries::start(store.clone(), subscribers.clone(), clock, keeping).await?;
        let deliveries = Arc::new(deliveries);
        let warnings = Warnings::new(runtime.clone(), configured.clone());
        let follower = tokio::spawn({
            let [of_deliveries, of_warnings] = changes;
            let (deliveries, warnings) = (deliveries.clone(), warnings.clone());
            async move { tokio::join!(follow(of_deliveries, deliveries), warnings.follow(of_warnings)) }
        });
        activation::ask(&configured.load(), &deliveries);
        let command_budget = Duration::from_millis(u64::from(command_ms));
        let inner = Inner {
            runtime,
            store,
            subscribers,
            deliveries,
            warnings,
            configured,
            way_out,
            reread,
            reloads: Mutex::default(),
            admin,
            command_budget,
            room: Room::default(),
            repeats: Repeats::default(),
            tasks: TaskTracker::new(),
            follower,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Has a tenant's command answered by the plugin that owns it, or else by the first webhook that takes it.
    ///
    /// # Errors
    /// If there is neither, if it is no command, or if the host is shutting down. How the plugin's call ended is no error,
    /// but the answer's [`outcome`](Answer::outcome).
    pub async fn command(&self, tenant: &str, command: NewCommand) -> Result<Answer, CommandError> {
        let configured = self.inner.configured.load_full();
        pipeline::answer(&self.inner, &configured.remotes, command.into_command(tenant)?).await
    }

    /// Stores an event of a tenant's, to be delivered to every plugin and webhook that wants it. Gives back its id. When
    /// this returns, it is on the disk.
    ///
    /// # Errors
    /// If it is no event, the store cannot write, or too much waits for it.
    pub async fn emit(&self, tenant: &str, event: NewEvent) -> Result<String, EmitError> {
        let event = event.into_event(tenant)?;
        let (id, configured) = (event.id.clone(), self.inner.configured.load_full());
        pipeline::accept(&self.inner, &configured.remotes, vec![(event, None)]).await?;
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
        self.inner.configured.load().remotes.infos()
    }

    /// Looks at the plugins folder now, and returns when what was found serves. Without it, changes are seen within a
    /// fraction of a second.
    pub async fn sync_plugins(&self) {
        self.inner.runtime.sync().await;
    }

    /// Begins no more deliveries, and gives those under way a command's budget and a second more from now on. For whoever has
    /// something else to finish before [`shutdown`](Self::shutdown).
    pub fn stop_delivering(&self) {
        self.inner.deliveries.stop(self.grace());
    }

    /// Takes no more commands, begins no more deliveries, finishes what is in flight, and closes what it keeps. A delivery
    /// that does not end within a command's budget is given back, and made again by the next host. Tells what was cut off
    /// instead. Further calls do nothing.
    pub async fn shutdown(&self) -> CutOff {
        if !self.inner.tasks.close() {
            return CutOff::default();
        }
        activation::stop(&self.inner.configured.load());
        let grace = self.grace();
        let tasks = tokio::time::timeout(grace, self.inner.tasks.wait());
        let (tasks, deliveries) = tokio::join!(tasks, self.inner.deliveries.shutdown(grace));
        let requests = if tasks.is_err() { self.inner.tasks.len() } else { 0 };
        self.inner.runtime.shutdown().await;
        self.inner.follower.abort();
        let store = tokio::time::timeout(CLOSE_MAX, self.inner.store.clone().close()).await.is_err();
        let cut_off = CutOff { requests, attempts: deliveries.lost, store };
        if cut_off.is_nothing() {
            info!(target: HOST, "shut down");
        } else {
            let attempts = deliveries.lost;
            error!(target: HOST, requests, attempts, store, "shut down, and cut off what did not end in time");
        }
        cut_off
    }

    /// How long what is in flight may take to end.
    fn grace(&self) -> Duration {
        self.inner.command_budget + GRACE
    }
}

/// Tells the deliveries of each change of the plugins: who came, who went, which are new versions.
async fn follow(mut changes: watch::Receiver<()>, deliveries: Arc<Deliveries>) {
    // Ends with the runtime, whose changes it follows.
    while changes.changed().await.is_ok() {
        deliveries.directory_changed();
    }
}
