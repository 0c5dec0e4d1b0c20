//! The task `serve`: the host in release with the example plugins, on a demo folder that the user may change.
//!
//! `target/demo/` is the user's once it is there: the configuration is written once, and of the plugins only the examples
//! are brought up to date, under their own names.

use std::{
    env::{self, consts::EXE_EXTENSION},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::{cargo, files, guests, workspaces};

/// Builds everything, then becomes `slashbox serve`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if !workspaces::target().join("release/slashbox").with_extension(EXE_EXTENSION).exists() {
        eprintln!("xtask: the first build takes several minutes, later ones seconds");
    }
    guests::build(&workspaces::PLUGINS)?;
    let program = build_host()?;
    let configuration = demo()?;
    let mut command = cargo::program_in("", program.as_os_str());
    // Paths among the arguments count from where the developer is.
    command.current_dir(env::current_dir().context("cannot tell the current folder")?);
    command.arg("serve").arg("--config").arg(configuration).args(arguments);
    become_it(command)
}

fn build_host() -> Result<PathBuf> {
    let mut command = cargo::cargo("");
    command.args(["build", "--release", "--package", "slashbox", "--bin", "slashbox"]);
    cargo::build_program(command)
}

/// Brings the demo folder up to date; gives back its configuration.
fn demo() -> Result<PathBuf> {
    let demo = workspaces::target().join("demo");
    let configuration = demo.join("slashbox.toml");
    if !configuration.exists() {
        files::copy_changed(&workspaces::root().join("xtask/demo/slashbox.toml"), &configuration)?;
    }
    let plugins = demo.join("plugins");
    fs::create_dir_all(&plugins).with_context(|| format!("cannot make {}", plugins.display()))?;
    add_examples(&workspaces::target().join(workspaces::PLUGINS.built), &plugins)?;
    eprintln!("xtask: the demo's plugins are in target/demo/plugins; put yours beside them");
    Ok(configuration)
}

fn add_examples(built: &Path, plugins: &Path) -> Result<()> {
    for file in files::under(built)? {
        let name = file.file_name().context("a plugin has no file name")?;
        files::copy_changed(&file, &plugins.join(name))?;
    }
    Ok(())
}

/// Replaces this process, so that Ctrl-C, other signals and the exit code are the host's own.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Only comes back if it could not.
    Err(command.exec()).context("cannot run the host")
}

/// Waits for the host. Ctrl-C reaches it too: it is in the same console.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode> {
    let status = command.status().context("cannot run the host")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_added_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (built, plugins) = (folder.path().join("built"), folder.path().join("plugins"));
        for (file, content) in [
            (built.join("mark.wasm"), "new"),
            (plugins.join("mark.wasm"), "old"),
            (plugins.join("mark.toml"), "grant"),
            (plugins.join("mine.wasm"), "mine"),
        ] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        add_examples(&built, &plugins).unwrap();
        let read = |name: &str| fs::read_to_string(plugins.join(name)).unwrap();
        assert_eq!(
            (read("mark.wasm"), read("mark.toml"), read("mine.wasm")),
            ("new".into(), "grant".into(), "mine".into())
        );
    }
}
