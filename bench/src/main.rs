//! The benchmarks of slashbox. `cargo xtask bench` builds what they need and runs `slashbox-bench report`.
//!
//! Everything that is measured is a process of its own, so that nothing of one contestant (its ticking thread, its memory,
//! its allocator) is charged to another; the reporting process only gives orders, one round to each in turn, and sums up.
//! The other commands are those processes. Invariant: a figure that is compared with another was measured in the same run,
//! a moment apart.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "benchmarks talk to the person who runs them")]

mod abreast;
mod arrivals;
mod backlog;
mod bare;
mod callers;
mod calls;
mod child;
mod claims;
mod commands;
mod compile;
mod connection;
mod cpu;
mod database;
mod delivery;
mod dialects;
mod event;
mod figures;
mod goals;
mod held;
mod ingest;
mod load;
mod long_log;
mod machine;
mod neighbours;
mod payload;
mod pile;
mod plan;
mod plugin;
mod plugins;
mod receiver;
mod report;
mod rows;
mod scratch;
mod sender;
mod serve;
mod serve_events;
mod serve_plugins;
mod site;
mod stamp;
mod text;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// As the program has it; what slashbox is compared with has it too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The arguments.
#[derive(Debug, Parser)]
#[command(about = "The benchmarks of slashbox; run them with `cargo xtask bench`")]
enum Arguments {
    /// Measure everything and print the goals.
    Report(report::Arguments),
    /// A process that calls plugins when it is told to.
    #[command(subcommand, hide = true)]
    Calls(Caller),
    /// A process that serves HTTP.
    #[command(subcommand, hide = true)]
    Serve(Server),
    /// A process that sends HTTP requests when it is told to.
    #[command(hide = true)]
    Load { what: load::What },
    /// A process that has callers call until it is told that they stop.
    #[command(hide = true)]
    Callers,
    /// A process that compiles components, with wasmtime and nothing else.
    #[command(hide = true)]
    Compile,
    /// A process that starts a host and ends.
    #[command(subcommand, hide = true)]
    Start(Starter),
    /// A process that gets webhooks' requests.
    #[command(hide = true)]
    Receive,
    /// A process that sends requests as a webhook does, with reqwest and nothing else.
    #[command(hide = true)]
    Send,
    /// A process that writes the rows of events and deliveries, with SQLite and nothing else.
    #[command(hide = true)]
    Rows { folder: PathBuf },
    /// A process that claims deliveries of so many that wait.
    #[command(hide = true)]
    Claims { folder: PathBuf, deliveries: u64 },
    /// A process that looks at a log of so many deliveries.
    #[command(hide = true)]
    LongLog { folder: PathBuf, deliveries: u64 },
    /// A process that sends events, and gets a webhook's requests for them.
    #[command(hide = true)]
    Arrivals,
}

/// Who calls.
#[derive(Debug, Subcommand)]
enum Caller {
    /// wasmtime and nothing else.
    Bare { component: PathBuf },
    /// The runtime of slashbox.
    Slashbox { component: PathBuf },
}

/// Who serves.
#[derive(Debug, Subcommand)]
enum Server {
    /// axum and nothing else, for commands.
    Axum,
    /// axum and nothing else, for events.
    AxumEvents,
    /// slashbox with a plugin, for commands.
    Slashbox { component: PathBuf },
    /// slashbox with its data in a folder, for events.
    SlashboxEvents {
        folder: PathBuf,
        /// Where the events are delivered to.
        #[arg(long)]
        webhook: Option<String>,
        /// Where another webhook is, which wants none of them.
        #[arg(long)]
        dead: Option<String>,
    },
    /// slashbox with the plugins in a folder.
    SlashboxPlugins { folder: PathBuf },
}

/// Who starts.
#[derive(Debug, Subcommand)]
enum Starter {
    /// slashbox with the plugins in a folder.
    SlashboxPlugins { folder: PathBuf },
}

fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::Report(arguments) => report::run(&arguments),
        Arguments::Calls(Caller::Bare { component }) => bare::run(&component),
        Arguments::Calls(Caller::Slashbox { component }) => plugin::run(&component),
        Arguments::Serve(Server::Axum) => serve::axum(),
        Arguments::Serve(Server::Slashbox { component }) => serve::slashbox(&component),
        Arguments::Serve(Server::AxumEvents) => serve_events::axum(),
        Arguments::Serve(Server::SlashboxEvents { folder, webhook, dead }) => {
            serve_events::slashbox(&folder, webhook.as_deref(), dead.as_deref())
        }
        Arguments::Serve(Server::SlashboxPlugins { folder }) => serve_plugins::slashbox(&folder),
        Arguments::Start(Starter::SlashboxPlugins { folder }) => serve_plugins::start(&folder),
        Arguments::Callers => callers::run(),
        Arguments::Compile => compile::run(),
        Arguments::Load { what } => load::run(what),
        Arguments::Receive => receiver::run(),
        Arguments::Send => sender::run(),
        Arguments::Rows { folder } => rows::run(&folder),
        Arguments::Claims { folder, deliveries } => claims::run(&folder, deliveries),
        Arguments::LongLog { folder, deliveries } => long_log::run(&folder, deliveries),
        Arguments::Arrivals => arrivals::run(),
    }
}
