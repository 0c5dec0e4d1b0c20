//! Many calls at the same time: as many as there are places are made, and one more is told that all are busy.

use slashbox::Outcome;
use tokio::task::JoinSet;

use super::{LATE_MS, Tried, millis, words};
use crate::cli::selftest::ground::{CROWD_MAX, Ended, Ground};

/// What a crowd before one plugin shows.
pub(super) struct OfPlugin {
    pub(super) places: Tried,
    pub(super) queue: Tried,
}

pub(super) async fn of_plugin(ground: &Ground) -> OfPlugin {
    let places = ground.limits.concurrency;
    if places >= ground.over_all.tenant_calls.min(ground.over_all.calls) {
        let why = || Err("tenant_calls and calls are no more, and are reached before".into());
        return OfPlugin { places: why(), queue: why() };
    }
    let ended = match crowd(ground, places).await {
        Ok(ended) => ended,
        Err(why) => return OfPlugin { places: Err(why.clone()), queue: Err(why) },
    };
    let queue_ms = u64::from(ground.over_all.queue_ms);
    let waited: Vec<u64> =
        ended.iter().filter(|ended| ended.outcome == Outcome::Busy).map(|ended| millis(ended.took)).collect();
    let longest = waited.iter().copied().max();
    let held = longest.is_some_and(|ms| (queue_ms..=queue_ms + LATE_MS).contains(&ms));
    let queue = Ok((longest, held, "one call more than there are places waited for one: busy".into()));
    OfPlugin { places: verdict(places, &ended, "of one plugin"), queue }
}

pub(super) async fn of_tenant(ground: &Ground) -> Tried {
    let places = ground.over_all.tenant_calls;
    if places > ground.over_all.calls {
        return Err("calls is less, and is reached before".into());
    }
    let places_each = ground.limits.share();
    verdict(places, &crowd_over(ground, places, places_each, u32::MAX).await?, "of one tenant")
}

pub(super) async fn of_all(ground: &Ground) -> Tried {
    let places = ground.over_all.calls;
    let (places_each, tenants_each) = (ground.limits.share(), ground.over_all.tenant_calls);
    verdict(places, &crowd_over(ground, places, places_each, tenants_each).await?, "of several tenants")
}

fn verdict(places: u32, ended: &[Ended], whose: &str) -> Tried {
    let count = |is: fn(&Outcome) -> bool| ended.iter().filter(|ended| is(&ended.outcome)).count();
    let (served, busy) = (count(Outcome::succeeded), count(|outcome| *outcome == Outcome::Busy));
    let odd =
        ended.iter().map(|ended| &ended.outcome).find(|outcome| !outcome.succeeded() && **outcome != Outcome::Busy);
    if let Some(odd) = odd {
        return Err(format!("one of the calls ended otherwise: {}", words(odd)));
    }
    let how = format!("{} calls {whose} at the same time: {busy} busy", ended.len());
    Ok((Some(served as u64), served == places as usize && busy == ended.len() - served, how))
}

/// One call more of one plugin than there are places.
async fn crowd(ground: &Ground, places: u32) -> Result<Vec<Ended>, String> {
    crowd_over(ground, places, u32::MAX, ground.limits.share()).await
}

/// One call more than there are places, of so many plugins and tenants that each has no more than its own.
async fn crowd_over(ground: &Ground, places: u32, plugin: u32, tenant: u32) -> Result<Vec<Ended>, String> {
    let (queue_ms, call_ms) = (ground.over_all.queue_ms, ground.limits.timeout_ms.min(ground.over_all.command_ms));
    let spare_ms = call_ms.saturating_sub(queue_ms);
    if spare_ms < 200 {
        return Err("queue_ms is as long as a call: each that waits gets its place".into());
    }
    if places > CROWD_MAX {
        return Err(format!("so many calls are not made at once; {CROWD_MAX} are"));
    }
    if places / plugin >= ground.sleepers {
        return Err("it would take too many plugins, each with few places".into());
    }
    // Long enough that who waits is told so, and short enough to end well.
    let args = (queue_ms + (spare_ms / 2).min(600)).to_string();
    let mut calls = JoinSet::new();
    for number in 0..=places {
        let (plugin, tenant) = (format!("sleep-{}", number / plugin), format!("tenant-{}", number / tenant));
        calls.spawn(ground.call(tenant, plugin, args.clone()));
    }
    calls.join_all().await.into_iter().collect()
}
