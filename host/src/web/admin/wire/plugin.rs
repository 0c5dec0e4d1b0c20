//! Plugins.
//!
//! Invariant: of a setting its name is told, never its value.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use slashbox_core::{self as core, CommandName, Folder, Limits, PluginId, Scope};
use slashbox_runtime::{self as runtime, Catalog, Standing};
use slashbox_store::Usage;
use utoipa::ToSchema;

use crate::{pipeline::seconds, warnings::Warnings};

/// All plugins whose files are there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginList {
    /// Those that are shared first, each sort by name.
    items: Vec<Plugin>,
    /// Commands that several plugins declare, or a plugin and a webhook.
    conflicts: Vec<Conflict>,
    /// Files that can be no plugins.
    problems: Vec<OddFile>,
}

/// A plugin whose file is there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Plugin {
    /// Its path below the plugins folder, without `.wasm`.
    #[schema(example = "acme/mark")]
    id: String,
    /// Whose it is; null if it serves every tenant.
    tenant: Option<String>,
    /// Its file's name without `.wasm`: what it keeps, and its deliveries, go by this name.
    #[schema(example = "mark")]
    name: String,
    /// How it stands.
    state: PluginState,
    /// What is wrong with its file, or with its grant.
    error: Option<String>,
    /// The version that serves; null if none does.
    serving: Option<Version>,
    /// The commands that it answers, if only for some tenants. One that does not serve keeps them: nobody else answers.
    owns: Vec<String>,
    /// The commands that it declares, and others answer.
    not_owned: Vec<NotOwned>,
    /// What it asks for in vain, in words: patterns that match nothing that its sources send, and sources of its grant that
    /// are not there. As far as that is known: a platform may send more than its document names.
    #[schema(example = json!(["\"dialog_close\" matches nothing that any source sends, did you mean dialog_closed?"]))]
    warnings: Vec<String>,
}

/// A plugin, with what it keeps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginDetail {
    #[serde(flatten)]
    plugin: Plugin,
    /// What it keeps, for each tenant for which that is anything. What has expired counts until it is removed.
    keeps: Vec<Kept>,
}

/// How a plugin stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PluginState {
    /// Its file serves as it is.
    Serving,
    /// There is a mistake in its file or its grant, and the last good version serves.
    LastGood,
    /// There is a mistake in its file or its grant, and no version that could serve instead.
    Broken,
    /// Its grant switches it off.
    Disabled,
}

/// A version of a plugin that serves: what it says of itself, and what it has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Version {
    /// What it calls itself, for people.
    #[schema(example = "mark")]
    name: String,
    /// Its own version.
    #[schema(example = "1.2.0")]
    version: String,
    /// What it is for.
    summary: String,
    /// The commands that it declares.
    commands: Vec<Command>,
    /// The kinds of events that it wants.
    #[schema(example = json!(["message.*"]))]
    events: Vec<String>,
    /// The hosts that it asks to reach.
    #[schema(example = json!(["crm.example.com"]))]
    http_hosts: Vec<String>,
    /// The settings that it asks for.
    settings: Vec<Setting>,
    /// What its grant gives it: the names of settings, and hosts.
    #[schema(example = json!(["setting TOKEN", "http to crm.example.com"]))]
    granted: Vec<String>,
    /// What its grant does not give of what it asks for, in words.
    #[schema(example = json!(["required setting TOKEN", "http to crm.example.com"]))]
    lacks: Vec<String>,
    /// The sources whose events it gets, as its grant says; all of the tenant's if there are none.
    #[schema(example = json!([]))]
    sources: Vec<String>,
    /// Who must have written what it gets, as its grant says; anybody if there are none.
    #[schema(example = json!(["contact"]))]
    senders: Vec<&'static str>,
    /// What it may use, by the limit's name; its unit is the name's last word.
    limits: BTreeMap<String, u32>,
    /// The SHA-256 of its file, in hexadecimal.
    sha256: String,
    /// How large its file is.
    bytes: u64,
    /// For whom it is not called at present, since it kept crashing.
    set_aside: Vec<SetAside>,
}

/// A command that a plugin declares.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Command {
    /// With the slash.
    #[schema(example = "/mark")]
    name: String,
    /// What follows the name.
    usage: String,
    /// What it does.
    summary: String,
}

/// A setting that a plugin asks for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Setting {
    /// Its name.
    #[schema(example = "TOKEN")]
    name: String,
    /// What it is for.
    summary: String,
    /// Whether its value must not be shown.
    secret: bool,
    /// Whether the plugin cannot do its work without it.
    required: bool,
}

/// A tenant for which a plugin is set aside.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetAside {
    /// Which tenant.
    tenant: String,
    /// How long its calls are refused from now on; 0 if the next one is let through, to see how it does.
    seconds: u64,
}

/// A command that a plugin declares, and another answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotOwned {
    /// The command.
    #[schema(example = "/mark")]
    command: String,
    /// For which tenant; null for every one that has no plugins or webhooks of its own.
    tenant: Option<String>,
    /// The plugin that answers it; null if a webhook does.
    owner: Option<String>,
}

/// A command that several plugins declare, or a plugin and a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Conflict {
    /// The command.
    #[schema(example = "/mark")]
    command: String,
    /// For which tenant; null for every one that has no plugins or webhooks of its own.
    tenant: Option<String>,
    /// The plugin that answers it; null if a webhook does.
    owner: Option<String>,
    /// Those that declare it too.
    others: Vec<String>,
}

/// A file that can be no plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OddFile {
    /// Which file.
    path: String,
    /// What is wrong with it, and what was expected.
    error: String,
}

/// What a plugin keeps for a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Kept {
    /// Which tenant.
    tenant: String,
    /// How many keys.
    kv_keys: u64,
    /// The bytes of keys, values and timers.
    kv_bytes: u64,
    /// How many timers are set.
    timers: u64,
}

impl PluginList {
    pub(crate) fn new(catalog: &Catalog, warnings: &Warnings) -> Self {
        let owned = catalog.owned();
        let plugin =
            |(id, standing)| Plugin { warnings: warnings.of_plugin(id), ..Plugin::new(catalog, id, standing, &owned) };
        Self {
            items: catalog.standings().map(plugin).collect(),
            conflicts: catalog.conflicts().iter().map(Conflict::from).collect(),
            problems: catalog.odd_files().iter().map(OddFile::from).collect(),
        }
    }
}

impl Plugin {
    fn new(
        catalog: &Catalog,
        id: &PluginId,
        standing: &Standing,
        owned: &BTreeMap<&PluginId, BTreeSet<&CommandName>>,
    ) -> Self {
        let (state, error) = match standing {
            Standing::Serving => (PluginState::Serving, None),
            Standing::LastGood(problem) => (PluginState::LastGood, Some(problem.what.clone())),
            Standing::Broken(problem) => (PluginState::Broken, Some(problem.what.clone())),
            Standing::Disabled => (PluginState::Disabled, None),
        };
        let tenant = match &id.folder {
            Folder::Shared => None,
            Folder::Tenant(tenant) => Some(tenant.to_string()),
        };
        let owns = owned.get(id).into_iter().flatten().map(ToString::to_string);
        let not_owned = catalog.conflicts().iter().filter(|conflict| conflict.others.contains(id));
        Self {
            id: id.to_string(),
            tenant,
            name: id.stem.to_string(),
            state,
            error,
            serving: catalog.version(id).map(|plugin| Version::from(&**plugin)),
            owns: owns.collect(),
            not_owned: not_owned.map(NotOwned::from).collect(),
            warnings: Vec::new(),
        }
    }
}

impl PluginDetail {
    /// `usages` are those of plugins of its name.
    pub(crate) fn new(
        catalog: &Catalog,
        warnings: &Warnings,
        (id, standing): (&PluginId, &Standing),
        usages: &[(Scope, Usage)],
    ) -> Self {
        let keeps = usages.iter().filter(|(scope, _)| is_of(catalog, id, &scope.tenant)).map(Kept::from).collect();
        let plugin = Plugin::new(catalog, id, standing, &catalog.owned());
        Self { plugin: Plugin { warnings: warnings.of_plugin(id), ..plugin }, keeps }
    }
}

/// Whether what is kept for a tenant under a plugin's name is this plugin's: a tenant's own comes before the shared one,
/// once it serves.
fn is_of(catalog: &Catalog, id: &PluginId, tenant: &str) -> bool {
    match &id.folder {
        Folder::Tenant(own) => **own == *tenant,
        Folder::Shared => !catalog.has_own(tenant, &id.stem),
    }
}

/// What a version of a plugin says of itself, and what it has: as the admin API tells it of one that serves.
pub fn version_json(plugin: &runtime::Plugin) -> serde_json::Value {
    // Its keys are texts, and its figures no fractions: JSON has all of it.
    serde_json::to_value(Version::from(plugin)).unwrap_or_default()
}

impl From<&runtime::Plugin> for Version {
    fn from(plugin: &runtime::Plugin) -> Self {
        let core::Descriptor { name, version, summary, commands, events, http_hosts, settings } = plugin.descriptor();
        let limits = plugin.limits();
        let limit = |&limit: &&str| Some((limit.to_owned(), limits.get(limit)?));
        Self {
            name: name.clone(),
            version: version.clone(),
            summary: summary.clone(),
            commands: commands.iter().map(Command::from).collect(),
            events: events.iter().map(ToString::to_string).collect(),
            http_hosts: http_hosts.iter().map(ToString::to_string).collect(),
            settings: settings.iter().map(Setting::from).collect(),
            granted: plugin.grant().granted(),
            lacks: plugin.lacks().iter().map(ToString::to_string).collect(),
            sources: plugin.grant().sources.clone(),
            senders: plugin.grant().senders.iter().map(|sender| sender.name()).collect(),
            limits: Limits::NAMES.iter().filter_map(limit).collect(),
            sha256: plugin.content_hash().to_owned(),
            bytes: plugin.bytes(),
            set_aside: plugin.set_aside().into_iter().map(SetAside::from).collect(),
        }
    }
}

impl From<&core::CommandSpec> for Command {
    fn from(spec: &core::CommandSpec) -> Self {
        let core::CommandSpec { name, usage, summary } = spec;
        Self { name: name.to_string(), usage: usage.clone(), summary: summary.clone() }
    }
}

impl From<&core::SettingSpec> for Setting {
    fn from(spec: &core::SettingSpec) -> Self {
        let core::SettingSpec { name, summary, secret, required } = spec;
        Self { name: name.clone(), summary: summary.clone(), secret: *secret, required: *required }
    }
}

impl From<(String, std::time::Duration)> for SetAside {
    fn from((tenant, left): (String, std::time::Duration)) -> Self {
        Self { tenant, seconds: seconds(left) }
    }
}

impl From<&core::Conflict> for NotOwned {
    fn from(conflict: &core::Conflict) -> Self {
        let core::Conflict { tenant, command, owner, .. } = conflict;
        Self { command: command.to_string(), tenant: tenant.clone(), owner: owner.as_ref().map(ToString::to_string) }
    }
}

impl From<&core::Conflict> for Conflict {
    fn from(conflict: &core::Conflict) -> Self {
        let NotOwned { command, tenant, owner } = conflict.into();
        Self { command, tenant, owner, others: conflict.others.iter().map(ToString::to_string).collect() }
    }
}

impl From<&runtime::Problem> for OddFile {
    fn from(problem: &runtime::Problem) -> Self {
        let runtime::Problem { path, what } = problem;
        Self { path: path.display().to_string(), error: what.clone() }
    }
}

impl From<&(Scope, Usage)> for Kept {
    fn from((scope, usage): &(Scope, Usage)) -> Self {
        let &Usage { kv_keys, kv_bytes, timers } = usage;
        Self { tenant: scope.tenant.clone(), kv_keys, kv_bytes, timers }
    }
}
