//! `slashbox config`, and wrong usage: told before a port is bound, with exit code 64.

use std::net::TcpListener;

use crate::harness::{KEY, Process, Site, VERSION};

/// A source's table, with more lines.
fn source(lines: &str) -> String {
    format!("[[sources]]\nname = \"support\"\ndialect = \"hotline\"\n{lines}")
}

#[tokio::test]
async fn the_default_configuration_is_one() {
    let site = Site::empty();
    let printed = Process::run(&["config", "default"], site.dir()).await;
    printed.assert(0, &["listen = \"127.0.0.1:8787\"\n", "# [[sources]]\n"]);
    site.write("slashbox.toml", &printed.out);
    let checked = Process::run(&["config", "check"], site.dir()).await;
    checked.assert(0, &["ok slashbox.toml: 0 sources and 0 webhooks on http://127.0.0.1:8787\n"]);
    site.add_source("support", KEY, "");
    site.rename("slashbox.toml", "other.toml");
    let checked = Process::run(&["config", "check", "other.toml"], site.dir()).await;
    checked.assert(0, &["ok other.toml: 1 source and 0 webhooks on "]);
}

/// If the port were bound first, it would be told that it is taken.
#[tokio::test]
async fn a_mistake_is_told_with_its_key_before_a_port_is_bound() {
    let site = Site::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let check = async |config: &str, expected: &str| {
        site.write("slashbox.toml", config);
        let expected = format!("error: slashbox.toml: {expected}");
        for arguments in [&["serve", "--listen", &listen][..], &["config", "check"]] {
            let ended = Process::run(arguments, site.dir()).await;
            ended.assert(64, &[]);
            assert_eq!((ended.out.as_str(), ended.err.trim_end()), ("", &*expected), "{arguments:?}");
        }
    };
    check("lisen = \"127.0.0.1:1\"", "unknown key `lisen`: did you mean `listen`?").await;
    check("[limit]\ncpu_ms = 1", "unknown key `limit`: did you mean `limits`?").await;
    check("[limits]\ncolour = 1", &{
        let known = [slashbox::HostLimits::NAMES, slashbox::Limits::NAMES].concat().join(", ");
        format!("unknown key `limits.colour`: expected one of {known}")
    })
    .await;
    check(&source("apikey = \"k\""), "unknown key `sources[0].apikey`: did you mean `api_key`?").await;
    check("listen = 8787", "`listen`: invalid type: integer `8787`, expected a string").await;
    let address = "expected an address and a port, such as 127.0.0.1:8787 or [::1]:8787";
    check("listen = \"8787\"", &format!("`listen` = \"8787\": {address}")).await;
    check("[limits]\ncommand_ms = 999", "`limits.command_ms` = 999: expected 1000 to 10000").await;
    check("[limits]\ncommand_ms = 10001", "`limits.command_ms` = 10001: expected 1000 to 10000").await;
    check("[log]\nformat = \"xml\"", "`log.format` = \"xml\": expected text or json").await;
    check("data_dir = \"plugins\"", "`data_dir` = \"plugins\": expected a folder outside of `plugins_dir`").await;
    let key = "expected the key that the platform sends";
    check(&source(""), &format!("`sources[0].api_key`: required by the dialect hotline: {key}")).await;
    for (short, chars) in [("", 0), ("7 chars", 7)] {
        let expected = format!("{chars} characters: expected at least 8, the key that the platform sends");
        check(&source(&format!("api_key = {short:?}")), &format!("`sources[0].api_key`: {expected}")).await;
    }
    check(&source("api_key = \"${NOBODYS}\""), "`sources[0].api_key`: the environment variable NOBODYS is not set")
        .await;
    check(&source("api_key = \"8 chars!\"\nreply = \"html\""), "`sources[0].reply` = \"html\": expected json or text")
        .await;
    check(
        "[[sources]]\nname = \"a\"\ndialect = \"slack\"",
        "`sources[0].dialect` = \"slack\": expected hotline, sendpulse, tg-staff, inbox or native",
    )
    .await;
    let one = source("api_key = \"8 chars!\"\n");
    check(&format!("{one}{one}"), "`sources[1].name` = \"support\": expected a name that no other source has").await;
}

#[tokio::test]
async fn a_syntax_error_is_told_with_its_place_and_shows_no_line() {
    let site = Site::empty();
    site.write("slashbox.toml", "listen = \"127.0.0.1:0\"\napi_key = s3cret\n");
    let ended = Process::run(&["serve"], site.dir()).await;
    ended.assert(64, &["error: slashbox.toml: line 2, column "]);
    assert!(!ended.err.contains("s3cret"), "{}", ended.err);
}

#[tokio::test]
async fn a_missing_configuration_is_told_how_to_get_one() {
    let site = Site::empty();
    site.remove("slashbox.toml");
    let hint = "there is no such file; `slashbox config default` prints one to begin with";
    for (arguments, file) in [
        (&["serve"][..], "slashbox.toml"),
        (&["config", "check"], "slashbox.toml"),
        (&["serve", "--config", "deep/er.toml"], "deep/er.toml"),
    ] {
        Process::run(arguments, site.dir()).await.assert(64, &[&format!("error: {file}: {hint}\n")]);
    }
}

#[tokio::test]
async fn wrong_usage_is_told() {
    let site = Site::new(&[]);
    let check = async |arguments: &[&str], expected: &str| {
        let ended = Process::run(arguments, site.dir()).await;
        ended.assert(64, &[]);
        assert_eq!(ended.out, "", "{arguments:?}");
        crate::harness::assert_has(&ended.err, &[expected]);
    };
    check(&[], "Usage: slashbox <COMMAND>").await;
    check(&["sevre"], "unrecognized subcommand 'sevre'").await;
    check(&["serve", "--liste", "x"], "unexpected argument '--liste' found").await;
    check(&["serve", "--listen"], "a value is required for '--listen <ADDR>'").await;
    check(&["serve", "--listen", "8787"], "invalid value '8787' for '--listen <ADDR>'").await;
    check(
        &["serve", "--data", "plugins"],
        "error: data directory \"plugins\": expected a folder outside of the plugins folder \"plugins\"",
    )
    .await;
    check(&["check"], "<FILE.wasm>").await;
    check(&["call", "mark.wasm"], "</NAME>").await;
    check(&["config"], "Usage: slashbox config <COMMAND>").await;
}

#[tokio::test]
async fn help_is_no_mistake() {
    let site = Site::empty();
    let check = async |arguments: &[&str], expected: &str| {
        let ended = Process::run(arguments, site.dir()).await;
        ended.assert(0, &[]);
        assert_eq!(ended.err, "", "{arguments:?}");
        crate::harness::assert_has(&ended.out, &[expected]);
    };
    check(&["--help"], "Usage: slashbox <COMMAND>").await;
    check(&["help"], "A host for custom command handlers of chat-support platforms").await;
    check(&["--version"], &format!("slashbox {VERSION}\n")).await;
    for command in ["serve", "check", "call", "config"] {
        check(&[command, "--help"], &format!("Usage: slashbox {command}")).await;
    }
}
