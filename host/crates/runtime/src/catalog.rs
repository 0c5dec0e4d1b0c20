//! The plugins that serve at a moment, and what is odd about the folder.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// The tenants that have some of their own.
    pub(crate) tenants: BTreeSet<String>,
    pub(crate) routes: Routes<Owner>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) disabled: Vec<PluginId>,
    pub(crate) standings: BTreeMap<PluginId, Standing>,
    pub(crate) owners: Owners,
}

/// How a plugin whose file is there stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The file serves as it is.
    Serving,
    /// Its last good version serves, and what is wrong with the one that lies there.
    LastGood(String),
    /// Nothing of it serves, and why not.
    Broken(String),
    /// The operator switched it off.
    Disabled,
}

/// A file that does not serve as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which file.
    pub path: PathBuf,
    /// Why not, and what was expected.
    pub what: String,
    /// Whether an earlier version serves instead.
    pub last_good_serves: bool,
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
    /// A set of one plugin, which owns all that it declares.
    pub(crate) fn of_one(plugin: Plugin) -> Self {
        let plugin = Arc::new(plugin);
        let claim = Claim { plugin: plugin.id().clone(), commands: plugin.commands(), granted: Vec::new() };
        let (owners, _) = assign(&[claim], &Owners::default(), &Fallbacks::default());
        let routes = Routes::new(&owners, |_| Owner::Plugin(plugin.clone()));
        let standings = [(plugin.id().clone(), Standing::Serving)].into();
        Self { plugins: [(plugin.id().clone(), plugin)].into(), routes, standings, owners, ..Self::default() }
    }

    /// Who answers a command.
    pub fn owner(&self, tenant: &str, command: &str) -> Option<&Owner> {
        self.routes.owner(tenant, command)
    }

    /// The commands that a tenant's plugins own, in no order.
    pub fn commands(&self, tenant: &str) -> impl Iterator<Item = &CommandName> {
        self.routes.commands(tenant)
    }

    /// The plugin of that name that a tenant's events go to: its own before a shared one.
    pub fn plugin(&self, tenant: &str, stem: &str) -> Option<&Arc<Plugin>> {
        let own = self.plugins.get(&PluginId::of_tenant(tenant, stem));
        own.or_else(|| self.plugins.get(&PluginId::shared(stem)))
    }

    /// The plugins that serve a tenant: its own, and the shared ones whose names no own one has. What they keep belongs
    /// to the name, so that there is one plugin of each.
    pub fn plugins_of(&self, tenant: &str) -> impl Iterator<Item = &Arc<Plugin>> {
        let own = |stem: &str| self.plugins.contains_key(&PluginId::of_tenant(tenant, stem));
        let has_own = self.tenants.contains(tenant);
        self.plugins.values().filter(move |plugin| match &plugin.id().folder {
            Folder::Tenant(folder) => **folder == *tenant,
            Folder::Shared => !(has_own && own(&plugin.id().stem)),
        })
    }

    /// The plugins that serve, by folder and name.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }

    /// Commands that more than one plugin declares, or a plugin and a remote.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// Files that do not serve as they are.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
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

    /// Plugins that the operator switched off.
    pub fn disabled(&self) -> &[PluginId] {
        &self.disabled
    }
}
