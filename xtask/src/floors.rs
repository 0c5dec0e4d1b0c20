//! The task `floors`: no crate depends on what the column "never imports" of the design forbids it.
//!
//! Owns that column. Asks `cargo tree`, so that a dependency over three corners counts as much as one in the manifest.

use anyhow::{Result, bail};

use crate::{cargo, workspaces};

/// How far a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everything that is built into the crate.
    Whole,
    /// What the crate itself names.
    Direct,
    /// What the crate itself names, also only for its tests.
    DirectInTests,
}

/// A crate and what it never imports.
struct Floor<'a> {
    name: &'a str,
    never: &'a [&'a str],
    reach: Reach,
}

const fn whole<'a>(name: &'a str, never: &'a [&'a str]) -> Floor<'a> {
    Floor { name, never, reach: Reach::Whole }
}

/// One row for each crate of the root's workspace, no more and no fewer.
const FLOORS: [Floor<'_>; 17] = [
    whole("slashbox-core", &["tokio", "axum", "wasmtime", "serde"]),
    whole("slashbox-dialects", &["tokio", "axum", "wasmtime"]),
    whole("slashbox-toml", &["tokio", "axum", "wasmtime"]),
    whole("slashbox-store", &["axum", "wasmtime", "reqwest", "hyper"]),
    whole("slashbox-egress", &["axum", "wasmtime", "slashbox-store"]),
    whole("slashbox-hostile", &["tokio", "axum", "wasmtime"]),
    whole("slashbox-runtime", &["axum", "slashbox-delivery"]),
    whole("slashbox-delivery", &["axum", "wasmtime", "slashbox-runtime"]),
    Floor {
        name: "slashbox",
        never: &["wasmtime", "wasmtime-wasi", "wasmtime-wasi-http", "rusqlite"],
        reach: Reach::Direct,
    },
    whole("slashbox-sdk", &HOST),
    Floor { name: "slashbox-tests", never: &BELOW_HOST, reach: Reach::DirectInTests },
    whole("slashbox-faults", &HOST),
    whole("slashbox-fuzz-checks", &["tokio", "axum", "wasmtime"]),
    whole("xtask", &[]),
    // It measures each floor by itself, and wasmtime without any.
    whole("slashbox-bench", &[]),
    whole("slashbox-bench-round", &HOST),
    whole("slashbox-bench-work", &HOST),
];

/// The crates that serve.
const HOST: [&str; 9] = [
    "slashbox",
    "slashbox-core",
    "slashbox-delivery",
    "slashbox-dialects",
    "slashbox-egress",
    "slashbox-hostile",
    "slashbox-runtime",
    "slashbox-store",
    "slashbox-toml",
];

/// The same without those that are the outside, and what the outside is tried with.
const BELOW_HOST: [&str; 7] = [
    "slashbox-core",
    "slashbox-delivery",
    "slashbox-dialects",
    "slashbox-egress",
    "slashbox-runtime",
    "slashbox-store",
    "slashbox-toml",
];

/// Asks for every crate; the error lists all that is wrong.
pub(crate) fn check() -> Result<()> {
    let members = names(workspaces::ROOT.folder)?;
    let mut wrong = mismatches(&members, &FLOORS);
    for floor in FLOORS.iter().filter(|floor| members.iter().any(|name| name == floor.name)) {
        wrong.extend(breaches("", floor)?);
    }
    for folder in workspaces::guests() {
        for name in names(folder)? {
            wrong.extend(breaches(folder, &whole(&name, &HOST))?);
        }
    }
    if !wrong.is_empty() {
        bail!(
            "the floors between the crates are broken (see DESIGN, \"Crates and floors\"):\n  {}",
            wrong.join("\n  ")
        );
    }
    Ok(())
}

fn names(folder: &str) -> Result<Vec<String>> {
    Ok(cargo::members(folder)?.into_iter().map(|member| member.name).collect())
}

/// Crates without a row, rows without a crate.
fn mismatches(members: &[String], floors: &[Floor<'_>]) -> Vec<String> {
    let unlisted = members
        .iter()
        .filter(|name| floors.iter().all(|floor| floor.name != **name))
        .map(|name| format!("{name} has no row in xtask/src/floors.rs: say what it never imports"));
    let absent = floors
        .iter()
        .filter(|floor| members.iter().all(|name| *name != floor.name))
        .map(|floor| format!("{} has a row in xtask/src/floors.rs, but is no crate of the workspace", floor.name));
    unlisted.chain(absent).collect()
}

fn breaches(folder: &str, floor: &Floor<'_>) -> Result<Vec<String>> {
    let mut command = cargo::cargo(folder);
    // All targets: guests depend on some crates only for wasm32, and a floor is one on every machine.
    command.args([
        "tree",
        "--package",
        floor.name,
        "--prefix",
        "depth",
        "--all-features",
        "--target",
        "all",
        "--edges",
    ]);
    command.arg(if floor.reach == Reach::DirectInTests { "normal,dev" } else { "normal" });
    Ok(forbidden_paths(&cargo::output(command)?, floor)
        .into_iter()
        .map(|path| {
            let dependency = path.last().copied().unwrap_or_default();
            format!("{} must not depend on {dependency}: {}", floor.name, path.join(" → "))
        })
        .collect())
}

/// The way from the crate to each dependency that it must not have, as `cargo tree --prefix depth` tells it; one way to
/// each, the first.
fn forbidden_paths<'tree>(tree: &'tree str, floor: &Floor<'_>) -> Vec<Vec<&'tree str>> {
    let mut path: Vec<&str> = Vec::new();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for (depth, name) in tree.lines().filter_map(node) {
        path.truncate(depth);
        path.push(name);
        let near = depth == 1 || (depth > 1 && floor.reach == Reach::Whole);
        if near && floor.never.contains(&name) && found.iter().all(|known| known.last() != Some(&name)) {
            found.push(path.clone());
        }
    }
    found
}

/// A line such as `2serde v1.0.0 (*)`: how deep, and which crate.
fn node(line: &str) -> Option<(usize, &str)> {
    let name_at = line.find(|character: char| !character.is_ascii_digit())?;
    let (depth, rest) = line.split_at(name_at);
    Some((depth.parse().ok()?, rest.split(' ').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0slashbox-store v0.1.0 (/repository/host/crates/store)
1rusqlite v0.41.0
2libsqlite3-sys v0.38.0
1reqwest v0.13.0
2hyper v1.8.0
3tokio v1.49.0
2tokio v1.49.0 (*)
1slashbox-core v0.1.0 (/repository/host/crates/core)

1hyper v1.8.0 (*)
";

    fn check(reach: Reach, never: &'static [&'static str], expected: &[&str]) {
        let floor = Floor { name: "slashbox-store", never, reach };
        let found: Vec<String> = forbidden_paths(TREE, &floor).iter().map(|path| path.join(" > ")).collect();
        assert_eq!(found, expected, "{never:?}");
    }

    #[test]
    fn finds_the_way_to_what_is_forbidden() {
        check(Reach::Whole, &["axum", "wasmtime"], &[]);
        check(Reach::Whole, &["hyper"], &["slashbox-store > reqwest > hyper"]);
        check(Reach::Whole, &["tokio"], &["slashbox-store > reqwest > hyper > tokio"]);
        check(Reach::Whole, &["slashbox-core"], &["slashbox-store > slashbox-core"]);
        // The crate itself is no dependency of itself, and a name's beginning is not the name.
        check(Reach::Whole, &["slashbox-store", "sqlite", "hyp"], &[]);
    }

    #[test]
    fn a_direct_rule_looks_no_further() {
        check(Reach::Direct, &["tokio", "libsqlite3-sys"], &[]);
        check(Reach::Direct, &["hyper", "rusqlite"], &["slashbox-store > rusqlite", "slashbox-store > hyper"]);
    }

    #[test]
    fn the_table_and_the_workspace_are_the_same() {
        let floors = [whole("a", &[]), whole("b", &[])];
        assert!(mismatches(&["b".into(), "a".into()], &floors).is_empty());
        let wrong = mismatches(&["a".into(), "c".into()], &floors);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("c has no row") && wrong[1].starts_with("b has a row"), "{wrong:?}");
    }
}
