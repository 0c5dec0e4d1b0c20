//! What accepting, claiming and finishing cost the writing thread, at several batch sizes and backlogs.
//!
//! `cargo run --release -p slashbox-store --example throughput [BACKLOG…]` (default 1000 and 1000000). Linux only: it reads
//! the thread's processor time from `/proc`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::fs;
use std::time::{Duration, Instant};

use slashbox_core::{Attempt, Dedupe, Event, Next, Origin, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{ClaimRequest, Claimed, Finished, NewEvent, Store, SubscriberKey};
use tokio::task::JoinSet;

const NOW_MS: u64 = 1_760_000_000_000;

/// Of each operation and batch size.
const ROUNDS: usize = 50_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let backlogs: Vec<u64> = std::env::args().skip(1).map(|number| number.parse().unwrap()).collect();
    let backlogs = if backlogs.is_empty() { vec![1_000, 1_000_000] } else { backlogs };
    println!("µs of the writing thread per event (wall clock in brackets)");
    for backlog in backlogs {
        measure(backlog).await;
    }
}

async fn measure(backlog: u64) {
    let dir = tempfile::tempdir_in(".").unwrap();
    let store = Store::open(dir.path()).unwrap();
    let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: "crm".into() };
    let subscriber = store.subscribers_of(vec![id]).await.unwrap()[0];
    let mut number = 0;
    while number < backlog {
        let events = (0..1000).map(|_| next(&mut number, subscriber)).collect();
        store.accept(events, NOW_MS).await.unwrap();
    }
    for batch in [1, 64, 256] {
        let rounds = if batch == 1 { ROUNDS / 20 } else { ROUNDS / batch };
        let (mut accept, mut claim, mut finish) = (Cost::default(), Cost::default(), Cost::default());
        for _ in 0..rounds {
            let events = (0..batch).map(|_| next(&mut number, subscriber)).collect::<Vec<_>>();
            accept.of(all(&store, events, accept_one)).await;
            let request = ClaimRequest { subscriber, limit: batch as u32, again: 0 };
            let claims = claim.of(store.claim(vec![request], NOW_MS, NOW_MS + 60_000)).await.unwrap();
            assert_eq!(claims.claimed.len(), batch);
            finish.of(all(&store, claims.claimed, finish_one)).await;
        }
        let [accept, claim, finish] = [accept, claim, finish].map(|cost| cost.each(rounds * batch));
        println!("backlog {backlog:>8}  batch {batch:>3}  accept {accept}  claim {claim}  finish {finish}");
    }
    let size: u64 = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    println!("backlog {backlog:>8}  {} bytes on the disk per event", size / number);
    store.close().await;
}

async fn accept_one(store: Store, event: NewEvent) {
    store.accept(vec![event], NOW_MS).await.unwrap();
}

async fn finish_one(store: Store, claimed: Claimed) {
    store.finish(finished(&claimed), NOW_MS).await.unwrap();
}

fn finished(claimed: &Claimed) -> Finished {
    let attempt = Attempt {
        at_ms: NOW_MS,
        took_ms: 12,
        fault: None,
        status: Some(200),
        detail: "replied".into(),
        answer: "{\"ok\":true}".into(),
    };
    Finished {
        delivery: claimed.delivery,
        claim: claimed.claim,
        attempt,
        counts: true,
        next: Next::Succeeded,
        change: None,
    }
}

/// Each in a conversation of its own, as is usual in a backlog, and with a key that lies anywhere.
fn next(number: &mut u64, subscriber: SubscriberKey) -> NewEvent {
    *number += 1;
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let event = Event {
        id: format!("01J{number:023}"),
        kind: "message.received".into(),
        native_kind: "message_received".into(),
        conversation: Some(format!("-1001234567890:{number}")),
        contact: Some(mixed.to_string()),
        operator: None,
        sender: Sender::Contact,
        message: Some(number.to_string()),
        text: Some("Hello, I have not received my parcel yet. Where is it?".into()),
        occurred_at_ms: NOW_MS,
        origin: Origin {
            tenant: "default".into(),
            source: "support".into(),
            dialect: "hotline".into(),
            instance: Some("instance-1".into()),
        },
        data: format!("{{\"chat_id\":{mixed},\"text\":\"{}\"}}", "x".repeat(500)),
        envelope: "{\"event_type\":\"message_received\",\"timestamp\":\"2026-01-01 00:00:00\"}".into(),
        hops: 0,
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&mixed.to_be_bytes());
    NewEvent { event, dedupe: Some(Dedupe { key, ttl_ms: 86_400_000 }), subscribers: vec![subscriber] }
}

/// Has each done in a task of its own, so that they meet in a commit.
async fn all<T, W: Future<Output = ()> + Send + 'static>(store: &Store, inputs: Vec<T>, work: impl Fn(Store, T) -> W) {
    let calls: JoinSet<_> = inputs.into_iter().map(|input| work(store.clone(), input)).collect();
    calls.join_all().await;
}

/// The processor time of the writing thread, the wall clock, and what was written.
#[derive(Default)]
struct Cost {
    cpu_ns: u64,
    wall: Duration,
    bytes: u64,
}

impl Cost {
    async fn of<T>(&mut self, work: impl Future<Output = T>) -> T {
        let (cpu_ns, wall, bytes) = (writer_ns(), Instant::now(), wrote());
        let result = work.await;
        self.wall += wall.elapsed();
        self.cpu_ns += writer_ns() - cpu_ns;
        self.bytes += wrote() - bytes;
        result
    }

    fn each(&self, count: usize) -> String {
        let count = count as f64;
        let (cpu, wall) = (self.cpu_ns as f64 / 1e3 / count, self.wall.as_secs_f64() * 1e6 / count);
        format!("{cpu:6.1} ({wall:7.1}, {:4.1} kB)", self.bytes as f64 / 1e3 / count)
    }
}

fn writer_ns() -> u64 {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    let writer =
        threads.into_iter().find(|thread| fs::read_to_string(thread.join("comm")).unwrap() == "slashbox-store\n");
    let times = fs::read_to_string(writer.unwrap().join("schedstat")).unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}

fn wrote() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}
