//! The store alone, with deliveries that wait: what it takes to claim some of them.

use std::{path::Path, time::SystemTime};

use anyhow::{Result, bail, ensure};
use slashbox_bench_round::{Laps, Order, Round, answer};
use slashbox_store::{ClaimRequest, Store, SubscriberKey};

use crate::{
    cpu::{self, Timed},
    pile::{self, Pile},
};

/// Fills a database with so many, and then answers orders: `claim` as many at once as are abreast, again and again.
pub(crate) fn run(folder: &Path, deliveries: u64) -> Result<()> {
    let data = folder.join("data");
    let key = pile::fill(&data, Pile { webhook: "receiver", deliveries, again: false })?;
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let store = Store::open(&data)?;
    answer(|order| match order.what.as_str() {
        "claim" => tokio.block_on(claim(&store, SubscriberKey(key), order)),
        other => bail!("expected claim, got {other:?}"),
    })
}

/// A lease ends in the next millisecond, and each claim is made a millisecond later: what was claimed can be claimed again,
/// after all others, so that as many wait as ever.
async fn claim(store: &Store, subscriber: SubscriberKey, order: &Order) -> Result<Timed> {
    let limit = u32::try_from(order.abreast)?;
    let mut now_ms = u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
    let before = cpu::ns();
    let mut laps = Laps::start(order.lasting);
    loop {
        now_ms += 1;
        let request = ClaimRequest { subscriber, limit, again: 0 };
        let claims = store.claim(vec![request], now_ms, now_ms + 1).await?;
        ensure!(claims.claimed.len() == order.abreast, "{} were claimed", claims.claimed.len());
        if !laps.lap() {
            return Ok(Timed::since(before, Round::of(vec![laps])?));
        }
    }
}
