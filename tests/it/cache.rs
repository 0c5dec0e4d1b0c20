//! Compiled code on disk: a second start does not compile, and what is damaged is made anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::harness::{Server, Site};

/// The files of the cache.
fn entries(site: &Site) -> Vec<PathBuf> {
    let files = fs::read_dir(site.path("data/compiled")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
}

/// An entry's name without its checksum, and that.
fn parts(entry: &Path) -> (String, String) {
    let stem = entry.file_stem().unwrap().to_str().unwrap();
    let (of_what, checksum) = stem.rsplit_once('-').unwrap();
    (of_what.to_owned(), checksum.to_owned())
}

/// The test's way to see it: the compiled code of two plugins changes places, checksums and all, and the host does not
/// notice, because it does not look at the plugins again.
#[tokio::test]
async fn a_second_start_does_not_compile() {
    let site = Site::new(&["one=greet-v1", "acme/two=greet-v2"]);
    Server::start(&site).await.stop().await;
    let [one, two]: [PathBuf; 2] = entries(&site).try_into().unwrap();
    let ((of_one, sum_of_one), (of_two, sum_of_two)) = (parts(&one), parts(&two));
    fs::rename(&one, site.path(&format!("data/compiled/{of_two}-{sum_of_one}.cwasm"))).unwrap();
    fs::rename(&two, site.path(&format!("data/compiled/{of_one}-{sum_of_two}.cwasm"))).unwrap();
    let server = Server::start(&site).await;
    server.check(&[("/greet", "hello v2")]).await;
}

#[tokio::test]
async fn what_is_damaged_is_made_anew() {
    let site = Site::new(&["greet=greet-v1"]);
    Server::start(&site).await.stop().await;
    let entry = entries(&site).pop().unwrap();
    let damage = |code: &[u8]| {
        let middle = code.len() / 2;
        [&code[..middle], &[!code[middle]], &code[middle + 1..]].concat()
    };
    for damaged in [damage(&fs::read(&entry).unwrap()), fs::read(&entry).unwrap()[..1_000].to_vec(), Vec::new()] {
        fs::write(&entry, &damaged).unwrap();
        let server = Server::start(&site).await;
        server.check(&[("/greet", "hello v1")]).await;
        server.log().wait_for(&["WARN", "compiled code is damaged and will be made anew"]).await;
        assert!(fs::read(&entry).unwrap() != damaged, "it is as damaged as it was");
        server.stop().await;
        let server = Server::start(&site).await;
        server.check(&[("/greet", "hello v1")]).await;
        let log = server.stop().await.err;
        assert!(!log.contains("damaged"), "{log}");
    }
}

#[tokio::test]
async fn without_its_own_checksum_code_is_not_trusted() {
    let site = Site::new(&["one=greet-v1", "acme/two=greet-v2"]);
    Server::start(&site).await.stop().await;
    let [one, two]: [PathBuf; 2] = entries(&site).try_into().unwrap();
    let (code, other) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    fs::write(&one, other).unwrap();
    fs::write(&two, code).unwrap();
    let server = Server::start(&site).await;
    server.check(&[("/greet", "hello v1")]).await;
}

#[tokio::test]
async fn compiled_code_is_no_plugin() {
    let site = Site::new(&["greet=greet-v1"]);
    Server::start(&site).await.stop().await;
    let code = fs::read(entries(&site).pop().unwrap()).unwrap();
    site.write("plugins/native.wasm", code);
    let server = Server::start(&site).await;
    let what = "native code, not WebAssembly: precompiled artifacts are not taken, drop the .wasm component itself";
    crate::harness::assert_has(&server.listing().await, &["not served: ", "native.wasm: ", what]);
    server.check(&[("/greet", "hello v1")]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new(&["greet=greet-v1"]);
    let server = Server::start(&site).await;
    for folder in ["data", "data/compiled", "data/last-good"] {
        let mode = fs::metadata(site.path(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
    server.stop().await;
}
