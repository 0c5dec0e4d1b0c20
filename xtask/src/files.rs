//! Files: finding them, replacing them whole.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};

/// Every file under a path, in order; none where there is nothing. Leaves out what is built and what is hidden.
pub(crate) fn under(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(path, &mut found).with_context(|| format!("cannot list {}", path.display()))?;
    found.sort();
    Ok(found)
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name != "target" && !name.as_encoded_bytes().starts_with(b".") {
            collect(&entry.path(), found)?;
        }
    }
    Ok(())
}

/// Makes one file like another. It changes at once, so that whoever watches the folder never sees half of it; a file that
/// is the same already is left alone, so that nobody reloads it. Tells whether it changed.
pub(crate) fn copy_changed(from: &Path, to: &Path) -> Result<bool> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(false);
    }
    replace(to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(true)
}

fn replace(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    // Same folder, or the rename is a copy; the process's number, since two tasks may run at once.
    let half = to.with_extension(format!("{}.tmp", process::id()));
    fs::write(&half, bytes)?;
    fs::rename(&half, to).inspect_err(|_| drop(fs::remove_file(&half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_only_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.wasm"), folder.path().join("out/a.wasm"));
        fs::write(&from, "one").unwrap();
        assert!(copy_changed(&from, &to).unwrap());
        assert!(!copy_changed(&from, &to).unwrap());
        fs::write(&from, "two").unwrap();
        assert!(copy_changed(&from, &to).unwrap());
        assert_eq!(fs::read_to_string(&to).unwrap(), "two");
        assert_eq!(under(folder.path()).unwrap(), [from, to], "nothing half-written stays");
    }

    #[test]
    fn leaves_out_what_is_built_or_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["src/b.rs", "src/a.rs", "target/debug/c.rs", ".hidden/d.rs"] {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        assert_eq!(under(folder.path()).unwrap(), [folder.path().join("src/a.rs"), folder.path().join("src/b.rs")]);
        assert!(under(&folder.path().join("absent")).unwrap().is_empty());
    }
}
