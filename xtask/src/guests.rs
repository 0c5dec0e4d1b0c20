//! The tasks `plugins` and `guests`: a workspace of guests becomes a folder of components, one for each of its packages
//! that is a `cdylib`, named as the package is. The benchmarks have theirs built one by one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    cargo::{self, Artifact, Member},
    files,
    wasm::{self, Toolchain},
    workspaces::{self, Guests},
};

/// Builds the workspace, in release: what tests load is what users run, and a guest's debug build is large and slow.
pub(crate) fn build(guests: &Guests) -> Result<()> {
    let mut command = Toolchain::find(wasm::TARGET)?.cargo(guests.folder);
    command.args(["build", "--release", "--workspace", "--target", wasm::TARGET]);
    let artifacts = cargo::build(command)?;
    let built = components(&artifacts, &cargo::members(guests.folder)?);
    ensure!(!built.is_empty(), "no package in {} is a cdylib, so there is nothing to load", guests.folder);
    publish(&built, guests)
}

/// Builds one package of a workspace, for whatever target; gives back its file.
pub(crate) fn build_one(folder: &str, package: &str, target: &str) -> Result<PathBuf> {
    let mut command = Toolchain::find(target)?.cargo(folder);
    command.args(["build", "--release", "--package", package, "--target", target]);
    let built = components(&cargo::build(command)?, &cargo::members(folder)?);
    built.get(package).cloned().with_context(|| format!("cargo does not say where {package} is"))
}

/// The component of each package that makes one.
fn components(artifacts: &[Artifact], members: &[Member]) -> BTreeMap<String, PathBuf> {
    let cdylibs = artifacts.iter().filter(|artifact| artifact.kinds.iter().any(|kind| kind == "cdylib"));
    cdylibs
        .filter_map(|artifact| {
            let member = members.iter().find(|member| member.id == artifact.package_id)?;
            let file = artifact.files.iter().find(|file| is_wasm(file))?;
            Some((member.name.clone(), file.clone()))
        })
        .collect()
}

/// Copies them to where everybody looks for them. The folder is this task's alone: what no package makes any more goes.
fn publish(built: &BTreeMap<String, PathBuf>, guests: &Guests) -> Result<()> {
    let folder = workspaces::target().join(guests.built);
    let mut changed = 0;
    for (name, file) in built {
        changed += usize::from(files::copy_changed(file, &folder.join(format!("{name}.wasm")))?);
    }
    for stale in files::under(&folder)?.iter().filter(|file| is_wasm(file) && !is_one_of(file, built)) {
        fs::remove_file(stale).with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    eprintln!("xtask: {} in target/{}: {} ({changed} changed)", guests.what, guests.built, built.len());
    Ok(())
}

fn is_wasm(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "wasm")
}

fn is_one_of(file: &Path, built: &BTreeMap<String, PathBuf>) -> bool {
    file.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| built.contains_key(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(package: &str, kind: &str, file: &str) -> Artifact {
        Artifact { package_id: package.into(), kinds: vec![kind.into()], files: vec![file.into()] }
    }

    #[test]
    fn a_component_is_named_as_its_package() {
        let members = [
            Member { id: "path+file:///p/word-count#0.1.0".into(), name: "word-count".into() },
            Member { id: "path+file:///p/shared#0.1.0".into(), name: "shared".into() },
        ];
        let artifacts = [
            built("path+file:///p/word-count#0.1.0", "cdylib", "/t/word_count.wasm"),
            built("path+file:///p/shared#0.1.0", "lib", "/t/libshared.rlib"),
            built("registry+https://example.com#strange@1.0.0", "cdylib", "/t/strange.wasm"),
        ];
        let expected = BTreeMap::from([("word-count".to_owned(), PathBuf::from("/t/word_count.wasm"))]);
        assert_eq!(components(&artifacts, &members), expected);
    }
}
