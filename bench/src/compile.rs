//! The floor of a plugin's way into service: wasmtime compiles the same bytes, and nothing else.
//!
//! With interruption, as slashbox has it, since checks for it are in the code; on as many threads, which yield to all
//! others as those of slashbox do.

use std::{
    fs,
    io::{self, BufRead},
    time::Instant,
};

use anyhow::{Result, anyhow};
use slashbox_bench_round::say;
use wasmtime::{Config, Engine, component::Component};

/// Compiles each file that it is told of, and says how many nanoseconds that took.
pub(crate) fn run() -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::nice(19)?; // Threads have it from the one that makes them.
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false);
    let engine = Engine::new(&config).map_err(|error| anyhow!("{error:#}"))?;
    say("ready")?;
    for file in io::stdin().lock().lines() {
        let bytes = fs::read(file?)?;
        let began = Instant::now();
        Component::new(&engine, bytes).map_err(|error| anyhow!("{error:#}"))?;
        say(&began.elapsed().as_nanos().to_string())?;
    }
    Ok(())
}
