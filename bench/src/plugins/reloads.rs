//! A plugin that is replaced again and again under load: which calls fail, and what the server holds more of afterwards.
//!
//! Each replacement is waited for until it answers. Three versions take turns, so that all but the first of each come from
//! the cache, and none is what served before. What the server holds is looked at while nobody calls.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde::Serialize;

use crate::{
    callers::{self, Callers, Got, Known},
    child::Child,
    figures::Spread,
    held::Held,
    plan::Plan,
    site::Site,
    stamp::stamped,
};

/// Connections that call back to back.
const CONNECTIONS: usize = 2;

/// The versions, by what their replies begin with.
const VERSIONS: [&str; 3] = ["version-0", "version-1", "version-2"];

/// Reloads before the first look: until then, pools of threads and of memory grow to their size.
const WARM_UP: usize = 50;

/// How often it is looked at what the server holds.
const LOOKS: usize = 10;

/// How long a server may take to close its callers' connections.
const CLOSED_WITHIN: Duration = Duration::from_millis(200);

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    took_ms: Vec<f64>,
    calls: u64,
    failed: u64,
    held: Vec<Held>,
}

/// The same for people.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) reloads: usize,
    pub(crate) connections: usize,
    /// From the rename to the first answer.
    pub(crate) took_ms: Spread,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// After the first of them, and then at intervals.
    pub(crate) held: Vec<Held>,
    /// By how much it is more at the end than it was then.
    pub(crate) grown: Held,
}

pub(super) fn session(plan: &Plan, component: &[u8], reloads: &mut Reloads) -> Result<()> {
    let site = Site::new()?;
    let versions = VERSIONS.map(|version| stamped(component, "/reloaded", version));
    let [first, second, third] = versions;
    let versions = [first?, second?, third?];
    site.drop(&site.prepare("reloaded", &versions[0])?)?;
    let mut ground = Ground { server: site.server()?, callers: callers::Process::start()?, site, versions, next: 1 };
    ground.reload(WARM_UP, &mut Reloads::default())?;
    reloads.held.push(ground.held()?);
    for _ in 0..LOOKS {
        ground.reload(plan.reloads / LOOKS, reloads)?;
        reloads.held.push(ground.held()?);
    }
    Ok(())
}

struct Ground {
    site: Site,
    server: Child,
    callers: callers::Process,
    versions: [Vec<u8>; VERSIONS.len()],
    next: usize,
}

impl Ground {
    fn reload(&mut self, times: usize, reloads: &mut Reloads) -> Result<()> {
        let known = VERSIONS.iter().map(|version| Known::new(version, 0)).collect();
        let callers = Callers { command: "/reloaded".into(), connections: CONNECTIONS, known, ..Callers::default() };
        self.callers.begin(&self.server.greeting, vec![callers])?;
        for _ in 0..times {
            let Some(bytes) = self.versions.get(self.next) else { break };
            let prepared = self.site.prepare("reloaded", bytes)?;
            let began = Instant::now();
            self.site.drop(&prepared)?;
            self.callers.wait_for(self.next)?;
            reloads.took_ms.push(began.elapsed().as_secs_f64() * 1e3);
            self.next = (self.next + 1) % VERSIONS.len();
        }
        let Got { known, others, other } = self.callers.end()?.pop().unwrap_or_default();
        reloads.calls += known.iter().sum::<u64>() + others;
        reloads.failed += others;
        other.inspect(|other| eprintln!("bench: {others} calls failed during reloads: {other}"));
        Ok(())
    }

    fn held(&self) -> Result<Held> {
        thread::sleep(CLOSED_WITHIN);
        Held::by(self.server.id())
    }
}

impl Reloads {
    pub(super) fn cost(&self) -> Option<Cost> {
        Some(Cost {
            reloads: self.took_ms.len(),
            connections: CONNECTIONS,
            took_ms: Spread::of(self.took_ms.iter().copied()),
            calls: self.calls,
            failed: self.failed,
            held: self.held.clone(),
            grown: self.held.last()?.since(self.held.first()?),
        })
    }
}
