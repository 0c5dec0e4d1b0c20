//! The task `ci`: what must hold before a change is taken. The cheap steps come first, and the first that fails ends it;
//! of the tests, all run, and their summary is the end of the output.

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result};

use crate::{
    cargo::{self, cargo},
    floors, heads, test,
    wasm::{self, Toolchain},
    workspaces::{self, NATIVE, PLUGINS},
};

/// Runs every step.
pub(crate) fn run() -> Result<ExitCode> {
    step("heads", heads::check)?;
    step("format", format)?;
    step("floors", floors::check)?;
    step("clippy of the guests", clippy_guests)?;
    step("clippy", clippy)?;
    step("docs", docs)?;
    Ok(step("test", || Ok(test::run(&[])))?.conclude())
}

/// Runs a step, and says when it begins, when it ends, and how long it took.
fn step<T>(name: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("ci: {name} …");
    let start = Instant::now();
    let result = run();
    let seconds = start.elapsed().as_secs_f64();
    if result.is_ok() {
        eprintln!("ci: {name} took {seconds:.1} s");
    }
    result.with_context(|| format!("ci: {name} failed after {seconds:.1} s"))
}

fn format() -> Result<()> {
    workspaces::all().try_for_each(|folder| cargo::run(with(cargo(folder), &["fmt", "--all", "--check"])))
}

const CLIPPY: [&str; 4] = ["clippy", "--quiet", "--workspace", "--all-targets"];
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

fn clippy() -> Result<()> {
    NATIVE.iter().try_for_each(|native| cargo::run(with(with(cargo(native.folder), &CLIPPY), &DENY_WARNINGS)))
}

/// Guests as they are built, and their tests, which run here.
fn clippy_guests() -> Result<()> {
    let toolchain = Toolchain::find(wasm::TARGET)?;
    for folder in workspaces::guests() {
        match toolchain {
            Toolchain::Own => clippy_guest(folder, &["--target", wasm::TARGET])?,
            // Clippy belongs to one compiler, and cannot read the standard library of another.
            Toolchain::Given(_) => {
                eprintln!("ci: clippy reads {folder} for this machine, not for {}", wasm::TARGET)
            }
        }
    }
    clippy_guest(PLUGINS.folder, &["--all-targets"])
}

fn clippy_guest(folder: &str, arguments: &[&str]) -> Result<()> {
    let mut command = with(cargo(folder), &["clippy", "--quiet", "--workspace"]);
    command.env("CARGO_TARGET_DIR", workspaces::guests_target()).args(arguments);
    cargo::run(with(command, &DENY_WARNINGS))
}

fn docs() -> Result<()> {
    for native in &NATIVE {
        let mut command = with(cargo(native.folder), &["doc", "--quiet", "--workspace", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        cargo::run(command)?;
    }
    Ok(())
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}
