//! The task `bench`: builds the contestants and their guests, then has `slashbox-bench` measure them and report.
//!
//! What is measured, and how, is in `bench/`. Missed goals are no failure: the benchmarks are a report. Never builds the
//! tests' guests in other languages, which need tools of their own: those that are there are measured.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::{
    cargo, guests,
    languages::LANGUAGES,
    wasm,
    workspaces::{self, BENCH_EXTISM, BENCH_GUESTS},
};

/// What Extism's plugins are built for.
const EXTISM_TARGET: &str = "wasm32-unknown-unknown";

/// Builds everything and runs the report; the arguments are its.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if !extism_target().exists() {
        eprintln!("xtask: the first build takes a quarter of an hour, since Extism brings a wasmtime of its own");
    }
    let component = guests::build_one(BENCH_GUESTS, "component", wasm::TARGET)?;
    let stamped = guests::build_one(BENCH_GUESTS, "stamped", wasm::TARGET)?;
    let module = guests::build_one(BENCH_GUESTS, "extism-plugin", EXTISM_TARGET)?;
    let extism = build_extism()?;
    let mut report = cargo::program_in("", build_bench()?.as_os_str());
    report.arg("report").arg("--component").arg(component).arg("--module").arg(module).arg("--extism").arg(extism);
    report.arg("--stamped").arg(stamped);
    for language in &LANGUAGES {
        let Some(component) = language.built() else {
            eprintln!("xtask: no {} guest, which `cargo xtask languages` builds: left out", language.title);
            continue;
        };
        report.arg(format!("--{}", language.name())).arg(component);
    }
    report.args(arguments);
    cargo::run(report)?;
    Ok(ExitCode::SUCCESS)
}

fn build_bench() -> Result<PathBuf> {
    let mut command = cargo::cargo("");
    command.args(["build", "--release", "--package", "slashbox-bench"]);
    cargo::build_program(command)
}

fn build_extism() -> Result<PathBuf> {
    let mut command = cargo::cargo(BENCH_EXTISM);
    command.args(["build", "--release"]).env("CARGO_TARGET_DIR", extism_target());
    cargo::build_program(command)
}

/// Apart from the host's, so that neither build waits for the other.
fn extism_target() -> PathBuf {
    workspaces::target().join("bench-extism")
}
