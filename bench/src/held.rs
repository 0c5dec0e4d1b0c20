//! What a process holds: memory, threads, descriptors, mapped regions.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

/// What Linux says of it at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Held {
    pub(crate) resident_mib: f64,
    pub(crate) threads: f64,
    pub(crate) descriptors: f64,
    pub(crate) regions: f64,
}

impl Held {
    pub(crate) fn by(process: u32) -> Result<Self> {
        let of = |what: &str| format!("/proc/{process}/{what}");
        let (status, regions) = (fs::read_to_string(of("status"))?, fs::read_to_string(of("maps"))?);
        Ok(Self {
            resident_mib: figure(&status, "VmRSS:")? / 1024.0,
            threads: figure(&status, "Threads:")?,
            descriptors: fs::read_dir(of("fd"))?.count() as f64,
            regions: regions.lines().count() as f64,
        })
    }

    /// By how much it is more than it was.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self {
            resident_mib: self.resident_mib - before.resident_mib,
            threads: self.threads - before.threads,
            descriptors: self.descriptors - before.descriptors,
            regions: self.regions - before.regions,
        }
    }
}

/// The number behind a name.
fn figure(status: &str, name: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status() {
        let status = "Name:\tslashbox\nVmRSS:\t   51200 kB\nThreads:\t13\n";
        assert_eq!(figure(status, "VmRSS:").unwrap(), 51_200.0);
        assert_eq!(figure(status, "Threads:").unwrap(), 13.0);
        assert!(figure(status, "VmSwap:").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_holds_something() {
        let held = Held::by(std::process::id()).unwrap();
        assert!(held.resident_mib > 1.0 && held.threads >= 1.0 && held.descriptors >= 3.0 && held.regions > 10.0);
    }
}
