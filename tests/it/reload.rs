//! Plugins that come, change and go while commands run: no command fails that has an owner.

use std::fs;

use slashbox_hostile::{Attack, component};

use crate::harness::{Bystander, Load, Server, Site, eventually, guest};

const V1: &str = "hello v1";
const V2: &str = "hello v2";
const UNKNOWN: &str = "! unknown command /greet";
const UNMARKED: &str = "Not marked yet. Mark it with /mark STATUS";

/// What somebody does to the folder.
struct Step {
    what: &'static str,
    does: fn(&Site),
    /// What answers from then on.
    serves: &'static str,
    /// What the log says of it, each a line's parts.
    logs: &'static [&'static [&'static str]],
}

const LAST_GOOD: &str = "cannot be loaded, the last good version serves";

const STEPS: [Step; 9] = [
    Step {
        what: "added",
        does: |site| site.plugin("greet", "greet-v1"),
        serves: V1,
        logs: &[&["INFO", "loaded", "plugin=greet", "1.0.0"]],
    },
    Step {
        what: "replaced in place",
        does: |site| site.plugin("greet", "greet-v2"),
        serves: V2,
        logs: &[&["INFO", "replaced", "plugin=greet", "2.0.0"]],
    },
    Step {
        what: "replaced by a rename",
        does: |site| {
            site.write("plugins/greet.wasm.part", guest("greet-v1"));
            site.rename("plugins/greet.wasm.part", "plugins/greet.wasm");
        },
        serves: V1,
        logs: &[&["INFO", "replaced", "plugin=greet", "1.0.0"]],
    },
    Step {
        what: "replaced by something else",
        does: |site| site.write("plugins/greet.wasm", "<html>404 Not Found</html>"),
        serves: V1,
        logs: &[&["WARN", LAST_GOOD, "plugin=greet", "no WebAssembly"]],
    },
    Step {
        what: "half of the next version",
        does: |site| site.write("plugins/greet.wasm", &guest("greet-v2")[..40_000]),
        serves: V1,
        logs: &[&["WARN", LAST_GOOD, "plugin=greet", "damaged or cut off"]],
    },
    Step {
        what: "the other half",
        does: |site| {
            let mut file = fs::File::options().append(true).open(site.path("plugins/greet.wasm")).unwrap();
            std::io::Write::write_all(&mut file, &guest("greet-v2")[40_000..]).unwrap();
        },
        serves: V2,
        logs: &[&["INFO", "replaced", "plugin=greet", "2.0.0"]],
    },
    Step {
        what: "nothing in the file",
        does: |site| site.write("plugins/greet.wasm", ""),
        serves: V2,
        logs: &[&["WARN", LAST_GOOD, "plugin=greet", "the file is empty"]],
    },
    Step {
        what: "whole again, under another name",
        does: |site| {
            site.plugin("greet", "greet-v2");
            site.rename("plugins/greet.wasm", "plugins/hello.wasm");
        },
        serves: V2,
        logs: &[&["INFO", "retired", "plugin=greet"], &["INFO", "loaded", "plugin=hello", "2.0.0"]],
    },
    Step {
        what: "removed",
        does: |site| site.remove("plugins/hello.wasm"),
        serves: UNKNOWN,
        logs: &[&["INFO", "retired", "plugin=hello"]],
    },
];

#[tokio::test]
async fn no_command_fails_while_a_plugin_changes() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let greets = Load::start(&server.support, "/greet", 3);
    let marks = Load::start(&server.support, "/mark", 1);
    let mut allowed = vec![vec![UNKNOWN]];
    for step in &STEPS {
        greets.answers().await;
        marks.answers().await;
        // While it happens, either may answer; once it was seen, the old one must not.
        let before = allowed.last().unwrap().last().copied().unwrap();
        allowed.extend([vec![before, step.serves], vec![step.serves]]);
        let logged = server.log().count();
        greets.next_phase();
        (step.does)(&site);
        for parts in step.logs {
            server.log().wait_after(logged, parts).await;
        }
        eventually(step.what, async || (server.says("/greet").await == step.serves).then_some(())).await;
        greets.next_phase();
    }
    greets.answers().await;
    greets.end(&allowed).await;
    marks.end(&[vec![UNMARKED]]).await;
}

#[tokio::test]
async fn a_slow_copy_disturbs_nobody() {
    let site = Site::new(&["greet=greet-v1", "mark"]);
    let server = Server::start(&site).await;
    let greets = Load::start(&server.support, "/greet", 1);
    let whole = guest("greet-v2");
    for end in (0..whole.len()).step_by(whole.len() / 20) {
        site.write("plugins/greet.wasm", &whole[..end]);
        // As slow as a command: the host looks at the folder meanwhile.
        assert_eq!(server.says("/mark").await, UNMARKED);
    }
    site.write("plugins/greet.wasm", &whole);
    server.until("/greet", V2).await;
    greets.next_phase();
    greets.answers().await;
    greets.end(&[vec![V1, V2], vec![V2]]).await;
}

#[tokio::test]
async fn calls_finish_on_the_version_that_they_began_with() {
    let site = Site::new(&["probe"]);
    site.one_place();
    let server = Server::start(&site).await;
    let call = server.running("/sleep 3000").await;
    // Else the versions would share the one place.
    site.remove("plugins/probe.toml");
    site.plugin("probe", "greet-v2");
    server.until("/greet", V2).await;
    site.remove("plugins/probe.wasm");
    server.until("/greet", UNKNOWN).await;
    assert!(!call.is_finished(), "the reload waited for the call");
    assert_eq!(call.await.unwrap(), "slept 3000 ms");
}

#[tokio::test]
async fn the_folder_itself_may_go_and_come_back() {
    let site = Site::new(&["greet=greet-v1"]);
    let server = Server::start(&site).await;
    site.rename("plugins", "elsewhere");
    server.log().wait_for(&["WARN", "plugins folder cannot be read, what is loaded serves on"]).await;
    server.check(&[("/greet", V1)]).await;
    site.plugin("greet", "greet-v2");
    server.until("/greet", V2).await;
    // The new folder is watched as the old one was.
    site.plugin("greet", "greet-v1");
    server.until("/greet", V1).await;
}

#[tokio::test]
async fn what_cannot_be_a_plugin_is_told_and_harms_nobody() {
    let site = Site::new(&["greet=greet-v1", "clash", "describe-spin"]);
    site.plugin("bad name", "greet-v2");
    site.write("plugins/native.cwasm", "\x7fELF");
    site.write("plugins/.greet.wasm.swp", "an editor's");
    site.write("plugins/README.md", "not a plugin");
    let server = Server::start(&site).await;
    server.check(&[("/greet", V1), ("/twice", "! unknown command /twice")]).await;
    let listing = server.listing().await;
    let problems: Vec<&str> = listing.lines().filter(|line| line.contains("not served:")).collect();
    let check = |file: &str, what: &str| {
        let told = problems.iter().any(|line| line.contains(file) && line.contains(what));
        assert!(told, "expected {file:?} with {what:?} in {problems:#?}");
    };
    check("clash.wasm", "`describe`: command /twice is declared twice");
    check("describe-spin.wasm", "`describe` did not return: cpu limit of 200 ms reached");
    check("bad name.wasm", "\"bad name\" is no name: expected letters, digits");
    check("native.cwasm", "precompiled artifacts are not taken, drop the .wasm component itself");
    assert_eq!(problems.len(), 4, "{problems:#?}");
}

#[tokio::test]
async fn hundreds_of_files_come_and_go_at_once() {
    const FILES: usize = 200;
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let names: Vec<String> = (0..FILES).map(|number| format!("calm-{number}")).collect();
    for name in &names {
        site.write(&format!("plugins/{name}.wasm"), component(Attack::Calm, name).unwrap());
    }
    let serving = async |count: usize| {
        let listed = server.listed("plugins").await;
        (listed.iter().filter(|plugin| plugin["state"] == "serving").count() == count).then_some(())
    };
    eventually("all of them", async || serving(FILES + 1).await).await;
    for name in [&names[0], &names[FILES / 2], &names[FILES - 1]] {
        server.check(&[(&format!("/{name}"), "1")]).await;
    }
    names.iter().for_each(|name| site.remove(&format!("plugins/{name}.wasm")));
    eventually("none of them", async || serving(1).await).await;
    server.check(&[("/calm-7", "! unknown command /calm-7")]).await;
    bystander.end("200 files that come and go").await;
    server.stop().await;
}
