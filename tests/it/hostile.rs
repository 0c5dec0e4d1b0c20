//! Plugins that mean harm, one of each kind beside a plugin that goes on answering.

use slashbox_hostile::{Attack, component, with_memory};
use tokio::task::JoinSet;

use crate::harness::{Answer, Bystander, Server, Site, assert_has};

const UNAVAILABLE: &str = "is temporarily unavailable (ref REF)";

/// Attack, its arguments, what the operator is shown behind the command's name or else, what the log says.
const CALLS: &[(Attack, &str, &str, &[&str])] = &[
    (Attack::Calm, "", "1", &[]),
    (Attack::Spin, "", UNAVAILABLE, &["outcome=\"limit\"", "cpu limit of 500 ms reached"]),
    (Attack::Spin, "10", "10", &[]),
    (Attack::Trap, "", UNAVAILABLE, &["outcome=\"trapped\"", "wasm `unreachable` instruction executed"]),
    (Attack::Sleep, "", UNAVAILABLE, &["outcome=\"limit\"", "timeout of 3000 ms reached"]),
    (Attack::Memory, "", UNAVAILABLE, &["outcome=\"limit\"", "memory limit of 64 MiB reached"]),
    (Attack::Memory, "1", "65536", &[]),
    (Attack::Fill, "", "65536", &[]),
    (Attack::Table, "", "20000", &[]),
    (Attack::Recurse, "", UNAVAILABLE, &["outcome=\"limit\"", "stack limit of 512 KiB reached"]),
    (Attack::Recurse, "100", "100", &[]),
    (Attack::Log, "5000", "5000", &["log limit of 64 KiB reached, the rest was dropped", "plugin=log"]),
    (Attack::Stdout, "5000", "5000", &["log limit of 64 KiB reached, the rest was dropped", "plugin=stdout"]),
    (Attack::Reply, "30000000", UNAVAILABLE, &["outcome=\"trapped\"", "too much data is being copied"]),
    (Attack::Reply, "100000000", UNAVAILABLE, &["outcome=\"limit\"", "memory limit of 64 MiB reached"]),
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
        bystander.end(format!("/{name} {args}").trim_end()).await;
    }
    server.stop().await;
}

/// What memories have from the beginning counts as what they grow by.
#[tokio::test]
async fn several_memories_are_counted_together() {
    let site = Site::new(&["mark"]);
    for (name, pages) in [("at", 1_023), ("half", 512), ("over", 1_024)] {
        site.write(&format!("plugins/{name}.wasm"), with_memory(name, pages).unwrap());
    }
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    // It begins with one page of its own; each has 64 KiB, and all are 64 MiB.
    server.check(&[("/half 1", "32768"), ("/at 1", "64"), ("/over 1", "! unknown command /over")]).await;
    server.log().wait_for(&["WARN", "plugin=over ", "did not return: memory limit of 64 MiB reached"]).await;
    server.check(&[("/half", "! /half is temporarily unavailable (ref REF)")]).await;
    server.log().wait_for(&["WARN", "by=half", "outcome=\"limit\"", "memory limit of 64 MiB reached"]).await;
    bystander.end("several memories").await;
    server.stop().await;
}

/// In as many calls at once as it may have, and more.
#[tokio::test]
async fn many_calls_at_once_are_told_to_wait() {
    const CALLS: usize = 16;
    const ATTACKS: [(Attack, &str); 5] = [
        (Attack::Sleep, " 1500"),
        (Attack::Spin, ""),
        (Attack::Memory, ""),
        (Attack::Recurse, ""),
        (Attack::Handles, ""),
    ];
    let site = Site::new(&["mark"]);
    site.configure("[limits]\nqueue_ms = 300\nconcurrency = 8\ntimeout_ms = 3000");
    for (attack, _) in ATTACKS {
        site.write(&format!("plugins/{}.wasm", attack.name()), component(attack, attack.name()).unwrap());
    }
    let server = Server::start(&site).await;
    for (attack, args) in ATTACKS {
        let (bystander, line) = (Bystander::start(&server.support), format!("/{}{args}", attack.name()));
        let mut calls = JoinSet::new();
        for _ in 0..CALLS {
            let (sender, line) = (server.support.clone(), line.clone());
            calls.spawn(async move { sender.says(&line).await });
        }
        let shown = calls.join_all().await;
        bystander.end(&format!("{CALLS} x {line}")).await;
        let count = |text: &str| shown.iter().filter(|shown| shown.starts_with(text)).count();
        match attack {
            Attack::Sleep => assert_eq!((count("1500"), count("! /sleep is busy")), (8, 8), "{shown:?}"),
            _ => assert_eq!(count(&format!("! /{} is ", attack.name())), CALLS, "{shown:?}"),
        }
    }
    server.stop().await;
}

/// What it keeps fills up over many calls, and takes no room from the same plugin of another tenant.
#[tokio::test]
async fn what_is_kept_and_set_fills_up_to_its_limits() {
    let site = Site::new(&["mark"]);
    site.add_source("acme", "acme key", "tenant = \"acme\"");
    const MIB: u64 = 1024 * 1024;
    // The limit, what each value or timer takes of it, and the words for it.
    let fills = [
        (Attack::Kv, "kv-keys", "kv_keys = 3500", 0, 3_500, "kv limit of 3500 keys reached"),
        (Attack::Kv, "kv-mib", "kv_mib = 16", 65_536, 16 * MIB / 65_536, "kv limit of 16 MiB reached"),
        (Attack::Timers, "timers", "timers = 2500", 1_000, 2_500, "limit of 2500 timers reached"),
    ];
    for (attack, name, limit, ..) in fills {
        site.write(&format!("plugins/{name}.wasm"), component(attack, name).unwrap());
        site.grant(name, &format!("[limits]\n{limit}"));
    }
    let server = Server::start(&site).await;
    let acme = server.sender("acme", "acme key");
    for (_, name, limit, each, most, words) in fills {
        let bystander = Bystander::start(&server.support);
        let mut done = 0;
        let told = loop {
            let shown = server.says(&format!("/{name} {done} {each}")).await;
            let (more, told) = shown.split_once(' ').unwrap_or((&shown, ""));
            match more.parse::<u64>().unwrap_or_else(|_| panic!("{shown}")) {
                0 => break told.to_owned(),
                more => done += more,
            }
            assert!(done <= most, "{name}: {done}");
        };
        bystander.end(limit).await;
        assert_has(&told, &[words]);
        // Keys take room too.
        assert!((most - 1..=most).contains(&done), "{name}: {done}");
        let shown = acme.says(&format!("/{name} 0 {each}")).await;
        assert!(!shown.starts_with('0') && !shown.starts_with('!'), "{name}: {shown}");
    }
    server.stop().await;
}
