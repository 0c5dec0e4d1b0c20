//! What the host remembers of plugins over a restart: the last good version of each, and who owned which command.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use slashbox_core::{Folder, Owners, PluginId};
use tracing::warn;

use crate::{
    cache::{create_private_dir, write_whole},
    telemetry::PLUGINS,
};

/// The folder of the shared plugins' versions.
const SHARED: &str = "shared";

/// The folder of the tenants' folders.
const TENANTS: &str = "tenants";

/// The folder `data_dir/last-good`.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    dir: PathBuf,
}

impl Kept {
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        create_private_dir(&dir)?;
        Ok(Self { dir })
    }

    /// The last good version's bytes.
    pub(crate) fn load(&self, id: &PluginId) -> Option<Vec<u8>> {
        fs::read(self.path(id)).ok()
    }

    /// Remembers a version as good.
    pub(crate) fn save(&self, id: &PluginId, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(id);
        if fs::read(&path).is_ok_and(|kept| kept == bytes) {
            return Ok(());
        }
        create_private_dir(path.parent().unwrap_or(&self.dir))?;
        write_whole(&path, bytes)
    }

    /// The plugins of which a version is kept; of a folder that cannot be read, none.
    pub(crate) fn ids(&self) -> Vec<PluginId> {
        let names = |dir: PathBuf| {
            let entries = fs::read_dir(dir).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
            entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok())
        };
        let stem = |name: &str| name.strip_suffix(".wasm").map(str::to_owned);
        let shared = names(self.dir.join(SHARED)).filter_map(|name| Some(PluginId::shared(&stem(&name)?)));
        let own = names(self.dir.join(TENANTS)).flat_map(|tenant| {
            let of_tenant = names(self.dir.join(TENANTS).join(&tenant));
            of_tenant.filter_map(move |name| Some(PluginId::of_tenant(&tenant, &stem(&name)?)))
        });
        shared.chain(own).collect()
    }

    /// Forgets a plugin that was taken away.
    pub(crate) fn remove(&self, id: &PluginId) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Has a plugin known by another name: its last good version and its commands.
    pub(crate) fn rename(&self, from: &PluginId, to: &PluginId) -> io::Result<()> {
        if let Some(bytes) = self.load(from) {
            self.save(to, &bytes)?;
        }
        let mut owners = self.owners();
        if owners.known.remove(from) {
            owners.known.insert(to.clone());
            owners.owned.values_mut().filter(|owner| *owner == from).for_each(|owner| *owner = to.clone());
            self.save_owners(&owners)?;
        }
        self.remove(from)
    }

    /// Where it all is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Who owned which command when it was last decided; nobody if that is not known.
    pub(crate) fn owners(&self) -> Owners {
        let path = self.owners_path();
        let read = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Owners::default(),
            read => read.and_then(|text| Ok(serde_json::from_slice::<OwnersFile>(&text)?)),
        };
        read.map(Into::into).unwrap_or_else(|error| {
            let path = path.display();
            warn!(target: PLUGINS, %path, %error, "who owned which command is not known any more, names decide");
            Owners::default()
        })
    }

    /// Remembers who owns which command.
    pub(crate) fn save_owners(&self, owners: &Owners) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&OwnersFile::from(owners)).map_err(io::Error::other)?;
        write_whole(&self.owners_path(), &text)
    }

    fn path(&self, id: &PluginId) -> PathBuf {
        let folder = match &id.folder {
            Folder::Shared => Path::new(SHARED).to_owned(),
            Folder::Tenant(tenant) => Path::new(TENANTS).join(&**tenant),
        };
        self.dir.join(folder).join(format!("{}.wasm", id.stem))
    }

    fn owners_path(&self) -> PathBuf {
        self.dir.join("owners.json")
    }
}

/// [`Owners`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct OwnersFile {
    known: BTreeSet<PluginName>,
    /// For whom it was decided apart. Files of the first version do not have it: then it is who has plugins of its own.
    #[serde(default)]
    tenants: BTreeSet<String>,
    /// By tenant, `""` for all others, then by command.
    owned: BTreeMap<String, BTreeMap<String, PluginName>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct PluginName {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    plugin: String,
}

impl From<&PluginId> for PluginName {
    fn from(id: &PluginId) -> Self {
        let tenant = match &id.folder {
            Folder::Shared => None,
            Folder::Tenant(tenant) => Some(tenant.to_string()),
        };
        Self { tenant, plugin: id.stem.to_string() }
    }
}

impl From<PluginName> for PluginId {
    fn from(name: PluginName) -> Self {
        match name.tenant {
            Some(tenant) => Self::of_tenant(&tenant, &name.plugin),
            None => Self::shared(&name.plugin),
        }
    }
}

impl From<&Owners> for OwnersFile {
    fn from(owners: &Owners) -> Self {
        let mut owned = BTreeMap::<String, BTreeMap<String, PluginName>>::new();
        for ((tenant, command), owner) in &owners.owned {
            owned.entry(tenant.clone().unwrap_or_default()).or_default().insert(command.to_string(), owner.into());
        }
        Self { known: owners.known.iter().map(PluginName::from).collect(), tenants: owners.tenants.clone(), owned }
    }
}

/// Commands that cannot be read any more are left out: nobody could type them.
impl From<OwnersFile> for Owners {
    fn from(file: OwnersFile) -> Self {
        let own = file.known.iter().filter_map(|plugin| plugin.tenant.clone());
        let tenants = own.chain(file.tenants).collect();
        let known = file.known.into_iter().map(PluginId::from).collect();
        let mut owners = Self { known, tenants, ..Self::default() };
        for (tenant, commands) in file.owned {
            let tenant = (!tenant.is_empty()).then_some(tenant);
            for (command, owner) in commands {
                if let Ok(command) = command.parse() {
                    owners.owned.insert((tenant.clone(), command), owner.into());
                }
            }
        }
        owners
    }
}

#[cfg(test)]
mod tests {
    use slashbox_core::{Claim, Fallbacks, assign};

    use super::*;

    #[test]
    fn versions_are_kept_by_plugin() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path().join("plugins")).unwrap();
        let (shared, own) = (PluginId::shared("a"), PluginId::of_tenant("acme", "a"));
        kept.save(&shared, b"one").unwrap();
        kept.save(&own, b"two").unwrap();
        assert_eq!(kept.load(&shared).as_deref(), Some(&b"one"[..]));
        assert_eq!(kept.load(&own).as_deref(), Some(&b"two"[..]));
        assert_eq!(kept.ids(), [shared.clone(), own.clone()]);
        kept.remove(&shared).unwrap();
        kept.remove(&shared).unwrap();
        assert_eq!(kept.load(&shared), None);
        assert_eq!(kept.load(&own).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn owners_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path().to_owned()).unwrap();
        assert_eq!(kept.owners(), Owners::default());
        let claim = |plugin| Claim { plugin, commands: vec!["/x".parse().unwrap()], granted: Vec::new() };
        let claims = [claim(PluginId::shared("a")), claim(PluginId::of_tenant("acme", "b"))];
        let (owners, _) = assign(&claims, &Owners::default(), &Fallbacks::default());
        kept.save_owners(&owners).unwrap();
        assert_eq!(kept.owners(), owners);
        fs::write(kept.owners_path(), "{").unwrap();
        assert_eq!(kept.owners(), Owners::default());
    }
}
