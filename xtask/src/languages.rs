//! The task `languages`: the tests' guests in other languages than Rust, each built as the author does who follows its page
//! in `docs/`, in a workshop of its own: `target/languages/NAME`.
//!
//! Never needs what a Rust developer does not have: without a language's tools its guest is not built, and its tests say
//! that they were skipped. Nothing is installed outside the workshop, and nothing is done twice for the same content.
//!
//! A new version of a tool is pinned in the guest's folder, and named on its page: for Python in `requirements.txt`, for
//! JavaScript by `npm install --package-lock-only --save-exact --save-dev PACKAGE@VERSION`, whose lock file names no host.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    cargo, files,
    workspaces::{self, TEST_GUESTS},
};

/// A language, and how a component is made of it.
pub(crate) struct Language {
    /// How people call it.
    pub(crate) title: &'static str,
    /// Its folder, from the root of the repository; the guest is named as the folder is.
    pub(crate) folder: &'static str,
    /// What its author has to have, and nothing else.
    tools: &'static [Tool],
    /// The files that say which packages it needs, in which versions.
    pins: &'static [&'static str],
    /// Where its author has slashbox's own `wit` folder.
    wit: &'static str,
    /// Installs what is pinned, within the workshop.
    install: fn(&Path) -> Result<()>,
    /// Makes the component [`BUILT`] in the workshop.
    build: fn(&Path) -> Result<()>,
}

/// A program that is there or not.
struct Tool {
    /// How people call it.
    title: &'static str,
    program: &'static str,
    /// Has it print its version.
    arguments: &'static [&'static str],
    /// The least version that will do.
    least: [u32; 2],
}

/// What the pages call the component.
const BUILT: &str = "visits.wasm";

/// On Windows, npm is a script.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Where a virtual environment has its programs.
const VENV_PROGRAMS: &str = if cfg!(windows) { "venv/Scripts" } else { "venv/bin" };

/// Every language that has a guest.
pub(crate) const LANGUAGES: [Language; 2] = [
    Language {
        title: "JavaScript",
        folder: "tests/guests/javascript",
        tools: &[
            Tool { title: "node", program: "node", arguments: &["--version"], least: [20, 19] },
            Tool { title: "npm", program: NPM, arguments: &["--version"], least: [0, 0] },
        ],
        pins: &["package.json", "package-lock.json"],
        wit: "wit/deps/slashbox",
        install: npm_install,
        build: npm_build,
    },
    Language {
        title: "Python",
        folder: "tests/guests/python",
        tools: &[
            Tool { title: "python3", program: "python3", arguments: &["--version"], least: [3, 9] },
            // Some systems package it apart from Python; it brings pip.
            Tool { title: "python3's venv", program: "python3", arguments: &["-c", PRINT_PIP], least: [0, 0] },
        ],
        pins: &["requirements.txt"],
        wit: "wit",
        install: pip_install,
        build: componentize_py,
    },
];

const PRINT_PIP: &str = "import ensurepip, venv; print(ensurepip.version())";

fn npm_install(workshop: &Path) -> Result<()> {
    run(workshop, NPM, &["ci", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error"])
}

fn npm_build(workshop: &Path) -> Result<()> {
    run(workshop, NPM, &["run", "--silent", "build"])
}

fn pip_install(workshop: &Path) -> Result<()> {
    run(workshop, "python3", &["-m", "venv", "--clear", "venv"])?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
    run(workshop, &in_venv(workshop, "python"), &install)
}

fn componentize_py(workshop: &Path) -> Result<()> {
    let arguments = ["--quiet", "-d", "wit", "-w", "plugin", "componentize", "visits", "-o", BUILT];
    run(workshop, &in_venv(workshop, "componentize-py"), &arguments)
}

fn in_venv(workshop: &Path, program: &str) -> String {
    workshop.join(VENV_PROGRAMS).join(program).to_string_lossy().into_owned()
}

/// Runs it there; what it prints is shown only if it fails.
fn run(workshop: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = cargo::program_in("", program.as_ref());
    command.current_dir(workshop).args(arguments);
    cargo::output(command).map(drop)
}

/// Builds the guest of each language whose tools are there.
pub(crate) fn build() -> Result<()> {
    LANGUAGES.iter().try_for_each(Language::build)
}

impl Language {
    /// Builds it beside the tests' other guests. Without its tools, or if it fails, none is left from before: a test of
    /// another source than the present one would tell nothing.
    pub(crate) fn build(&self) -> Result<()> {
        let published = self.published();
        let made = self.make().with_context(|| format!("the {} guest could not be built", self.title));
        let Ok(Some(component)) = made else {
            remove(&published)?;
            return made.map(drop);
        };
        let changed = files::copy_changed(&component, &published)?;
        let changed = if changed { "changed" } else { "unchanged" };
        eprintln!("xtask: the {} guest is in target/{}: {changed}", self.title, TEST_GUESTS.built);
        Ok(())
    }

    /// Its component; nothing if a tool is missing.
    fn make(&self) -> Result<Option<PathBuf>> {
        let mut versions = String::new();
        for tool in self.tools {
            match tool.version() {
                Ok(version) => versions.push_str(&version),
                Err(lack) => {
                    eprintln!("xtask: {lack}: the {} guest is not built, and its tests will be skipped", self.title);
                    return Ok(None);
                }
            }
        }
        let workshop = workspaces::target().join("languages").join(self.name());
        let laid = self.lay(&workshop)?;
        let pins = laid.iter().filter(|(name, _)| self.pins.iter().any(|pin| name.as_path() == Path::new(pin)));
        let installed = stamp((&versions, pins.collect::<Vec<_>>()));
        once(&workshop.join("installed"), &installed, || {
            eprintln!("xtask: installing what the {} guest is built with, which may take a minute", self.title);
            (self.install)(&workshop)
        })?;
        // How it is built counts as much as what it is built of.
        let built = stamp((&installed, &laid, include_str!("languages.rs")));
        once(&workshop.join("built"), &built, || {
            eprintln!("xtask: building the {} guest", self.title);
            (self.build)(&workshop)
        })?;
        Ok(Some(workshop.join(BUILT)))
    }

    /// Lays its sources and slashbox's `wit` into the workshop, as the author has them; gives back what lies where.
    fn lay(&self, workshop: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        // An interface that is gone must not be found there.
        remove(&workshop.join("wit"))?;
        let root = workspaces::root();
        let mut laid = Vec::new();
        for (from, to) in [(root.join(self.folder), Path::new("")), (root.join("wit"), Path::new(self.wit))] {
            for file in files::under(&from)? {
                let to = to.join(file.strip_prefix(&from)?);
                files::copy_changed(&file, &workshop.join(&to))?;
                let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                laid.push((to, content));
            }
        }
        Ok(laid)
    }

    /// Where its component is, if it was built.
    pub(crate) fn built(&self) -> Option<PathBuf> {
        Some(self.published()).filter(|component| component.exists())
    }

    fn published(&self) -> PathBuf {
        workspaces::target().join(TEST_GUESTS.built).join(self.name()).with_extension("wasm")
    }

    pub(crate) fn name(&self) -> &'static str {
        self.folder.rsplit('/').next().unwrap_or(self.folder)
    }
}

impl Tool {
    /// What it says of its version, or what is wrong with it, for people.
    fn version(&self) -> Result<String, String> {
        let output = Command::new(self.program).args(self.arguments).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else {
            return Err(format!("{} is missing", self.title));
        };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if major_minor(&version) < self.least {
            let [major, minor] = self.least;
            return Err(format!("{} {version} is older than {major}.{minor}", self.title));
        }
        Ok(version)
    }
}

/// `v20.19.1`, `Python 3.11.7` → the first two numbers; a number that is not there is 0.
fn major_minor(version: &str) -> [u32; 2] {
    let mut numbers = version.split(|character: char| !character.is_ascii_digit()).filter_map(|part| part.parse().ok());
    [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)]
}

/// A text that is another one for other content.
fn stamp(content: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Does it, unless it was done to its end with the same stamp.
fn once(stamped: &Path, stamp: &str, does: impl FnOnce() -> Result<()>) -> Result<()> {
    if fs::read_to_string(stamped).is_ok_and(|done| done == stamp) {
        return Ok(());
    }
    remove(stamped)?;
    does()?;
    fs::write(stamped, stamp).with_context(|| format!("cannot write {}", stamped.display()))
}

/// Removes a file or a folder with all that is in it, if there is one.
fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        for (version, expected) in
            [("v20.19.1", [20, 19]), ("Python 3.11.7", [3, 11]), ("10", [10, 0]), ("no number", [0, 0])]
        {
            assert_eq!(major_minor(version), expected, "{version}");
        }
    }

    #[test]
    fn a_tool_that_is_missing_or_old_is_told() {
        let tool = |program, least| Tool { title: "cargo", program, arguments: &["--version"], least };
        assert_eq!(tool("no-such-cargo", [0, 0]).version(), Err("cargo is missing".into()));
        let told = tool("cargo", [99, 0]).version().unwrap_err();
        assert!(told.starts_with("cargo cargo 1.") && told.ends_with(" is older than 99.0"), "{told}");
        assert!(tool("cargo", [1, 0]).version().is_ok());
    }

    #[test]
    fn what_was_done_to_its_end_is_not_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let stamped = folder.path().join("built");
        let mut done = Vec::new();
        let mut check = |stamp: &str, succeeds: bool| {
            let result = once(&stamped, stamp, || {
                done.push(stamp.to_owned());
                succeeds.then_some(()).context("it broke off")
            });
            (result.is_ok(), done.len())
        };
        assert_eq!(check("a", true), (true, 1));
        assert_eq!(check("a", true), (true, 1));
        assert_eq!(check("b", false), (false, 2));
        assert_eq!(check("a", true), (true, 3), "what broke off may have left anything");
        assert_eq!(check("b", true), (true, 4));
    }

    #[test]
    fn the_pages_show_the_files_word_for_word() {
        for language in &LANGUAGES {
            let page = format!("docs/{}.md", language.name());
            let shown = fs::read_to_string(workspaces::root().join(&page)).unwrap();
            for file in files::under(&workspaces::root().join(language.folder)).unwrap() {
                let name = file.file_name().unwrap();
                let content = fs::read_to_string(&file).unwrap();
                assert!(
                    name == "package-lock.json" || shown.contains(&content),
                    "{page} does not show {name:?} as it is"
                );
            }
        }
    }

    #[test]
    fn the_lock_file_names_no_registry() {
        let lock = fs::read_to_string(workspaces::root().join("tests/guests/javascript/package-lock.json")).unwrap();
        assert!(!lock.contains("\"resolved\""), "`npm install --package-lock-only` there, with its `.npmrc`");
    }
}
