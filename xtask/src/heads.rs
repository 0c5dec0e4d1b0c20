//! The task `heads`: every Rust file opens with `//!`, which says what the module owns (STYLE, "Shape").
//!
//! Checks that the head is there, never what it says.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{files, workspaces};

/// Where our Rust files lie.
const FOLDERS: [&str; 6] = ["host", "guest-sdk", "plugins", "tests", "xtask", "bench"];

/// Looks at every Rust file; the error names those without a head.
pub(crate) fn check() -> Result<()> {
    let mut headless = Vec::new();
    for file in rust_files()? {
        let source = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if !has_head(&source) {
            headless.push(format!("  {}", file.strip_prefix(workspaces::root()).unwrap_or(&file).display()));
        }
    }
    ensure!(headless.is_empty(), "these files do not open with `//!`, what the module owns:\n{}", headless.join("\n"));
    Ok(())
}

fn rust_files() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        found.extend(files::under(&workspaces::root().join(folder))?);
    }
    found.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    Ok(found)
}

/// Whether the first thing in a file is its head, and says something.
fn has_head(source: &str) -> bool {
    let first = source.lines().find(|line| !line.trim().is_empty());
    first.and_then(|line| line.strip_prefix("//!")).is_some_and(|head| !head.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_first_and_says_something() {
        for source in ["//! What it owns.\n", "\n//! What it owns.\n\nuse std::fs;\n"] {
            assert!(has_head(source), "{source:?}");
        }
        for source in ["", "use std::fs;\n//! late\n", "// no head\n", "//!\n", "/// an item's\nfn main() {}\n"] {
            assert!(!has_head(source), "{source:?}");
        }
    }
}
