//! Plugins that mean harm: `slashbox selftest`, and a server that has one of each beside a plugin that goes on answering.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use slashbox::{HostLimits, Limits};
use slashbox_hostile::{Attack, Bad, begin_of_large, component, with_more};
use tokio::task::JoinHandle;

use crate::harness::{Answer, Process, Sender, Server, Site, assert_has};

/// What nothing is said of: each would take something that is not at hand.
const NOT_TRIED: [&str; 3] = ["compile_s", "http_requests", "http_mib"];

/// Every limit other than by default, and less.
const TIGHT: &str = "[limits]
command_ms = 2500
calls = 6
tenant_calls = 4
queue_ms = 300
plugin_file_mib = 1
stack_kib = 128
table_elements = 1000
instances = 8
memory_mib = 4
cpu_ms = 400
timeout_ms = 2000
concurrency = 2
log_kib = 4
handles = 16
passed_mib = 1
kv_keys = 600
kv_mib = 1
kv_value_kib = 4
kv_writes = 20
timers = 30
emits = 3
http_requests = 1
http_mib = 1
";

/// Runs it in a folder with this configuration; gives each limit's result, in JSON.
async fn selftest(site: &Site, untried: &[&str]) -> Vec<Value> {
    let tested = Process::run(&["selftest", "--json"], site.dir()).await;
    tested.assert(0, &["slashbox.toml"]);
    let told: Value = serde_json::from_str(&tested.out).unwrap();
    assert_eq!(told["ok"], json!(true), "{told:#}");
    let findings = told["limits"].as_array().unwrap().clone();
    for key in HostLimits::NAMES.iter().chain(Limits::NAMES) {
        let of_key: Vec<&Value> = findings.iter().filter(|finding| finding["limit"] == **key).collect();
        assert!(!of_key.is_empty(), "{key} is not told of");
        for finding in of_key {
            let expected = if untried.contains(key) { "not tried" } else { "held" };
            assert_eq!(finding["result"], expected, "{finding:#}");
            assert!(!finding["how"].as_str().unwrap().is_empty(), "{finding:#}");
        }
    }
    findings
}

fn find<'f>(findings: &'f [Value], limit: &str) -> &'f Value {
    findings.iter().find(|finding| finding["limit"] == limit).unwrap()
}

#[tokio::test]
async fn every_limit_of_a_tight_configuration_holds() {
    let site = Site::empty();
    site.configure(TIGHT);
    let untried = [&NOT_TRIED[..], &["command_ms"]].concat();
    let findings = selftest(&site, &untried).await;
    // The figure at which each held is the configured one, whatever that is.
    for (limit, figure, unit) in [
        ("memory_mib", 4, "MiB"),
        ("concurrency", 2, ""),
        ("tenant_calls", 4, ""),
        ("calls", 6, ""),
        ("handles", 16, ""),
        ("passed_mib", 1, "MiB"),
        ("kv_value_kib", 4, "KiB"),
        ("kv_writes", 20, ""),
        ("kv_keys", 600, ""),
        ("kv_mib", 1, "MiB"),
        ("timers", 30, ""),
        ("emits", 3, ""),
        ("stack_kib", 128, "KiB"),
        ("table_elements", 1000, ""),
        ("instances", 8, ""),
        ("plugin_file_mib", 1, "MiB"),
    ] {
        let finding = find(&findings, limit);
        let told = (&finding["configured"], &finding["at"], &finding["unit"]);
        assert_eq!(told, (&json!(figure), &json!(figure), &json!(unit)), "{finding:#}");
    }
    for (limit, ms) in [("cpu_ms", 400), ("timeout_ms", 2000), ("queue_ms", 300)] {
        let finding = find(&findings, limit);
        assert!((ms..ms + 2_500).contains(&finding["at"].as_u64().unwrap()), "{finding:#}");
    }
    assert!(!site.path("data").exists(), "the data directory was used");
}

#[tokio::test]
async fn every_limit_holds_by_default() {
    let site = Site::empty();
    let findings = selftest(&site, &NOT_TRIED).await;
    for finding in findings {
        println!("{} {} at {}: {}", finding["limit"], finding["configured"], finding["at"], finding["how"]);
    }
}

#[tokio::test]
async fn people_get_a_line_a_limit() {
    let site = Site::empty();
    std::fs::remove_file(site.path("slashbox.toml")).unwrap();
    site.write("other.toml", TIGHT);
    let tested = Process::run(&["selftest", "--config", "other.toml"], site.dir()).await;
    tested.assert(0, &["the limits of other.toml", " held, 0 did not, 4 not tried\n"]);
    let line = |limit: &str| tested.out.lines().find(|line| line.contains(limit)).unwrap().to_owned();
    assert_has(&line("kv_writes"), &["held ", " 20  set keys in one call: kv limit of 20 keys"]);
    assert_has(&line("http_mib"), &["not tried  http_mib", "it would take a server"]);
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_and_nothing_is_tried() {
    let site = Site::empty();
    site.configure("[limits]\ncpu_ms = 0");
    let check = async |arguments: &[&str], parts: &[&str]| {
        let tested = Process::run(&[&["selftest"], arguments].concat(), site.dir()).await;
        tested.assert(64, parts);
        assert_eq!(tested.out, "");
    };
    check(&[], &["slashbox.toml: `limits.cpu_ms` = 0: expected 1 to 10000"]).await;
    check(&["--config", "absent.toml"], &["absent.toml: there is no such file"]).await;
    check(&["--confg", "x"], &["--confg"]).await;
}

/// A plugin that does no harm, called without a pause while others do.
struct Bystander {
    over: Arc<AtomicBool>,
    calls: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    fn start(sender: &Sender) -> Self {
        let over = Arc::<AtomicBool>::default();
        let (sender, until) = (sender.in_topic(7), over.clone());
        let calls = tokio::spawn(async move {
            let mut took = Vec::new();
            while !until.load(Ordering::SeqCst) {
                let (began, line) = (Instant::now(), format!("/mark {}", took.len()));
                assert_eq!(sender.says(&line).await, format!("Marked: {}", took.len()));
                took.push(began.elapsed());
            }
            took
        });
        Self { over, calls }
    }

    /// Prints how long its answers took; each was right.
    #[expect(
        clippy::print_stdout,
        reason = "for whoever runs it with --nocapture: how fast is no matter of right or wrong"
    )]
    async fn end(self, meanwhile: &str) {
        self.over.store(true, Ordering::SeqCst);
        let mut took = self.calls.await.unwrap();
        took.sort_unstable();
        assert!(!took.is_empty(), "{meanwhile}: the bystander was never answered");
        let (middle, tail, last) = (took[took.len() / 2], took[took.len() * 99 / 100], took[took.len() - 1]);
        println!(
            "bystander during {meanwhile}: {} answers, p50 {middle:?}, p99 {tail:?}, longest {last:?}",
            took.len()
        );
    }
}

const UNAVAILABLE: &str = "is temporarily unavailable (ref REF)";

/// Attack, its arguments, what the operator is shown behind the command's name or else, what the log says.
const CALLS: &[(Attack, &str, &str, &[&str])] = &[
    (Attack::Calm, "", "1", &[]),
    (Attack::Spin, "", UNAVAILABLE, &["outcome=\"limit\"", "cpu limit of 500 ms reached"]),
    (Attack::Spin, "10", "10", &[]),
    (Attack::Trap, "", UNAVAILABLE, &["outcome=\"trapped\"", "wasm `unreachable` instruction executed"]),
    (Attack::Sleep, "", UNAVAILABLE, &["outcome=\"limit\"", "timeout of 1000 ms reached"]),
    (Attack::Memory, "", UNAVAILABLE, &["outcome=\"limit\"", "memory limit of 64 MiB reached"]),
    (Attack::Memory, "1", "65536", &[]),
    (Attack::Fill, "", "65536", &[]),
    (Attack::Table, "", "20000", &[]),
    (Attack::Recurse, "", UNAVAILABLE, &["outcome=\"limit\"", "stack limit of 512 KiB reached"]),
    (Attack::Recurse, "100", "100", &[]),
    (Attack::Log, "5000", "5000", &["log limit of 64 KiB reached, the rest was dropped", "plugin=log"]),
    (Attack::Stdout, "5000", "5000", &["log limit of 64 KiB reached, the rest was dropped", "plugin=stdout"]),
    (Attack::Reply, "30000000", UNAVAILABLE, &["outcome=\"trapped\"", "too much data is being copied"]),
    (Attack::Cut, "", "", &["reply too long, cut to 4096", "from=4098"]),
    (Attack::Kv, "0 1000000", "0 kv value of 1000000 bytes for key \"0\": expected at most 65536", &[]),
    (Attack::Kv, "0 0", "1000 kv limit of 1000 keys written in one call reached", &[]),
    (Attack::Kv, "0 65536", "63 kv limit of 4194304 bytes written in one call reached", &[]),
    (Attack::Timers, "0 1001", "1000 timer \"1000\": limit of 1000 timers reached", &[]),
    (Attack::Emits, "", "100 event \"spam\": limit of 100 events in a call reached", &[]),
    (Attack::Handles, "0", UNAVAILABLE, &["outcome=\"limit\"", "limit of 1024 handles reached"]),
    (Attack::Handles, "1024", "1024", &[]),
];

#[tokio::test]
async fn each_ends_as_it_must_and_others_go_on() {
    let site = Site::new(&["mark"]);
    site.configure("[limits]\ntimeout_ms = 1000\ntimers = 1000");
    for &attack in Attack::ALL {
        site.write(&format!("plugins/{}.wasm", attack.name()), component(attack, attack.name()).unwrap());
    }
    let server = Server::start(&site).await;
    server.log().wait_for(&["WARN", "plugin=spin-in-describe", "did not return: cpu limit of 200 ms reached"]).await;
    for &(attack, args, shown, logged) in CALLS {
        let (name, bystander) = (attack.name(), Bystander::start(&server.support));
        let before = server.log().count();
        let answer: Answer = server.support.types(format!("/{name} {args}").trim_end()).await;
        let expected = if shown == UNAVAILABLE { format!("! /{name} {shown}") } else { shown.to_owned() };
        match attack {
            Attack::Cut => assert_eq!(answer.shown(), format!("{}…", "x".repeat(4_094))),
            _ => assert_eq!(answer.shown(), expected, "/{name} {args}"),
        }
        if !logged.is_empty() {
            server.log().wait_after(before, logged).await;
        }
        bystander.end(&format!("/{name} {args}")).await;
    }
    server.stop().await;
}

/// In as many calls at once as it may have, and more.
#[tokio::test]
async fn many_calls_at_once_are_told_to_wait() {
    let site = Site::new(&["mark"]);
    site.configure("[limits]\nqueue_ms = 300\nconcurrency = 8\ntimeout_ms = 3000");
    for attack in [Attack::Spin, Attack::Sleep] {
        site.write(&format!("plugins/{}.wasm", attack.name()), component(attack, attack.name()).unwrap());
    }
    let server = Server::start(&site).await;
    for line in ["/sleep 1500", "/spin"] {
        let bystander = Bystander::start(&server.support);
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let sender = server.support.clone();
            calls.spawn(async move { sender.says(line).await });
        }
        let shown = calls.join_all().await;
        bystander.end(&format!("16 x {line}")).await;
        let count = |text: &str| shown.iter().filter(|shown| shown.contains(text)).count();
        match line {
            "/spin" => assert_eq!(count("! /spin is "), 16, "{shown:?}"),
            _ => assert_eq!((count("1500"), count("! /sleep is busy")), (8, 8), "{shown:?}"),
        }
    }
    server.stop().await;
}

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

/// `docs/limits.md` has a row for each key, with its default and its range.
#[test]
fn each_limit_is_written_down() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md")).unwrap();
    let rows: Vec<Vec<&str>> = (text.lines())
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let keys = HostLimits::KEYS.iter().chain(Limits::KEYS);
    let expected: Vec<[String; 3]> = keys
        .map(|key| [format!("`{}`", key.name), key.default.to_string(), format!("{} to {}", key.min, key.max)])
        .collect();
    let written: Vec<[String; 3]> = rows.iter().map(|row| [row[0], row[1], row[2]].map(str::to_owned)).collect();
    assert_eq!(written, expected);
    for row in rows {
        assert_eq!(row.len(), 7, "{row:?}");
        assert!(row[3..].iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}
