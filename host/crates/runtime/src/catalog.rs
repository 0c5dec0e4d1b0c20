//! The plugins that serve at a moment, and what is odd about the folder.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use arc_swap::ArcSwap;
use slashbox_core::{Claim, CommandName, Conflict, Fallbacks, Folder, Owners, PluginId, Routes, assign};
use tokio::sync::watch;

use crate::Plugin;

/// Who answers a command.
#[derive(Clone, Debug)]
pub enum Owner {
    /// This plugin.
    Plugin(Arc<Plugin>),
    /// A plugin that cannot be called now: its file is there, but broken or disabled.
    Absent(PluginId),
}

/// One whole set of plugins. It is replaced as a whole; who holds one sees no change.
#[derive(Debug, Default)]
pub struct Catalog {
    pub(crate) plugins: BTreeMap<PluginId, Arc<Plugin>>,
    shared: InFolder,
    /// Those of the tenants that have some of their own.
    tenants: HashMap<Box<str>, InFolder>,
    routes: Routes<Owner>,
    conflicts: Vec<Conflict>,
    odd: Vec<Problem>,
    standings: BTreeMap<PluginId, Standing>,
    owners: Owners,
}

/// The plugins of a folder, by name.
#[derive(Debug, Default)]
struct InFolder {
    serving: BTreeMap<Arc<str>, Arc<Plugin>>,
    /// Those of which nothing serves now, but which are known to want events.
    waiting: BTreeMap<Arc<str>, Arc<Plugin>>,
}

/// What a set is made of.
pub(crate) struct Parts {
    pub(crate) plugins: BTreeMap<PluginId, Arc<Plugin>>,
    /// Those that cannot be called now, as far as it is known what they are.
    pub(crate) waiting: BTreeMap<PluginId, Arc<Plugin>>,
    pub(crate) owners: Owners,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) odd: Vec<Problem>,
    pub(crate) standings: BTreeMap<PluginId, Standing>,
}

/// How a plugin whose file is there stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The file serves as it is.
    Serving,
    /// Its last good version serves, and what is wrong with the one that lies there.
    LastGood(Problem),
    /// Nothing of it serves, and why not.
    Broken(Problem),
    /// The operator switched it off.
    Disabled,
}

impl Standing {
    /// What is wrong, if anything is.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::LastGood(problem) | Self::Broken(problem) => Some(problem),
            Self::Serving | Self::Disabled => None,
        }
    }
}

/// A file that does not serve as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which file.
    pub path: PathBuf,
    /// Why not, and what was expected.
    pub what: String,
}

/// The set that serves at the moment, and the news of its being replaced.
#[derive(Debug, Default)]
pub(crate) struct Current {
    catalog: ArcSwap<Catalog>,
    changes: watch::Sender<()>,
}

impl Current {
    pub(crate) fn get(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    pub(crate) fn set(&self, catalog: Catalog) {
        self.catalog.store(Arc::new(catalog));
        self.changes.send_replace(());
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

impl Catalog {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { plugins, waiting, owners, conflicts, odd, standings } = parts;
        let (mut shared, mut tenants) = (InFolder::default(), HashMap::<Box<str>, InFolder>::new());
        let mut folder_of = |id: &PluginId, put: &dyn Fn(&mut InFolder)| match &id.folder {
            Folder::Shared => put(&mut shared),
            Folder::Tenant(tenant) => put(tenants.entry(tenant.as_ref().into()).or_default()),
        };
        for (id, plugin) in &plugins {
            folder_of(id, &|folder| drop(folder.serving.insert(id.stem.clone(), plugin.clone())));
        }
        for (id, plugin) in &waiting {
            folder_of(id, &|folder| drop(folder.waiting.insert(id.stem.clone(), plugin.clone())));
        }
        let routes = Routes::new(&owners, |id| match plugins.get(id) {
            Some(plugin) => Owner::Plugin(plugin.clone()),
            None => Owner::Absent(id.clone()),
        });
        Self { plugins, shared, tenants, routes, conflicts, odd, standings, owners }
    }

    /// A set of one plugin, which owns all that it declares.
    pub(crate) fn of_one(plugin: Plugin) -> Self {
        let plugin = Arc::new(plugin);
        let claim = Claim { plugin: plugin.id().clone(), commands: plugin.commands(), granted: Vec::new() };
        let (owners, conflicts) = assign(&[claim], &Owners::default(), &Fallbacks::default());
        let standings = [(plugin.id().clone(), Standing::Serving)].into();
        let plugins = [(plugin.id().clone(), plugin)].into();
        Self::new(Parts { plugins, waiting: BTreeMap::new(), owners, conflicts, odd: Vec::new(), standings })
    }

    /// Who answers a command.
    pub fn owner(&self, tenant: &str, command: &str) -> Option<&Owner> {
        self.routes.owner(tenant, command)
    }

    /// The commands that a tenant's plugins own, in no order.
    pub fn commands(&self, tenant: &str) -> impl Iterator<Item = &CommandName> {
        self.routes.commands(tenant)
    }

    /// The plugin of that name that a tenant's events go to: its own, or else a shared one.
    pub fn plugin(&self, tenant: &str, stem: &str) -> Option<&Arc<Plugin>> {
        match self.tenants.get(tenant).filter(|own| own.has(stem)) {
            Some(own) => own.serving.get(stem),
            None => self.shared.serving.get(stem),
        }
    }

    /// The plugins that a tenant's events are for, those that serve and those that will when they are mended: its own, and
    /// the shared ones whose names no own one has. What they keep belongs to the name, so that there is one of each.
    pub fn subscribers(&self, tenant: &str) -> impl Iterator<Item = &Arc<Plugin>> {
        let own = self.tenants.get(tenant);
        let shared = self.shared.all().filter(move |plugin| own.is_none_or(|own| !own.has(&plugin.id().stem)));
        own.into_iter().flat_map(InFolder::all).chain(shared)
    }

    /// Whether a tenant has a plugin of its own by that name, which has the place of a shared one: once it has been sound.
    pub fn has_own(&self, tenant: &str, stem: &str) -> bool {
        self.tenants.get(tenant).is_some_and(|own| own.has(stem))
    }

    /// The plugins that serve, by folder and name.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }

    /// Commands that more than one plugin declares, or a plugin and a remote.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// Files that do not serve as they are: those of plugins, and those that can be none.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.standings.values().filter_map(Standing::problem).chain(&self.odd)
    }

    /// Files that can be no plugins.
    pub fn odd_files(&self) -> &[Problem] {
        &self.odd
    }

    /// Every plugin whose file is there, by folder and name, whether or not it serves.
    pub fn standings(&self) -> impl Iterator<Item = (&PluginId, &Standing)> {
        self.standings.iter()
    }

    /// What serves of a plugin; none if it is broken, disabled, or not there.
    pub fn version(&self, id: &PluginId) -> Option<&Arc<Plugin>> {
        self.plugins.get(id)
    }

    /// The commands that each plugin owns, for whichever tenant; one that does not serve too, as long as its file is
    /// there.
    pub fn owned(&self) -> BTreeMap<&PluginId, BTreeSet<&CommandName>> {
        let mut owned = BTreeMap::<&PluginId, BTreeSet<&CommandName>>::new();
        for ((_, command), owner) in &self.owners.owned {
            owned.entry(owner).or_default().insert(command);
        }
        owned
    }
}

impl InFolder {
    fn has(&self, stem: &str) -> bool {
        self.serving.contains_key(stem) || self.waiting.contains_key(stem)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.serving.values().chain(self.waiting.values())
    }
}
