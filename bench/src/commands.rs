//! Goal 2: what a command over HTTP takes, beside bare axum with the same JSON in and out.
//!
//! Both servers run all the time, each in its process; one load generator turns from one to the other. The cores are
//! shared by all of them.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use slashbox_bench_round::{Order, Round};

use crate::{child::Child, figures::Spread, plan::Plan};

/// How many connections send at the same time.
pub(crate) const CONNECTIONS: usize = 32;

/// A round of one server.
#[derive(Clone, Copy, Debug)]
struct Sample {
    round: Round,
    /// The server's processor time for a request.
    cpu_us: f64,
}

/// What both did, a round each turn.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    axum: Vec<Sample>,
    slashbox: Vec<Sample>,
}

/// What a server takes, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) requests_per_second: Spread,
    pub(crate) p50_us: Spread,
    pub(crate) p99_us: Spread,
    pub(crate) cpu_us: Spread,
}

/// Starts both, and lets them run turn by turn.
pub(crate) fn session(plan: &Plan, component: &Path, commands: &mut Commands) -> Result<()> {
    let mut axum = Child::own(&["serve".as_ref(), "axum".as_ref()])?;
    let mut slashbox = Child::own(&["serve".as_ref(), "slashbox".as_ref(), component.as_os_str()])?;
    let mut load = Child::own(&["load".as_ref(), "command".as_ref()])?;
    for turn in 0..=plan.command_turns {
        // Neither is always the one that comes after the other.
        let ours_first = turn % 2 == 0;
        let mut ours = if ours_first { Some(sample(plan, &mut load, &mut slashbox)?) } else { None };
        let theirs = sample(plan, &mut load, &mut axum)?;
        if ours.is_none() {
            ours = Some(sample(plan, &mut load, &mut slashbox)?);
        }
        if turn > 0 {
            commands.axum.push(theirs); // The first turn warms up.
            commands.slashbox.extend(ours);
        }
    }
    Ok(())
}

fn sample(plan: &Plan, load: &mut Child, server: &mut Child) -> Result<Sample> {
    let order = Order { what: server.greeting.clone(), abreast: CONNECTIONS, lasting: plan.command_round };
    let before = server.cpu_ns()?;
    let round = load.round(&order)?;
    Ok(Sample { round, cpu_us: (server.cpu_ns()? - before) / 1e3 / round.calls as f64 })
}

fn cost(samples: &[Sample]) -> Cost {
    let spread = |figure: fn(&Sample) -> f64| Spread::of(samples.iter().map(figure));
    Cost {
        requests_per_second: spread(|sample| sample.round.per_second()),
        p50_us: spread(|sample| sample.round.p50_ns as f64 / 1e3),
        p99_us: spread(|sample| sample.round.p99_ns as f64 / 1e3),
        cpu_us: spread(|sample| sample.cpu_us),
    }
}

impl Commands {
    /// What bare axum takes.
    pub(crate) fn axum(&self) -> Cost {
        cost(&self.axum)
    }

    /// What slashbox takes.
    pub(crate) fn slashbox(&self) -> Cost {
        cost(&self.slashbox)
    }

    /// Processor time a command beyond bare axum's, in microseconds.
    pub(crate) fn extra_cpu_us(&self) -> Spread {
        self.pairs(|ours, theirs| ours.cpu_us - theirs.cpu_us)
    }

    /// Requests a second in relation to bare axum's.
    pub(crate) fn throughput(&self) -> Spread {
        self.pairs(|ours, theirs| ours.round.per_second() / theirs.round.per_second())
    }

    /// What 99 of 100 stay under in relation to bare axum's.
    pub(crate) fn p99(&self) -> Spread {
        self.pairs(|ours, theirs| ours.round.p99_ns as f64 / theirs.round.p99_ns as f64)
    }

    fn pairs(&self, relation: impl Fn(&Sample, &Sample) -> f64) -> Spread {
        Spread::of_pairs(&self.slashbox, &self.axum, relation)
    }
}
