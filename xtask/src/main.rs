//! The developer tasks of slashbox: `cargo xtask TASK`. This file is their table, each task is a module.
//!
//! Works from a fresh clone with rustup's cargo and a C compiler. Never does what cargo does by itself: a task calls
//! cargo, and adds what cargo does not know (guests for another target, the floors, a summary).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to the developer at the terminal")]

mod bench;
mod cargo;
mod ci;
mod crash;
mod files;
mod floors;
mod guests;
mod heads;
mod languages;
mod serve;
mod summary;
mod test;
mod wasm;
mod workspaces;

use std::{env, process::ExitCode};

use anyhow::Result;

/// Wrong usage, as in the command line of slashbox itself (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// A row of the table.
struct Task {
    name: &'static str,
    /// The arguments that it takes, for people; empty if it takes none.
    arguments: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

const TASKS: [Task; 10] = [
    Task {
        name: "plugins",
        arguments: "",
        summary: "build the example plugins into target/plugins/NAME.wasm",
        run: |_| done(guests::build(&workspaces::PLUGINS)),
    },
    Task {
        name: "serve",
        arguments: "[ARGS…]",
        summary: "build the host (release) and the plugins, run them on the demo configuration; ARGS go to `slashbox serve`",
        run: serve::run,
    },
    Task {
        name: "test",
        arguments: "[FILTER…]",
        summary: "run every test, or those whose names contain a filter; says last what passed, failed, was skipped",
        run: |filters| Ok(test::run(filters).conclude()),
    },
    Task {
        name: "bench",
        arguments: "[--quick] [--json] [--goal N]",
        summary: "print the benchmarks, as ratios to bare wasmtime, Extism, bare axum and SQLite, and to a calm host",
        run: bench::run,
    },
    Task {
        name: "crash",
        arguments: "[--kills N] [--seed N]",
        summary: "kill a host under load, again and again (100 times if nothing is said), and prove that nothing is lost",
        run: crash::run,
    },
    Task {
        name: "ci",
        arguments: "",
        summary: "what CI runs: heads, format, floors, clippy, docs, test",
        run: |_| ci::run(),
    },
    Task {
        name: "floors",
        arguments: "",
        summary: "check that no crate depends on what its floor never imports",
        run: |_| done(floors::check()),
    },
    Task {
        name: "heads",
        arguments: "",
        summary: "check that every Rust file opens with `//!`",
        run: |_| done(heads::check()),
    },
    Task {
        name: "guests",
        arguments: "",
        summary: "build the tests' guests into target/test-guests/NAME.wasm (`test` does it by itself)",
        run: |_| done(guests::build(&workspaces::TEST_GUESTS)),
    },
    Task {
        name: "languages",
        arguments: "",
        summary: "build the tests' guests in JavaScript and Python, if node and python3 are there (`test` does it)",
        run: |_| done(languages::build()),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("xtask: there is no task {name:?}\n\n{}", usage());
        return ExitCode::from(USAGE);
    };
    if task.arguments.is_empty() && !rest.is_empty() {
        eprintln!("xtask: {name} takes no arguments, got {:?}", rest.join(" "));
        return ExitCode::from(USAGE);
    }
    (task.run)(rest).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn done(result: Result<()>) -> Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask TASK\n\n");
    for task in &TASKS {
        let call = format!("{} {}", task.name, task.arguments);
        text.push_str(&format!("  {call:<18} {}\n", task.summary));
    }
    text
}
