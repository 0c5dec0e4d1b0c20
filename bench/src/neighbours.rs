//! Goal 7: what a plugin's callers see while every other plugin is hostile at its full concurrency, beside what they see
//! while nobody else calls.
//!
//! The bystander is the benchmarks' plugin, the hostile ones are of `slashbox-hostile`; all are of one tenant. Three are
//! called at a time as a rule, each by as many connections as it may have calls, 32; with the bystander's there are never
//! more calls than one tenant may have, 128, so that nobody is told to wait for a place. Whoever is told that a plugin is
//! set aside asks again after a while: what a flood of refused requests does is another question. The callers, hostile or
//! not, are threads on the same cores; those of the bystander compare each answer with what it must be.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use slashbox_bench_round::{Order, Round};
use slashbox_hostile::{Attack, component};

use crate::{
    callers::{self, Callers, Got, Known},
    child::Child,
    figures::Spread,
    plan::Plan,
    site::Site,
};

/// Connections of the bystander: one operator, whose every wait is seen; and as many as keep the server busy.
pub(crate) const CONNECTIONS: [usize; 2] = [1, 8];

/// Calls of one plugin at the same time, by default.
const CONCURRENCY: usize = 32;

/// Between two calls of a plugin that is set aside, or has no place.
const REFUSED_PAUSE_MS: u64 = 100;

/// How long hostile calls go on before the bystander is looked at: all of them are under way, and have been for longer
/// than a call may compute.
const LEAD: Duration = Duration::from_millis(700);

/// What a server uses of the processor in [`LOOK`] when all calls are over: its clock ticks.
const QUIET: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(100);

/// How long calls may go on when nobody waits for them any more: twice their timeout.
const QUIET_WITHIN: Duration = Duration::from_secs(10);

/// Who attacks at the same time, and how.
struct Mix {
    name: &'static str,
    attackers: &'static [(Attack, Args)],
}

/// What a hostile plugin is told.
#[derive(Clone, Copy)]
enum Args {
    Text(&'static str),
    /// To compute for so many microseconds.
    Compute(f64),
}

/// What is tried, each for itself.
const MIXES: [Mix; 8] = [
    Mix { name: "compute for ever", attackers: &[(Attack::Spin, Args::Text("")); 3] },
    Mix { name: "compute 400 ms", attackers: &[(Attack::Spin, Args::Compute(400e3)); 3] },
    Mix { name: "compute 20 ms", attackers: &[(Attack::Spin, Args::Compute(20e3)); 3] },
    // Shorter than what a call may compute on the threads that serve.
    Mix { name: "compute 1.5 ms", attackers: &[(Attack::Spin, Args::Compute(1.5e3)); 3] },
    // One plugin alone: its calls have 2 GiB together.
    Mix { name: "fill memory", attackers: &[(Attack::Fill, Args::Text(""))] },
    // These two take no longer than calls of a plugin that does something useful.
    Mix { name: "grow memory", attackers: &[(Attack::Memory, Args::Text("1")); 3] },
    Mix { name: "grow tables", attackers: &[(Attack::Table, Args::Text("")); 3] },
    Mix {
        name: "log, kv, events",
        attackers: &[
            (Attack::Log, Args::Text("5000")),
            (Attack::Kv, Args::Text("0 100")),
            (Attack::Emits, Args::Text("")),
        ],
    },
];

/// A round of the bystander while nobody else calls, and one under attack.
#[derive(Clone, Copy, Debug)]
struct Pair {
    calm: Round,
    attacked: Round,
}

impl Pair {
    fn more_p99_ms(&self) -> f64 {
        (self.attacked.p99_ns as f64 - self.calm.p99_ns as f64) / 1e6
    }

    fn throughput(&self) -> f64 {
        self.attacked.per_second() / self.calm.per_second()
    }
}

/// What happened under one mix.
#[derive(Debug, Default)]
struct Attacked {
    /// By [`CONNECTIONS`].
    pairs: [Vec<Pair>; CONNECTIONS.len()],
    /// Hostile calls a second that were answered by their plugin, …
    replied_per_second: Vec<f64>,
    /// … that broke or reached a limit, …
    broken_per_second: Vec<f64>,
    /// … and that were not made.
    refused_per_second: Vec<f64>,
}

/// All of it, by [`MIXES`].
#[derive(Debug, Default)]
pub(crate) struct Neighbours([Attacked; MIXES.len()]);

/// What a bystander sees, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) hostile: &'static str,
    pub(crate) connections: usize,
    pub(crate) calm_per_second: Spread,
    pub(crate) calm_p99_ms: Spread,
    pub(crate) per_second: Spread,
    pub(crate) p50_ms: Spread,
    pub(crate) p99_ms: Spread,
    /// By how much it is more than it was in the calm.
    pub(crate) more_p99_ms: Spread,
    /// In relation to the calm.
    pub(crate) throughput: Spread,
    pub(crate) hostile_replied_per_second: Spread,
    pub(crate) hostile_broken_per_second: Spread,
    pub(crate) hostile_refused_per_second: Spread,
}

/// One server for all: after each attack it is quiet again before the next begins.
pub(crate) fn session(plan: &Plan, bystander: &Path, neighbours: &mut Neighbours) -> Result<()> {
    let site = Site::new()?;
    site.drop(&site.prepare("invoice", &fs::read(bystander).context("cannot read the plugin")?)?)?;
    site.drop(&site.prepare("probe", &component(Attack::Spin, "probe")?)?)?;
    for (mix, place) in MIXES.iter().zip(0..) {
        for (&(attack, _), number) in mix.attackers.iter().zip(0..) {
            let name = name(place, number);
            site.drop(&site.prepare(&name, &component(attack, &name)?)?)?;
        }
    }
    let mut ground = Ground {
        server: site.server()?,
        load: Child::own(&["load".as_ref(), "command".as_ref()])?,
        callers: callers::Process::start()?,
    };
    let thousands_per_us = ground.speed()?;
    ground.bystander(plan)?; // Warms up.
    for _ in 0..plan.neighbour_turns {
        for ((mix, place), attacked) in MIXES.iter().zip(0..).zip(&mut neighbours.0) {
            ground.turn(plan, mix, place, thousands_per_us, attacked)?;
        }
    }
    Ok(())
}

/// Of a hostile plugin.
fn name(mix: usize, number: usize) -> String {
    format!("hostile-{mix}-{number}")
}

struct Ground {
    server: Child,
    load: Child,
    callers: callers::Process,
}

impl Ground {
    /// How many thousand rounds of its loop a plugin runs in a microsecond.
    fn speed(&mut self) -> Result<f64> {
        const THOUSANDS: u32 = 10_000;
        let known = vec![Known::new(&format!("\"{THOUSANDS}\""), 0)];
        let probe = Callers { command: "/probe".into(), args: THOUSANDS.to_string(), connections: 1, known };
        self.callers.begin(&self.server.greeting, vec![probe])?;
        self.callers.wait_for(0)?;
        let began = Instant::now();
        self.callers.wait_for(0)?;
        let took = began.elapsed();
        self.callers.end()?;
        Ok(f64::from(THOUSANDS) / (took.as_secs_f64() * 1e6))
    }

    fn turn(
        &mut self,
        plan: &Plan,
        mix: &Mix,
        place: usize,
        thousands_per_us: f64,
        attacked: &mut Attacked,
    ) -> Result<()> {
        self.wait_until_quiet()?;
        let calm = self.bystander(plan)?;
        let hostile = mix.attackers.iter().zip(0..).map(|(&(_, args), number)| {
            let args = match args {
                Args::Text(text) => text.into(),
                Args::Compute(us) => format!("{:.0}", (us * thousands_per_us).max(1.0)),
            };
            let known = vec![
                Known::new("is temporarily unavailable", 0),
                Known::new("is set aside", REFUSED_PAUSE_MS),
                Known::new("is busy", REFUSED_PAUSE_MS),
            ];
            Callers { command: format!("/{}", name(place, number)), args, connections: CONCURRENCY, known }
        });
        self.callers.begin(&self.server.greeting, hostile.collect())?;
        let began = Instant::now();
        thread::sleep(LEAD);
        let hostile = self.bystander(plan)?;
        let lasted = began.elapsed().as_secs_f64();
        for ((pairs, calm), attacked) in attacked.pairs.iter_mut().zip(calm).zip(hostile) {
            pairs.push(Pair { calm, attacked });
        }
        let got = self.callers.end()?;
        let per_second = |count: fn(&Got) -> u64| got.iter().map(count).sum::<u64>() as f64 / lasted;
        attacked.replied_per_second.push(per_second(|got| got.others));
        attacked.broken_per_second.push(per_second(|got| got.known.iter().take(1).sum()));
        attacked.refused_per_second.push(per_second(|got| got.known.iter().skip(1).sum()));
        Ok(())
    }

    fn bystander(&mut self, plan: &Plan) -> Result<[Round; CONNECTIONS.len()]> {
        let [one, several] = CONNECTIONS.map(|abreast| {
            let order = Order { what: self.server.greeting.clone(), abreast, lasting: plan.neighbour_round };
            self.load.round(&order)
        });
        Ok([one?, several?])
    }

    fn wait_until_quiet(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            let before = self.server.cpu_ns()?;
            thread::sleep(LOOK);
            if self.server.cpu_ns()? - before < QUIET.as_nanos() as f64 {
                return Ok(());
            }
            ensure!(began.elapsed() < QUIET_WITHIN, "calls that nobody waits for go on");
        }
    }
}

impl Neighbours {
    /// What a bystander sees, by mix and number of connections.
    pub(crate) fn costs(&self) -> Vec<Cost> {
        let all = MIXES.iter().zip(&self.0);
        all.flat_map(|(mix, attacked)| {
            let by_connections = CONNECTIONS.into_iter().zip(&attacked.pairs);
            by_connections.map(|(connections, pairs)| cost(mix.name, connections, pairs, attacked))
        })
        .collect()
    }
}

fn cost(hostile: &'static str, connections: usize, pairs: &[Pair], attacked: &Attacked) -> Cost {
    let spread = |figure: fn(&Pair) -> f64| Spread::of(pairs.iter().map(figure));
    let rate = |figures: &[f64]| Spread::of(figures.iter().copied());
    Cost {
        hostile,
        connections,
        calm_per_second: spread(|pair| pair.calm.per_second()),
        calm_p99_ms: spread(|pair| pair.calm.p99_ns as f64 / 1e6),
        per_second: spread(|pair| pair.attacked.per_second()),
        p50_ms: spread(|pair| pair.attacked.p50_ns as f64 / 1e6),
        p99_ms: spread(|pair| pair.attacked.p99_ns as f64 / 1e6),
        more_p99_ms: spread(Pair::more_p99_ms),
        throughput: spread(Pair::throughput),
        hostile_replied_per_second: rate(&attacked.replied_per_second),
        hostile_broken_per_second: rate(&attacked.broken_per_second),
        hostile_refused_per_second: rate(&attacked.refused_per_second),
    }
}
