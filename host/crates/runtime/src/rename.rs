//! A plugin's files under another name, for a time when no host runs.
//!
//! Owns which files these are; what the plugin keeps in the store goes by the same name, and is moved by whoever has it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use slashbox_core::{Folder, PluginId};

use crate::{
    Folders,
    folder::{grant_path, scan, wasm_path},
    kept::Kept,
};

/// What becomes of a plugin's files when it gets another name.
#[derive(Clone, Debug)]
pub struct Renaming {
    from: PluginId,
    to: PluginId,
    /// The tenants that have a plugin of their own under the old name: for them, a shared one keeps nothing.
    apart: BTreeSet<String>,
    /// Its component and its grant, as far as they are there: from where to where.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// Whether anything else is remembered under the old name: the last good version, or its commands.
    pub is_remembered: bool,
    kept: Kept,
}

/// Why a plugin's files cannot be renamed. Before anything is done, all is as it was; else the same again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum RenameFilesError {
    /// Both names have a file.
    #[error("{to:?} is there already: expected none, or no {from:?}")]
    Both {
        /// The file of the old name.
        from: PathBuf,
        /// The file of the new one.
        to: PathBuf,
    },
    /// A shared plugin would serve a tenant no more, which has one of its own under the new name.
    #[error("{path:?} would serve in its place for that tenant: expected none")]
    Masked {
        /// The tenant's own file.
        path: PathBuf,
    },
    /// A folder or a file cannot be used.
    #[error("{path:?} cannot be used")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Renaming {
    /// Looks what there is to do; changes nothing. `to` is the new name, in the same folder.
    ///
    /// # Errors
    /// If files stand in the way, or the folders cannot be looked at.
    pub fn of(folders: &Folders, from: PluginId, to: &str) -> Result<Self, RenameFilesError> {
        let to = PluginId { folder: from.folder.clone(), stem: to.into() };
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| RenameFilesError::Unusable { path, source }
        };
        let (plugins_dir, last_good) = (&folders.plugins_dir, folders.last_good());
        let kept = Kept::open(last_good.clone()).map_err(unusable(&last_good))?;
        let scan = scan(plugins_dir).map_err(unusable(plugins_dir))?;
        // Whose plugins these are must be certain.
        if let Some(path) = scan.unclear() {
            let why = "what lies there cannot be seen, or its grant: mend that first, or take it away";
            return Err(unusable(&plugins_dir.join(path))(io::Error::other(why)));
        }
        let plugins = scan.plugins;
        let own = |stem: &str| -> BTreeSet<String> {
            let named = plugins.keys().filter(|id| *id.stem == *stem && from.folder == Folder::Shared);
            let tenants = named.filter_map(|id| match &id.folder {
                Folder::Tenant(tenant) => Some(tenant.to_string()),
                Folder::Shared => None,
            });
            tenants.collect()
        };
        let apart = own(&from.stem);
        if let Some(tenant) = own(&to.stem).difference(&apart).next() {
            return Err(RenameFilesError::Masked {
                path: wasm_path(plugins_dir, &PluginId::of_tenant(tenant, &to.stem)),
            });
        }
        let mut files = Vec::new();
        for path in [grant_path, wasm_path] {
            let (from, to) = (path(plugins_dir, &from), path(plugins_dir, &to));
            match (is_there(&from), is_there(&to)) {
                (true, true) => return Err(RenameFilesError::Both { from, to }),
                (true, false) => files.push((from, to)),
                (false, _) => {}
            }
        }
        let is_remembered = kept.load(&from).is_some() || kept.owners().known.contains(&from);
        Ok(Self { from, to, apart, files, is_remembered, kept })
    }

    /// Whether it is this plugin that keeps what is kept for a tenant under the old name.
    pub fn concerns(&self, tenant: &str) -> bool {
        self.from.folder.serves(tenant) && !self.apart.contains(tenant)
    }

    /// Renames the files, and what is remembered of them: the last good version, and which commands it owns. What was done
    /// before is not done again.
    ///
    /// # Errors
    /// If a file cannot be renamed or written.
    pub fn carry_out(&self) -> Result<(), RenameFilesError> {
        let unusable = |path: &Path, source| RenameFilesError::Unusable { path: path.to_owned(), source };
        self.kept.rename(&self.from, &self.to).map_err(|error| unusable(self.kept.dir(), error))?;
        // The component last: with it, another run has something to go by.
        for (from, to) in &self.files {
            fs::rename(from, to).map_err(|error| unusable(from, error))?;
        }
        Ok(())
    }
}

/// Also if it is a link to nothing: it stands in the way.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use slashbox_core::{Claim, Fallbacks, Owners, assign};

    use super::*;

    fn folders(files: &[&str]) -> (tempfile::TempDir, Folders) {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders { plugins_dir: dir.path().join("plugins"), data_dir: dir.path().join("data") };
        for file in files {
            let path = folders.plugins_dir.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, *file).unwrap();
        }
        fs::create_dir_all(&folders.data_dir).unwrap();
        (dir, folders)
    }

    #[test]
    fn everything_of_it_goes_along() {
        let (_dir, folders) = folders(&["a.wasm", "a.toml", "acme/a.wasm", "other.wasm"]);
        let kept = Kept::open(folders.last_good()).unwrap();
        let (a, b, own) = (PluginId::shared("a"), PluginId::shared("b"), PluginId::of_tenant("acme", "a"));
        kept.save(&a, b"good").unwrap();
        let claims = [(&a, "/x"), (&own, "/y")].map(|(plugin, command)| Claim {
            plugin: plugin.clone(),
            commands: vec![command.parse().unwrap()],
            granted: Vec::new(),
        });
        kept.save_owners(&assign(&claims, &Owners::default(), &Fallbacks::default()).0).unwrap();

        let renaming = Renaming::of(&folders, a.clone(), "b").unwrap();
        assert!(renaming.concerns("default") && !renaming.concerns("acme"));
        renaming.carry_out().unwrap();

        let read = |file: &str| fs::read_to_string(folders.plugins_dir.join(file)).ok();
        assert_eq!(read("b.wasm").as_deref(), Some("a.wasm"));
        assert_eq!(read("b.toml").as_deref(), Some("a.toml"));
        assert_eq!((read("a.wasm"), read("a.toml")), (None, None));
        assert!(read("acme/a.wasm").is_some());
        assert_eq!((kept.load(&a), kept.load(&b).as_deref()), (None, Some(&b"good"[..])));
        let owners = kept.owners();
        assert_eq!(owners.known, [b.clone(), own.clone()].into());
        let owner = |tenant: Option<&str>, command: &str| {
            owners.owned.get(&(tenant.map(Into::into), command.parse().unwrap())).cloned()
        };
        assert_eq!(owner(None, "/x"), Some(b.clone()));
        assert_eq!((owner(Some("acme"), "/x"), owner(Some("acme"), "/y")), (Some(b), Some(own)));
        // Again: there is nothing left to do, and nothing in the way.
        assert!(renaming.is_remembered);
        let again = Renaming::of(&folders, a, "b").unwrap();
        assert!(again.files.is_empty() && !again.is_remembered);
        again.carry_out().unwrap();
        assert_eq!(read("b.wasm").as_deref(), Some("a.wasm"));
    }

    #[test]
    fn a_tenants_own_concerns_that_tenant() {
        let (_dir, folders) = folders(&["a.wasm", "acme/a.wasm"]);
        let renaming = Renaming::of(&folders, PluginId::of_tenant("acme", "a"), "b").unwrap();
        assert!(renaming.concerns("acme") && !renaming.concerns("default"));
        renaming.carry_out().unwrap();
        assert!(folders.plugins_dir.join("acme/b.wasm").exists() && folders.plugins_dir.join("a.wasm").exists());
    }

    #[cfg(unix)]
    #[test]
    fn whose_files_these_are_must_be_certain() {
        let (_dir, folders) = folders(&["a.wasm", "acme/a.wasm"]);
        std::os::unix::fs::symlink("nowhere", folders.plugins_dir.join("acme/a.toml")).unwrap();
        let refused = Renaming::of(&folders, PluginId::shared("a"), "b").unwrap_err().to_string();
        assert!(refused.contains("acme/a\" cannot be used"), "{refused}");
    }

    #[test]
    fn what_stands_in_the_way_is_told() {
        let (_dir, folders) = folders(&["a.wasm", "b.wasm", "c.wasm", "d.toml", "a.toml", "acme/e.wasm"]);
        let refused = |to: &str| Renaming::of(&folders, PluginId::shared("a"), to).unwrap_err().to_string();
        assert!(refused("b").contains("b.wasm\" is there already: expected none"), "{}", refused("b"));
        assert!(refused("d").contains("d.toml\" is there already"), "{}", refused("d"));
        assert!(refused("e").contains("acme/e.wasm\" would serve in its place"), "{}", refused("e"));
        assert!(folders.plugins_dir.join("a.wasm").exists());
    }
}
