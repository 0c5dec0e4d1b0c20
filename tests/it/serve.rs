//! `slashbox serve`: what it says when it starts, why it does not start, and how it ends.

use std::{io::Write, net::TcpStream};

use crate::harness::{Process, Server, Site, assert_has, eventually};

#[tokio::test]
async fn it_says_what_it_serves() {
    let site = Site::new(&["probe", "mark"]);
    site.add_source("acme-chat", "acme key", "tenant = \"acme\"");
    site.plugin("acme/greet", "greet-v1");
    let server = Server::start(&site).await;
    let url = server.url().to_owned();
    let listing = server.listing().await;
    for line in [
        &*format!("  support  hotline  POST {url}/in/support"),
        &format!("  acme-chat  hotline  POST {url}/in/acme-chat"),
        "  mark 0.1.0  The status of a conversation",
        "    /mark [STATUS | -]  sets the status of this conversation, shows it, or removes it with -",
        "  probe 1.2.3  Tries the host",
        "    /echo [TEXT]  replies the text; nothing if there is none",
        "  acme/greet 1.0.0  Says hello",
        "    /greet  says hello",
    ] {
        assert!(listing.lines().any(|found| found == line), "expected {line:?} in:\n{listing}");
    }
    let lacks = listing.lines().find(|line| line.contains("lacks required setting TOKEN")).unwrap();
    assert_has(lacks, &["to be given in [settings] of ", "probe.toml"]);
    let ended = server.stop().await;
    // Its listing goes to stdout, its log to stderr, and neither has colours.
    assert_eq!(ended.out.trim_end(), listing.trim_end());
    assert!(!format!("{}{}", ended.out, ended.err).contains('\x1b'), "{ended:?}");
    assert_has(&ended.err, &["INFO slashbox::host: shut down"]);
}

#[tokio::test]
async fn with_nothing_to_serve_it_says_what_to_do() {
    let site = Site::empty();
    let server = Server::start(&site).await;
    let listing = server.listing().await;
    let source = "none yet: add a [[sources]] table to the configuration";
    assert_has(&listing, &[source, "none yet: drop a .wasm file into the folder"]);
}

#[tokio::test]
async fn arguments_precede_the_configuration() {
    let site = Site::empty();
    site.write("elsewhere/slashbox.toml", "listen = \"192.0.2.1:1\"\n");
    site.plugin("../mine/mark", "mark");
    let arguments = ["serve", "--config", "elsewhere/slashbox.toml", "--listen", "127.0.0.1:0"];
    let process = Process::start(&[&arguments[..], &["--plugins", "mine", "--data", "kept"]].concat(), site.dir(), &[]);
    process.out().wait_for(&["slashbox ", " on http://127.0.0.1:"]).await;
    process.out().wait_for(&["plugins  mine"]).await;
    process.out().wait_for(&["/mark [STATUS | -]"]).await;
    process.signal("TERM");
    process.ended().await.assert(0, &[]);
    assert!(site.path("kept/slashbox.db").exists());
    // What the configuration says is relative to where it lies.
    let process = Process::start(&arguments, site.dir(), &[]);
    process.out().wait_for(&["plugins  elsewhere/plugins"]).await;
    process.signal("TERM");
    process.ended().await.assert(0, &[]);
    assert!(site.path("elsewhere/data/slashbox.db").exists());
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_address() {
    let (site, other) = (Site::new(&[]), Site::new(&[]));
    let server = Server::start(&site).await;
    let address = server.url().strip_prefix("http://").unwrap();
    let ended = Process::run(&["serve", "--listen", address], other.dir()).await;
    ended.assert(1, &[&format!("error: cannot listen on {address}: Address already in use")]);
    assert_eq!(ended.out, "");
}

#[tokio::test]
async fn a_data_directory_has_one_host_at_a_time() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let ended = Process::run(&["serve", "--listen", "127.0.0.1:0"], site.dir()).await;
    ended.assert(1, &["error: data directory \"data\" is in use by another slashbox"]);
    assert_eq!(ended.out, "");
    server.check(&[("/mark x", "Marked: x")]).await;
    server.stop().await;
    let server = Server::start(&site).await;
    assert_has(&server.says("/mark").await, &["x — marked by 123456"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told() {
    let site = Site::new(&[]);
    site.write("file", "");
    for arguments in [["--plugins", "file/plugins"], ["--data", "file/data"]] {
        let ended = Process::run(&[&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat(), site.dir()).await;
        ended.assert(1, &["error: ", arguments[1], "Not a directory"]);
    }
}

#[tokio::test]
async fn what_is_asked_to_end_finishes_its_commands() {
    for signal in ["TERM", "INT"] {
        let site = Site::new(&["probe"]);
        site.one_place();
        let server = Server::start(&site).await;
        let call = server.running("/sleep 2500").await;
        server.signal(signal);
        let ended = server.ended().await;
        assert_eq!(ended.code, Some(0), "{signal}: {ended:#?}");
        assert_eq!(call.await.unwrap(), "slept 2500 ms", "{signal}");
        assert_has(&ended.err, &["INFO slashbox::host: shut down"]);
    }
}

#[tokio::test]
async fn whoever_asks_twice_does_not_wait() {
    let site = Site::new(&["probe"]);
    site.one_place();
    let server = Server::start(&site).await;
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let call = server.running("/sleep 4500").await;
    server.signal("INT");
    // The first one was heard once nobody is let in any more.
    eventually("the end of listening", async || TcpStream::connect(&address).is_err().then_some(())).await;
    server.signal("INT");
    assert_eq!(server.ended().await.code, Some(1));
    assert!(call.await.is_err(), "the second signal waited for the call");
}

#[tokio::test]
async fn a_sender_that_holds_its_connection_does_not_hold_up_the_end() {
    let site = Site::new(&[]);
    site.configure("[limits]\ncommand_ms = 1000");
    let server = Server::start(&site).await;
    let address = server.url().strip_prefix("http://").unwrap();
    let mut held = TcpStream::connect(address).unwrap();
    held.write_all(b"POST /in/support HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{").unwrap();
    // An answer to somebody who came later: the connection before is in the host's hands.
    server.check(&[("/nobodys", "! unknown command /nobodys")]).await;
    server.stop().await;
    drop(held);
}

#[tokio::test]
async fn the_log_may_be_json() {
    let site = Site::new(&["probe"]);
    site.configure("[log]\nformat = \"json\"\nlevel = \"info,slashbox::commands=debug\"");
    let server = Server::start(&site).await;
    server
        .check(&[("/echo secret words", "secret words"), ("/trap", "! /trap is temporarily unavailable (ref REF)")])
        .await;
    let log = server.stop().await.err;
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |command: &str| lines.iter().find(|line| line["fields"]["command"] == command).unwrap();
    for (command, outcome) in [("/echo", "replied"), ("/trap", "trapped")] {
        let line = line(command);
        assert_eq!(line["target"], "slashbox::commands", "{line}");
        let fields = &line["fields"];
        assert_eq!((&fields["outcome"], &fields["by"]), (&outcome.into(), &"probe".into()), "{line}");
        assert_eq!(fields["call"].as_str().map(str::len), Some(26), "{line}");
        assert!(fields["ms"].is_u64() || fields["ms"].is_i64(), "{line}");
    }
    // What somebody typed is nobody else's business.
    assert!(!log.contains("secret words"), "{log}");
}
