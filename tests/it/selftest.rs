//! `slashbox selftest`: each limit of a configuration, tried on this machine.

use serde_json::{Value, json};
use slashbox::{HostLimits, Limits};

use crate::harness::{Process, Site, assert_has};

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
kv_reads = 30
timers = 30
emits = 3
emits_per_minute = 20
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
        ("kv_reads", 30, ""),
        ("kv_keys", 600, ""),
        ("kv_mib", 1, "MiB"),
        ("timers", 30, ""),
        ("emits", 3, ""),
        ("emits_per_minute", 20, ""),
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
