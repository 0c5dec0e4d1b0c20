//! Folders for what is to be durable.

use std::{env, fs};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A new folder under `target/bench`, gone when it is dropped. Not in the system's own folder for temporary files, which
/// may be in memory: what is measured is the disk too.
pub(crate) fn folder() -> Result<TempDir> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    let target = program.ancestors().nth(2).context("this program is not in a target folder")?;
    let parent = target.join("bench");
    fs::create_dir_all(&parent).with_context(|| format!("cannot make {parent:?}"))?;
    tempfile::tempdir_in(&parent).with_context(|| format!("cannot make a folder in {parent:?}"))
}
