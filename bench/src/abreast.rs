//! A round on tokio: several tasks that do the same at the same time.

use anyhow::Result;
use slashbox_bench_round::{Laps, Order, Round};
use tokio::runtime::Runtime;

/// Runs as many tasks as the order says, each until its time is up.
pub(crate) fn round<F>(tokio: &Runtime, order: &Order, mut run: impl FnMut() -> F) -> Result<Round>
where
    F: Future<Output = Result<Laps>> + Send + 'static,
{
    tokio.block_on(async {
        let tasks: Vec<_> = (0..order.abreast).map(|_| tokio::spawn(run())).collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await??);
        }
        Round::of(all)
    })
}
