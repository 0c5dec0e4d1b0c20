//! What lies in the plugins folder at a moment.
//!
//! Only looks at names and stamps; opens nothing. A file counts by where it leads, so links are followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::SystemTime,
};

use slashbox_core::{Folder, PluginId, check_name};

use crate::LoadError;

/// The most plugins of one folder; what lies beyond is told, not loaded. A tenant's folder takes no place from others.
const PLUGINS_MAX: usize = 1_000;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified: Option<SystemTime>,
    /// Which file it is, and when its status changed: a rename keeps the time of modification.
    identity: (u64, i64, i64),
}

/// The files of one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) wasm: Stamp,
    pub(crate) grant: Option<Stamp>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) plugins: BTreeMap<PluginId, Files>,
    /// Files that look like plugins and cannot be, and why.
    pub(crate) odd: Vec<(PathBuf, String)>,
    /// Plugins of which too little could be seen to say that they are gone, or what they may do.
    unclear: BTreeSet<PluginId>,
    /// Folders of which the same holds.
    unreadable: Vec<Folder>,
}

/// Where a plugin's component lies.
pub(crate) fn wasm_path(plugins_dir: &Path, id: &PluginId) -> PathBuf {
    plugins_dir.join(format!("{id}.wasm"))
}

/// Where a plugin's grant lies, if it has one.
pub(crate) fn grant_path(plugins_dir: &Path, id: &PluginId) -> PathBuf {
    plugins_dir.join(format!("{id}.toml"))
}

/// Looks at the folder and at each tenant's below it.
pub(crate) fn scan(plugins_dir: &Path) -> io::Result<Scan> {
    let mut scan = Scan::default();
    for tenant in scan.add_folder(plugins_dir, plugins_dir, &Folder::Shared)? {
        let dir = plugins_dir.join(&tenant);
        let folder = Folder::Tenant(tenant.as_str().into());
        let added = match check_name(&tenant) {
            Ok(()) => scan.add_folder(plugins_dir, &dir, &folder).map(|_deeper| ()),
            Err(error) => Err(io::Error::other(error)),
        };
        match added {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                scan.unreadable.push(folder);
                scan.odd.push((dir, error.to_string()));
            }
            _ => {} // A folder that vanished since has no plugins.
        }
    }
    Ok(scan)
}

/// Looks at one plugin's files as if they lay in that folder, wherever they lie: by the same rules.
pub(crate) fn look(wasm: &Path, folder: &Folder) -> Result<(PluginId, Files), LoadError> {
    let stamp = file_stamp(&fs::metadata(wasm)?)?;
    let stem = wasm.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".wasm"));
    let stem = stem.ok_or(LoadError::FileName)?;
    check_name(stem)?;
    let grant = grant_stamp(&wasm.with_extension("toml")).map_err(LoadError::GrantRead)?;
    Ok((PluginId { folder: folder.clone(), stem: stem.into() }, Files { wasm: stamp, grant }))
}

impl Scan {
    /// Whether a plugin may well be there, though it was not seen: it stays as it is then.
    pub(crate) fn is_unclear(&self, id: &PluginId) -> bool {
        self.unclear.contains(id) || self.unreadable.contains(&id.folder)
    }

    /// Something that may well be a plugin, of which too little could be seen.
    pub(crate) fn unclear(&self) -> Option<PathBuf> {
        let of_plugin = self.unclear.iter().map(PluginId::relative_path);
        let of_folder = self.unreadable.iter().filter_map(|folder| match folder {
            Folder::Tenant(tenant) => check_name(tenant).is_ok().then(|| PathBuf::from(&**tenant)),
            Folder::Shared => Some(PathBuf::new()),
        });
        of_plugin.chain(of_folder).next()
    }

    /// Notes the plugins of one folder; gives the names of the folders in it.
    fn add_folder(&mut self, plugins_dir: &Path, dir: &Path, folder: &Folder) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // Hidden files are editors' and mounts' own; what is no text can be no plugin.
            names.extend(entry?.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
        }
        names.sort_unstable();
        let mut folders = Vec::new();
        let mut plugins = 0;
        for name in names {
            let path = dir.join(&name);
            if let Some(stem) = name.strip_suffix(".wasm") {
                plugins += 1;
                self.add_plugin(plugins_dir, path, PluginId { folder: folder.clone(), stem: stem.into() }, plugins);
            } else if name.ends_with(".cwasm") {
                self.odd.push((path, "precompiled artifacts are not taken, drop the .wasm component itself".into()));
            } else if path.is_dir() {
                folders.push(name);
            }
        }
        if plugins > PLUGINS_MAX {
            self.odd.push((dir.into(), format!("{plugins} plugins: expected at most {PLUGINS_MAX} in a folder")));
        }
        Ok(folders)
    }

    /// Notes a plugin, the `nth` of its folder, or why it is none.
    fn add_plugin(&mut self, plugins_dir: &Path, path: PathBuf, id: PluginId, nth: usize) {
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return,
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return, // It vanished since, or is a link to nothing.
            Err(error) => return self.add_unclear(path, id, &error.to_string()),
        };
        if let Err(error) = check_name(&id.stem) {
            return self.odd.push((path, error.to_string()));
        }
        let wasm = match file_stamp(&metadata) {
            Ok(wasm) => wasm,
            Err(error) => return self.odd.push((path, error.to_string())),
        };
        if nth > PLUGINS_MAX {
            self.unclear.insert(id); // Told once, of the folder.
            return;
        }
        let grant_path = grant_path(plugins_dir, &id);
        match grant_stamp(&grant_path) {
            Ok(grant) => {
                self.plugins.insert(id, Files { wasm, grant });
            }
            Err(error) => self.add_unclear(grant_path, id, &error.to_string()),
        }
    }

    fn add_unclear(&mut self, path: PathBuf, id: PluginId, why: &str) {
        self.unclear.insert(id);
        self.odd.push((path, why.into()));
    }
}

/// None only if there is none: a grant that cannot be looked at must not count as one that grants everything.
fn grant_stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(metadata) => file_stamp(&metadata).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::symlink_metadata(path) {
            Ok(_) => Err(io::Error::other("a link to nothing")),
            Err(_) => Ok(None),
        },
        Err(error) => Err(error),
    }
}

/// What is no file cannot be read as one: a pipe would never end.
fn file_stamp(metadata: &Metadata) -> io::Result<Stamp> {
    if metadata.is_file() { Ok(stamp(metadata)) } else { Err(io::Error::other("neither a file nor a link to one")) }
}

fn stamp(metadata: &Metadata) -> Stamp {
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt;
        (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
    };
    #[cfg(not(unix))]
    let identity = (0, 0, 0);
    Stamp { bytes: metadata.len(), modified: metadata.modified().ok(), identity }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scan: &Scan) -> Vec<String> {
        scan.plugins.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn plugins_of_all_and_of_tenants() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(dir.path().join(name), name).unwrap();
        fs::create_dir_all(dir.path().join("acme/deeper")).unwrap();
        fs::create_dir_all(dir.path().join("..data")).unwrap();
        fs::create_dir_all(dir.path().join("bad tenant")).unwrap();
        for name in ["b.wasm", "a.wasm", "a.toml", "readme.md", ".hidden.wasm", "acme/x.wasm", "acme/deeper/y.wasm"] {
            write(name);
        }
        write("bad name.wasm");
        write("native.cwasm");
        let scan = scan(dir.path()).unwrap();
        assert_eq!(names(&scan), ["a", "b", "acme/x"]);
        assert!(scan.plugins[&PluginId::shared("a")].grant.is_some());
        assert!(scan.plugins[&PluginId::shared("b")].grant.is_none());
        let mut odd: Vec<_> = scan.odd.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
        odd.sort_unstable();
        assert_eq!(odd, ["bad name.wasm", "bad tenant", "native.cwasm"]);
    }

    #[test]
    fn each_way_of_changing_a_file_changes_its_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let look = || scan(dir.path()).unwrap().plugins[&PluginId::shared("a")];
        let first = look();
        assert_eq!(look(), first);
        fs::write(dir.path().join("new"), "two").unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert_ne!(look(), first);
    }

    #[cfg(unix)]
    #[test]
    fn a_grant_that_cannot_be_looked_at_is_not_none() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.wasm"), "one").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("a.toml")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("b.wasm")).unwrap();
        let scan = scan(dir.path()).unwrap();
        assert_eq!(names(&scan), Vec::<String>::new());
        assert!(scan.is_unclear(&PluginId::shared("a")) && !scan.is_unclear(&PluginId::shared("b")));
        let odd: Vec<_> = scan.odd.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(odd, ["a link to nothing", "neither a file nor a link to one"]);
    }

    #[test]
    fn a_full_folder_takes_no_place_from_others() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("aaa")).unwrap();
        for number in 0..=PLUGINS_MAX {
            fs::write(dir.path().join(format!("aaa/{number:05}.wasm")), "").unwrap();
        }
        fs::create_dir(dir.path().join("bbb")).unwrap();
        fs::write(dir.path().join("bbb/x.wasm"), "").unwrap();
        let scan = scan(dir.path()).unwrap();
        assert_eq!(scan.plugins.len(), PLUGINS_MAX + 1);
        assert!(scan.is_unclear(&PluginId::of_tenant("aaa", &format!("{PLUGINS_MAX:05}"))));
        assert_eq!(scan.odd.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("..v1")).unwrap();
        fs::write(dir.path().join("..v1/a.wasm"), "one").unwrap();
        std::os::unix::fs::symlink("..v1/a.wasm", dir.path().join("a.wasm")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("b.wasm")).unwrap();
        let scan = scan(dir.path()).unwrap();
        assert_eq!(names(&scan), ["a"]);
        assert_eq!(scan.plugins[&PluginId::shared("a")].wasm.bytes, 3);
    }
}
