//! The report: runs the sessions, and tells what came out.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use serde::Serialize;

use crate::{
    backlog::{self, Backlog},
    calls::{self, ALL, Calls, Files},
    commands::{self, CONNECTIONS, Commands},
    delivery::{self, Delivery},
    dialects::{self, Dialects},
    goals::{self, Goal},
    ingest::{self, Ingest},
    machine::Machine,
    neighbours::{self, Neighbours},
    plan::{FULL, QUICK},
    plugins::{self, Plugins},
    text,
};

/// What to measure and how to tell it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The work as a component.
    #[arg(long)]
    component: PathBuf,
    /// The work as a module of Extism.
    #[arg(long)]
    module: PathBuf,
    /// The program that calls Extism.
    #[arg(long)]
    extism: PathBuf,
    /// The work as a component whose command can be written over.
    #[arg(long)]
    stamped: PathBuf,
    /// The tests' guest in JavaScript, if it was built.
    #[arg(long)]
    javascript: Option<PathBuf>,
    /// The tests' guest in Python, if it was built.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Measure these goals alone, e.g. `--goal 3 --goal 4`; all of them if none is named.
    #[arg(long = "goal", value_parser = goal)]
    goals: Vec<u8>,
    /// Few and short rounds: rough figures in some three minutes.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn plugins(&self) -> plugins::Files<'_> {
        let (javascript, python) = (self.javascript.as_deref(), self.python.as_deref());
        plugins::Files { stamped: &self.stamped, javascript, python }
    }
}

/// Everything, for programs. What was not asked for is not there.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    quick: bool,
    pub(crate) calls: Vec<CallRow>,
    pub(crate) commands: Option<CommandRows>,
    pub(crate) ingest: Vec<ingest::Cost>,
    pub(crate) delivery: Option<delivery::Cost>,
    pub(crate) backlog: Option<backlog::Cost>,
    pub(crate) plugins: Option<plugins::Cost>,
    pub(crate) neighbours: Vec<neighbours::Cost>,
    pub(crate) dialects: Vec<dialects::Cost>,
    pub(crate) goals: Vec<Goal>,
}

/// A contestant of goal 1.
#[derive(Debug, Serialize)]
pub(crate) struct CallRow {
    pub(crate) who: &'static str,
    #[serde(flatten)]
    pub(crate) cost: calls::Cost,
}

/// The contestants of goal 2.
#[derive(Debug, Serialize)]
pub(crate) struct CommandRows {
    pub(crate) connections: usize,
    pub(crate) axum: commands::Cost,
    pub(crate) slashbox: commands::Cost,
    sandbox_us: f64,
}

/// A goal that is measured.
fn goal(text: &str) -> Result<u8, String> {
    let number = text.parse().ok().filter(|number| goals::NUMBERS.contains(number));
    number.ok_or_else(|| format!("expected one of {:?}", goals::NUMBERS))
}

/// Measures and prints. Goals that are missed are no failure: this is a report.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let report = measure(arguments)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text::of(&report));
    }
    Ok(())
}

fn measure(arguments: &Arguments) -> Result<Report> {
    let machine = Machine::this();
    if let Some(warning) = machine.warning() {
        eprintln!("bench: {warning}");
    }
    let plan = if arguments.quick { QUICK } else { FULL };
    let (component, module, extism) = (&arguments.component, &arguments.module, &arguments.extism);
    let files = Files { component, module, extism };
    let (mut calls, mut commands) = (Calls::default(), Commands::default());
    let (mut ingest, mut delivery, mut backlog) = (Ingest::default(), Delivery::default(), Backlog::default());
    let (mut plugins, mut neighbours) = (Plugins::default(), Neighbours::default());
    let mut dialects = Dialects::default();
    let wanted = |goal: u8| arguments.goals.is_empty() || arguments.goals.contains(&goal);
    let began = Instant::now();
    for session in 1..=plan.sessions {
        let progress = |what: &str| {
            eprintln!("bench: {:>4} s, session {session} of {}: {what}", began.elapsed().as_secs(), plan.sessions);
        };
        // What a command costs beyond the sandbox is told by both of the first.
        if wanted(1) || wanted(2) {
            progress("calls");
            calls::session(&plan, &files, &mut calls)?;
        }
        if wanted(2) {
            progress("commands over HTTP");
            commands::session(&plan, component, &mut commands)?;
        }
        if wanted(3) {
            progress("events over HTTP");
            ingest::session(&plan, &mut ingest)?;
        }
        if wanted(4) {
            progress("deliveries");
            delivery::session(&plan, &mut delivery)?;
        }
        if wanted(5) {
            progress("backlogs and a long log");
            backlog::session(&plan, &mut backlog)?;
        }
        if wanted(6) {
            progress("plugins that start and change");
            plugins::session(&plan, arguments.plugins(), session, &mut plugins)?;
        }
        if wanted(7) {
            progress("neighbours under attack");
            neighbours::session(&plan, component, &mut neighbours)?;
        }
        if wanted(8) {
            progress("requests of each dialect");
            dialects::session(&plan, &mut dialects)?;
        }
    }
    let dialects = dialects.costs();
    let mut goals = goals::all(&calls, &commands, &ingest, &delivery, &backlog, &plugins.cost(), &neighbours.costs());
    goals.extend(goals::of_dialects(&dialects));
    goals.retain(|goal| wanted(goal.number));
    let calls_rows = ALL.iter().filter(|_| wanted(1)).map(|&who| CallRow { who: who.name(), cost: calls.cost(who) });
    let commands = wanted(2).then(|| CommandRows {
        connections: CONNECTIONS,
        axum: commands.axum(),
        slashbox: commands.slashbox(),
        sandbox_us: goals::sandbox_us(&calls),
    });
    let ingest = if wanted(3) { ingest.costs() } else { Vec::new() };
    let delivery = wanted(4).then(|| delivery.cost());
    let backlog = wanted(5).then(|| backlog.cost());
    let plugins = wanted(6).then(|| plugins.cost());
    let neighbours = if wanted(7) { neighbours.costs() } else { Vec::new() };
    let quick = arguments.quick;
    Ok(Report {
        machine,
        quick,
        calls: calls_rows.collect(),
        commands,
        ingest,
        delivery,
        backlog,
        plugins,
        neighbours,
        dialects,
        goals,
    })
}
