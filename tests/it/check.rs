//! `slashbox check`: tells an author whether a file is a plugin, and if not, what to do about it.

use serde_json::{Value, json};

use crate::harness::{Process, Server, Site, VERSION, assert_has, changed, guest, of_world};

#[tokio::test]
async fn a_plugin_is_shown_with_what_it_asks_for() {
    let site = Site::new(&["probe"]);
    let checked = Process::run(&["check", "plugins/probe.wasm"], site.dir()).await;
    let kib = format!("ok plugins/probe.wasm ({} KiB)", guest("probe").len().div_ceil(1024));
    checked.assert(
        0,
        &[
            &kib,
            "  probe 1.2.3  Tries the host\n",
            "  command  /echo [TEXT]  replies the text; nothing if there is none\n",
            "  command  /spin  computes for ever\n",
            "  http     crm.example.com\n",
            "  setting  GREETING (optional)  how to say hello\n",
            "  setting  TOKEN (required, secret)  what the CRM knows us by\n",
            "  lacks required setting TOKEN: its grant file does not give it\n",
            "  lacks optional setting GREETING: its grant file does not give it\n",
            "  lacks http to crm.example.com: its grant file does not give it\n",
        ],
    );
    assert_eq!(checked.err, "");
    let costs = checked.out.lines().last().unwrap();
    assert!(costs.starts_with("  costs    "), "{costs}");
    assert_has(costs, &[" ms to compile, ", " µs a call at least, ", " MiB to begin with"]);
    site.grant("probe", "allowed_hosts = [\"crm.example.com\"]\n[settings]\nTOKEN = \"s3cret\"\nGREETING = \"moin\"");
    let checked = Process::run(&["check", "plugins/probe.wasm"], site.dir()).await;
    checked.assert(0, &["ok "]);
    assert!(!checked.out.contains("lacks") && !checked.out.contains("s3cret"), "{}", checked.out);
}

#[tokio::test]
async fn a_program_gets_json() {
    let site = Site::new(&["mark", "probe"]);
    let read = async |file: &str| -> Value {
        let checked = Process::run(&["check", "--json", file], site.dir()).await;
        checked.assert(0, &[]);
        serde_json::from_str(&checked.out).unwrap()
    };
    let mark = read("plugins/mark.wasm").await;
    let command = json!({
        "name": "/mark",
        "usage": "[STATUS | -]",
        "summary": "sets the status of this conversation, shows it, or removes it with -",
    });
    for (member, expected) in [
        ("ok", json!(true)),
        ("name", json!("mark")),
        ("version", json!(VERSION)),
        ("summary", json!("The status of a conversation")),
        ("commands", json!([command])),
        ("events", json!([])),
        ("http_hosts", json!([])),
        ("settings", json!([])),
        ("lacks", json!([])),
        ("enabled", json!(true)),
        ("bytes", json!(guest("mark").len())),
    ] {
        assert_eq!(mark[member], expected, "{member}");
    }
    assert_eq!(mark["sha256"].as_str().map(str::len), Some(64));
    let cost = |name: &str| mark["cost"][name].as_f64().unwrap_or_else(|| panic!("no {name}: {mark:#}"));
    assert!(cost("compile_ms") >= 1.0 && cost("warm_us") >= 1.0, "{mark:#}");
    // A guest's stack is the first of its memory, of a MiB; there is no more than a little data behind it.
    assert!((1.0..2.0).contains(&cost("memory_mib")), "{mark:#}");
    let probe = read("plugins/probe.wasm").await;
    assert_eq!(probe["http_hosts"], json!(["crm.example.com"]));
    assert_eq!(
        probe["settings"][1],
        json!({ "name": "TOKEN", "summary": "what the CRM knows us by", "secret": true, "required": true })
    );
    assert_eq!(
        probe["lacks"],
        json!(["optional setting GREETING", "required setting TOKEN", "http to crm.example.com"])
    );
}

#[tokio::test]
async fn what_is_no_plugin_is_told_what_to_do() {
    let site = Site::empty();
    let check = async |name: &str, content: &[u8], expected: &[&str]| {
        site.write(name, content);
        let checked = Process::run(&["check", name], site.dir()).await;
        checked.assert(1, &[&format!("refused {name}\n")]);
        assert_has(&checked.out, expected);
        let checked = Process::run(&["check", "--json", name], site.dir()).await;
        let told: Value = serde_json::from_str(&checked.out).unwrap();
        assert_eq!((checked.code, &told["ok"]), (Some(1), &json!(false)), "{told}");
        assert_has(
            told["error"].as_str().unwrap(),
            expected.iter().map(|part| part.trim()).collect::<Vec<_>>().as_slice(),
        );
    };
    let build_with = format!("build it with slashbox-sdk {VERSION}");
    let module = wat::parse_str("(module (func (export \"run\")))").unwrap();
    check(
        "core.wasm",
        &module,
        &["a core WebAssembly module, not a component: build it for the target wasm32-wasip2, or make it a component"],
    )
    .await;
    check("cut.wasm", &guest("mark")[..70_000], &["damaged or cut off: "]).await;
    check("start.wasm", &guest("mark")[..7], &["damaged or cut off: it ends within its first 8 bytes"]).await;
    check("empty.wasm", b"", &["the file is empty: it may still be being written"]).await;
    check("text.wasm", b"hello there", &["no WebAssembly: the file begins with [68, 65, 6c, 6c, 6f, 20, 74, 68]"])
        .await;
    check(
        "elf.wasm",
        b"\x7fELF\x02\x01\x01\0\0\0",
        &["native code, not WebAssembly: ", "drop the .wasm component itself"],
    )
    .await;
    check("spin.wasm", &guest("describe-spin"), &["`describe` did not return: cpu limit of 200 ms reached"]).await;
    check("clash.wasm", &guest("clash"), &["`describe`: command /twice is declared twice"]).await;
    // Its `describe` is there, and traps.
    check(
        "dummy.wasm",
        &changed("/// What it does, in one line.", ""),
        &["`describe` trapped: wasm trap: wasm `unreachable`"],
    )
    .await;
    let other = of_world(&["package other:thing; world plugin { export run: func() -> string; }".into()]);
    let handler =
        format!("it exports `run`, but not `slashbox:plugin/handler@{VERSION}`: {build_with} and its `export!`");
    check("other.wasm", &other, &[&handler]).await;
    let command = format!("`handler.on-command`: record `command` lacks the field `args`: {build_with}");
    check("lacks.wasm", &changed("        args: string,\n", ""), &[&command]).await;
    let command =
        format!("`handler.on-command`: record `command`, field `deadline-ms`: expected u32, found u64: {build_with}");
    check("type.wasm", &changed("deadline-ms: u32", "deadline-ms: u64"), &[&command]).await;
    let newer = format!(
        "it was built for `slashbox:plugin/handler@7.0.0`, this host has `slashbox:plugin/handler@{VERSION}`: {build_with}"
    );
    check("newer.wasm", &changed(&format!("slashbox:plugin@{VERSION}"), "slashbox:plugin@7.0.0"), &[&newer]).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_or_too_large_is_told() {
    let site = Site::empty();
    let check = async |file: &str, expected: &str| {
        Process::run(&["check", file], site.dir()).await.assert(1, &[file, expected]);
    };
    check("nowhere.wasm", "cannot be read: No such file or directory").await;
    check("plugins", "cannot be read: neither a file nor a link to one").await;
    let large = std::fs::File::create(site.path("large.wasm")).unwrap();
    large.set_len(64 * 1024 * 1024 + 1).unwrap();
    check("large.wasm", "the file has 67108865 bytes: expected at most 64 MiB").await;
    large.set_len(64 * 1024 * 1024).unwrap();
    check("large.wasm", "no WebAssembly: the file begins with [00, 00, 00, 00, 00, 00, 00, 00]").await;
}

#[tokio::test]
async fn a_grant_with_a_mistake_is_told() {
    let site = Site::new(&["mark"]);
    site.grant("mark", "enable = true");
    let checked = Process::run(&["check", "plugins/mark.wasm"], site.dir()).await;
    checked.assert(1, &["refused plugins/mark.wasm", "grant: unknown key `enable`: did you mean `enabled`?"]);
    site.grant("mark", "enabled = false");
    let checked = Process::run(&["check", "plugins/mark.wasm"], site.dir()).await;
    checked.assert(0, &["ok plugins/mark.wasm", "  disabled by its grant file\n"]);
}

/// Neither is a word for the other: what one refuses, the other must refuse as well.
#[cfg(unix)]
#[tokio::test]
async fn what_serve_refuses_is_no_plugin() {
    let site = Site::new(&["mark", "my plugin=mark", "acme/mark=mark"]);
    std::os::unix::fs::symlink("nothing", site.path("plugins/mark.toml")).unwrap();
    site.grant("acme/mark", "[settings]\nA = \"${HOME}\"");
    site.write("plugins/mark.component", guest("mark"));
    let (name, link) = ("\"my plugin\" is no name: expected letters, digits", "a link to nothing");
    let environment = "`settings.A`: the host's environment is for plugins of all tenants";
    for (arguments, expected) in [
        (&["plugins/my plugin.wasm"][..], name),
        (&["plugins/mark.wasm"], link),
        (&["plugins/acme/mark.wasm", "--tenant", "acme"], environment),
        (&["plugins/mark.component"], "expected a file that is called NAME.wasm"),
    ] {
        let checked = Process::run(&[&["check"], arguments].concat(), site.dir()).await;
        checked.assert(1, &[&format!("refused {}\n", arguments[0]), expected]);
    }
    let own = Process::run(&["check", "mark.wasm", "--tenant", "acme"], &site.path("plugins/acme")).await;
    own.assert(1, &["refused mark.wasm\n", environment]);
    // As a plugin of all tenants it would serve.
    Process::run(&["check", "plugins/acme/mark.wasm"], site.dir()).await.assert(0, &["ok "]);
    let listing = Server::start(&site).await.listing().await;
    assert_has(&listing, &[name, link, environment]);
}

#[tokio::test]
async fn its_limits_are_those_of_the_configuration() {
    let site = Site::new(&["mark"]);
    let check = async |more: &[&str], code: i32, expected: &str| {
        Process::run(&[&["check", "plugins/mark.wasm"], more].concat(), site.dir()).await.assert(code, &[expected]);
    };
    site.grant("mark", "[limits]\nmemory_mib = 128");
    check(&[], 1, "grant: `limits.memory_mib` = 128: expected 1 to 64, the host's own limit").await;
    site.write("large.toml", "[limits]\nmemory_mib = 256\n[admin]\ntoken = \"${NOBODYS}\"");
    check(&["--config", "large.toml"], 0, "ok plugins/mark.wasm").await;
    site.rename("large.toml", "slashbox.toml");
    check(&[], 0, "ok plugins/mark.wasm").await;
    check(&["--config", "none.toml"], 64, "error: none.toml: there is no such file").await;
    site.write("slashbox.toml", "[limits]\nplugin_file_mib = 0");
    check(&[], 64, "error: slashbox.toml: `limits.plugin_file_mib` = 0: expected 1 to 1024").await;
}
