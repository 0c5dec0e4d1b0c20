//! Extism's side of the benchmarks: runs a round when it is told to, with the same work and the same stopwatch as ours.
//!
//! `fresh` makes a plugin from the compiled one for each call, which is Extism's way to a sandbox that remembers nothing;
//! `warm` calls one plugin again and again. What the guest does is the other side's too: `bench/work`.

use std::{
    env, fs,
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use extism::{CompiledPlugin, Plugin, PluginBuilder};
use mimalloc::MiMalloc;
use slashbox_bench_round::{Laps, Order, Round, answer};
use slashbox_bench_work::{DATA, reply};

/// As slashbox's program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What one thread does in a round.
type Run = fn(&CompiledPlugin, Duration) -> Result<Laps>;

fn main() -> Result<()> {
    let file = env::args().nth(1).context("expected the file of the plugin")?;
    let module = fs::read(&file).with_context(|| format!("cannot read {file}"))?;
    let compiled = PluginBuilder::new(module).with_cache_disabled().compile()?;
    let said = call(&mut Plugin::new_from_compiled(&compiled)?)?;
    ensure!(said == reply(DATA)?, "the plugin replied something else: {said}");
    answer(|order| round(&compiled, order))
}

fn round(compiled: &CompiledPlugin, order: &Order) -> Result<Round> {
    let run: Run = match order.what.as_str() {
        "fresh" => fresh,
        "warm" => warm,
        other => bail!("expected fresh or warm, got {other:?}"),
    };
    let all: Result<Vec<Laps>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..order.abreast).map(|_| scope.spawn(|| run(compiled, order.lasting))).collect();
        threads.into_iter().map(joined).collect()
    });
    Round::of(all?)
}

fn joined(thread: ScopedJoinHandle<'_, Result<Laps>>) -> Result<Laps> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

fn fresh(compiled: &CompiledPlugin, lasting: Duration) -> Result<Laps> {
    let mut laps = Laps::start(lasting);
    loop {
        call(&mut Plugin::new_from_compiled(compiled)?)?;
        if !laps.lap() {
            return Ok(laps);
        }
    }
}

fn warm(compiled: &CompiledPlugin, lasting: Duration) -> Result<Laps> {
    let mut plugin = Plugin::new_from_compiled(compiled)?;
    call(&mut plugin)?;
    let mut laps = Laps::start(lasting);
    loop {
        call(&mut plugin)?;
        if !laps.lap() {
            return Ok(laps);
        }
    }
}

fn call(plugin: &mut Plugin) -> Result<String> {
    plugin.call("invoice", DATA)
}
