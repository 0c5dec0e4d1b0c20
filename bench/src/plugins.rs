//! Goal 6: how soon plugins serve, at the start and when their files change, and that changes cost no call and leave
//! nothing behind.

pub(crate) mod drops;
pub(crate) mod reloads;
pub(crate) mod starts;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::plan::Plan;

/// The components of goal 6.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files<'f> {
    /// The guest `stamped`.
    pub(crate) stamped: &'f Path,
    /// The guests in other languages, if they were built.
    pub(crate) javascript: Option<&'f Path>,
    pub(crate) python: Option<&'f Path>,
}

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Plugins {
    starts: starts::Starts,
    drops: drops::Drops,
    reloads: reloads::Reloads,
}

/// The same for people.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) starts: starts::Cost,
    pub(crate) drops: Vec<drops::Cost>,
    pub(crate) reloads: Option<reloads::Cost>,
}

/// Measures all of it. The reloads are many, and counted once in a run.
pub(crate) fn session(plan: &Plan, files: Files<'_>, session: usize, plugins: &mut Plugins) -> Result<()> {
    let stamped = read(files.stamped)?;
    starts::session(plan, &stamped, &mut plugins.starts)?;
    drops::session(plan, &stamped, files, session, &mut plugins.drops)?;
    if session == 1 {
        reloads::session(plan, &stamped, &mut plugins.reloads)?;
    }
    Ok(())
}

impl Plugins {
    pub(crate) fn cost(&self) -> Cost {
        Cost { starts: self.starts.cost(), drops: self.drops.costs(), reloads: self.reloads.cost() }
    }
}

fn read(component: &Path) -> Result<Vec<u8>> {
    fs::read(component).with_context(|| format!("cannot read {component:?}"))
}
