//! A plugin from its first line to its first call: `slashbox new`, and all that its README says comes next.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{Ended, Process, Server, Site, assert_has};

/// What plugins are built for.
const TARGET: &str = "wasm32-wasip2";

/// Where the projects are built: what they depend on is built once, and not at every run.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("author")
}

/// Whether there is a standard library to build plugins with.
fn can_build() -> bool {
    let asked = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    asked.is_ok_and(|asked| Path::new(String::from_utf8_lossy(&asked.stdout).trim()).is_dir())
}

/// Runs cargo in a project, as its author would.
fn cargo(project: &Path, arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(project);
    // The first build takes minutes. Other tests run meanwhile, and some of them wait for plugins to be compiled.
    cargo.env("CARGO_BUILD_JOBS", "1").env_remove("CARGO_TARGET_DIR");
    // What cargo told this test about its own package is not for another.
    let told = |name: &str| ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"].iter().any(|own| name.starts_with(own));
    env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)).for_each(|(name, _)| {
        cargo.env_remove(name);
    });
    let done = cargo.output().expect("cargo runs");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "cargo {arguments:?}: {said}");
    said
}

/// Does one step of those that `new` prints, and gives back what is said then.
async fn step(site: &Site, folder: &mut String, step: &str) -> String {
    let words: Vec<&str> = step.split_whitespace().collect();
    match words.as_slice() {
        ["cd", to] => (*to).clone_into(folder),
        ["cargo", arguments @ ..] => return cargo(&site.path(folder), arguments),
        ["cp", from, to] => {
            let at = |path: &str| site.path(folder).join(path);
            std::fs::copy(at(from), at(to)).unwrap_or_else(|error| panic!("{step}: {error}"));
        }
        ["slashbox", arguments @ ..] => {
            let done = Process::run(arguments, &site.path(folder)).await;
            done.assert(0, &[]);
            return done.out;
        }
        _ => panic!("no step: {step}"),
    }
    String::new()
}

async fn slashbox(site: &Site, arguments: &[&str]) -> Ended {
    Process::run(arguments, site.dir()).await
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_plugin_builds_passes_its_tests_and_answers() {
    if !can_build() {
        let name = "author::a_new_plugin_builds_passes_its_tests_and_answers";
        let _ = writeln!(std::io::stderr(), "skipped: {name}: the target {TARGET} is not installed");
        return;
    }
    let site = Site::empty();
    let made = slashbox(&site, &["new", "word-count"]).await;
    made.assert(0, &["made word-count: a plugin with the command /word-count\n"]);
    let project = site.path("word-count");
    // The versions that the example plugins are built with: they are there already.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/Cargo.lock");
    std::fs::copy(lock, project.join("Cargo.lock")).unwrap();
    std::fs::create_dir_all(target_dir()).unwrap();
    std::os::unix::fs::symlink(target_dir(), project.join("target")).unwrap();
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    let (mut folder, mut said) = (String::new(), String::new());
    for line in made.out.lines().filter_map(|line| line.strip_prefix("  ")) {
        said.push_str(&step(&site, &mut folder, line).await);
        assert!(readme.contains(line) || line == "cd word-count", "{line:?} is not in:\n{readme}");
    }
    assert_has(&said, &["test result: ok. 2 passed", "hello: 0 times\n"]);
    // It has its own name, whatever cargo calls it.
    assert_has(&made.out, &["copy word-count.wasm into the plugins folder"]);
    std::fs::rename(project.join("word-count.wasm"), site.path("plugins/word-count.wasm")).unwrap();
    let file = "plugins/word-count.wasm";
    let checked = slashbox(&site, &["check", file]).await;
    checked.assert(
        0,
        &["  word-count 0.1.0  ", "  command  /word-count [WORD]  ", "  event    message.*\n", "  costs    "],
    );
    slashbox(&site, &["call", file, "/word-count"]).await.assert(1, &["refused: which word? /word-count WORD\n"]);
    let emitted = slashbox(&site, &["emit", file, "message.received", "--text", "Hello hello world"]).await;
    emitted.assert(0, &["taken in ", "  kv     word/hello +2\n", "  kv     word/world +1\n"]);
    let server = Server::start(&site).await;
    assert_has(&server.listing().await, &["  word-count 0.1.0  "]);
    assert_eq!(server.admin("plugins/word-count").await["state"], "serving");
}

#[tokio::test]
async fn nothing_is_overwritten_and_no_name_is_taken_that_is_none() {
    let site = Site::empty();
    slashbox(&site, &["new", "deeper/mine"]).await.assert(0, &["made deeper/mine"]);
    let manifest = std::fs::read_to_string(site.path("deeper/mine/Cargo.toml")).unwrap();
    assert_has(&manifest, &["name = \"mine\"\n", "guest-sdk\" }\n"]);
    site.write("deeper/mine/src/lib.rs", "mine");
    slashbox(&site, &["new", "deeper/mine"]).await.assert(64, &["error: deeper/mine: is there already\n"]);
    assert_eq!(std::fs::read_to_string(site.path("deeper/mine/src/lib.rs")).unwrap(), "mine");
    for name in ["2a", "A", "a b", ".", "a.b"] {
        let made = slashbox(&site, &["new", name]).await;
        assert_eq!((made.code, made.out.as_str()), (Some(64), ""), "{made:#?}");
        assert!(!site.path(name).join("Cargo.toml").exists(), "{name}");
    }
    let made = slashbox(&site, &["new", "other", "--sdk", "nowhere"]).await;
    made.assert(64, &["error: nowhere: expected the folder guest-sdk, with a Cargo.toml\n"]);
    assert!(!site.path("other").exists());
}
