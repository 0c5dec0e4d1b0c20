//! The goals, what was reached of each, and how that reads.

use serde::Serialize;

use crate::{
    backlog::Backlog,
    calls::{Calls, Contestant},
    commands::Commands,
    delivery::Delivery,
    dialects,
    figures::Spread,
    held::Held,
    ingest::Ingest,
    neighbours,
    plugins::{self, drops},
};

/// Which side of a target is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost,
    AtLeast,
}

/// A goal and what was reached.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Goal {
    /// As in the list of goals.
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    /// `×` for a ratio.
    pub(crate) unit: &'static str,
    pub(crate) reached: Spread,
    pub(crate) bound: Bound,
    pub(crate) target: f64,
    /// What would be better still.
    pub(crate) stretch: Option<f64>,
    pub(crate) met: bool,
}

impl Goal {
    fn new(number: u8, name: &'static str, unit: &'static str, reached: Spread, bound: Bound, target: f64) -> Self {
        let met = match bound {
            Bound::AtMost => reached.median <= target,
            Bound::AtLeast => reached.median >= target,
        };
        Self { number, name, unit, reached, bound, target, stretch: None, met }
    }

    fn at_most(number: u8, name: &'static str, unit: &'static str, reached: Spread, target: f64) -> Self {
        Self::new(number, name, unit, reached, Bound::AtMost, target)
    }

    fn at_least(number: u8, name: &'static str, unit: &'static str, reached: Spread, target: f64) -> Self {
        Self::new(number, name, unit, reached, Bound::AtLeast, target)
    }

    fn stretch(self, stretch: f64) -> Self {
        Self { stretch: Some(stretch), ..self }
    }
}

/// The goals that are measured.
pub(crate) const NUMBERS: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// All of them. What was not measured has no figures.
pub(crate) fn all(
    calls: &Calls,
    commands: &Commands,
    ingest: &Ingest,
    delivery: &Delivery,
    backlog: &Backlog,
    plugins: &plugins::Cost,
    neighbours: &[neighbours::Cost],
) -> Vec<Goal> {
    let (floor_p50, floor_mean) = calls.ours_to(Contestant::Bare);
    let (warm, _) = calls.ours_to(Contestant::ExtismWarm);
    let (fresh, _) = calls.ours_to(Contestant::ExtismFresh);
    let mut all = vec![
        Goal::at_most(1, "call / bare wasmtime, p50", "×", floor_p50, 1.2),
        Goal::at_most(1, "call / bare wasmtime, mean", "×", floor_mean, 1.2),
        Goal::at_most(1, "call / Extism warm, p50", "×", warm, 1.0).stretch(0.7),
        Goal::at_most(1, "call / Extism fresh, p50", "×", fresh, 1.0 / 30.0),
        Goal::at_most(2, "HTTP command: CPU beyond axum's and the sandbox's", "µs", beyond(calls, commands), 6.0),
        Goal::at_least(2, "HTTP command: throughput / axum", "×", commands.throughput(), 0.6).stretch(0.75),
        Goal::at_most(2, "HTTP command: p99 / axum", "×", commands.p99(), 3.0),
        Goal::at_least(3, "durable ingest, 64 connections: throughput / bound", "×", ingest.throughput(64), 0.7),
        Goal::at_least(3, "durable ingest, 512 connections: throughput / bound", "×", ingest.throughput(512), 0.7),
        Goal::at_most(3, "durable ingest, one client: p50 / bare commit", "×", ingest.latency(), 1.5),
        Goal::at_most(4, "delivery: CPU / bare reqwest and bare rows", "×", delivery.cpu(), 2.0),
        Goal::at_least(4, "accepted durably and delivered", "/s", delivery.per_second(), 8_000.0).stretch(16_000.0),
    ];
    all.extend(of_backlog(backlog));
    all.extend(of_plugins(plugins));
    all.extend(of_neighbours(neighbours));
    all
}

fn of_backlog(backlog: &Backlog) -> Vec<Goal> {
    vec![
        Goal::at_most(5, "claim, 1,000,000 waiting / 1,000: CPU", "×", backlog.claim_cpu(), 2.0),
        Goal::at_most(5, "claim, 1,000,000 waiting / 1,000: p50", "×", backlog.claim_p50(), 2.0),
        Goal::at_most(5, "1,000,000 waiting: memory grown", "MiB", backlog.grown_mib(), 50.0),
        Goal::at_most(5, "100,000 retries of a dead endpoint: a live one's p99", "×", backlog.arrival_p99(), 1.5),
        Goal::at_most(5, "long log, slowest look: p99", "ms", backlog.look_p99_ms(), 100.0),
    ]
}

fn of_plugins(plugins: &plugins::Cost) -> Vec<Goal> {
    let mut all = vec![Goal::at_most(6, "100 plugins, warm cache: start", "ms", plugins.starts.warm_ms, 300.0)];
    all.extend(plugins.drops.iter().map(|drop| match drop.language {
        drops::RUST => Goal::at_most(6, "dropped, Rust: serves after", "ms", drop.serves_ms, 500.0),
        drops::JAVASCRIPT => {
            Goal::at_most(6, "dropped, JavaScript: beyond bare wasmtime's compiling", "ms", drop.beyond_ms, 500.0)
        }
        _ => Goal::at_most(6, "dropped, Python: beyond bare wasmtime's compiling", "ms", drop.beyond_ms, 500.0),
    }));
    let failed = plugins.drops.iter().map(|drop| drop.failed).sum::<u64>();
    all.push(Goal::at_most(6, "dropped: calls that failed meanwhile", "", one(failed as f64), 0.0));
    if let Some(reloads) = &plugins.reloads {
        let Held { resident_mib, threads, descriptors, regions } = reloads.grown;
        all.extend([
            Goal::at_most(6, "reloads under load: calls that failed", "", one(reloads.failed as f64), 0.0),
            Goal::at_most(6, "reloads under load: memory grown", "MiB", one(resident_mib), 10.0),
            Goal::at_most(6, "reloads under load: threads grown", "", one(threads), 0.0),
            Goal::at_most(6, "reloads under load: descriptors grown", "", one(descriptors), 0.0),
            // The heap's own come and go; a leak would be one a reload.
            Goal::at_most(6, "reloads under load: mapped regions grown", "", one(regions), 10.0),
        ]);
    }
    all
}

/// Each under the attack that does most.
fn of_neighbours(neighbours: &[neighbours::Cost]) -> Vec<Goal> {
    let worst = |figure: fn(&neighbours::Cost) -> Spread, connections: usize, sign: f64| {
        let of = neighbours.iter().filter(|cost| cost.connections == connections).map(figure);
        of.max_by(|a, b| (a.median * sign).total_cmp(&(b.median * sign))).unwrap_or(Spread::of([]))
    };
    let (p99, rate) = (|cost: &neighbours::Cost| cost.more_p99_ms, |cost: &neighbours::Cost| cost.throughput);
    vec![
        Goal::at_most(7, "worst attack, 1 connection: p99 beyond the calm", "ms", worst(p99, 1, 1.0), 3.0),
        Goal::at_most(7, "worst attack, 8 connections: p99 beyond the calm", "ms", worst(p99, 8, 1.0), 3.0),
        Goal::at_least(7, "worst attack, 1 connection: throughput / calm", "×", worst(rate, 1, -1.0), 0.5),
        Goal::at_least(7, "worst attack, 8 connections: throughput / calm", "×", worst(rate, 8, -1.0), 0.5),
    ]
}

/// All samples of each dialect together.
pub(crate) fn of_dialects(dialects: &[dialects::Cost]) -> Vec<Goal> {
    let name = |dialect: &str| match dialect {
        "hotline" => "hotline: reading its samples / a Value of the same bytes",
        "sendpulse" => "sendpulse: reading its samples / a Value",
        "tg-staff" => "tg-staff: reading its samples / a Value",
        "inbox" => "inbox: reading its samples / a Value",
        "native" => "native: reading its samples / a Value",
        _ => "another dialect: reading its samples / a Value",
    };
    dialects.iter().map(|cost| Goal::at_most(8, name(cost.dialect), "×", cost.ratio, 2.0)).collect()
}

/// What was counted once.
fn one(value: f64) -> Spread {
    Spread::of([value])
}

/// The sandbox costs what it costs bare wasmtime while both cores are busy, as they are under the load.
fn beyond(calls: &Calls, commands: &Commands) -> Spread {
    let floor = sandbox_us(calls);
    let Spread { median, low, high } = commands.extra_cpu_us();
    Spread { median: median - floor, low: low - floor, high: high - floor }
}

/// The floor of the sandbox, in microseconds.
pub(crate) fn sandbox_us(calls: &Calls) -> f64 {
    calls.cost(Contestant::Bare).mean_us.median
}
