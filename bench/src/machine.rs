//! On what machine it ran, and whether it had it to itself.

use std::{fs, thread};

use serde::Serialize;

/// Above this many processes that want to run, somebody else works too.
const LOAD_MAX: f64 = 0.5;

/// What readers need to know to compare figures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Processes that wanted to run in the minute before.
    pub(crate) load_before: Option<f64>,
}

impl Machine {
    /// This one, as far as Linux tells.
    pub(crate) fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or("unknown", |(_, model)| model).into(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            load_before: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()),
        }
    }

    /// What somebody should know before they believe the figures.
    pub(crate) fn warning(&self) -> Option<String> {
        let load = self.load_before.filter(|load| *load > LOAD_MAX)?;
        Some(format!("the machine is not idle (load {load}): figures will be worse than they are"))
    }
}
