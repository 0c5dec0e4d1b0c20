//! Brings the set of plugins in line with the folder.
//!
//! A pass looks at the folder, loads what changed, and swaps the whole set once. Invariant: whatever is wrong with a
//! file, the last good version of its plugin goes on serving; only taking the file away, or the operator's
//! `enabled = false`, ends it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use slashbox_core::{Claim, Conflict, Fallbacks, Folder, Limits, Owners, PluginId, Routes, assign};
use tracing::{info, warn};

use crate::{
    Catalog, Grant, LoadError, Owner, Plugin, Problem, Settings,
    cache::ContentHash,
    catalog::Current,
    folder::{Files, Scan, grant_path, scan, wasm_path},
    kept::Kept,
    load::Loader,
    plugin::Lack,
    telemetry::PLUGINS,
};

/// The most bytes of a grant: a few settings; what is longer is cut, and then no sound TOML.
const GRANT_BYTES_MAX: u64 = 256 * 1024;

/// Whether a file that changed may still be being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Load what is there: at the start, and when somebody asks.
    Now,
    /// Load what looked the same at the pass before.
    Settled,
}

/// Where plugins come from, and what they may have at most.
pub(crate) struct Place {
    pub(crate) plugins_dir: PathBuf,
    pub(crate) ceiling: Limits,
    pub(crate) file_mib_max: u32,
    pub(crate) fallbacks: Fallbacks,
}

/// What is known of the folder, and the set that serves.
pub(crate) struct Reloader {
    loader: Loader,
    place: Place,
    kept: Kept,
    known: BTreeMap<PluginId, Known>,
    unsettled: BTreeMap<PluginId, Option<Files>>,
    odd: Vec<(PathBuf, String)>,
    owners: Owners,
    conflicts: Vec<Conflict>,
    folder_gone: bool,
    current: Arc<Current>,
}

/// A plugin's files as they were last looked at, and what became of them.
struct Known {
    files: Files,
    state: State,
}

enum State {
    Serving(Arc<Plugin>),
    /// An earlier version serves, and why.
    LastGood(Arc<Plugin>, LoadError),
    Broken(LoadError),
    Disabled,
}

impl State {
    fn plugin(&self) -> Option<&Arc<Plugin>> {
        match self {
            Self::Serving(plugin) | Self::LastGood(plugin, _) => Some(plugin),
            Self::Broken(_) | Self::Disabled => None,
        }
    }
}

impl Reloader {
    pub(crate) fn new(loader: Loader, place: Place, kept: Kept, current: Arc<Current>) -> Self {
        let owners = kept.owners();
        Self {
            loader,
            place,
            kept,
            known: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            odd: Vec::new(),
            owners,
            conflicts: Vec::new(),
            folder_gone: false,
            current,
        }
    }

    pub(crate) fn plugins_dir(&self) -> &Path {
        &self.place.plugins_dir
    }

    /// Looks at the folder once. Says whether some file has yet to settle.
    pub(crate) async fn pass(&mut self, pace: Pace) -> bool {
        let Some(scan) = self.look().await else { return false };
        let mut changed = scan.odd != self.odd;
        let ids: BTreeSet<PluginId> = scan.plugins.keys().chain(self.known.keys()).cloned().collect();
        for id in ids {
            let files = scan.plugins.get(&id).copied();
            if scan.is_unclear(&id) {
                continue;
            }
            if files == self.known.get(&id).map(|known| known.files) {
                self.unsettled.remove(&id);
            } else if pace == Pace::Settled && self.unsettled.get(&id) != Some(&files) {
                self.unsettled.insert(id, files);
            } else {
                self.unsettled.remove(&id);
                self.apply(id, files).await;
                changed = true;
            }
        }
        self.odd = scan.odd;
        if changed {
            self.publish();
        }
        !self.unsettled.is_empty()
    }

    /// None if the folder cannot be read: then everything stays as it is.
    async fn look(&mut self) -> Option<Scan> {
        let dir = self.place.plugins_dir.clone();
        let scanned = tokio::task::spawn_blocking(move || scan(&dir)).await;
        match scanned.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(scan) => {
                self.folder_gone = false;
                Some(scan)
            }
            Err(error) => {
                if !self.folder_gone {
                    let path = self.place.plugins_dir.display();
                    warn!(target: PLUGINS, %path, %error, "plugins folder cannot be read, what is loaded serves on");
                    self.folder_gone = true;
                }
                None
            }
        }
    }

    async fn apply(&mut self, id: PluginId, files: Option<Files>) {
        let before = self.known.remove(&id);
        let Some(files) = files else {
            info!(target: PLUGINS, plugin = %id, "retired");
            if let Err(error) = self.kept.remove(&id) {
                warn!(target: PLUGINS, plugin = %id, %error, "the kept version cannot be removed");
            }
            return;
        };
        let serving = before.and_then(|known| known.state.plugin().cloned());
        let state = self.load(&id, files, serving.clone()).await;
        report(&id, serving.as_ref(), &state);
        self.known.insert(id, Known { files, state });
    }

    /// Loads what lies there; failing that, what was good before.
    async fn load(&self, id: &PluginId, files: Files, serving: Option<Arc<Plugin>>) -> State {
        let grant = match self.grant(id, files).await {
            Ok(grant) => grant,
            // Without the operator's word as it is meant, at most what served before may go on.
            Err(error) => return or_last_good(serving, error),
        };
        if !grant.enabled {
            return State::Disabled;
        }
        let error = match self.load_file(id, &grant, serving.as_ref()).await {
            Ok(plugin) => return State::Serving(plugin),
            Err(error) => error,
        };
        // With the grant that holds now if that is possible.
        if let Some(serving) = serving.as_ref().filter(|plugin| plugin.grant == grant) {
            return State::LastGood(serving.clone(), error);
        }
        let kept = match self.kept.load(id) {
            Some(bytes) => self.loader.load(id, bytes.into(), grant).await.ok().map(Arc::new),
            None => None,
        };
        or_last_good(kept.or(serving), error)
    }

    async fn load_file(
        &self,
        id: &PluginId,
        grant: &Grant,
        serving: Option<&Arc<Plugin>>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let (path, mib_max) = (wasm_path(&self.place.plugins_dir, id), self.place.file_mib_max);
        let (bytes, hash) = off_thread(move || {
            let bytes = read_capped(&path, mib_max)?;
            let hash = ContentHash::of(&bytes);
            Ok((Arc::<[u8]>::from(bytes), hash))
        })
        .await?;
        let same = |plugin: &&Arc<Plugin>| plugin.content_hash == hash.0 && plugin.grant == *grant;
        if let Some(serving) = serving.filter(same) {
            return Ok(serving.clone());
        }
        let mut plugin = self.loader.load(id, bytes.clone(), grant.clone()).await?;
        if let Some(serving) = serving.filter(|serving| serving.limits.concurrency == plugin.limits.concurrency) {
            plugin.places = serving.places.clone();
        }
        self.keep(id, bytes).await;
        Ok(Arc::new(plugin))
    }

    async fn keep(&self, id: &PluginId, bytes: Arc<[u8]>) {
        let (kept, kept_id) = (self.kept.clone(), id.clone());
        if let Err(error) = off_thread(move || Ok(kept.save(&kept_id, &bytes)?)).await {
            warn!(target: PLUGINS, plugin = %id, %error, "this version cannot be kept over a restart");
        }
    }

    async fn grant(&self, id: &PluginId, files: Files) -> Result<Grant, LoadError> {
        let ceiling = self.place.ceiling;
        if files.grant.is_none() {
            return Ok(Grant::none(ceiling));
        }
        let (path, id) = (grant_path(&self.place.plugins_dir, id), id.clone());
        off_thread(move || read_grant(&path, &id, ceiling)).await
    }

    /// Decides who owns which command, and swaps the whole set.
    fn publish(&mut self) {
        let plugins: BTreeMap<PluginId, Arc<Plugin>> =
            self.known.iter().filter_map(|(id, known)| Some((id.clone(), known.state.plugin()?.clone()))).collect();
        let claims: Vec<Claim> = self.known.iter().map(|(id, known)| self.claim(id, known)).collect();
        let (owners, conflicts) = assign(&claims, &self.owners, &self.place.fallbacks);
        for conflict in conflicts.iter().filter(|conflict| !self.conflicts.contains(conflict)) {
            let others: Vec<String> = conflict.others.iter().map(ToString::to_string).collect();
            let (command, others) = (&conflict.command, others.join(", "));
            match &conflict.owner {
                Some(plugin) => warn!(
                    target: PLUGINS, %plugin, %command, others,
                    "several plugins declare this command; `commands` in a grant file decides otherwise",
                ),
                None => warn!(
                    target: PLUGINS, %command, others,
                    "a webhook answers this command, and an update takes none; `commands` in a grant file decides otherwise",
                ),
            }
        }
        let owner = |id: &PluginId| match plugins.get(id) {
            Some(plugin) => Owner::Plugin(plugin.clone()),
            None => Owner::Absent(id.clone()),
        };
        let routes = Routes::new(&owners, owner);
        if owners != self.owners
            && let Err(error) = self.kept.save_owners(&owners)
        {
            warn!(target: PLUGINS, %error, "who owns which command cannot be kept over a restart");
        }
        let problems = self.problems();
        let disabled = self.known.iter().filter(|(_, known)| matches!(known.state, State::Disabled));
        let disabled = disabled.map(|(id, _)| id.clone()).collect();
        let tenants = plugins.keys().filter_map(|id| match &id.folder {
            Folder::Tenant(tenant) => Some(tenant.to_string()),
            Folder::Shared => None,
        });
        let tenants = tenants.collect();
        let conflicts_now = conflicts.clone();
        self.current.set(Catalog { plugins, tenants, routes, conflicts: conflicts_now, problems, disabled });
        self.owners = owners;
        self.conflicts = conflicts;
    }

    /// A plugin that does not serve, though its file is there, keeps what it owned: nobody else answers in its place.
    fn claim(&self, id: &PluginId, known: &Known) -> Claim {
        match known.state.plugin() {
            Some(plugin) => {
                Claim { plugin: id.clone(), commands: plugin.commands(), granted: plugin.grant.commands.clone() }
            }
            None => {
                let owned = self.owners.owned.iter().filter(|(_, owner)| *owner == id);
                let commands = owned.map(|((_, command), _)| command.clone()).collect();
                Claim { plugin: id.clone(), commands, granted: Vec::new() }
            }
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let of_files = self.odd.iter().map(|(path, what)| Problem {
            path: path.clone(),
            what: what.clone(),
            last_good_serves: false,
        });
        let of_plugins = self.known.iter().filter_map(|(id, known)| {
            let (error, last_good_serves) = match &known.state {
                State::LastGood(_, error) => (error, true),
                State::Broken(error) => (error, false),
                State::Serving(_) | State::Disabled => return None,
            };
            let path = match error {
                LoadError::Grant(_) | LoadError::GrantRead(_) => grant_path(&self.place.plugins_dir, id),
                _ => wasm_path(&self.place.plugins_dir, id),
            };
            Some(Problem { path, what: error.to_string(), last_good_serves })
        });
        of_files.chain(of_plugins).collect()
    }
}

/// Loads a file that lies anywhere, with the grant beside it if there is one.
pub(crate) async fn load_alone(loader: &Loader, settings: &Settings, file: &Path) -> Result<Plugin, LoadError> {
    let bytes = read_capped(file, settings.file_mib_max)?;
    let id = PluginId::shared(&file.file_stem().unwrap_or_default().to_string_lossy());
    let grant_file = file.with_extension("toml");
    let grant = if grant_file.exists() {
        read_grant(&grant_file, &id, settings.ceiling)?
    } else {
        Grant::none(settings.ceiling)
    };
    loader.load(&id, bytes.into(), grant).await
}

/// Reads and hashes off the threads that serve.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(LoadError::Read(io::Error::other(panic))))
}

/// Reads a file, however it grows meanwhile, up to its limit.
fn read_capped(path: &Path, mib_max: u32) -> Result<Vec<u8>, LoadError> {
    let file = fs::File::open(path)?;
    let bytes_max = u64::from(mib_max) * 1024 * 1024;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let bytes = fs::metadata(path)?.len();
        return Err(LoadError::TooLarge { bytes, mib_max });
    }
    Ok(bytes)
}

fn read_grant(path: &Path, id: &PluginId, ceiling: Limits) -> Result<Grant, LoadError> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(GRANT_BYTES_MAX).read_to_string(&mut text));
    read.map_err(LoadError::GrantRead)?;
    Ok(Grant::parse(&text, &id.folder, ceiling, |name| std::env::var(name).ok())?)
}

fn or_last_good(plugin: Option<Arc<Plugin>>, error: LoadError) -> State {
    match plugin {
        Some(plugin) => State::LastGood(plugin, error),
        None => State::Broken(error),
    }
}

/// What became of a file, for the operator.
fn report(id: &PluginId, before: Option<&Arc<Plugin>>, state: &State) {
    match state {
        State::Serving(now) if before.is_some_and(|before| Arc::ptr_eq(before, now)) => {} // Touched, not changed.
        State::Serving(now) => report_serving(id, before.map(|before| &**before), now),
        State::LastGood(_, error) => {
            warn!(target: PLUGINS, plugin = %id, %error, "cannot be loaded, the last good version serves");
        }
        State::Broken(error) => warn!(target: PLUGINS, plugin = %id, %error, "cannot be loaded"),
        State::Disabled => info!(target: PLUGINS, plugin = %id, "disabled by its grant"),
    }
}

fn report_serving(id: &PluginId, before: Option<&Plugin>, now: &Plugin) {
    let version = &now.descriptor().version;
    let lacks = |plugin: &Plugin| plugin.lacks();
    let had: Vec<Lack> = before.map(lacks).unwrap_or_default();
    let lacks: Vec<String> = lacks(now).iter().filter(|lack| !had.contains(lack)).map(ToString::to_string).collect();
    let what = if before.is_some() { "replaced" } else { "loaded" };
    if lacks.is_empty() {
        info!(target: PLUGINS, plugin = %id, version, "{what}");
    } else {
        let lacks = lacks.join(", ");
        warn!(target: PLUGINS, plugin = %id, version, lacks, "{what}; it asks for what its grant file does not give");
    }
}
