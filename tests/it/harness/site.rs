//! A place for a host: its configuration, its folders, its environment. Hosts may start there one after the other.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The key of the source `support`: the one in the platform's documents.
pub(crate) const KEY: &str = "pQTngMZLh0NmAh";

/// A place for a host.
#[derive(Debug)]
pub(crate) struct Site {
    dir: TempDir,
    environment: Vec<(String, String)>,
}

impl Site {
    /// With one source, `support`, and these plugins, each `NAME=GUEST` or a guest under its own name.
    pub(crate) fn new(plugins: &[&str]) -> Self {
        let site = Self::empty();
        site.add_source("support", KEY, "");
        for plugin in plugins {
            let (name, guest) = plugin.split_once('=').unwrap_or((plugin, plugin));
            site.plugin(name, guest);
        }
        site
    }

    /// Without sources and plugins.
    pub(crate) fn empty() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap(), environment: Vec::new() };
        fs::create_dir(site.plugins()).unwrap();
        site.write("slashbox.toml", "");
        site
    }

    /// Adds a table to the configuration.
    pub(crate) fn configure(&self, table: &str) {
        let config = fs::read_to_string(self.path("slashbox.toml")).unwrap();
        self.write("slashbox.toml", format!("{config}\n{table}\n"));
    }

    /// Changes a text of the configuration that stands there once.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let config = fs::read_to_string(self.path("slashbox.toml")).unwrap();
        assert_eq!(config.matches(from).count(), 1, "{from:?} in {config}");
        self.write("slashbox.toml", config.replace(from, to));
    }

    /// Adds a source that speaks Hotline, with more lines if there are any.
    pub(crate) fn add_source(&self, name: &str, key: &str, more: &str) {
        self.configure(&format!("[[sources]]\nname = {name:?}\ndialect = \"hotline\"\napi_key = {key:?}\n{more}"));
    }

    /// Allows requests to receivers of the tests: without TLS, to this machine.
    pub(crate) fn allow_receivers(&self) {
        self.configure("[egress]\nallow_http = true\nallow_cidrs = [\"127.0.0.1/32\"]");
    }

    /// Adds a remote that wants these kinds and commands, with more lines if there are any.
    pub(crate) fn add_webhook(&self, name: &str, url: &str, events: &[&str], more: &str) {
        self.configure(&format!("[[webhooks]]\nname = {name:?}\nurl = {url:?}\nevents = {events:?}\n{more}"));
    }

    /// Adds a variable to what the host has as its environment.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path below the site's folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.path("plugins")
    }

    /// Writes a file in place; the folder is made if there is none.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies a guest over `plugins/NAME.wasm`, in place.
    pub(crate) fn plugin(&self, name: &str, guest: &str) {
        self.write(&format!("plugins/{name}.wasm"), self::guest(guest));
    }

    /// As [`Self::plugin`], of a version that differs from every other in nothing that it does.
    pub(crate) fn plugin_version(&self, name: &str, guest: &str, version: u8) {
        let mut component = self::guest(guest);
        // A custom section: its kind, its length, its name behind that one's length, and what is in it.
        component.extend([0, 9, 7, b'v', b'e', b'r', b's', b'i', b'o', b'n', version]);
        self.write(&format!("plugins/{name}.wasm"), component);
    }

    /// Writes `plugins/NAME.toml`, whole at once: a grant that is empty for a moment is sound, and would be taken.
    pub(crate) fn grant(&self, name: &str, text: &str) {
        self.write("grant.part", text);
        self.rename("grant.part", &format!("plugins/{name}.toml"));
    }

    /// Gives `probe` one call at a time; the next one waits for longer than a short call takes, then is told so.
    pub(crate) fn one_place(&self) {
        self.grant("probe", "[limits]\nconcurrency = 1");
        self.configure("[limits]\nqueue_ms = 300");
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }
}

/// The bytes of a guest: an example plugin, or one of the tests' own.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let read = |folder: &str| fs::read(target.join(folder).join(format!("{name}.wasm")));
    let found = read("plugins").or_else(|_: io::Error| read("test-guests"));
    found.unwrap_or_else(|error| panic!("the guest {name} is not there ({error}): `cargo xtask test` builds it"))
}
