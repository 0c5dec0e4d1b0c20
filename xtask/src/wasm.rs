//! The toolchain of the guests: rustup's with the target that they are built for, which is added where it is missing, or
//! the cargo that `SLASHBOX_WASM_CARGO` names, which brings its own.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::ErrorKind,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{cargo, workspaces};

/// What plugins are built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Names another cargo for the guests.
const GIVEN: &str = "SLASHBOX_WASM_CARGO";

/// Who builds the guests.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The toolchain of the repository.
    Own,
    /// The developer's choice.
    Given(OsString),
}

impl Toolchain {
    /// Finds it; of the repository's own, makes sure that it has the target.
    pub(crate) fn find(target: &str) -> Result<Self> {
        if let Some(program) = cargo::given(GIVEN)? {
            return Ok(Self::Given(program));
        }
        if !has_target(target)? {
            add_target(target)?;
        }
        Ok(Self::Own)
    }

    /// Its cargo, in the folder of a workspace of guests.
    pub(crate) fn cargo(&self, folder: &str) -> Command {
        let mut command = match self {
            Self::Own => cargo::cargo(folder),
            Self::Given(program) => {
                let mut command = cargo::program_in(folder, program);
                // It may be rustup's with a toolchain of its own choice.
                command.env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        };
        command.env("CARGO_TARGET_DIR", workspaces::guests_target());
        command
    }
}

/// Whether rustc has a standard library for the target. Asked in the root, where rust-toolchain.toml counts.
fn has_target(target: &str) -> Result<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = cargo::program_in("", &rustc);
    command.args(["--print", "target-libdir", "--target", target]);
    let folder = cargo::output(command)?;
    let Ok(entries) = fs::read_dir(folder.trim()) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.file_name().as_encoded_bytes().starts_with(b"libstd-")))
}

fn add_target(target: &str) -> Result<()> {
    let mut command = cargo::program_in("", OsStr::new("rustup"));
    command.args(["target", "add", target]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let rustup = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "the Rust target {target} is missing and there is no rustup to add it: install Rust with rustup, or set {GIVEN} \
             to a cargo that has the target"
        ),
        spawned => spawned.context("cannot run rustup")?,
    };
    eprintln!("xtask: adding the Rust target {target}");
    let output = rustup.wait_with_output().context("cannot wait for rustup")?;
    if !output.status.success() {
        bail!(
            "the Rust target {target} is missing and could not be added ({}): run `rustup target add {target}` in this \
             folder once there is a network, or set {GIVEN} to a cargo that has the target",
            complaint(&String::from_utf8_lossy(&output.stderr))
        );
    }
    Ok(())
}

/// What rustup says was wrong, without the story around it.
fn complaint(stderr: &str) -> &str {
    stderr.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or("rustup does not say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_rustups_word() {
        let story =
            "info: downloading component 'rust-std'\nerror: could not download file\n\nCaused by:\n  a timeout\n";
        assert_eq!(complaint(story), "could not download file");
        assert_eq!(complaint(""), "rustup does not say why");
    }
}
