//! Calling cargo: the commands, without what `cargo run` left in the environment, and the JSON that it answers in.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::workspaces;

/// The cargo that runs this task, in the folder of a workspace.
pub(crate) fn cargo(folder: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    program_in(folder, &program)
}

/// Any program, in a folder of the repository.
///
/// `cargo run` describes xtask in its environment. A build script or a test further down would read that as its own
/// (`CARGO_MANIFEST_DIR`, …), and another cargo would take `CARGO` for itself. What rustup set stays: it names the
/// toolchain of the repository.
pub(crate) fn program_in(folder: &str, program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspaces::root().join(folder));
    for (name, _) in env::vars_os() {
        if describes_a_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_a_package(variable: &OsStr) -> bool {
    variable == "CARGO"
        || ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"]
            .iter()
            .any(|prefix| variable.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

/// Runs it with its output in the developer's terminal; an error if it fails.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run `{}`", words(&command)))?;
    ensure!(status.success(), "`{}` failed in {}", words(&command), folder(&command));
    Ok(())
}

/// Runs it and gives back what it printed; an error, with what it complained about, if it fails.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run `{}`", words(&command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed in {}: {}", words(&command), folder(&command), complaint.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", words(&command)))
}

fn words(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn folder(command: &Command) -> String {
    let folder = command.get_current_dir().unwrap_or("".as_ref());
    let short = folder.strip_prefix(workspaces::root()).unwrap_or(folder);
    if short.as_os_str().is_empty() { "the root".into() } else { short.display().to_string() }
}

/// A package of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// How cargo's messages call it.
    pub(crate) id: String,
    /// How people call it.
    pub(crate) name: String,
}

/// The packages of a workspace.
pub(crate) fn members(folder: &str) -> Result<Vec<Member>> {
    let mut command = cargo(folder);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&output(command)?).context("cannot read `cargo metadata`")?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("`cargo metadata` lists no packages")?;
    packages.iter().map(|package| Ok(Member { id: text(package, "id")?, name: text(package, "name")? })).collect()
}

fn text(object: &Value, key: &str) -> Result<String> {
    let text = object.get(key).and_then(Value::as_str);
    Ok(text.with_context(|| format!("cargo's answer has no {key:?}: {object}"))?.to_owned())
}

/// A file that a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    /// The package that it belongs to.
    pub(crate) package_id: String,
    /// What it is: `bin`, `cdylib`, …
    pub(crate) kinds: Vec<String>,
    /// Where it lies.
    pub(crate) files: Vec<PathBuf>,
}

/// Runs a `cargo build` and tells what it made; the compiler's messages go to the developer's terminal.
pub(crate) fn build(mut command: Command) -> Result<Vec<Artifact>> {
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot run `{}`", words(&command)))?;
    ensure!(output.status.success(), "`{}` failed in {}", words(&command), folder(&command));
    String::from_utf8(output.stdout)?.lines().filter_map(|line| artifact(line).transpose()).collect()
}

/// Runs a `cargo build` of one program and tells where it is.
pub(crate) fn build_program(command: Command) -> Result<PathBuf> {
    let program = build(command)?.into_iter().rfind(|artifact| artifact.kinds.iter().any(|kind| kind == "bin"));
    program.and_then(|artifact| artifact.files.into_iter().next()).context("cargo does not say where the program is")
}

/// The artifact that a line of cargo's output tells of, if it tells of one.
fn artifact(line: &str) -> Result<Option<Artifact>> {
    // A build script may print lines of its own among them.
    let Ok(message) = serde_json::from_str::<Value>(line) else { return Ok(None) };
    if message.get("reason").and_then(Value::as_str) != Some("compiler-artifact") {
        return Ok(None);
    }
    let kinds = message.pointer("/target/kind").map(texts).unwrap_or_default();
    let files = message.get("filenames").map(texts).unwrap_or_default().into_iter().map(PathBuf::from).collect();
    Ok(Some(Artifact { package_id: text(&message, "package_id")?, kinds, files }))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A program that the developer names in the environment: a bare name is looked up, a path counts from where they are.
pub(crate) fn given(variable: &str) -> Result<Option<OsString>> {
    let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) else { return Ok(None) };
    let path = PathBuf::from(&value);
    if path.components().count() < 2 {
        return Ok(Some(value));
    }
    let absolute = std::path::absolute(&path).with_context(|| format!("cannot resolve {variable}"))?;
    Ok(Some(absolute.into_os_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_artifacts() {
        let line =
            r#"{"reason":"compiler-artifact","package_id":"path+file:///p/a-b#0.1.0","target":{"kind":["cdylib"],
            "name":"a_b"},"filenames":["/t/a_b.wasm"],"fresh":true}"#
                .replace('\n', "");
        let expected = Artifact {
            package_id: "path+file:///p/a-b#0.1.0".into(),
            kinds: vec!["cdylib".into()],
            files: vec!["/t/a_b.wasm".into()],
        };
        assert_eq!(artifact(&line).unwrap(), Some(expected));
        assert_eq!(artifact(r#"{"reason":"build-finished","success":true}"#).unwrap(), None);
        assert_eq!(artifact("a line of a build script").unwrap(), None);
    }

    #[test]
    fn forgets_who_called() {
        for name in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_BIN_NAME"] {
            assert!(describes_a_package(name.as_ref()), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!describes_a_package(name.as_ref()), "{name}");
        }
    }
}
