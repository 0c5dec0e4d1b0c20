//! Where things lie: the cargo workspaces of the repository, in one list, and the folders of what is built.
//!
//! Whoever adds a workspace adds it to [`all`], and every task covers it; a test finds the one that is missing.

use std::{env, path::PathBuf};

/// A workspace for the machine that the developer sits at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Native {
    /// Its folder, from the root of the repository; empty for the root's own.
    pub(crate) folder: &'static str,
}

/// A workspace of guests that are built for wasm32-wasip2, all of them, and loaded from one folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guests {
    /// Its folder, from the root of the repository.
    pub(crate) folder: &'static str,
    /// Where its components go, under `target`.
    pub(crate) built: &'static str,
    /// What it holds, for people.
    pub(crate) what: &'static str,
}

/// The host, the SDK, the black-box tests, the tasks.
pub(crate) const ROOT: Native = Native { folder: "" };
/// The example plugins.
pub(crate) const PLUGINS: Guests = Guests { folder: "plugins", built: "plugins", what: "the example plugins" };
/// What the tests load.
pub(crate) const TEST_GUESTS: Guests =
    Guests { folder: "tests/guests", built: "test-guests", what: "the tests' guests" };

/// What the benchmarks call: one for each of two targets.
pub(crate) const BENCH_GUESTS: &str = "bench/guests";
/// Extism's side of the benchmarks. It brings a wasmtime of its own, so only `bench` builds it.
pub(crate) const BENCH_EXTISM: &str = "bench/extism";

/// Every native workspace that CI builds.
pub(crate) const NATIVE: [Native; 1] = [ROOT];
/// The workspaces of guests that tests load.
pub(crate) const LOADED: [Guests; 2] = [PLUGINS, TEST_GUESTS];

/// The folder of every workspace of guests.
pub(crate) fn guests() -> impl Iterator<Item = &'static str> {
    LOADED.iter().map(|guests| guests.folder).chain([BENCH_GUESTS])
}

/// The folder of every workspace.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    NATIVE.iter().map(|native| native.folder).chain(guests()).chain([BENCH_EXTISM])
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo tells at run time where the package lies; what it said at compile time is wrong once the checkout has moved.
    let xtask = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().map_or_else(|| xtask.clone(), PathBuf::from)
}

/// The folder of everything that is built, and of the demo.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The target directory of all guests: one, so that what they share is built once, and not the host's, so that a build of
/// guests never waits for one of the host.
pub(crate) fn guests_target() -> PathBuf {
    target().join("guests")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;
    use crate::files;

    #[test]
    fn every_workspace_is_listed() {
        let listed: BTreeSet<PathBuf> = all().map(|folder| root().join(folder)).collect();
        let found: BTreeSet<PathBuf> = ["Cargo.toml", "bench", "plugins", "tests"]
            .iter()
            .flat_map(|place| files::under(&root().join(place)).unwrap())
            .filter(|file| file.ends_with("Cargo.toml"))
            .filter(|file| fs::read_to_string(file).unwrap().lines().any(|line| line.trim() == "[workspace]"))
            .map(|file| file.parent().unwrap().to_owned())
            .collect();
        let missing: Vec<_> = found.difference(&listed).collect();
        assert!(missing.is_empty(), "workspaces that no task covers: {missing:?}");
    }
}
