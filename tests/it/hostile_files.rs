//! Files that are no plugins, or want too much: refused in words, while others serve.

use slashbox_hostile::{Bad, begin_of_large, with_more};

use crate::harness::{Bystander, Server, Site};

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
