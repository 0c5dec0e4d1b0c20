//! A plugin that is loaded and can be called.

use std::{fmt, sync::Arc};

use slashbox_core::{CommandName, Descriptor, Limits, PluginId, Scope};

use crate::{Grant, bindings::PluginPre, guest::Guest, places::Places};

/// A loaded version of a plugin. It lives as long as a call of it is in flight, though a newer one may serve by then.
pub struct Plugin {
    pub(crate) id: Arc<PluginId>,
    pub(crate) descriptor: Descriptor,
    pub(crate) grant: Grant,
    pub(crate) limits: Limits,
    pub(crate) environment: Arc<[(String, String)]>,
    /// Shared with the version before, if that had as many: its calls may still run.
    pub(crate) places: Arc<Places>,
    pub(crate) pre: PluginPre<Guest>,
    pub(crate) content_hash: String,
}

/// What a plugin asks for and was not granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// A setting has no value.
    Setting {
        /// Its name.
        name: String,
        /// Whether the plugin cannot do its work without it.
        required: bool,
    },
    /// A host may not be reached.
    HttpHost(String),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { name, required: true } => write!(f, "required setting {name}"),
            Self::Setting { name, required: false } => write!(f, "optional setting {name}"),
            Self::HttpHost(host) => write!(f, "http to {host}"),
        }
    }
}

impl Plugin {
    /// Which file it is.
    pub fn id(&self) -> &PluginId {
        &self.id
    }

    /// What it says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What a call of it may use.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The SHA-256 of its file, in hexadecimal.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// Whose keys a call for this tenant reads and writes.
    pub fn scope(&self, tenant: &str) -> Scope {
        Scope { tenant: tenant.into(), plugin: self.id.stem.to_string() }
    }

    /// What it asks for and was not granted.
    pub fn lacks(&self) -> Vec<Lack> {
        let granted = |name: &str| self.environment.iter().any(|(granted, _)| granted == name);
        let settings = (self.descriptor.settings.iter())
            .filter(|setting| !granted(&setting.name))
            .map(|setting| Lack::Setting { name: setting.name.clone(), required: setting.required });
        let hosts = (self.descriptor.http_hosts.iter())
            .filter(|host| !self.grant.allows(host))
            .map(|host| Lack::HttpHost(host.clone()));
        settings.chain(hosts).collect()
    }

    pub(crate) fn commands(&self) -> Vec<CommandName> {
        self.descriptor.commands.iter().map(|spec| spec.name.clone()).collect()
    }
}

/// Without the settings, which hold secrets.
impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.id)
            .field("version", &self.descriptor.version)
            .field("content_hash", &self.content_hash)
            .finish_non_exhaustive()
    }
}
