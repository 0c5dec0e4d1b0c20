//! Plugins that mean harm, one of each kind beside a plugin that goes on answering.

use slashbox_hostile::{Attack, component};

use crate::harness::{Answer, Bystander, Server, Site};

const UNAVAILABLE: &str = "is temporarily unavailable (ref REF)";

/// Attack, its arguments, what the operator is shown behind the command's name or else, what the log says.
const CALLS: &[(Attack, &str, &str, &[&str])] = &[
    (Attack::Calm, "", "1", &[]),
    (Attack::Spin, "", UNAVAILABLE, &["outcome=\"limit\"", "cpu limit of 500 ms reached"]),
    (Attack::Trap, "", UNAVAILABLE, &["outcome=\"trapped\"", "wasm `unreachable` instruction executed"]),
    (Attack::Sleep, "", UNAVAILABLE, &["outcome=\"limit\"", "timeout of 3000 ms reached"]),
    (Attack::Memory, "", UNAVAILABLE, &["outcome=\"limit\"", "memory limit of 64 MiB reached"]),
    (Attack::Memory, "1", "65536", &[]),
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
    site.configure("[limits]\ntimeout_ms = 3000\ntimers = 1000");
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
