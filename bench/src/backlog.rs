//! Goal 5: what a backlog costs. Claiming with a million deliveries that wait, beside a thousand; the memory of a host that
//! has them; what an endpoint that does not answer, and has a hundred thousand retries due, does to another one's
//! deliveries; and looks at a log of ten million deliveries.
//!
//! The rows are written beforehand, as the store writes them. Load generator and receivers share the cores with slashbox.

use std::{thread, time::Duration};

use anyhow::{Result, ensure};
use serde::Serialize;
use slashbox_bench_round::{Order, Round};
use tempfile::TempDir;

use crate::{
    child::Child,
    cpu::Timed,
    figures::Spread,
    held::Held,
    long_log::LOOKS,
    pile::{self, Pile},
    plan::Plan,
    scratch,
    serve_events::{DEAD, RECEIVER},
};

/// How many deliveries wait: few, and many.
pub(crate) const PENDING: [u64; 2] = [1_000, 1_000_000];

/// How many are claimed at once.
const CLAIMED: usize = 64;

/// How many retries of the endpoint that does not answer are due.
const RETRIES: u64 = 100_000;

/// How long a host has until its memory is measured: it has begun all the attempts that it may by then.
const SETTLES: Duration = Duration::from_secs(3);

/// What was measured in a session.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    claims: Vec<[Timed; 2]>,
    grown_mib: Vec<f64>,
    /// Without retries, and with them.
    arrivals: Vec<[Round; 2]>,
    looks: Vec<Vec<Round>>,
}

/// What a backlog costs, for people.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    /// By [`PENDING`]: processor time for a delivery that is claimed, and how long a claim of all takes.
    pub(crate) claim_cpu_us: [Spread; 2],
    pub(crate) claim_p50_us: [Spread; 2],
    pub(crate) grown_mib: Spread,
    /// From a source to a webhook, without retries of another one, and with them.
    pub(crate) arrival_p50_ms: [Spread; 2],
    pub(crate) arrival_p99_ms: [Spread; 2],
    pub(crate) looks: Vec<Look>,
}

/// A look at the long log.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Look {
    pub(crate) what: &'static str,
    pub(crate) p50_ms: Spread,
    pub(crate) p99_ms: Spread,
}

/// Measures all of it once.
pub(crate) fn session(plan: &Plan, backlog: &mut Backlog) -> Result<()> {
    claims(plan, backlog)?;
    let [few, many] = PENDING;
    backlog.grown_mib.push(resident_mib(many)? - resident_mib(few)?);
    arrivals(plan, backlog)?;
    backlog.looks.push(looks(plan)?);
    Ok(())
}

fn claims(plan: &Plan, backlog: &mut Backlog) -> Result<()> {
    let folders = [scratch::folder()?, scratch::folder()?];
    let start = |folder: &TempDir, pending: u64| {
        Child::own(&["claims".as_ref(), folder.path().as_os_str(), pending.to_string().as_ref()])
    };
    let ([few_folder, many_folder], [few, many]) = (&folders, PENDING);
    let (mut few, mut many) = (start(few_folder, few)?, start(many_folder, many)?);
    let order = Order { what: "claim".into(), abreast: CLAIMED, lasting: plan.claim_round }.to_string();
    for turn in 0..=plan.claim_turns {
        let measured = [few.ask(&order)?.parse()?, many.ask(&order)?.parse()?];
        if turn > 0 {
            backlog.claims.push(measured); // The first turn warms up.
        }
    }
    Ok(())
}

/// What a host takes that has so much to deliver, to a receiver that does not answer.
fn resident_mib(deliveries: u64) -> Result<f64> {
    let folder = scratch::folder()?;
    pile::fill(&folder.path().join("data"), Pile { webhook: RECEIVER, deliveries, again: false })?;
    let mut receiver = Child::own(&["receive".as_ref()])?;
    receiver.ask("hold")?;
    let url = format!("http://{}/", receiver.greeting);
    let path = folder.path().as_os_str();
    let serve = ["serve".as_ref(), "slashbox-events".as_ref(), path, "--webhook".as_ref(), url.as_ref()];
    let host = Child::own_logging(&serve, &folder.path().join("log"))?;
    thread::sleep(SETTLES);
    let resident_mib = Held::by(host.id())?.resident_mib;
    receiver.ask("release")?;
    Ok(resident_mib)
}

fn arrivals(plan: &Plan, backlog: &mut Backlog) -> Result<()> {
    let folders = [scratch::folder()?, scratch::folder()?];
    let mut dead = Child::own(&["receive".as_ref()])?;
    dead.ask("hold")?;
    let dead_url = format!("http://{}/", dead.greeting);
    let ([calm_folder, busy_folder], mut all) = (&folders, Vec::new());
    for (folder, deliveries) in [(calm_folder, 0), (busy_folder, RETRIES)] {
        let folder = folder.path();
        pile::fill(&folder.join("data"), Pile { webhook: DEAD, deliveries, again: true })?;
        let sender = Child::own(&["arrivals".as_ref()])?;
        let url = format!("http://{}/", sender.greeting);
        let serve = ["serve".as_ref(), "slashbox-events".as_ref(), folder.as_os_str()];
        let webhooks = ["--webhook".as_ref(), url.as_ref(), "--dead".as_ref(), dead_url.as_ref()];
        let host = Child::own_logging(&[&serve[..], &webhooks].concat(), &folder.join("log"))?;
        all.push((sender, host));
    }
    let mut rounds = Vec::new();
    for _ in 0..=plan.arrival_turns {
        for (sender, host) in &mut all {
            let order = Order { what: host.greeting.clone(), abreast: 1, lasting: plan.arrival_round };
            rounds.push(sender.round(&order)?);
        }
    }
    // The first turn warms up.
    backlog.arrivals.extend(rounds.as_chunks::<2>().0.iter().skip(1));
    dead.ask("release")?;
    thread::sleep(SETTLES);
    ensure!(dead.ask("count")? != "0", "the endpoint that does not answer was never asked");
    Ok(())
}

fn looks(plan: &Plan) -> Result<Vec<Round>> {
    let folder = scratch::folder()?;
    let deliveries = plan.log_deliveries.to_string();
    let mut log = Child::own(&["long-log".as_ref(), folder.path().as_os_str(), deliveries.as_ref()])?;
    let look = |what: &str| log.round(&Order { what: what.into(), abreast: 1, lasting: plan.look_round });
    LOOKS.into_iter().map(look).collect()
}

impl Backlog {
    /// Processor time of a claim, many to few.
    pub(crate) fn claim_cpu(&self) -> Spread {
        Spread::of(self.claims.iter().map(|[few, many]| cpu_us(many) / cpu_us(few)))
    }

    /// How long a claim takes, many to few.
    pub(crate) fn claim_p50(&self) -> Spread {
        Spread::of(self.claims.iter().map(|[few, many]| many.round.p50_ns as f64 / few.round.p50_ns as f64))
    }

    /// By how much the memory is more.
    pub(crate) fn grown_mib(&self) -> Spread {
        Spread::of(self.grown_mib.iter().copied())
    }

    /// How long the slowest of a hundred is on its way, with retries of another one to without.
    pub(crate) fn arrival_p99(&self) -> Spread {
        Spread::of(self.arrivals.iter().map(|[calm, busy]| busy.p99_ns as f64 / calm.p99_ns as f64))
    }

    /// Of the slowest look.
    pub(crate) fn look_p99_ms(&self) -> Spread {
        let slowest = |looks: &Vec<Round>| looks.iter().map(|round| round.p99_ns).max().unwrap_or_default();
        Spread::of(self.looks.iter().map(|looks| slowest(looks) as f64 / 1e6))
    }

    /// What a backlog costs.
    pub(crate) fn cost(&self) -> Cost {
        let claims = |figure: fn(&Timed) -> f64| {
            let all = self.claims.iter().map(|[few, many]| (figure(few), figure(many)));
            let (few, many): (Vec<f64>, Vec<f64>) = all.unzip();
            [Spread::of(few), Spread::of(many)]
        };
        let arrivals = |figure: fn(&Round) -> u64| {
            let ms = |round: &Round| figure(round) as f64 / 1e6;
            let (calm, busy): (Vec<f64>, Vec<f64>) =
                self.arrivals.iter().map(|[calm, busy]| (ms(calm), ms(busy))).unzip();
            [Spread::of(calm), Spread::of(busy)]
        };
        let look = |(at, what): (usize, &'static str)| {
            let rounds = || self.looks.iter().filter_map(move |looks| looks.get(at));
            let p50_ms = Spread::of(rounds().map(|round| round.p50_ns as f64 / 1e6));
            Look { what, p50_ms, p99_ms: Spread::of(rounds().map(|round| round.p99_ns as f64 / 1e6)) }
        };
        Cost {
            claim_cpu_us: claims(cpu_us),
            claim_p50_us: claims(|timed| timed.round.p50_ns as f64 / 1e3),
            grown_mib: self.grown_mib(),
            arrival_p50_ms: arrivals(|round| round.p50_ns),
            arrival_p99_ms: arrivals(|round| round.p99_ns),
            looks: LOOKS.into_iter().enumerate().map(look).collect(),
        }
    }
}

fn cpu_us(claims: &Timed) -> f64 {
    claims.cpu_ns as f64 / 1e3 / (claims.round.calls as f64 * CLAIMED as f64)
}
