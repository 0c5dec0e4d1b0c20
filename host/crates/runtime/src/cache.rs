//! Compiled code on disk, so that a start need not compile.
//!
//! Invariants: entries are found by the content's hash and the engine's; they appear whole or not at all, and are never
//! changed in place, since they are mapped while they run; one whose checksum is wrong is removed, not trusted. The folder
//! is private: loading native code means trusting whoever can write there.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use tracing::warn;
use wasmtime::{Engine, component::Component};

use crate::telemetry::RUNTIME;

/// The SHA-256 of a plugin's file, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// How long what no plugin uses any more is kept, give or take the time between two looks: an operator who takes a version back within the week need not wait.
const UNUSED_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What all of that may take meanwhile.
const UNUSED_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// The folder of compiled code. An entry's name is the content's hash, the engine's, and the checksum of what is in it.
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
        let prefix = prefix(engine, hash);
        let entry = self.entries().into_iter().find(|entry| entry.name.starts_with(&prefix))?;
        let path = self.dir.join(&entry.name);
        let expected = entry.name.strip_prefix(&prefix)?.strip_suffix(SUFFIX)?;
        if ContentHash::of(&fs::read(&path).ok()?).0 != expected {
            warn!(target: RUNTIME, path = %path.display(), "compiled code is damaged and will be made anew");
            remove(&path);
            return None;
        }
        load_trusted(engine, &path)
            .inspect_err(|error| {
                warn!(target: RUNTIME, path = %path.display(), %error, "compiled code cannot be loaded and will be made anew");
                remove(&path);
            })
            .ok()
    }

    /// Keeps a compiled component. A failure costs the next start its time, nothing else.
    pub(crate) fn save(&self, engine: &Engine, hash: &ContentHash, component: &Component) {
        let saved = component.serialize().map_err(io::Error::other).and_then(|code| {
            let name = format!("{}{}{SUFFIX}", prefix(engine, hash), ContentHash::of(&code).0);
            write_whole(&self.dir.join(name), &code)
        });
        if let Err(error) = saved {
            warn!(target: RUNTIME, path = %self.dir.display(), %error, "compiled code cannot be kept");
        }
    }

    /// Removes what no plugin has used for long, or of that the oldest if it is too much. What is mapped stays mapped.
    pub(crate) fn prune(&self, engine: &Engine, used: &BTreeSet<ContentHash>) {
        let used: BTreeSet<String> = used.iter().map(|hash| prefix(engine, hash)).collect();
        let is_used = |entry: &Entry| used.iter().any(|prefix| entry.name.starts_with(prefix));
        let (used, mut unused): (Vec<Entry>, Vec<Entry>) = self.entries().into_iter().partition(is_used);
        for entry in used {
            // From now on, if it is the last time.
            let file = fs::File::options().append(true).open(self.dir.join(entry.name));
            let _ = file.and_then(|file| file.set_modified(SystemTime::now())); // Then it is made anew a little earlier.
        }
        unused.sort_by_key(|entry| entry.age);
        let mut bytes = 0;
        for entry in unused {
            bytes += entry.bytes;
            if entry.age > UNUSED_MAX || bytes > UNUSED_BYTES_MAX {
                remove(&self.dir.join(entry.name));
            }
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let Ok(dir) = fs::read_dir(&self.dir) else { return Vec::new() };
        let entry = |entry: fs::DirEntry| {
            let metadata = entry.metadata().ok()?;
            let name = entry.file_name().into_string().ok()?;
            let age = metadata.modified().ok()?.elapsed().unwrap_or_default();
            Some(Entry { name, age, bytes: metadata.len() })
        };
        dir.flatten().filter_map(entry).collect()
    }
}

/// A file in the folder.
struct Entry {
    name: String,
    age: Duration,
    bytes: u64,
}

const SUFFIX: &str = ".cwasm";

/// How the names of a content's entries begin. The engine's hash covers its version, settings and the processor's features.
fn prefix(engine: &Engine, hash: &ContentHash) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}-", hash.0, hasher.finish())
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        warn!(target: RUNTIME, path = %path.display(), %error, "cannot be removed");
    }
}

#[allow(unsafe_code)] // docs/adr/0003-compiled-code-on-disk.md
fn load_trusted(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was made by `Component::serialize` of this program: it lies in a folder that only this user can
    // write to, under a name that only `save` gives, and its content has the checksum that `save` put into that name. It
    // is never changed in place: `save` renames a new file over it, and what is mapped stays what it was.
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

    fn only_entry(cache: &Cache) -> PathBuf {
        let entries = cache.entries();
        assert_eq!(entries.len(), 1);
        cache.dir.join(&entries[0].name)
    }

    #[test]
    fn a_damaged_entry_is_removed_and_made_anew() {
        let (_dir, cache, engine, component, hash) = setup();
        cache.save(&engine, &hash, &component);
        let path = only_entry(&cache);
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
        let nameless = format!("{}{SUFFIX}", prefix(&engine, &hash));
        fs::rename(only_entry(&cache), cache.dir.join(nameless)).unwrap();
        assert!(cache.load(&engine, &hash).is_none());
    }

    #[test]
    fn what_nobody_uses_goes_after_a_week() {
        let (_dir, cache, engine, component, hash) = setup();
        cache.save(&engine, &hash, &component);
        let age = |age: Duration| {
            let file = fs::File::options().append(true).open(only_entry(&cache)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        age(UNUSED_MAX - Duration::from_secs(60));
        cache.prune(&engine, &BTreeSet::new());
        age(UNUSED_MAX + Duration::from_secs(60));
        cache.prune(&engine, &[hash.clone()].into());
        // It is used until now, so the week begins now.
        cache.prune(&engine, &BTreeSet::new());
        assert!(cache.load(&engine, &hash).is_some());
        age(UNUSED_MAX + Duration::from_secs(60));
        cache.prune(&engine, &BTreeSet::new());
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
