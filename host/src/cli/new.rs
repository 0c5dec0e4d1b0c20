//! `slashbox new`: a plugin that builds and passes its own tests at once.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;

use super::{New, Usage, paint::line};

/// The files, with `NAME`, `WASM` and `SDK` where the plugin's own are to stand.
const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("new/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("new/lib.rs.txt")),
    ("README.md", include_str!("new/README.md.txt")),
    (".gitignore", "/target\n/*.wasm\n"),
];

/// Where the SDK lay when this program was built: what lies there now fits it.
const SDK_BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-sdk");

pub(super) fn run(arguments: &New) -> anyhow::Result<ExitCode> {
    let name = arguments.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name)?;
    if arguments.path.exists() {
        return Err(Usage(format!("{}: is there already", arguments.path.display())).into());
    }
    let sdk = sdk(arguments.sdk.as_deref(), Path::new(SDK_BESIDE))?;
    // Cargo has no `-` in a library's name; slashbox calls the plugin by its file.
    let wasm = format!("target/wasm32-wasip2/release/{}.wasm", name.replace('-', "_"));
    for (file, text) in FILES {
        let path = arguments.path.join(file);
        let text = text.replace("NAME", name).replace("WASM", &wasm).replace("SDK", &sdk);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| path.display().to_string())?;
    }
    let folder = arguments.path.display();
    line(format_args!("made {folder}: a plugin with the command /{name}"));
    line(format_args!("  cd {folder}"));
    line("  cargo test");
    line("  cargo build --release --target wasm32-wasip2");
    line(format_args!("  cp {wasm} {name}.wasm"));
    line(format_args!("  slashbox call {name}.wasm /{name} hello"));
    line(format_args!("then copy {name}.wasm into the plugins folder of a slashbox, and it serves"));
    Ok(ExitCode::SUCCESS)
}

/// What is a name to Cargo, to the host and in a command.
fn check_name(name: &str) -> Result<(), Usage> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 60 && name.chars().all(allowed);
    let expected = "expected 1 to 60 small letters, digits, `-` and `_`, a letter first";
    if sound { Ok(()) } else { Err(Usage(format!("{name:?} is no plugin's name: {expected}"))) }
}

/// The SDK as a manifest names it: where it is said to lie, or beside this program's own sources.
fn sdk(given: Option<&Path>, beside: &Path) -> Result<String, Usage> {
    let is_sdk = |path: &Path| path.join("Cargo.toml").is_file();
    let path = match given {
        Some(path) if is_sdk(path) => path,
        Some(path) => {
            return Err(Usage(format!("{}: expected the folder guest-sdk, with a Cargo.toml", path.display())));
        }
        None if is_sdk(beside) => beside,
        None => {
            return Err(Usage(
                "the SDK is not found: say with --sdk where the folder guest-sdk of slashbox's sources is".into(),
            ));
        }
    };
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Ok(format!("{{ path = {:?} }}", path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_where_it_is_said_to_be_or_beside_the_sources() {
        let dir = tempfile::tempdir().unwrap();
        let (here, nowhere) = (dir.path().join("guest-sdk"), dir.path().join("nowhere"));
        fs::create_dir(&here).unwrap();
        fs::write(here.join("Cargo.toml"), "").unwrap();
        for found in [sdk(Some(&here), &nowhere), sdk(None, &here)] {
            assert!(found.unwrap().ends_with("guest-sdk\" }"));
        }
        let refused = |given| sdk(given, &nowhere).unwrap_err().to_string();
        assert!(refused(None).contains("--sdk"), "{}", refused(None));
        assert!(refused(Some(&nowhere)).contains("expected the folder guest-sdk"));
    }

    #[test]
    fn names() {
        for name in ["a", "invoice", "my-plugin_2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "2a", "-a", "A", "a b", "a.b", "ключ", &"a".repeat(61)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
