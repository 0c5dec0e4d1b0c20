//! Whether the tries notice a host that gives more than it is told to, and what that comes to.

use std::path::Path;

use slashbox::config::Config;

use super::*;
use crate::cli::selftest::{Sum, heard::Heard};

/// Little, so that there are few plugins.
const CONFIG: &str = "[limits]
command_ms = 2500
calls = 6
tenant_calls = 4
queue_ms = 300
plugin_file_mib = 1
stack_kib = 128
table_elements = 1000
memory_mib = 4
timeout_ms = 2000
cpu_ms = 300
concurrency = 2
handles = 16
passed_mib = 2
kv_value_kib = 4
kv_writes = 20
emits = 3
";

/// The host gives more than it is told to: each try must notice.
#[tokio::test]
async fn a_limit_that_does_not_hold_is_found() {
    let settings = Config::parse(CONFIG, Path::new(""), |_| None).unwrap().settings;
    let mut ground = Ground::prepare(settings, Heard::default()).await.unwrap();
    let limits = &mut ground.limits;
    (limits.memory_mib, limits.cpu_ms, limits.timeout_ms) = (3, 200, 1_500);
    (limits.handles, limits.passed_mib, limits.emits) = (15, 1, 2);
    (limits.kv_value_kib, limits.kv_writes) = (3, 19);
    (ground.over_all.stack_kib, ground.over_all.table_elements) = (64, 999);
    let tried = [
        ("memory_mib", memory(&ground).await),
        ("cpu_ms", cpu(&ground).await),
        ("timeout_ms", timeout(&ground).await),
        ("handles", handles(&ground).await),
        ("passed_mib", passed(&ground).await),
        ("emits", emits(&ground).await),
        ("kv_value_kib", kv_value(&ground).await),
        ("kv_writes", kv_writes(&ground).await),
        ("stack_kib", stack(&ground).await),
        ("table_elements", table(&ground).await),
        ("file", refused(&ground, "sleep", "a file that is a plugin")),
    ];
    ground.limits.concurrency = 1;
    let crowd = crowd::of_plugin(&ground).await;
    let tried = tried.into_iter().chain([("concurrency", crowd.places)]);
    let findings: Vec<Finding> = tried.map(|(limit, tried)| found(limit, None, tried)).collect();
    for finding in &findings {
        assert_eq!(finding.verdict, Verdict::Not, "{finding:?}");
    }
    let sum = Sum::of(&findings);
    assert_eq!(sum, Sum { held: 0, not: 12, untried: 0 });
    assert!(!sum.is_ok());
    ground.leave().await;
}

#[test]
fn one_that_does_not_hold_is_enough() {
    let found = |tried| found("emits", Some(3), tried);
    let (held, not) = (|| found(Ok((Some(3), true, String::new()))), || found(Ok((Some(4), false, String::new()))));
    let untried = || found(Err("it would take too long".into()));
    assert!(Sum::of(&[held(), held(), untried()]).is_ok());
    assert!(!Sum::of(&[held(), not(), untried()]).is_ok());
    assert_eq!(not().as_json()["result"], "not");
}
