//! Goal 3: what it takes to accept events durably, beside bare axum with the same JSON in and out and bare SQLite with the
//! same rows in the same batches.
//!
//! Nobody subscribes: with subscribers, the same processes would deliver at the same time, which is goal 4. How many
//! events shared a commit is counted in each round of slashbox, and bare SQLite then writes as many in one. The load
//! generator shares the cores with the servers.

use anyhow::Result;
use serde::Serialize;
use slashbox_bench_round::{Order, Round};

use crate::{child::Child, cpu::Timed, database::Database, figures::Spread, plan::Plan, scratch};

/// How many connections send at the same time: one client alone, many, very many.
pub(crate) const CONNECTIONS: [usize; 3] = [1, 64, 512];

/// A turn of all contestants.
#[derive(Clone, Copy, Debug)]
struct Turn {
    axum: Round,
    ours: Round,
    /// The server's processor time for an event.
    ours_cpu_us: f64,
    /// How many events shared a commit.
    ours_batch: f64,
    /// Each of its calls is a commit of `bare_batch`.
    bare: Timed,
    bare_batch: usize,
}

impl Turn {
    fn bare_per_second(&self) -> f64 {
        self.bare.round.per_second() * self.bare_batch as f64
    }

    /// What would be reached if nothing were to be done but what axum and SQLite do, one after the other.
    fn bound_per_second(&self) -> f64 {
        1.0 / (1.0 / self.axum.per_second() + 1.0 / self.bare_per_second())
    }
}

/// What all of them did, by [`CONNECTIONS`].
#[derive(Debug, Default)]
pub(crate) struct Ingest([Vec<Turn>; CONNECTIONS.len()]);

/// What accepting takes, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) connections: usize,
    pub(crate) events_per_second: Spread,
    pub(crate) p50_us: Spread,
    pub(crate) p99_us: Spread,
    pub(crate) cpu_us: Spread,
    /// How many events shared a commit.
    pub(crate) batch: Spread,
    pub(crate) axum_per_second: Spread,
    /// Rows of bare SQLite, in the same batches.
    pub(crate) bare_per_second: Spread,
    /// How long one of its commits takes, rows included.
    pub(crate) bare_commit_p50_us: Spread,
    /// Its processor time for an event.
    pub(crate) bare_cpu_us: Spread,
}

/// Starts everybody, and lets them run turn by turn.
pub(crate) fn session(plan: &Plan, ingest: &mut Ingest) -> Result<()> {
    let (our_folder, bare_folder) = (scratch::folder()?, scratch::folder()?);
    let mut all = Contestants {
        axum: Child::own(&["serve".as_ref(), "axum-events".as_ref()])?,
        slashbox: Child::own(&["serve".as_ref(), "slashbox-events".as_ref(), our_folder.path().as_os_str()])?,
        database: Database::in_folder(our_folder.path())?,
        bare: Child::own(&["rows".as_ref(), bare_folder.path().as_os_str()])?,
        load: Child::own(&["load".as_ref(), "events".as_ref()])?,
    };
    for turn in 0..=plan.ingest_turns {
        for (connections, turns) in CONNECTIONS.into_iter().zip(&mut ingest.0) {
            // Neither server is always the one that comes after the other.
            let measured = all.turn(plan, connections, turn % 2 == 0)?;
            if turn > 0 {
                turns.push(measured); // The first turn warms up.
            }
        }
    }
    Ok(())
}

struct Contestants {
    axum: Child,
    slashbox: Child,
    database: Database,
    bare: Child,
    load: Child,
}

impl Contestants {
    fn turn(&mut self, plan: &Plan, connections: usize, ours_first: bool) -> Result<Turn> {
        let (axum, (ours, ours_cpu_us, ours_batch)) = if ours_first {
            let ours = self.ours(plan, connections)?;
            (self.axum(plan, connections)?, ours)
        } else {
            (self.axum(plan, connections)?, self.ours(plan, connections)?)
        };
        let bare_batch = ours_batch.round().max(1.0) as usize;
        let order = Order { what: "accept".into(), abreast: bare_batch, lasting: plan.rows_round };
        let bare = self.bare.ask(&order.to_string())?.parse()?;
        Ok(Turn { axum, ours, ours_cpu_us, ours_batch, bare, bare_batch })
    }

    fn axum(&mut self, plan: &Plan, connections: usize) -> Result<Round> {
        let what = self.axum.greeting.clone();
        self.load.round(&Order { what, abreast: connections, lasting: plan.ingest_round })
    }

    /// A round of slashbox, its processor time for an event, and how many events shared a commit.
    fn ours(&mut self, plan: &Plan, connections: usize) -> Result<(Round, f64, f64)> {
        let order = Order { what: self.slashbox.greeting.clone(), abreast: connections, lasting: plan.ingest_round };
        let (cpu_before, commits_before) = (self.slashbox.cpu_ns()?, self.database.commits()?);
        let round = self.load.round(&order)?;
        let (cpu, commits) = (self.slashbox.cpu_ns()? - cpu_before, self.database.commits()? - commits_before);
        let events = round.calls as f64;
        Ok((round, cpu / 1e3 / events, events / commits.max(1) as f64))
    }
}

impl Ingest {
    /// What accepting takes, by [`CONNECTIONS`].
    pub(crate) fn costs(&self) -> Vec<Cost> {
        CONNECTIONS.into_iter().zip(&self.0).map(|(connections, turns)| cost(connections, turns)).collect()
    }

    /// Events a second in relation to the bound, for so many connections.
    pub(crate) fn throughput(&self, connections: usize) -> Spread {
        self.each(connections, |turn| turn.ours.per_second() / turn.bound_per_second())
    }

    /// How long a single client waits in relation to a bare commit of one event.
    pub(crate) fn latency(&self) -> Spread {
        self.each(1, |turn| turn.ours.p50_ns as f64 / turn.bare.round.p50_ns as f64)
    }

    fn each(&self, connections: usize, figure: impl Fn(&Turn) -> f64) -> Spread {
        let turns = CONNECTIONS.into_iter().zip(&self.0).filter(|(of, _)| *of == connections);
        Spread::of(turns.flat_map(|(_, turns)| turns).map(figure))
    }
}

fn cost(connections: usize, turns: &[Turn]) -> Cost {
    let spread = |figure: fn(&Turn) -> f64| Spread::of(turns.iter().map(figure));
    Cost {
        connections,
        events_per_second: spread(|turn| turn.ours.per_second()),
        p50_us: spread(|turn| turn.ours.p50_ns as f64 / 1e3),
        p99_us: spread(|turn| turn.ours.p99_ns as f64 / 1e3),
        cpu_us: spread(|turn| turn.ours_cpu_us),
        batch: spread(|turn| turn.ours_batch),
        axum_per_second: spread(|turn| turn.axum.per_second()),
        bare_per_second: spread(Turn::bare_per_second),
        bare_commit_p50_us: spread(|turn| turn.bare.round.p50_ns as f64 / 1e3),
        bare_cpu_us: spread(|turn| {
            turn.bare.cpu_ns as f64 / 1e3 / (turn.bare.round.calls as f64 * turn.bare_batch as f64)
        }),
    }
}
