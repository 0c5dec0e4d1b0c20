//! The plugins that serve at a moment, and what is odd about the folder.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use slashbox_core::{Claim, CommandName, Conflict, Owners, PluginId, Routes, assign, near};

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
    pub(crate) routes: Routes<Owner>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) disabled: Vec<PluginId>,
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

impl Catalog {
    /// A set of one plugin, which owns all that it declares.
    pub(crate) fn of_one(plugin: Plugin) -> Self {
        let plugin = Arc::new(plugin);
        let claim = Claim { plugin: plugin.id().clone(), commands: plugin.commands(), granted: Vec::new() };
        let (owners, _) = assign(&[claim], &Owners::default());
        let routes = Routes::new(&owners, |_| Owner::Plugin(plugin.clone()));
        Self { plugins: [(plugin.id().clone(), plugin)].into(), routes, ..Self::default() }
    }

    /// Who answers a command.
    pub fn owner(&self, tenant: &str, command: &str) -> Option<&Owner> {
        self.routes.owner(tenant, command)
    }

    /// A tenant's commands that are near to an unknown one, the nearest first.
    pub fn near(&self, tenant: &str, command: &str) -> Vec<String> {
        let known = self.routes.commands(tenant).map(CommandName::as_str);
        near(command, known).into_iter().map(Into::into).collect()
    }

    /// The plugins that serve, by folder and name.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }

    /// Commands that more than one plugin declares.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// Files that do not serve as they are.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Plugins that the operator switched off.
    pub fn disabled(&self) -> &[PluginId] {
        &self.disabled
    }
}
