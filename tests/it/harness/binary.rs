//! The binary that is tested: the one of this build, brought up to date once a run.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Where the disk is that fails as a test says: loaded into `slashbox` before the C library.
pub(super) fn faults() -> PathBuf {
    slashbox().with_file_name("libslashbox_faults.so")
}

/// Where `slashbox` is.
pub(super) fn slashbox() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(build)
}

/// Cargo gives a test the path of a binary of its own package alone, so it is asked to build the other package's, with the
/// profile and into the folder of this test: `TARGET/PROFILE/deps/it-HASH`.
fn build() -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).expect("cargo puts tests into a folder of the profile's");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let mut cargo = Command::new(env!("CARGO"));
    // The whole workspace, and an example, which may use what tests use: so each dependency gets the features that
    // `cargo test --workspace` has built it with, and nothing but the binary itself is compiled once more.
    // The libraries, too: one of them is loaded into the binary, and nothing else would build it.
    cargo.args(["build", "--quiet", "--workspace", "--lib", "--bin", "slashbox", "--example", "embed"]);
    cargo.args(["--profile", profile]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo told this test about its package is not for the packages that are built now.
    let told = |name: &str| ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"].iter().any(|own| name.starts_with(own));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(told) {
            cargo.env_remove(name);
        }
    }
    let built = cargo.status().expect("cargo runs");
    assert!(built.success(), "slashbox cannot be built");
    folder.join("slashbox").with_extension(env::consts::EXE_EXTENSION)
}
