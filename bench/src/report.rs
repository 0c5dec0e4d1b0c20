//! The report: runs the sessions, and tells what came out.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use serde::Serialize;

use crate::{
    calls::{self, ALL, Calls, Files},
    commands::{self, CONNECTIONS, Commands},
    delivery::{self, Delivery},
    goals::{self, Goal},
    ingest::{self, Ingest},
    machine::Machine,
    plan::{FULL, QUICK},
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
    /// Few and short rounds: rough figures in less than a minute.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Everything, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    quick: bool,
    pub(crate) calls: Vec<CallRow>,
    pub(crate) commands: CommandRows,
    pub(crate) ingest: Vec<ingest::Cost>,
    pub(crate) delivery: delivery::Cost,
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
    let (mut ingest, mut delivery) = (Ingest::default(), Delivery::default());
    let began = Instant::now();
    for session in 1..=plan.sessions {
        let progress = |what: &str| {
            eprintln!("bench: {:>4} s, session {session} of {}: {what}", began.elapsed().as_secs(), plan.sessions);
        };
        progress("calls");
        calls::session(&plan, &files, &mut calls)?;
        progress("commands over HTTP");
        commands::session(&plan, component, &mut commands)?;
        progress("events over HTTP");
        ingest::session(&plan, &mut ingest)?;
        progress("deliveries");
        delivery::session(&plan, &mut delivery)?;
    }
    let goals = goals::all(&calls, &commands, &ingest, &delivery);
    let rows = ALL.iter().map(|&who| CallRow { who: who.name(), cost: calls.cost(who) }).collect();
    let commands = CommandRows {
        connections: CONNECTIONS,
        axum: commands.axum(),
        slashbox: commands.slashbox(),
        sandbox_us: goals::sandbox_us(&calls),
    };
    let (ingest, delivery) = (ingest.costs(), delivery.cost());
    Ok(Report { machine, quick: arguments.quick, calls: rows, commands, ingest, delivery, goals })
}
