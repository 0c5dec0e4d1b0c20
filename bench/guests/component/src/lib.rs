//! The benchmarks' work as a slashbox plugin: `/invoice`.

use slashbox_sdk::{Command, Plugin, Result, export};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("invoice", env!("CARGO_PKG_VERSION")).summary("Does the benchmarks' work").command(
        "/invoice",
        "NUMBER [CURRENCY]",
        "shows an invoice",
        invoice,
    )
}

fn invoice(command: Command) -> Result<String> {
    Ok(slashbox_bench_work::reply(&command.data_json)?)
}
