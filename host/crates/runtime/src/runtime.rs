//! The runtime as the host uses it: a current set of plugins, and calls of them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use slashbox_core::{Effects, Fallbacks, Folder, HostLimits, Outcome};
use slashbox_egress::Egress;
use slashbox_store::Reader;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tracing::warn;
use wasmtime::Engine;

use crate::{
    Call, Catalog, Input, LoadError, Plugin, PluginFile, Settings, StartError,
    cache::{Cache, ContentHash},
    call::{self, Ground},
    catalog::Current,
    engine::Ticking,
    health::Sign,
    kept::Kept,
    lanes::Lanes,
    load::Loader,
    places::{Places, Seat, TenantPlaces},
    reload::{Pace, Reloader},
    shelf::{self, Place, Shelf},
    telemetry::PLUGINS,
    watch::{Request, watch as watch_folder},
};

/// How many requests to the loop may wait for it.
const ASKED_MAX: usize = 16;

/// How many commands may wait for a place: each is held meanwhile, and beyond these none would get its turn in
/// time.
const WAITING_MAX: usize = 1_024;

/// Where a runtime's files are.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The folder with the plugins; it is made if there is none.
    pub plugins_dir: PathBuf,
    /// Where compiled code and last good versions are kept.
    pub data_dir: PathBuf,
}

impl Folders {
    /// Where the last good versions are kept.
    pub(crate) fn last_good(&self) -> PathBuf {
        self.data_dir.join("last-good")
    }
}

/// The loop that keeps the plugins current, and the way to ask it for something.
#[derive(Debug)]
struct Watching {
    ask: mpsc::Sender<Request>,
    task: JoinHandle<()>,
}

/// Calls plugins, and keeps them current with their folder.
#[derive(Debug)]
pub struct Runtime {
    current: Arc<Current>,
    places: Places,
    tenant_places: TenantPlaces,
    lanes: Arc<Lanes>,
    limits: HostLimits,
    reader: Reader,
    watching: Mutex<Option<Watching>>,
    waiting: Semaphore,
    ticking: Arc<Ticking>,
}

impl Runtime {
    /// Loads every plugin of the folder, and keeps it current from then on. `fallbacks` are the commands that remotes
    /// answer: an update of a plugin takes none of them. `egress` is the plugins' way out over HTTP, if there is one.
    ///
    /// # Errors
    /// If the engine does not start or a folder cannot be made. A plugin that cannot be loaded is no error: it is one of
    /// the catalog's problems.
    pub async fn start(
        settings: &Settings,
        folders: &Folders,
        fallbacks: Fallbacks,
        reader: Reader,
        egress: Option<Egress>,
    ) -> Result<Self, StartError> {
        let made = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Folder { path, source }
        };
        let (plugins_dir, data_dir) = (&folders.plugins_dir, &folders.data_dir);
        fs::create_dir_all(plugins_dir).map_err(made(plugins_dir))?;
        let cache = Cache::open(data_dir.join("compiled")).map_err(made(data_dir))?;
        let kept = Kept::open(folders.last_good()).map_err(made(data_dir))?;
        let ticking = Arc::new(Ticking::start(settings)?);
        let lanes = Arc::new(Lanes::start().map_err(no_threads)?);
        let loader = Loader::new(ticking.clone(), lanes.clone(), Some(cache), settings.host, egress)?;
        let mut runtime = Self::idle(settings, reader, ticking, lanes);
        let (ceiling, file_mib_max) = (settings.ceiling, settings.host.plugin_file_mib);
        let place = Place { plugins_dir: plugins_dir.clone(), ceiling, file_mib_max };
        let mut reloader = Reloader::new(Shelf::new(loader, place, kept), fallbacks, runtime.current.clone());
        reloader.pass(Pace::Now).await;
        reloader.prune().await;
        let (ask, asked) = mpsc::channel(ASKED_MAX);
        runtime.watching = Mutex::new(Some(Watching { ask, task: tokio::spawn(watch_folder(reloader, asked)) }));
        Ok(runtime)
    }

    /// Loads one file and nothing else, with the grant beside it if there is one. `compiled_dir` is where its compiled code
    /// is kept, and that of others is until nobody has used it for long; without such a folder, or if it cannot be used,
    /// nothing is kept.
    ///
    /// # Errors
    /// If the engine does not start, or the file is no plugin.
    pub async fn of_file(
        settings: &Settings,
        file: &PluginFile,
        compiled_dir: Option<&Path>,
        reader: Reader,
        egress: Option<Egress>,
    ) -> Result<Self, LoadError> {
        let ticking = Arc::new(Ticking::start(settings)?);
        let lanes = Arc::new(Lanes::start().map_err(no_threads)?);
        // Nothing is lost without it but time.
        let cache = compiled_dir.and_then(|dir| Cache::open(dir.to_owned()).ok());
        let loader = Loader::new(ticking.clone(), lanes.clone(), cache, settings.host, egress)?;
        let runtime = Self::idle(settings, reader, ticking, lanes);
        let plugin = shelf::load_alone(&loader, settings, file).await?;
        loader.prune(&[ContentHash(plugin.content_hash.clone())].into());
        runtime.current.set(Catalog::of_one(plugin));
        Ok(runtime)
    }

    fn idle(settings: &Settings, reader: Reader, ticking: Arc<Ticking>, lanes: Arc<Lanes>) -> Self {
        Self {
            current: Arc::default(),
            places: Places::new(settings.host.calls),
            tenant_places: TenantPlaces::new(settings.host.tenant_calls),
            lanes,
            limits: settings.host,
            reader: reader.on(Handle::current()),
            watching: Mutex::default(),
            waiting: Semaphore::new(WAITING_MAX),
            ticking,
        }
    }

    /// The plugins that serve now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.current.get()
    }

    /// Tells each time another set of plugins has begun to serve.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.current.changes()
    }

    /// Calls a plugin's handler in a fresh sandbox. Returns how it ended and what it wants to change, which is nothing
    /// unless it succeeded.
    pub async fn call(&self, plugin: &Arc<Plugin>, call: &Call) -> (Outcome, Effects) {
        let tenant = &*call.input.origin().tenant;
        if let Err(left) = plugin.health.admits(tenant) {
            return (Outcome::SetAside(left), Effects::default());
        }
        let Some(seat) = self.seat(plugin, call).await else {
            return (Outcome::Busy, Effects::default());
        };
        let began = Instant::now();
        let ground = Ground { engine: self.engine(), lanes: &self.lanes, reader: &self.reader, host: self.limits };
        let (outcome, effects) = call::call(ground, plugin, call, seat).await;
        let had = call.deadline.saturating_duration_since(began);
        let timeout = Duration::from_millis(u64::from(plugin.limits().timeout_ms));
        if let Some(pause) = plugin.health.note(tenant, Sign::of(&outcome, had, timeout)) {
            let (plugin, pause_s) = (plugin.id(), pause.as_secs());
            warn!(target: PLUGINS, %plugin, tenant, pause_s, "set aside for a while: it keeps crashing");
        }
        (outcome, effects)
    }

    /// The longest that a call waits for its place.
    pub fn queue_max(&self) -> Duration {
        Duration::from_millis(u64::from(self.limits.queue_ms))
    }

    /// The engine on which the plugins run: what benchmarks compare with.
    #[doc(hidden)]
    pub fn engine(&self) -> &Engine {
        &self.ticking.engine
    }

    /// A place of the plugin's, one of the tenant's and one of the host's; none if the wait for them was too long.
    async fn seat(&self, plugin: &Plugin, call: &Call) -> Option<Seat> {
        let (input, tenant) = (&call.input, &*call.input.origin().tenant);
        let of_tenant = self.tenant_places.of(tenant);
        let is_shared = plugin.id().folder == Folder::Shared && self.tenant_places.are_several();
        let of_share = is_shared.then(|| plugin.shares.of(tenant));
        let (own, share, tenant, any) = (&plugin.places, of_share.as_deref(), &*of_tenant, &self.places);
        let at_once = || {
            let _of_share = share.map(|share| share.try_take(input).ok_or(())).transpose().ok()?;
            let (_of_plugin, _of_tenant) = (own.try_take(input)?, tenant.try_take(input)?);
            Some(Seat { _of_plugin, _of_share, _of_tenant, _of_host: any.try_take(input)? })
        };
        if let Some(seat) = at_once() {
            return Some(seat);
        }
        let _waiting = match input {
            Input::Command(_) => Some(self.waiting.try_acquire().ok()?),
            Input::Event { .. } => None, // Whoever delivers them has a limit of its own.
        };
        let until = call.deadline.min(Instant::now() + self.queue_max());
        // The narrower first: who waits for itself must not hold a place that others need.
        let wait = async {
            let _of_share = match share {
                Some(share) => Some(share.take(input).await?),
                None => None,
            };
            let (_of_plugin, _of_tenant) = (own.take(input).await?, tenant.take(input).await?);
            Some(Seat { _of_plugin, _of_share, _of_tenant, _of_host: any.take(input).await? })
        };
        tokio::time::timeout_at(until.into(), wait).await.ok().flatten()
    }

    /// Looks at the folder now, and returns when what was found serves.
    pub async fn sync(&self) {
        self.ask(Request::Pass).await; // The loop ends only with the runtime.
    }

    /// Has remotes answer these commands from now on, where no plugin owns them. What a plugin owns stays its own; what
    /// remotes answer no more falls to the plugins that declare it. Says whether that serves; if not, everything is as it
    /// was.
    pub async fn set_fallbacks(&self, fallbacks: Fallbacks) -> bool {
        self.ask(|answer| Request::Fallbacks(fallbacks, answer)).await.unwrap_or(false)
    }

    /// What the loop answers; none if it has ended, or there is none.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let ask = self.watching().as_ref()?.ask.clone();
        let (answer, answered) = oneshot::channel();
        ask.send(request(answer)).await.ok()?;
        answered.await.ok()
    }

    /// Stops watching the folder, wherever a look at it stands. Calls in flight run on.
    pub async fn shutdown(&self) {
        let watching = self.watching().take();
        if let Some(Watching { task, .. }) = watching {
            task.abort();
            let _ = task.await; // Only whether it was over already.
        }
    }

    fn watching(&self) -> MutexGuard<'_, Option<Watching>> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner) // It is only taken or left.
    }
}

pub(crate) fn no_threads(error: std::io::Error) -> StartError {
    StartError::Engine(format!("threads for calls that compute for long: {error}"))
}
