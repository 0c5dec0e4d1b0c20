//! What lies in the plugins folder at a moment.
//!
//! Only looks at names and stamps; opens nothing. A file counts by where it leads, so links are followed.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use slashbox_core::{Folder, PluginId, check_name};

/// The most plugins that one host serves; what lies beyond is told, not loaded.
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
    let tenants = scan_folder(plugins_dir, &Folder::Shared, plugins_dir, &mut scan)?;
    for tenant in tenants {
        let dir = plugins_dir.join(&tenant);
        match check_name(&tenant) {
            // A tenant's folder may vanish between two looks; its plugins have then too.
            Ok(()) => {
                let _ = scan_folder(&dir, &Folder::Tenant(tenant.as_str().into()), plugins_dir, &mut scan);
            }
            Err(error) => scan.odd.push((dir, error.to_string())),
        }
    }
    let beyond: Vec<PluginId> = scan.plugins.keys().skip(PLUGINS_MAX).cloned().collect();
    for id in beyond {
        scan.plugins.remove(&id);
        scan.odd.push((wasm_path(plugins_dir, &id), format!("more than {PLUGINS_MAX} plugins")));
    }
    Ok(scan)
}

/// Notes the plugins of one folder; gives the names of the folders in it.
fn scan_folder(dir: &Path, folder: &Folder, plugins_dir: &Path, scan: &mut Scan) -> io::Result<Vec<String>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else {
            continue; // Hidden files are editors' and mounts' own.
        };
        // A link without a target, or a file that vanished since.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            folders.push(name.to_owned());
        } else if let Some(stem) = name.strip_suffix(".wasm") {
            match check_name(stem) {
                Ok(()) => {
                    let id = PluginId { folder: folder.clone(), stem: stem.into() };
                    let grant = fs::metadata(grant_path(plugins_dir, &id)).ok();
                    let files = Files { wasm: stamp(&metadata), grant: grant.as_ref().map(stamp) };
                    scan.plugins.insert(id, files);
                }
                Err(error) => scan.odd.push((path, error.to_string())),
            }
        } else if name.ends_with(".cwasm") {
            scan.odd.push((path, "precompiled artifacts are not taken, drop the .wasm component itself".into()));
        }
    }
    Ok(folders)
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
