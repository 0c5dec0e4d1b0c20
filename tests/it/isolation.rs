//! What a plugin must not reach: the keys and timers of other plugins and tenants, and the machine.

use std::fs;

use wit_parser::decoding::{DecodedWasm, decode};

use crate::harness::{Bystander, Receiver, Sender, Server, Site, eventually, guest};

/// Keys of the plugin that minds its own, with what it keeps there.
const KEPT: [(&str, &str); 7] = [
    ("secret", "s3cret"),
    ("count", "41"),
    ("a%b_c", "wild"),
    ("a/../b", "path"),
    ("default/probe", "name"),
    ("'; DROP TABLE kv; --", "sql"),
    ("😀\u{10ffff}", "high"),
];

/// What an intruder guesses at besides.
const GUESSES: [&str; 12] = [
    "probe",
    "probe/secret",
    "default/probe/secret",
    "default:probe:secret",
    "default\u{1f}probe\u{1f}secret",
    "../probe/secret",
    "../../default/probe/secret",
    "/secret",
    "secret%",
    "%",
    "_____t",
    "secret\0",
];

/// Prefixes by which it lists.
const PREFIXES: [&str; 10] = ["", "s", "%", "_", "*", "../", "default", "default/probe/", "\0", "😀"];

/// Has an intruder try all of it, from where it is.
async fn intrudes(sender: &Sender) {
    let says = async |line: String| sender.says(&line).await;
    for prefix in PREFIXES {
        assert_eq!(says(format!("/guess-list {prefix}")).await, "none", "{prefix:?}");
    }
    for key in KEPT.map(|(key, _)| key).into_iter().chain(GUESSES) {
        let controls = key.chars().any(char::is_control);
        let refused = format!("kv key {key:?}: expected no control characters");
        let expected = |told: &str| if controls { refused.clone() } else { told.to_owned() };
        assert_eq!(says(format!("/guess-get {key}")).await, expected("none"));
        assert_eq!(says(format!("/guess-delete {key}")).await, expected("ok"));
        // Not the other's counter.
        assert_eq!(says(format!("/guess-add {key}")).await, expected("1"));
        assert_eq!(says(format!("/guess-set {key}")).await, expected("ok"));
        assert_eq!(says(format!("/guess-get {key}")).await, expected("mine"));
        // What is listed is its own, though it begins as the other's do.
        let listed = if controls { "none".to_owned() } else { format!("{:?}", [key]) };
        assert_eq!(says("/guess-list ".to_owned()).await, listed);
        assert_eq!(says(format!("/guess-delete {key}")).await, expected("ok"));
    }
    assert_eq!(says("/guess-cancel alarm".to_owned()).await, "ok");
}

#[tokio::test]
async fn keys_and_timers_of_others_are_out_of_reach() {
    let site = Site::new(&["probe", "intruder", "mark"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    site.add_source("long", "long key", "tenant = \"default-probe\"");
    let server = Server::start(&site).await;
    let (acme, long) = (server.sender("acme", "acme key"), server.sender("long", "long key"));
    let bystander = Bystander::start(&server.support);
    // No key has a space, so that the line ends with the value.
    for (key, value) in KEPT {
        let line = format!("/set {} {value}", key.replace(' ', "\u{a0}"));
        server.check(&[(&line, "set")]).await;
    }
    server.check(&[("/timer alarm 3000 1", "ok")]).await;
    // Another plugin of the same tenant, and the same plugins of others.
    for sender in [&server.support, &acme, &long] {
        intrudes(sender).await;
        sender.check(&[("/guess-list", "none")]).await;
    }
    for sender in [&acme, &long] {
        sender
            .check(&[("/list", "none"), ("/get secret", "none"), ("/incr count", "1"), ("/delete secret", "deleted")])
            .await;
    }
    for (key, value) in KEPT {
        server.check(&[(&format!("/get {}", key.replace(' ', "\u{a0}")), value)]).await;
    }
    assert_eq!(server.says("/list").await.lines().count(), KEPT.len());
    // Nobody called it off.
    let fired = async || (server.listed("events?kind=timer.fired").await.len() == 1).then_some(());
    eventually("the timer", fired).await;
    bystander.end("guesses at keys").await;
    server.stop().await;
}

/// Longer than keys are, and longer than the host takes at once.
#[tokio::test]
async fn a_key_of_a_megabyte_is_refused_in_words() {
    let site = Site::new(&["intruder"]);
    let server = Server::start(&site).await;
    let told = |bytes: u32| {
        let expected = "expected at most 512";
        format!(
            "kv key of {bytes} bytes: expected 1 to 512; kv prefix or key to list after of {bytes} bytes: {expected}"
        )
    };
    server
        .check(&[
            ("/long-key 512", "ok; ok"),
            ("/long-key 513", &told(513)),
            ("/long-key 1000000", &told(1_000_000)),
            ("/long-key 9000000", "! /long-key is temporarily unavailable (ref REF)"),
        ])
        .await;
    server.log().wait_for(&["outcome=\"trapped\"", "too much data is being copied"]).await;
}

const NO_FILE: &str = "NotFound: No such file or directory (os error 44)";
const DENIED: &str = "PermissionDenied: Permission denied (os error 2)";

/// What would work if it were not in a sandbox, and what it is told.
const MACHINE: [(&str, &str); 12] = [
    ("read SITE/slashbox.toml", NO_FILE),
    ("read slashbox.toml", NO_FILE),
    ("look SITE/data", NO_FILE),
    ("write SITE/plugins/intruded.wasm", NO_FILE),
    ("create SITE/intruded", NO_FILE),
    ("list SITE/plugins", NO_FILE),
    ("list /", NO_FILE),
    ("list .", NO_FILE),
    ("make-folder SITE/intruded", NO_FILE),
    ("remove SITE/slashbox.toml", NO_FILE),
    ("rename SITE/slashbox.toml", NO_FILE),
    ("read ../../slashbox.toml", NO_FILE),
];

#[tokio::test]
async fn there_are_no_files_no_network_and_no_processes() {
    let receiver = Receiver::start();
    let site = Site::new(&["intruder", "mark"]);
    // What the configuration allows by HTTP is no way for sockets.
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let (folder, address) = (site.dir().to_str().unwrap(), format!("127.0.0.1:{}", receiver.port()));
    for (what, told) in MACHINE {
        server.check(&[(&format!("/machine {}", what.replace("SITE", folder)), told)]).await;
    }
    let lookup = "Uncategorized: failed to lookup address information: Non-recoverable error";
    for (what, told) in [
        (format!("connect {address}"), DENIED),
        (format!("datagram {address}"), DENIED),
        ("listen 127.0.0.1:0".to_owned(), DENIED),
        ("resolve localhost:80".to_owned(), lookup),
        ("spawn /bin/sh".to_owned(), "Unsupported: operation not supported on this platform"),
        ("thread x".to_owned(), "Unsupported: Not supported (os error 58)"),
        ("stdin -".to_owned(), "0 bytes"),
        ("arguments -".to_owned(), "[]"),
    ] {
        server.check(&[(&format!("/machine {what}"), told)]).await;
    }
    bystander.end("files and sockets").await;
    assert_eq!(receiver.all().len(), 0);
    assert!(site.path("slashbox.toml").exists());
    let left: Vec<_> = fs::read_dir(site.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name == "intruded"), "{left:?}");
    assert_eq!(fs::read_dir(site.plugins()).unwrap().count(), 2);
    server.stop().await;
}

#[tokio::test]
async fn the_environment_is_its_own_settings_and_no_more() {
    let mut site = Site::new(&["intruder", "probe"]);
    site.set_variable("CRM_TOKEN", "the host's");
    site.grant("probe", "[settings]\nTOKEN = \"another's\"");
    site.grant("intruder", "[settings]\nGREETING = \"moin\"");
    let server = Server::start(&site).await;
    server.check(&[("/machine environment -", "[(\"GREETING\", \"moin\")]")]).await;
}

/// A plugin that sends none has no way to: its component does not even ask for it.
#[test]
fn a_plugin_without_http_does_not_import_it() {
    let imports_http = |name: &str| {
        let DecodedWasm::Component(resolve, world) = decode(&guest(name)).unwrap() else {
            panic!("{name}: no component")
        };
        let keys = resolve.worlds[world].imports.keys();
        keys.map(|key| resolve.name_world_key(key)).any(|name| name.starts_with("wasi:http/"))
    };
    for name in ["mark", "remind", "watch", "intruder", "probe"] {
        assert!(!imports_http(name), "{name}");
    }
    assert!(imports_http("fetch") && imports_http("lookup"));
}
