//! A plugin that is loaded and can be called.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{CommandName, Descriptor, Folder, HttpHost, Limits, Pattern, PluginId, Scope, Subscription};

use crate::{
    Grant,
    bindings::PluginPre,
    guest::{Guest, SandboxSpec},
    health::Health,
    pace::Pace,
    places::{Places, TenantPlaces},
};

/// A loaded version of a plugin. It lives as long as a call of it is in flight, though a newer one may serve by then.
pub struct Plugin {
    pub(crate) descriptor: Descriptor,
    pub(crate) grant: Grant,
    /// The events that it asks for, as far as its grant narrows them.
    pub(crate) subscription: Subscription,
    /// What each of its sandboxes starts with.
    pub(crate) spec: Arc<SandboxSpec>,
    /// Shared with the version before, if that had as many: its calls may still run.
    pub(crate) places: Arc<Places>,
    /// Each tenant's share of the places, shared as they are.
    pub(crate) shares: Arc<TenantPlaces>,
    pub(crate) health: Health,
    pub(crate) pace: Pace,
    pub(crate) pre: PluginPre<Guest>,
    pub(crate) content_hash: String,
    pub(crate) bytes: u64,
    /// How long it took to compile, or to read from the cache, and to link.
    pub(crate) compiled_in: Duration,
    /// The memory that a sandbox of it has before anything is called.
    pub(crate) memory_bytes: u64,
}

/// A plugin's file that lies anywhere, to be loaded alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFile {
    /// Where it is: `NAME.wasm`. A grant `NAME.toml` beside it is read too.
    pub path: PathBuf,
    /// As which folder's plugin it is taken: the grant of a tenant's own has less to say.
    pub folder: Folder,
}

impl PluginFile {
    /// The file of a plugin that serves every tenant.
    pub fn shared(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), folder: Folder::Shared }
    }
}

/// Something that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A setting.
    Setting {
        /// Its name.
        name: String,
        /// Whether the plugin cannot do its work without it.
        required: bool,
    },
    /// To reach a host over HTTP.
    HttpHost(HttpHost),
    /// To get events: whoever asks gets them.
    Events(Pattern),
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { name, required: true } => write!(f, "required setting {name}"),
            Self::Setting { name, required: false } => write!(f, "optional setting {name}"),
            Self::HttpHost(host) => write!(f, "http to {host}"),
            Self::Events(pattern) => write!(f, "events {pattern}"),
        }
    }
}

impl Plugin {
    /// Which file it is.
    pub fn id(&self) -> &PluginId {
        &self.spec.plugin
    }

    /// What it says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What a call of it may use.
    pub fn limits(&self) -> Limits {
        self.spec.limits
    }

    /// The operator's word on it.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Which events it gets, and which commands that others answer.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// How large its file is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The tenants for which it is set aside, since it kept crashing, and for how long from now on.
    pub fn set_aside(&self) -> Vec<(String, Duration)> {
        self.health.set_aside(Instant::now())
    }

    /// The SHA-256 of its file, in hexadecimal.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// Whose keys a call for this tenant reads and writes.
    pub fn scope(&self, tenant: &str) -> Scope {
        Scope { tenant: tenant.into(), plugin: self.id().stem.to_string() }
    }

    /// What it asks for.
    pub fn asks(&self) -> Vec<Ask> {
        let settings = self.descriptor.settings.iter();
        let settings = settings.map(|setting| Ask::Setting { name: setting.name.clone(), required: setting.required });
        let hosts = self.descriptor.http_hosts.iter().map(|host| Ask::HttpHost(host.clone()));
        settings.chain(hosts).chain(self.descriptor.events.iter().cloned().map(Ask::Events)).collect()
    }

    /// What of that it was not granted.
    pub fn lacks(&self) -> Vec<Ask> {
        let has_setting = |name: &str| self.spec.environment.iter().any(|(granted, _)| granted == name);
        let lacks = |ask: &Ask| match ask {
            Ask::Setting { name, .. } => !has_setting(name),
            Ask::HttpHost(host) => !self.grant.allows(host),
            Ask::Events(_) => false,
        };
        self.asks().into_iter().filter(lacks).collect()
    }

    pub(crate) fn commands(&self) -> Vec<CommandName> {
        self.descriptor.commands.iter().map(|spec| spec.name.clone()).collect()
    }
}

/// Without the settings, which hold secrets.
impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", self.id())
            .field("version", &self.descriptor.version)
            .field("content_hash", &self.content_hash)
            .finish_non_exhaustive()
    }
}
