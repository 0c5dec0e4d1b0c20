//! The benchmarks' work as a plugin whose command and version are written over in the built component: one build makes
//! any number of plugins. `stamp.rs` of the benchmarks knows both texts.

use std::hint::black_box;

use slashbox_sdk::{Command, Plugin, Result, export};

/// The command.
const COMMAND: &str = "/stamped-command-";

/// What its replies begin with.
const VERSION: &str = "stamped-version--";

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("stamped", env!("CARGO_PKG_VERSION")).summary("Does the benchmarks' work").command(
        text(COMMAND),
        "NUMBER [CURRENCY]",
        "shows an invoice",
        invoice,
    )
}

fn invoice(command: Command) -> Result<String> {
    Ok(format!("{}\n{}", text(VERSION), slashbox_bench_work::reply(&command.data_json)?))
}

/// As it stands in the component's memory: the compiler must not know what that will be. What is shorter is filled up
/// with spaces.
fn text(stamp: &'static str) -> &'static str {
    black_box(stamp).trim_end()
}
