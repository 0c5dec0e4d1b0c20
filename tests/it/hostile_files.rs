//! Files that are no plugins, or want too much: refused in words, while others serve.

use std::{fs::File, io::Write};

use slashbox_hostile::{Attack, Bad, begin_of_large, component, slow_to_compile, with_more};

use crate::harness::{Bystander, Server, Site, VERSION, changed, of_world};

#[tokio::test]
async fn files_that_are_no_plugins_are_refused_while_others_serve() {
    let site = Site::new(&["mark"]);
    site.configure("[limits]\nplugin_file_mib = 2\ninstances = 8");
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let large = |bytes: u64| {
        let mut file = begin_of_large("large", bytes).unwrap();
        file.resize(usize::try_from(bytes).unwrap(), 0);
        file
    };
    let mib = 1024 * 1024;
    let other_world = of_world(&["package other:thing; world plugin { export run: func() -> string; }".into()]);
    let spin = component(Attack::SpinInDescribe, "spin").unwrap();
    let other_version = changed(&format!("slashbox:plugin@{VERSION}"), "slashbox:plugin@7.0.0");
    for (name, bytes, logged) in [
        ("instances", with_more("instances", 8, 0, 0).unwrap(), "instance count too high at 9"),
        ("memories", with_more("memories", 0, 2, 0).unwrap(), "needs 3 memories: expected at most 2"),
        ("tables", with_more("tables", 0, 0, 5).unwrap(), "needs 5 tables: expected at most 4"),
        ("large", large(2 * mib + 1), "the file has 2097153 bytes: expected at most 2 MiB"),
        ("empty", Bad::Empty.bytes().unwrap(), "the file is empty"),
        ("truncated", Bad::Truncated.bytes().unwrap(), "damaged or cut off"),
        ("core-module", Bad::CoreModule.bytes().unwrap(), "a core WebAssembly module, not a component"),
        ("native", Bad::Native.bytes().unwrap(), "native code, not WebAssembly"),
        ("text", Bad::Text.bytes().unwrap(), "no WebAssembly: the file begins with"),
        ("spin", spin, "`describe` did not return: cpu limit of 200 ms reached"),
        ("other-world", other_world, "it exports `run`, but not `slashbox:plugin/handler@"),
        ("other-version", other_version, "it was built for `slashbox:plugin/handler@7.0.0`"),
    ] {
        site.write(&format!("plugins/{name}.wasm"), bytes);
        server.log().wait_for(&["WARN", &format!("plugin={name} "), "cannot be loaded", logged]).await;
        let shown = server.says(&format!("/{name}")).await;
        assert!(shown.contains("unknown command"), "{shown}");
    }
    // One that is just small enough serves.
    site.write("plugins/large.wasm", large(2 * mib));
    site.write("plugins/instances.wasm", with_more("instances", 7, 0, 0).unwrap());
    server.until("/large", "1").await;
    server.until("/instances", "1").await;
    bystander.end("files that are no plugins").await;
    server.stop().await;
}

/// It takes no room on the disk, and must take none in memory.
#[tokio::test]
async fn a_file_of_a_gigabyte_is_not_read() {
    const BYTES: u64 = 1 << 30;
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let before = server.memory_mib_max();
    let mut file = File::create(site.path("huge")).unwrap();
    file.write_all(&begin_of_large("huge", BYTES).unwrap()).unwrap();
    file.set_len(BYTES).unwrap();
    site.rename("huge", "plugins/huge.wasm");
    let words = "the file has 1073741824 bytes: expected at most 64 MiB";
    server.log().wait_for(&["WARN", "plugin=huge ", "cannot be loaded", words]).await;
    bystander.end("a file of a gigabyte").await;
    server.check(&[("/huge", "! unknown command /huge")]).await;
    if let (Some(before), Some(after)) = (before, server.memory_mib_max()) {
        assert!(after < before + 32, "{before} MiB, then {after}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_compiles_for_long_is_given_up() {
    let site = Site::new(&["mark"]);
    // Its compiled code is kept: in the second start, it needs no time.
    Server::start(&site).await.stop().await;
    site.configure("[limits]\ncompile_s = 1");
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    site.write("plugins/slow.wasm", slow_to_compile("slow").unwrap());
    let words = "was not compiled within 1 s: expected a smaller component, or a larger `limits.compile_s`";
    server.log().wait_for(&["WARN", "plugin=slow ", "cannot be loaded", words]).await;
    bystander.end("a file that compiles for long").await;
    server.check(&[("/slow", "! unknown command /slow")]).await;
    // Nothing can stop the compilation but the host's end, which does not wait for it.
    server.stop().await;
}
