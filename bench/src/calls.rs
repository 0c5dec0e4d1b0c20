//! Goal 1: what a call of a plugin takes, beside bare wasmtime and Extism.
//!
//! Turns of rounds: each contestant on one thread, then each on two. All run the same work (`bench/work`).

use std::{ffi::OsStr, path::Path};

use anyhow::Result;
use serde::Serialize;
use slashbox_bench_round::{Order, Round};

use crate::{child::Child, figures::Spread, plan::Plan};

/// The files of the contestants.
#[derive(Debug)]
pub(crate) struct Files<'f> {
    /// The work as a component.
    pub(crate) component: &'f Path,
    /// The work as a module of Extism.
    pub(crate) module: &'f Path,
    /// The program that calls Extism.
    pub(crate) extism: &'f Path,
}

/// Who takes part, in the order of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// wasmtime and nothing else: the floor.
    Bare,
    /// Ours.
    Slashbox,
    /// Extism, the same plugin again and again.
    ExtismWarm,
    /// Extism, a fresh plugin each call.
    ExtismFresh,
}

/// All of them.
pub(crate) const ALL: [Contestant; 4] =
    [Contestant::Bare, Contestant::Slashbox, Contestant::ExtismWarm, Contestant::ExtismFresh];

impl Contestant {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare wasmtime (the floor)",
            Self::Slashbox => "slashbox",
            Self::ExtismWarm => "Extism, warm plugin",
            Self::ExtismFresh => "Extism, fresh plugin",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Bare | Self::Slashbox | Self::ExtismFresh => "fresh",
            Self::ExtismWarm => "warm",
        }
    }
}

/// What one contestant did, a round each turn.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    one_thread: Vec<Round>,
    two_threads: Vec<Round>,
}

/// What all of them did.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    bare: Rounds,
    slashbox: Rounds,
    extism_warm: Rounds,
    extism_fresh: Rounds,
}

/// What a contestant takes, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) p50_us: Spread,
    pub(crate) mean_us: Spread,
    pub(crate) p99_us: Spread,
    pub(crate) two_threads_mean_us: Spread,
    pub(crate) two_threads_calls_per_second: Spread,
}

/// Starts everybody, and lets them run turn by turn.
pub(crate) fn session(plan: &Plan, files: &Files<'_>, calls: &mut Calls) -> Result<()> {
    let own = |who: &str| Child::own(&["calls".as_ref(), who.as_ref(), files.component.as_os_str()]);
    let (mut bare, mut slashbox) = (own("bare")?, own("slashbox")?);
    let module: &OsStr = files.module.as_os_str();
    let mut extism = Child::start(files.extism, &[module])?;
    for turn in 0..=plan.call_turns {
        for abreast in [1, 2] {
            for contestant in ALL {
                let child = match contestant {
                    Contestant::Bare => &mut bare,
                    Contestant::Slashbox => &mut slashbox,
                    Contestant::ExtismWarm | Contestant::ExtismFresh => &mut extism,
                };
                let order = Order { what: contestant.word().into(), abreast, lasting: plan.call_round };
                let round = child.round(&order)?;
                if turn > 0 {
                    calls.rounds_mut(contestant).of_mut(abreast).push(round); // The first turn warms up.
                }
            }
        }
    }
    Ok(())
}

impl Rounds {
    fn of_mut(&mut self, abreast: usize) -> &mut Vec<Round> {
        if abreast == 1 { &mut self.one_thread } else { &mut self.two_threads }
    }
}

impl Calls {
    fn rounds(&self, contestant: Contestant) -> &Rounds {
        match contestant {
            Contestant::Bare => &self.bare,
            Contestant::Slashbox => &self.slashbox,
            Contestant::ExtismWarm => &self.extism_warm,
            Contestant::ExtismFresh => &self.extism_fresh,
        }
    }

    fn rounds_mut(&mut self, contestant: Contestant) -> &mut Rounds {
        match contestant {
            Contestant::Bare => &mut self.bare,
            Contestant::Slashbox => &mut self.slashbox,
            Contestant::ExtismWarm => &mut self.extism_warm,
            Contestant::ExtismFresh => &mut self.extism_fresh,
        }
    }

    /// What a contestant takes.
    pub(crate) fn cost(&self, contestant: Contestant) -> Cost {
        let Rounds { one_thread, two_threads } = self.rounds(contestant);
        let micros = |rounds: &[Round], ns: fn(&Round) -> u64| Spread::of(rounds.iter().map(|r| ns(r) as f64 / 1e3));
        Cost {
            p50_us: micros(one_thread, |round| round.p50_ns),
            mean_us: micros(one_thread, |round| round.mean_ns),
            p99_us: micros(one_thread, |round| round.p99_ns),
            two_threads_mean_us: micros(two_threads, |round| round.mean_ns),
            two_threads_calls_per_second: Spread::of(two_threads.iter().map(Round::per_second)),
        }
    }

    /// What ours takes in relation to another: half of the calls, and the mean.
    pub(crate) fn ours_to(&self, other: Contestant) -> (Spread, Spread) {
        let (ours, theirs) = (&self.slashbox.one_thread, &self.rounds(other).one_thread);
        let ratio = |ns: fn(&Round) -> u64| Spread::of_pairs(ours, theirs, |a, b| ns(a) as f64 / ns(b) as f64);
        (ratio(|round| round.p50_ns), ratio(|round| round.mean_ns))
    }
}
