//! Brings the set of plugins in line with the folder.
//!
//! A pass looks at the folder and has what changed loaded; what is loaded begins to serve as a whole new set. Invariants:
//! a slow load holds up no other plugin's; one plugin is loaded once at a time; what is loaded serves on until something
//! sound takes its place, or its file is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Claim, Conflict, Fallbacks, Owners, PluginId, assign};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use crate::{
    Catalog, LoadError, Plugin, Problem,
    cache::ContentHash,
    catalog::{Current, Parts},
    folder::{Files, Scan, scan},
    report,
    shelf::{Shelf, State},
    telemetry::PLUGINS,
};

/// When a file is tried again that was not loaded for lack of time.
const AGAIN: Duration = Duration::from_secs(60);

/// Whether a file that changed may still be being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Load what is there, and wait until it serves: at the start, and when somebody asks.
    Now,
    /// Load what looked the same at the pass before.
    Settled,
}

/// What is known of the folder, and the set that serves.
pub(crate) struct Reloader {
    shelf: Arc<Shelf>,
    known: BTreeMap<PluginId, Known>,
    unsettled: BTreeMap<PluginId, Option<Files>>,
    loading: BTreeSet<PluginId>,
    loads: JoinSet<Loaded>,
    /// Those whose file is gone, and which loads they wait for: a file that was renamed serves under one name until it
    /// does under the other.
    leaving: BTreeMap<PluginId, BTreeSet<PluginId>>,
    odd: Vec<(PathBuf, String)>,
    /// The commands that remotes answer.
    fallbacks: Arc<Fallbacks>,
    owners: Owners,
    conflicts: Vec<Conflict>,
    folder_gone: bool,
    /// Whether something has changed that does not serve yet.
    changed: bool,
    current: Arc<Current>,
}

/// A plugin's files as they were last looked at, and what became of them.
struct Known {
    files: Files,
    state: State,
    /// When the same files are tried again, if that may help.
    again_at: Option<Instant>,
}

impl Known {
    fn new(files: Files, state: State) -> Self {
        let again_at = state.error().filter(|error| error.passes()).map(|_| Instant::now() + AGAIN);
        Self { files, state, again_at }
    }

    /// Whether these files have been tried, and there is no use in trying them again yet.
    fn settles(&self, files: Option<Files>) -> bool {
        files == Some(self.files) && self.again_at.is_none_or(|at| Instant::now() < at)
    }
}

/// What a load came to.
struct Loaded {
    id: PluginId,
    known: Known,
}

impl Reloader {
    pub(crate) fn new(shelf: Shelf, fallbacks: Fallbacks, current: Arc<Current>) -> Self {
        let owners = shelf.kept.owners();
        Self {
            shelf: Arc::new(shelf),
            known: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            loading: BTreeSet::new(),
            loads: JoinSet::new(),
            leaving: BTreeMap::new(),
            odd: Vec::new(),
            fallbacks: Arc::new(fallbacks),
            owners,
            conflicts: Vec::new(),
            folder_gone: false,
            changed: true,
            current,
        }
    }

    pub(crate) fn plugins_dir(&self) -> &Path {
        &self.shelf.place.plugins_dir
    }

    /// Looks at the folder once. Says whether some file has yet to settle.
    pub(crate) async fn pass(&mut self, pace: Pace) -> bool {
        if pace == Pace::Now {
            self.wait_for_loads().await; // They may be of files that have changed since.
        }
        if let Some(scan) = self.look().await {
            self.follow(scan, pace).await;
        }
        if std::mem::take(&mut self.changed) {
            self.publish().await;
        }
        !self.unsettled.is_empty()
    }

    /// Has remotes answer these commands from now on, and decides anew who owns which. Says whether that is so; if not,
    /// everything is as it was.
    pub(crate) async fn set_fallbacks(&mut self, fallbacks: Fallbacks) -> bool {
        if *self.fallbacks == fallbacks {
            return true;
        }
        let before = std::mem::replace(&mut self.fallbacks, Arc::new(fallbacks));
        let is_so = self.publish().await;
        if !is_so {
            self.fallbacks = before;
        }
        is_so
    }

    /// Has what changed loaded, and what is gone retired.
    async fn follow(&mut self, scan: Scan, pace: Pace) {
        self.changed |= scan.odd != self.odd;
        let ids: BTreeSet<PluginId> = scan.plugins.keys().chain(self.known.keys()).cloned().collect();
        self.unsettled.retain(|id, _| ids.contains(id)); // It came and went.
        let (mut begun, mut gone) = (BTreeSet::new(), Vec::new());
        for id in ids {
            let files = scan.plugins.get(&id).copied();
            if scan.is_unclear(&id) || self.loading.contains(&id) {
                continue;
            }
            if files.is_some() {
                self.leaving.remove(&id);
            } else if self.leaving.contains_key(&id) {
                continue;
            }
            let settled = self.known.get(&id).map_or(files.is_none(), |known| known.settles(files));
            if settled {
                self.unsettled.remove(&id);
            } else if pace == Pace::Settled && self.unsettled.get(&id) != Some(&files) {
                self.unsettled.insert(id, files);
            } else {
                self.unsettled.remove(&id);
                match files {
                    Some(files) => {
                        begun.insert(id.clone());
                        self.begin_load(id, files);
                    }
                    None => gone.push(id),
                }
            }
        }
        self.odd = scan.odd;
        self.leaving.extend(gone.into_iter().map(|id| (id, begun.clone())));
        self.retire_leaving();
        if pace == Pace::Now {
            self.wait_for_loads().await;
        }
    }

    /// Waits until something is loaded, which serves after the next pass; for ever if nothing is being loaded. Of a wait that
    /// is given up, nothing is lost.
    pub(crate) async fn loaded(&mut self) {
        let Some(loaded) = self.loads.join_next().await else { return std::future::pending().await };
        self.note(loaded);
        while let Some(loaded) = self.loads.try_join_next() {
            self.note(loaded);
        }
    }

    /// Removes what is kept of plugins whose files are gone, and compiled code that none has used for long.
    pub(crate) async fn prune(&mut self) {
        if let Some(scan) = self.look().await {
            self.forget_gone(&scan);
        }
        let used =
            self.known.values().filter_map(|known| Some(ContentHash(known.state.plugin()?.content_hash.clone())));
        let (used, shelf) = (used.collect(), self.shelf.clone());
        let pruned = tokio::task::spawn_blocking(move || shelf.loader.prune(&used)).await;
        if let Err(panic) = pruned {
            warn!(target: PLUGINS, %panic, "compiled code cannot be looked through");
        }
    }

    /// Those whose files went while no host ran: one that comes later under the name is another plugin.
    fn forget_gone(&self, scan: &Scan) {
        let is_there =
            |id: &PluginId| scan.plugins.contains_key(id) || scan.is_unclear(id) || self.known.contains_key(id);
        for id in self.shelf.kept.ids().iter().filter(|id| !is_there(id)) {
            self.forget(id);
        }
    }

    fn forget(&self, id: &PluginId) {
        if let Err(error) = self.shelf.kept.remove(id) {
            warn!(target: PLUGINS, plugin = %id, %error, "the kept version cannot be removed");
        }
    }

    async fn wait_for_loads(&mut self) {
        while let Some(loaded) = self.loads.join_next().await {
            self.note(loaded);
        }
    }

    fn begin_load(&mut self, id: PluginId, files: Files) {
        let before = self.known.get(&id).map(|known| &known.state);
        let serving = before.and_then(State::plugin).cloned();
        let waiting = before.and_then(State::waiting).cloned();
        let shelf = self.shelf.clone();
        self.loading.insert(id.clone());
        self.loads.spawn(async move {
            // A task of its own: should the host fail at it, it is known of which plugin.
            let load = AbortOnDropHandle::new(tokio::spawn({
                let (id, serving, waiting) = (id.clone(), serving.clone(), waiting.clone());
                async move { shelf.load(&id, files, serving, waiting).await }
            }));
            let state = load.await.unwrap_or_else(|error| {
                let error = LoadError::Compile(format!("the host failed: {error}"));
                match serving.clone() {
                    Some(serving) => State::LastGood(serving, error),
                    None => State::Broken(error, waiting),
                }
            });
            report::loaded(&id, serving.as_ref(), &state);
            Loaded { id, known: Known::new(files, state) }
        });
    }

    fn note(&mut self, loaded: Result<Loaded, tokio::task::JoinError>) {
        let Ok(Loaded { id, known }) = loaded else { return }; // Only if the runtime ends.
        self.loading.remove(&id);
        for waits_for in self.leaving.values_mut() {
            waits_for.remove(&id);
        }
        self.known.insert(id, known);
        self.changed = true;
        self.retire_leaving();
    }

    /// Retires those that wait for nothing any more.
    fn retire_leaving(&mut self) {
        let ready: Vec<PluginId> =
            self.leaving.extract_if(.., |_, waits_for| waits_for.is_empty()).map(|(id, _)| id).collect();
        self.changed |= !ready.is_empty();
        ready.iter().for_each(|id| self.retire(id));
    }

    fn retire(&mut self, id: &PluginId) {
        self.known.remove(id);
        info!(target: PLUGINS, plugin = %id, "retired");
        self.forget(id);
    }

    /// None if the folder cannot be read: then everything stays as it is.
    async fn look(&mut self) -> Option<Scan> {
        let dir = self.shelf.place.plugins_dir.clone();
        let scanned = tokio::task::spawn_blocking(move || scan(&dir)).await;
        match scanned.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(scan) => {
                self.folder_gone = false;
                Some(scan)
            }
            Err(error) => {
                if !self.folder_gone {
                    let path = self.shelf.place.plugins_dir.display();
                    warn!(target: PLUGINS, %path, %error, "plugins folder cannot be read, what is loaded serves on");
                    self.folder_gone = true;
                }
                None
            }
        }
    }

    /// Decides who owns which command, and swaps the whole set. Says whether that is done; if not, the next pass tries it
    /// again.
    async fn publish(&mut self) -> bool {
        let claims: Vec<Claim> = self.known.iter().map(|(id, known)| self.claim(id, known)).collect();
        let (shelf, so_far, fallbacks) = (self.shelf.clone(), self.owners.clone(), self.fallbacks.clone());
        // Many plugins have many commands, and the file is synced.
        let decided = tokio::task::spawn_blocking(move || {
            let (owners, conflicts) = assign(&claims, &so_far, &fallbacks);
            if owners != so_far
                && let Err(error) = shelf.kept.save_owners(&owners)
            {
                warn!(target: PLUGINS, %error, "who owns which command cannot be kept over a restart");
            }
            (owners, conflicts)
        });
        let (owners, conflicts) = match decided.await {
            Ok(decided) => decided,
            Err(error) => {
                error!(target: PLUGINS, %error, "who owns which command cannot be decided, what serves goes on");
                self.changed = true;
                return false;
            }
        };
        conflicts.iter().filter(|conflict| !self.conflicts.contains(conflict)).for_each(report::conflict);
        (self.owners, self.conflicts) = (owners.clone(), conflicts.clone());
        let of_state = |of: fn(&State) -> Option<&Arc<Plugin>>| {
            self.known.iter().filter_map(|(id, known)| Some((id.clone(), of(&known.state)?.clone()))).collect()
        };
        let (plugins, waiting) = (of_state(State::plugin), of_state(State::waiting));
        let odd = self.odd.iter().map(|(path, what)| Problem { path: path.clone(), what: what.clone() }).collect();
        let standing = |(id, known): (&PluginId, &Known)| (id.clone(), known.state.standing(self.plugins_dir(), id));
        let standings = self.known.iter().map(standing).collect();
        self.current.set(Catalog::new(Parts { plugins, waiting, owners, conflicts, odd, standings }));
        true
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_for_lack_of_time_is_tried_again_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.wasm"), "").unwrap();
        let files = scan(dir.path()).unwrap().plugins[&PluginId::shared("a")];
        let known = |error| Known::new(files, State::Broken(error, None));
        for passes in [
            LoadError::CompileTime { max_s: 1 },
            LoadError::Crowded { under_way: 16 },
            LoadError::DescribeTime(String::new()),
        ] {
            let known = known(passes);
            assert!(known.settles(Some(files)) && !known.settles(None));
            let later = Known { again_at: Some(Instant::now()), ..known };
            assert!(!later.settles(Some(files)));
        }
        assert!(known(LoadError::Empty).again_at.is_none() && known(LoadError::Empty).settles(Some(files)));
    }
}
