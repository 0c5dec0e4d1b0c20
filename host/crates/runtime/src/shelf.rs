//! What becomes of a plugin's files: a version that serves, the last good one, or none.
//!
//! Invariant: whatever is wrong with a file, the last good version of its plugin goes on serving, with what its grant gives
//! now; only the operator's `enabled = false` ends it.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use slashbox_core::{Folder, Limits, PluginId};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::{
    Grant, LoadError, Plugin, PluginFile, Problem, Settings, Standing,
    cache::ContentHash,
    engine::LOADS_MAX,
    folder::{self, Files, grant_path, wasm_path},
    kept::Kept,
    load::Loader,
    telemetry::PLUGINS,
};

/// The most bytes of a grant: a few settings.
const GRANT_BYTES_MAX: usize = 256 * 1024;

/// How often a plugin that is not to be called is asked what it is, if that fails for lack of time: nobody asks later.
const KNOWN_TRIES: u32 = 3;

/// Where plugins come from, and what they may have at most.
pub(crate) struct Place {
    pub(crate) plugins_dir: PathBuf,
    pub(crate) ceiling: Limits,
    pub(crate) file_mib_max: u32,
}

/// What became of a plugin's files.
pub(crate) enum State {
    Serving(Arc<Plugin>),
    /// An earlier version serves, and why.
    LastGood(Arc<Plugin>, LoadError),
    /// Nothing serves, and why; and what it is, if that is known.
    Broken(LoadError, Option<Arc<Plugin>>),
    Disabled,
}

impl State {
    pub(crate) fn plugin(&self) -> Option<&Arc<Plugin>> {
        match self {
            Self::Serving(plugin) | Self::LastGood(plugin, _) => Some(plugin),
            Self::Broken(..) | Self::Disabled => None,
        }
    }

    /// What is wrong with the file that lies there.
    pub(crate) fn error(&self) -> Option<&LoadError> {
        match self {
            Self::LastGood(_, error) | Self::Broken(error, _) => Some(error),
            Self::Serving(_) | Self::Disabled => None,
        }
    }

    /// What it is, of one that waits until it is mended.
    pub(crate) fn waiting(&self) -> Option<&Arc<Plugin>> {
        match self {
            Self::Broken(_, known) => known.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn standing(&self, plugins_dir: &Path, id: &PluginId) -> Standing {
        let problem = |error: &LoadError| {
            let path = match error {
                LoadError::Grant(_) | LoadError::GrantRead(_) => grant_path(plugins_dir, id),
                _ => wasm_path(plugins_dir, id),
            };
            Problem { path, what: error.to_string() }
        };
        match self {
            Self::Serving(_) => Standing::Serving,
            Self::LastGood(_, error) => Standing::LastGood(problem(error)),
            Self::Broken(error, _) => Standing::Broken(problem(error)),
            Self::Disabled => Standing::Disabled,
        }
    }
}

/// Loads plugins from their place.
pub(crate) struct Shelf {
    pub(crate) loader: Loader,
    pub(crate) place: Place,
    pub(crate) kept: Kept,
    loads: Semaphore,
}

impl Shelf {
    pub(crate) fn new(loader: Loader, place: Place, kept: Kept) -> Self {
        Self { loader, place, kept, loads: Semaphore::new(LOADS_MAX as usize) }
    }

    /// Loads what lies there; failing that, what was good before. `waiting` is what it is known to be, if nothing of it
    /// serves.
    pub(crate) async fn load(
        &self,
        id: &PluginId,
        files: Files,
        serving: Option<Arc<Plugin>>,
        waiting: Option<Arc<Plugin>>,
    ) -> State {
        let _turn = self.loads.acquire().await; // It is never closed.
        let grant = match self.grant(id, files).await {
            Ok(grant) => grant,
            // Without the operator's word as it is meant, at most what served before may go on.
            Err(error) => {
                return match serving {
                    Some(serving) => State::LastGood(serving, error),
                    None => State::Broken(error, self.known(id, waiting).await),
                };
            }
        };
        if !grant.enabled {
            return State::Disabled;
        }
        let error = match self.load_file(id, &grant, serving.as_ref()).await {
            Ok(plugin) => return State::Serving(plugin),
            Err(error) => error,
        };
        // With the grant that holds now if that is possible.
        if let Some(serving) = serving.as_ref().filter(|plugin| plugin.grant == grant) {
            return State::LastGood(serving.clone(), error);
        }
        // The old one may not go on without what was taken from it meanwhile.
        match self.load_kept(id, grant).await {
            Some(kept) => State::LastGood(kept, error),
            None => State::Broken(error, self.known(id, serving.or(waiting)).await),
        }
    }

    async fn load_kept(&self, id: &PluginId, grant: Grant) -> Option<Arc<Plugin>> {
        let (kept, kept_id) = (self.kept.clone(), id.clone());
        let bytes = off_thread(move || Ok(kept.load(&kept_id))).await.ok()??;
        let loaded = self.loader.load(id, bytes.into(), grant).await;
        let warned = loaded.inspect_err(|error| warn!(target: PLUGINS, plugin = %id, %error, "the last good version"));
        warned.ok().map(Arc::new)
    }

    /// What it is, of one that is not to be called: as it was, or else as its file says with nothing granted.
    async fn known(&self, id: &PluginId, before: Option<Arc<Plugin>>) -> Option<Arc<Plugin>> {
        if before.is_some() {
            return before;
        }
        let (path, mib_max) = (wasm_path(&self.place.plugins_dir, id), self.place.file_mib_max);
        let bytes = off_thread(move || read_capped(&path, mib_max)).await.ok()?;
        let bytes = Arc::<[u8]>::from(bytes);
        for _ in 0..KNOWN_TRIES {
            match self.loader.load(id, bytes.clone(), Grant::none(self.place.ceiling)).await {
                Ok(plugin) => return Some(Arc::new(plugin)),
                Err(error) if error.passes() => {}
                Err(_) => return None,
            }
        }
        None
    }

    async fn load_file(
        &self,
        id: &PluginId,
        grant: &Grant,
        serving: Option<&Arc<Plugin>>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let (path, mib_max) = (wasm_path(&self.place.plugins_dir, id), self.place.file_mib_max);
        let (bytes, hash) = off_thread(move || {
            let bytes = read_capped(&path, mib_max)?;
            let hash = ContentHash::of(&bytes);
            Ok((Arc::<[u8]>::from(bytes), hash))
        })
        .await?;
        let same = |plugin: &&Arc<Plugin>| plugin.content_hash == hash.0 && plugin.grant == *grant;
        if let Some(serving) = serving.filter(same) {
            return Ok(serving.clone());
        }
        let mut plugin = self.loader.load(id, bytes.clone(), grant.clone()).await?;
        if let Some(serving) = serving.filter(|serving| serving.limits().concurrency == plugin.limits().concurrency) {
            (plugin.places, plugin.shares) = (serving.places.clone(), serving.shares.clone());
        }
        self.keep(id, bytes).await;
        Ok(Arc::new(plugin))
    }

    async fn keep(&self, id: &PluginId, bytes: Arc<[u8]>) {
        let (kept, kept_id) = (self.kept.clone(), id.clone());
        if let Err(error) = off_thread(move || Ok(kept.save(&kept_id, &bytes)?)).await {
            warn!(target: PLUGINS, plugin = %id, %error, "this version cannot be kept over a restart");
        }
    }

    async fn grant(&self, id: &PluginId, files: Files) -> Result<Grant, LoadError> {
        let ceiling = self.place.ceiling;
        if files.grant.is_none() {
            return Ok(Grant::none(ceiling));
        }
        let (path, id) = (grant_path(&self.place.plugins_dir, id), id.clone());
        off_thread(move || read_grant(&path, &id, ceiling)).await
    }
}

/// Loads a file that lies anywhere, with the grant beside it if there is one: what a folder's plugin would be refused for,
/// it is refused for too. What its grant switches off is loaded all the same.
pub(crate) async fn load_alone(loader: &Loader, settings: &Settings, file: &PluginFile) -> Result<Plugin, LoadError> {
    let PluginFile { path, folder } = file;
    let (id, files) = folder::look(path, folder)?;
    let bytes = read_capped(path, settings.host.plugin_file_mib)?;
    let grant = match files.grant {
        // A name alone has no folder to look whether a link leads out of it.
        Some(_) => read_grant(&std::path::absolute(path.with_extension("toml"))?, &id, settings.ceiling)?,
        None => Grant::none(settings.ceiling),
    };
    loader.load(&id, bytes.into(), grant).await
}

/// Reads and hashes off the threads that serve.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(LoadError::Read(io::Error::other(panic))))
}

/// Reads a file up to its limit, however it grows meanwhile; one that is larger from the beginning, not at all.
fn read_capped(path: &Path, mib_max: u32) -> Result<Vec<u8>, LoadError> {
    let file = fs::File::open(path)?;
    let bytes_max = u64::from(mib_max) * 1024 * 1024;
    let mut size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= bytes_max {
        file.take(bytes_max + 1).read_to_end(&mut bytes)?;
        size = bytes.len() as u64;
    }
    if size > bytes_max { Err(LoadError::TooLarge { bytes: size, mib_max }) } else { Ok(bytes) }
}

fn read_grant(path: &Path, id: &PluginId, ceiling: Limits) -> Result<Grant, LoadError> {
    let text = read_grant_text(path, &id.folder).map_err(LoadError::GrantRead)?;
    Ok(Grant::parse(&text, &id.folder, ceiling, |name| std::env::var(name).ok())?)
}

fn read_grant_text(path: &Path, folder: &Folder) -> io::Result<String> {
    let (file, mut text) = (fs::File::open(path)?, String::new());
    if *folder != Folder::Shared && !lies_beside(&file, path)? {
        return Err(io::Error::other("a link that leads out of the tenant's folder: expected a file in it"));
    }
    file.take(GRANT_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    if text.len() > GRANT_BYTES_MAX {
        return Err(io::Error::other(format!(
            "the file has more than {GRANT_BYTES_MAX} bytes: expected a few settings"
        )));
    }
    Ok(text)
}

/// Whether an open file is one of the folder that its path names: a tenant who may write there must not get at what others
/// are granted. The file is open already, so nobody can put another in its place any more.
fn lies_beside(file: &fs::File, path: &Path) -> io::Result<bool> {
    let (real, folder) = (path.canonicalize()?, path.parent().unwrap_or(path).canonicalize()?);
    let (open, there) = (file.metadata()?, fs::metadata(&real)?);
    #[cfg(unix)]
    let same = {
        use std::os::unix::fs::MetadataExt;
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    };
    #[cfg(not(unix))]
    let same = open.modified()? == there.modified()? && open.len() == there.len();
    Ok(same && real.starts_with(folder))
}
