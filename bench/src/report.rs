//! The report: runs the sessions, and writes what came out for people or as JSON.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use serde::Serialize;

use crate::{
    calls::{self, ALL, Calls, Files},
    commands::{self, CONNECTIONS, Commands},
    goals::{self, Bound, Goal},
    machine::Machine,
    plan::{FULL, QUICK},
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
    /// Few and short rounds: rough figures in a quarter of a minute.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Everything, for programs.
#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    quick: bool,
    calls: Vec<CallRow>,
    commands: CommandRows,
    goals: Vec<Goal>,
}

#[derive(Debug, Serialize)]
struct CallRow {
    who: &'static str,
    #[serde(flatten)]
    cost: calls::Cost,
}

#[derive(Debug, Serialize)]
struct CommandRows {
    connections: usize,
    axum: commands::Cost,
    slashbox: commands::Cost,
    sandbox_us: f64,
}

/// Measures and prints. Goals that are missed are no failure: this is a report.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let report = measure(arguments)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text(&report));
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
    let began = Instant::now();
    for session in 1..=plan.sessions {
        let progress = |what: &str| {
            eprintln!("bench: {:>4} s, session {session} of {}: {what}", began.elapsed().as_secs(), plan.sessions);
        };
        progress("calls");
        calls::session(&plan, &files, &mut calls)?;
        progress("commands over HTTP");
        commands::session(&plan, component, &mut commands)?;
    }
    let goals = goals::all(&calls, &commands);
    let rows = ALL.iter().map(|&who| CallRow { who: who.name(), cost: calls.cost(who) }).collect();
    let commands = CommandRows {
        connections: CONNECTIONS,
        axum: commands.axum(),
        slashbox: commands.slashbox(),
        sandbox_us: goals::sandbox_us(&calls),
    };
    Ok(Report { machine, quick: arguments.quick, calls: rows, commands, goals })
}

fn text(report: &Report) -> String {
    let Report { machine, calls, commands, goals, .. } = report;
    let mut text = format!("\n{} × {}, Linux {}\n", machine.cores, machine.processor, machine.kernel);
    text += "\ncall of a plugin             p50 µs   mean µs    p99 µs   calls/s on 2 threads\n";
    for CallRow { who, cost } in calls {
        let (p50, mean, p99) = (cost.p50_us.median, cost.mean_us.median, cost.p99_us.median);
        let per_second = cost.two_threads_calls_per_second.median;
        text += &format!("{who:<26} {p50:>8.2} {mean:>9.2} {p99:>9.2} {per_second:>22.0}\n");
    }
    let connections = commands.connections;
    text += &format!(
        "\ncommand over HTTP, {connections} connections     requests/s   p50 µs   p99 µs   server's CPU µs a request\n\
         (load generator on the same cores)\n"
    );
    for (who, cost) in [("bare axum", &commands.axum), ("slashbox", &commands.slashbox)] {
        let (rate, p50, p99) = (cost.requests_per_second.median, cost.p50_us.median, cost.p99_us.median);
        text += &format!("{who:<36} {rate:>12.0} {p50:>8.0} {p99:>8.0} {:>27.2}\n", cost.cpu_us.median);
    }
    text += "\ngoal                                                   reached  (middle half)      target\n";
    goals.iter().for_each(|goal| text += &line(goal));
    text
}

fn line(goal: &Goal) -> String {
    let Goal { name, unit, reached, target, .. } = goal;
    let bound = if goal.bound == Bound::AtMost { '≤' } else { '≥' };
    let verdict = if goal.met { "met" } else { "MISSED" };
    let stretch = goal.stretch.map(|stretch| format!(" (stretch {stretch})")).unwrap_or_default();
    let middle = format!("({:.3} – {:.3})", reached.low, reached.high);
    format!("{name:<52} {:>7.3} {unit} {middle:<18} {bound} {target:.3} {verdict}{stretch}\n", reached.median)
}
