//! `slashbox plugins rename`: a plugin under another name has all that it had.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Process, Server, Site, assert_has};

/// What `/mark` shows once `/mark paid` was typed.
const PAID: &str = "paid — marked by 123456 on 2025-10-08 20:41 UTC";

#[tokio::test]
async fn a_renamed_plugin_keeps_what_it_has() {
    let site = Site::new(&["mark", "greet=greet-v1"]);
    site.grant("mark", "[limits]\ncpu_ms = 400");
    let server = Server::start(&site).await;
    server.check(&[("/mark paid", "Marked: paid")]).await;
    server.stop().await;

    let renamed = Process::run(&["plugins", "rename", "mark", "label"], site.dir()).await;
    renamed.assert(0, &[]);
    let parts = ["renamed mark to label", "mark.toml is now label.toml", "mark.wasm is now label.wasm"];
    assert_has(&renamed.out, &parts);
    assert_has(&renamed.out, &["tenant  default: 1 keys and 0 timers, ", " bytes, 0 deliveries under way"]);

    let server = Server::start(&site).await;
    server.check(&[("/mark", PAID), ("/greet", "hello v1")]).await;
    let label = server.admin("plugins/label").await;
    assert_eq!((&label["owns"], &label["serving"]["limits"]["cpu_ms"]), (&json!(["/mark"]), &json!(400)));
    assert_eq!(label["keeps"][0]["kv_keys"], json!(1));
    server.stop().await;
}

#[tokio::test]
async fn what_its_file_has_left_behind_is_carried_after_it() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    server.check(&[("/mark paid", "Marked: paid")]).await;
    server.stop().await;
    fs::rename(site.path("plugins/mark.wasm"), site.path("plugins/label.wasm")).unwrap();
    let server = Server::start(&site).await;
    server.check(&[("/mark", "Not marked yet. Mark it with /mark STATUS")]).await;
    server.stop().await;

    let renamed = Process::run(&["plugins", "rename", "mark", "label", "--json"], site.dir()).await;
    renamed.assert(0, &[]);
    let told: Value = serde_json::from_str(&renamed.out).unwrap();
    assert_eq!((&told["files"], &told["tenants"][0]["kv_keys"]), (&json!([]), &json!(1)));
    let server = Server::start(&site).await;
    server.check(&[("/mark", PAID)]).await;
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_renamed_is_told_and_stays() {
    let site = Site::new(&["mark", "label=mark"]);
    let check = async |arguments: &[&str], code: i32, parts: &[&str]| {
        let tried = Process::run(&[&["plugins", "rename"], arguments].concat(), site.dir()).await;
        tried.assert(code, parts);
        assert_eq!(tried.out, "");
    };
    check(&["mark", "x"], 1, &["there is no data directory", "data"]).await;
    let server = Server::start(&site).await;
    server.check(&[("/mark paid", "Marked: paid")]).await;
    check(&["mark", "x"], 1, &["a plugin is renamed while no host runs", "is in use by another slashbox"]).await;
    server.stop().await;
    check(&["mark", "a b"], 64, &["\"a b\" is no name: expected letters"]).await;
    check(&["mark", "mark"], 64, &["mark has that name"]).await;
    check(&["../mark", "x"], 64, &["../mark"]).await;
    check(&["none", "x"], 1, &["there is no plugin none"]).await;
    check(&["mark", "label"], 1, &["label.wasm", "is there already: expected none"]).await;
    check(&["mark", "x", "--config", "none.toml"], 64, &["none.toml: there is no such file"]).await;
    let server = Server::start(&site).await;
    server.check(&[("/mark", PAID)]).await;
    server.stop().await;
}
