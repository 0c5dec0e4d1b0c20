//! Goal 4: what it takes to deliver events to a webhook, beside bare reqwest with the same body to the same receiver and
//! bare SQLite with the same rows; and how many events a second are accepted and delivered when both go on at once.
//!
//! A delivery's cost is measured alone: the receiver keeps its answers back while events are accepted, so that deliveries
//! pile up, and then gives them. The limits on what is under way are lifted. The log and the state are as always; requests
//! are not signed yet. Load generator and receiver share the cores with slashbox.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde::Serialize;
use slashbox_bench_round::{Order, Round};

use crate::{
    child::Child, cpu::Timed, database::Database, figures::Spread, plan::Plan, rows, scratch,
    serve_events::IN_FLIGHT_MAX,
};

/// How many connections send events at the same time.
pub(crate) const CONNECTIONS: usize = 64;

/// How long all that was accepted may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);

/// How often it is looked whether all has arrived.
const LOOK: Duration = Duration::from_millis(5);

/// Events that were accepted while the receiver kept its answers back, and delivered afterwards.
#[derive(Clone, Copy, Debug)]
struct Alone {
    accept: Round,
    deliveries_per_second: f64,
    /// The server's processor time for a delivery.
    cpu_us: f64,
    /// How many deliveries there were to a commit; each is in one that leases and in one that finishes it.
    batch: f64,
}

/// Events that were accepted and delivered at the same time.
#[derive(Clone, Copy, Debug)]
struct Together {
    accept: Round,
    /// From the first request of the load to the last delivery's record.
    per_second: f64,
    /// What arrived while the load was on.
    arrived_per_second: f64,
    /// The server's processor time for an event, accepted and delivered.
    cpu_us: f64,
}

/// A turn of all contestants.
#[derive(Clone, Copy, Debug)]
struct Turn {
    alone: Alone,
    together: Together,
    reqwest: Timed,
    rows: Timed,
}

/// What all of them did.
#[derive(Debug, Default)]
pub(crate) struct Delivery(Vec<Turn>);

/// What delivering takes, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) connections: usize,
    pub(crate) in_flight_max: u32,
    pub(crate) cpu_us: Spread,
    pub(crate) reqwest_cpu_us: Spread,
    pub(crate) rows_cpu_us: Spread,
    /// How many deliveries there were to a commit; bare SQLite has as many.
    pub(crate) batch: Spread,
    pub(crate) deliveries_per_second: Spread,
    /// Accepted while the receiver answered nothing: a delivery's row is written, nothing is delivered.
    pub(crate) accept_alone: Accept,
    /// Accepted while it answered.
    pub(crate) accept_together: Accept,
    pub(crate) arrived_per_second: Spread,
    pub(crate) together_per_second: Spread,
    pub(crate) together_cpu_us: Spread,
}

/// What those who send events see.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Accept {
    pub(crate) events_per_second: Spread,
    pub(crate) p50_us: Spread,
    pub(crate) p99_us: Spread,
}

/// Starts everybody, and lets them run turn by turn.
pub(crate) fn session(plan: &Plan, delivery: &mut Delivery) -> Result<()> {
    let (our_folder, bare_folder) = (scratch::folder()?, scratch::folder()?);
    let receiver = Child::own(&["receive".as_ref()])?;
    let url = format!("http://{}/", receiver.greeting);
    let folder = our_folder.path().as_os_str();
    let slashbox = ["serve".as_ref(), "slashbox-events".as_ref(), folder, "--webhook".as_ref(), url.as_ref()];
    let mut all = Contestants {
        receiver,
        slashbox: Child::own(&slashbox)?,
        database: Database::in_folder(our_folder.path())?,
        sender: Child::own(&["send".as_ref()])?,
        rows: Child::own(&["rows".as_ref(), bare_folder.path().as_os_str()])?,
        load: Child::own(&["load".as_ref(), "events".as_ref()])?,
        url,
    };
    for turn in 0..=plan.delivery_turns {
        let measured = all.turn(plan)?;
        if turn > 0 {
            delivery.0.push(measured); // The first turn warms up.
        }
    }
    Ok(())
}

struct Contestants {
    receiver: Child,
    slashbox: Child,
    database: Database,
    sender: Child,
    rows: Child,
    load: Child,
    url: String,
}

impl Contestants {
    fn turn(&mut self, plan: &Plan) -> Result<Turn> {
        let alone = self.alone(plan)?;
        let abreast = IN_FLIGHT_MAX.try_into()?;
        let order = Order { what: self.url.clone(), abreast, lasting: plan.send_round };
        let reqwest = self.sender.ask(&order.to_string())?.parse()?;
        let abreast = alone.batch.round().max(1.0) as usize;
        let order = Order { what: "deliver".into(), abreast, lasting: Duration::ZERO };
        let rows = self.rows.ask(&order.to_string())?.parse()?;
        let together = self.together(plan)?;
        Ok(Turn { alone, together, reqwest, rows })
    }

    fn alone(&mut self, plan: &Plan) -> Result<Alone> {
        let received_before = self.received("hold")?;
        let accept = self.accept(plan.pile_round)?;
        let (cpu_before, commits_before) = (self.slashbox.cpu_ns()?, self.database.commits()?);
        let began = Instant::now();
        self.received("release")?;
        self.wait(received_before + accept.calls)?;
        let took = began.elapsed();
        let (cpu, commits) = (self.slashbox.cpu_ns()? - cpu_before, self.database.commits()? - commits_before);
        let deliveries = accept.calls as f64;
        Ok(Alone {
            accept,
            deliveries_per_second: deliveries / took.as_secs_f64(),
            cpu_us: cpu / 1e3 / deliveries,
            batch: deliveries / commits.max(1) as f64,
        })
    }

    fn together(&mut self, plan: &Plan) -> Result<Together> {
        let (received_before, cpu_before) = (self.received("count")?, self.slashbox.cpu_ns()?);
        let began = Instant::now();
        let accept = self.accept(plan.together_round)?;
        let (arrived, load_took) = (self.received("count")? - received_before, began.elapsed());
        self.wait(received_before + accept.calls)?;
        let took = began.elapsed();
        let events = accept.calls as f64;
        Ok(Together {
            accept,
            per_second: events / took.as_secs_f64(),
            arrived_per_second: arrived as f64 / load_took.as_secs_f64(),
            cpu_us: (self.slashbox.cpu_ns()? - cpu_before) / 1e3 / events,
        })
    }

    fn accept(&mut self, lasting: Duration) -> Result<Round> {
        let order = Order { what: self.slashbox.greeting.clone(), abreast: CONNECTIONS, lasting };
        self.load.round(&order)
    }

    /// Tells the receiver something; gives back how many requests it has answered.
    fn received(&mut self, line: &str) -> Result<u64> {
        Ok(self.receiver.ask(line)?.parse()?)
    }

    /// Waits until the receiver has got so many and slashbox has recorded all. Each must come once.
    fn wait(&mut self, expected: u64) -> Result<()> {
        let began = Instant::now();
        loop {
            let received = self.received("count")?;
            if received >= expected && self.database.is_delivered()? {
                ensure!(received == expected, "{expected} deliveries were to arrive, {received} did");
                return Ok(());
            }
            ensure!(began.elapsed() < ARRIVAL_MAX, "of {expected} deliveries, {received} arrived in time");
            thread::sleep(LOOK);
        }
    }
}

impl Turn {
    fn reqwest_cpu_us(&self) -> f64 {
        self.reqwest.cpu_ns as f64 / 1e3 / self.reqwest.round.calls as f64
    }

    fn rows_cpu_us(&self) -> f64 {
        self.rows.cpu_ns as f64 / 1e3 / rows::deliveries() as f64
    }
}

impl Delivery {
    /// Processor time for a delivery in relation to that of bare reqwest and bare SQLite together.
    pub(crate) fn cpu(&self) -> Spread {
        self.each(|turn| turn.alone.cpu_us / (turn.reqwest_cpu_us() + turn.rows_cpu_us()))
    }

    /// Events a second, accepted and delivered.
    pub(crate) fn per_second(&self) -> Spread {
        self.each(|turn| turn.together.per_second)
    }

    /// What delivering takes.
    pub(crate) fn cost(&self) -> Cost {
        Cost {
            connections: CONNECTIONS,
            in_flight_max: IN_FLIGHT_MAX,
            cpu_us: self.each(|turn| turn.alone.cpu_us),
            reqwest_cpu_us: self.each(Turn::reqwest_cpu_us),
            rows_cpu_us: self.each(Turn::rows_cpu_us),
            batch: self.each(|turn| turn.alone.batch),
            deliveries_per_second: self.each(|turn| turn.alone.deliveries_per_second),
            accept_alone: self.accept(|turn| &turn.alone.accept),
            accept_together: self.accept(|turn| &turn.together.accept),
            arrived_per_second: self.each(|turn| turn.together.arrived_per_second),
            together_per_second: self.per_second(),
            together_cpu_us: self.each(|turn| turn.together.cpu_us),
        }
    }

    fn accept(&self, round: fn(&Turn) -> &Round) -> Accept {
        Accept {
            events_per_second: self.each(|turn| round(turn).per_second()),
            p50_us: self.each(|turn| round(turn).p50_ns as f64 / 1e3),
            p99_us: self.each(|turn| round(turn).p99_ns as f64 / 1e3),
        }
    }

    fn each(&self, figure: impl Fn(&Turn) -> f64) -> Spread {
        Spread::of(self.0.iter().map(figure))
    }
}
