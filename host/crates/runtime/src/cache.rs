//! Compiled code on disk, so that a start need not compile.
//!
//! Invariants: entries are found by the content's hash and the engine's; they appear whole or not at all, and are never
//! changed in place, since they are mapped while they run; one whose checksum is wrong is removed, not trusted. The folder
//! is private: loading native code means trusting whoever can write there.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use tracing::warn;
use wasmtime::{Engine, component::Component};

use crate::telemetry::RUNTIME;

/// The SHA-256 of a plugin's file, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentHash(pub(crate) String);

impl ContentHash {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            let _ = write!(hex, "{byte:02x}"); // Writing to a string cannot fail.
        }
        Self(hex)
    }
}

/// The folder of compiled code.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Makes the folder, for this user alone.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        create_private_dir(&dir)?;
        Ok(Self { dir })
    }

    /// The compiled component; none if there is no sound entry.
    pub(crate) fn load(&self, engine: &Engine, hash: &ContentHash) -> Option<Component> {
        let path = self.path(engine, hash);
        let expected = fs::read_to_string(sum_path(&path)).ok()?;
        if ContentHash::of(&fs::read(&path).ok()?).0 != expected.trim() {
            warn!(target: RUNTIME, path = %path.display(), "compiled code is damaged and will be made anew");
            self.remove(&path);
            return None;
        }
        load_trusted(engine, &path)
            .inspect_err(|error| {
                warn!(target: RUNTIME, path = %path.display(), %error, "compiled code cannot be loaded and will be made anew");
                self.remove(&path);
            })
            .ok()
    }

    /// Keeps a compiled component. A failure costs the next start its time, nothing else.
    pub(crate) fn save(&self, engine: &Engine, hash: &ContentHash, component: &Component) {
        let path = self.path(engine, hash);
        let saved = component.serialize().map_err(io::Error::other).and_then(|code| {
            write_whole(&path, &code)?;
            write_whole(&sum_path(&path), ContentHash::of(&code).0.as_bytes())
        });
        if let Err(error) = saved {
            warn!(target: RUNTIME, path = %path.display(), %error, "compiled code cannot be kept");
        }
    }

    /// The engine's hash covers its version, settings and the processor's features.
    fn path(&self, engine: &Engine, hash: &ContentHash) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.dir.join(format!("{}-{:016x}.cwasm", hash.0, hasher.finish()))
    }

    /// The checksum first: without one, the rest is not looked at.
    fn remove(&self, path: &Path) {
        for path in [sum_path(path), path.to_owned()] {
            if let Err(error) = fs::remove_file(&path) {
                warn!(target: RUNTIME, path = %path.display(), %error, "cannot be removed");
            }
        }
    }
}

fn sum_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

#[allow(unsafe_code)] // docs/adr/0003-compiled-code-on-disk.md
fn load_trusted(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was made by `Component::serialize` of this program: it lies in a folder that only this user can
    // write to, under a name that only `save` gives, and its content has the checksum that `save` wrote beside it. It is
    // never changed in place: `save` renames a new file over it, and what is mapped stays what it was.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Writes a file that appears whole, and stays so after a power cut.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    io::Write::write_all(&mut file, content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(dir)?.sync_all()
}

/// Makes a folder, and those above it, that only this user can look into.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> (tempfile::TempDir, Cache, Engine, Component, ContentHash) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path().join("cache")).unwrap();
        let engine = Engine::default();
        let wat = "(component (core module (func (export \"f\"))))";
        let component = Component::new(&engine, wat::parse_str(wat).unwrap()).unwrap();
        (dir, cache, engine, component, ContentHash::of(wat.as_bytes()))
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let (_dir, cache, engine, component, hash) = setup();
        assert!(cache.load(&engine, &hash).is_none());
        cache.save(&engine, &hash, &component);
        assert!(cache.load(&engine, &hash).is_some());
        assert!(cache.load(&engine, &ContentHash::of(b"other")).is_none());
    }

    #[test]
    fn a_damaged_entry_is_removed_and_made_anew() {
        let (_dir, cache, engine, component, hash) = setup();
        cache.save(&engine, &hash, &component);
        let path = cache.path(&engine, &hash);
        let mut code = fs::read(&path).unwrap();
        let middle = code.len() / 2;
        code[middle] ^= 1;
        fs::write(&path, code).unwrap();
        assert!(cache.load(&engine, &hash).is_none());
        assert!(!path.exists());
        cache.save(&engine, &hash, &component);
        assert!(cache.load(&engine, &hash).is_some());
    }

    #[test]
    fn an_entry_without_its_checksum_is_not_trusted() {
        let (_dir, cache, engine, component, hash) = setup();
        cache.save(&engine, &hash, &component);
        fs::remove_file(sum_path(&cache.path(&engine, &hash))).unwrap();
        assert!(cache.load(&engine, &hash).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, cache, ..) = setup();
        assert_eq!(fs::metadata(&cache.dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
