//! A folder with the plugins of a host and all that it keeps.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{child::Child, scratch};

/// It is gone when this is dropped.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Result<Self> {
        let folder = scratch::folder()?;
        for name in ["plugins", "incoming"] {
            fs::create_dir(folder.path().join(name))?;
        }
        Ok(Self { folder })
    }

    /// A host that serves them.
    pub(crate) fn server(&self) -> Result<Child> {
        self.process("serve", "slashbox-plugins")
    }

    /// One of this program's own commands, for this folder. Its log lies there too.
    pub(crate) fn process(&self, what: &str, which: &str) -> Result<Child> {
        let folder = self.folder.path();
        Child::own_logging(&[what.as_ref(), which.as_ref(), folder.as_os_str()], &folder.join("log"))
    }

    /// A file that is not yet where the host looks.
    pub(crate) fn prepare(&self, plugin: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.path().join("incoming").join(format!("{plugin}.wasm"));
        fs::write(&path, bytes).with_context(|| format!("cannot write {path:?}"))?;
        Ok(path)
    }

    /// Moves it there, all at once.
    pub(crate) fn drop(&self, prepared: &Path) -> Result<()> {
        let name = prepared.file_name().context("the file has no name")?;
        Ok(fs::rename(prepared, self.folder.path().join("plugins").join(name))?)
    }
}
