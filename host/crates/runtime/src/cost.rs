//! What a plugin costs its host: measured when it is checked, for its author.
//!
//! Measures what the host itself does, on its own engine: a compilation without the cache, and fresh sandboxes as calls
//! get them. Keeps nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    LoadError, Plugin, PluginFile, Runtime, Settings, engine::Ticking, lanes::Lanes, load::Loader, runtime::no_threads,
    shelf,
};

/// How many calls are timed: enough that one that is interrupted counts for little.
const CALLS_MAX: u32 = 200;

/// For how long calls are timed: an author waits for it, and guests that bring an interpreter take long.
const TIMED_MAX: Duration = Duration::from_secs(2);

/// What a plugin costs its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How long it took to compile, once for each of its versions: a host keeps what it has compiled.
    pub compile: Duration,
    /// What a call costs in which the plugin does next to nothing: the mean of calls of `describe`, each in a fresh
    /// sandbox.
    pub warm: Duration,
    /// The memory that each of its sandboxes has to begin with, in bytes, its tables included.
    pub memory_bytes: u64,
}

impl Runtime {
    /// Loads one file and nothing else, with the grant beside it if there is one, and measures what it costs. Takes as long
    /// as it takes to compile, and about two seconds at most besides. Nothing can be called.
    ///
    /// # Errors
    /// If the engine does not start, or the file is no plugin.
    pub async fn check(settings: &Settings, file: &PluginFile) -> Result<(Plugin, Cost), LoadError> {
        let ticking = Arc::new(Ticking::start(settings)?);
        let lanes = Arc::new(Lanes::start().map_err(no_threads)?);
        let loader = Loader::new(ticking, lanes, None, settings.host, None)?;
        let plugin = shelf::load_alone(&loader, settings, file).await?;
        let warm = warm(&loader, &plugin).await?;
        let cost = Cost { compile: plugin.compiled_in, warm, memory_bytes: plugin.memory_bytes };
        Ok((plugin, cost))
    }
}

/// The mean of some calls. It has been called once, so that what only a first call does is done.
async fn warm(loader: &Loader, plugin: &Plugin) -> Result<Duration, LoadError> {
    let (began, mut sum, mut calls) = (Instant::now(), Duration::ZERO, 0);
    while calls < CALLS_MAX && (calls == 0 || began.elapsed() < TIMED_MAX) {
        sum += loader.time_describe(plugin).await?;
        calls += 1;
    }
    Ok(sum / calls)
}
