//! Giving a plugin another name, with all that it has.

use std::path::{Path, PathBuf};

use slashbox_core::{NameError, PluginId, check_name};
use slashbox_runtime::{Folders, RenameFilesError, Renaming};
use slashbox_store::{Moved, OpenError, RenameError, Store};

/// What was done.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// The files, from where to where; none if they had the new name before.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// What went along, for each tenant for which there was anything.
    pub moved: Vec<Moved>,
}

/// Why a plugin was not renamed. All is as it was, unless files could not be renamed: then the same again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum RenamePluginError {
    /// The new name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It is the old one.
    #[error("{0} has that name")]
    Same(PluginId),
    /// There is nothing to rename.
    #[error("there is no plugin {0}: no file of that name in {1:?}, and nothing is kept under it")]
    Unknown(PluginId, PathBuf),
    /// No host has ever had its data there.
    #[error("there is no data directory {0:?}")]
    NoData(PathBuf),
    /// A host runs, or what it keeps cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Both names keep something.
    #[error(transparent)]
    Store(#[from] RenameError),
    /// Files stand in the way, or cannot be renamed.
    #[error(transparent)]
    Files(#[from] RenameFilesError),
}

/// Gives a plugin another name, in the same folder: its file and its grant, its keys and timers for every tenant, its
/// commands, and what is on its way to it. For a time when no host runs on `data_dir`. If its file has the new name
/// already, the rest goes after it.
///
/// All that it keeps is moved in one commit, the files afterwards: if that is interrupted, the same call again does what is
/// left.
///
/// # Errors
/// See [`RenamePluginError`].
pub async fn rename_plugin(
    plugins_dir: &Path,
    data_dir: &Path,
    from: &PluginId,
    to: &str,
) -> Result<Renamed, RenamePluginError> {
    check_name(to)?;
    if *from.stem == *to {
        return Err(RenamePluginError::Same(from.clone()));
    }
    if !data_dir.is_dir() {
        return Err(RenamePluginError::NoData(data_dir.into()));
    }
    let store = Store::open(data_dir)?; // From here on, no host runs.
    let renamed = rename(&store, plugins_dir, data_dir, from, to).await;
    store.close().await;
    renamed
}

async fn rename(
    store: &Store,
    plugins_dir: &Path,
    data_dir: &Path,
    from: &PluginId,
    to: &str,
) -> Result<Renamed, RenamePluginError> {
    let folders = Folders { plugins_dir: plugins_dir.into(), data_dir: data_dir.into() };
    let renaming = Renaming::of(&folders, from.clone(), to)?;
    let concerned = renaming.clone();
    let whose = move |tenant: &str| concerned.concerns(tenant);
    let moved = store.rename_plugin(from.stem.to_string(), to.into(), whose).await?;
    if moved.is_empty() && renaming.files.is_empty() && !renaming.is_remembered {
        return Err(RenamePluginError::Unknown(from.clone(), plugins_dir.into()));
    }
    renaming.carry_out()?;
    Ok(Renamed { files: renaming.files, moved })
}
