//! Starts of a host with a hundred plugins: with an empty cache, and with a warm one beside a host that has none.

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{figures::Spread, plan::Plan, site::Site, stamp::stamped};

/// How many plugins there are, each with a command of its own.
pub(crate) const PLUGINS: usize = 100;

/// A start with a warm cache, and one without plugins.
#[derive(Clone, Copy, Debug)]
struct Sample {
    warm_ms: f64,
    empty_ms: f64,
}

/// What the starts took.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    cold_ms: Vec<f64>,
    samples: Vec<Sample>,
}

/// The same for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) plugins: usize,
    pub(crate) cold_ms: Spread,
    pub(crate) warm_ms: Spread,
    pub(crate) empty_ms: Spread,
}

/// Each start is a process of its own; the first fills the cache.
pub(super) fn session(plan: &Plan, component: &[u8], starts: &mut Starts) -> Result<()> {
    let (site, empty) = (Site::new()?, Site::new()?);
    for number in 0..PLUGINS {
        let bytes = stamped(component, &format!("/invoice-{number}"), "v1")?;
        site.drop(&site.prepare(&format!("invoice-{number}"), &bytes)?)?;
    }
    starts.cold_ms.push(start(&site, PLUGINS)?);
    start(&empty, 0)?; // Its database is made.
    for _ in 0..plan.starts {
        starts.samples.push(Sample { warm_ms: start(&site, PLUGINS)?, empty_ms: start(&empty, 0)? });
    }
    Ok(())
}

fn start(site: &Site, expected: usize) -> Result<f64> {
    let process = site.process("start", "slashbox-plugins")?;
    let (ns, plugins) = process.greeting.split_once(' ').unwrap_or_default();
    ensure!(plugins.parse() == Ok(expected), "{plugins} plugins were loaded: expected {expected}");
    Ok(ns.parse::<f64>()? / 1e6)
}

impl Starts {
    pub(super) fn cost(&self) -> Cost {
        Cost {
            plugins: PLUGINS,
            cold_ms: Spread::of(self.cold_ms.iter().copied()),
            warm_ms: Spread::of(self.samples.iter().map(|sample| sample.warm_ms)),
            empty_ms: Spread::of(self.samples.iter().map(|sample| sample.empty_ms)),
        }
    }
}
