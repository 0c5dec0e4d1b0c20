//! Files that are dropped into the folder of a running host: from the rename to the first answer of what is in them,
//! beside what bare wasmtime takes to compile the same bytes.
//!
//! A caller types the plugin's command meanwhile, with a pause of a millisecond: seldom enough to leave the cores to the
//! compiler, whose threads yield to it. It does so while bare wasmtime compiles, too.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::{Files, read};
use crate::{
    callers::{self, Callers, Known},
    child::Child,
    figures::Spread,
    plan::Plan,
    site::Site,
    stamp::{renamed, stamped},
};

/// Between two calls.
const PAUSE_MS: u64 = 1;

pub(crate) const RUST: &str = "Rust";
pub(crate) const JAVASCRIPT: &str = "JavaScript";
const PYTHON: &str = "Python";

/// What a plugin is written in, by the order of [`Drops`].
const LANGUAGES: [&str; 3] = [RUST, JAVASCRIPT, PYTHON];

/// One drop, and one compilation by bare wasmtime.
#[derive(Clone, Copy, Debug)]
struct Sample {
    bytes: usize,
    bare_ms: f64,
    serves_ms: f64,
    /// How many calls were answered as before, and by what was dropped.
    answered: u64,
    failed: u64,
}

/// All of them, by [`LANGUAGES`].
#[derive(Debug, Default)]
pub(crate) struct Drops([Vec<Sample>; LANGUAGES.len()]);

/// What a drop takes, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) language: &'static str,
    pub(crate) kib: f64,
    /// What bare wasmtime takes to compile it.
    pub(crate) bare_ms: Spread,
    /// From the rename to the first answer.
    pub(crate) serves_ms: Spread,
    /// What that is beyond the compilation.
    pub(crate) beyond_ms: Spread,
    /// Calls that were answered meanwhile, in all drops.
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

/// A plugin that did not lie there before, and for each language one that replaces an older version.
pub(super) fn session(
    plan: &Plan,
    component: &[u8],
    files: Files<'_>,
    session: usize,
    drops: &mut Drops,
) -> Result<()> {
    let site = Site::new()?;
    let mut ground = Ground {
        server: site.server()?,
        callers: callers::Process::start()?,
        compiler: Child::own(&["compile".as_ref()])?,
        site: &site,
    };
    let Drops([rust, javascript, python]) = drops;
    for turn in 0..plan.drops {
        let (name, version) = (format!("drop-{turn}"), format!("v{session}-{turn}"));
        let command = format!("/{name}");
        let bytes = stamped(component, &command, &version)?;
        rust.push(
            ground.drop(&Drop { name, command, bytes, before: "unknown command", after: &version }, session + turn)?,
        );
    }
    for (language, samples) in [(files.javascript, javascript), (files.python, python)] {
        let Some(file) = language else { continue };
        let component_of_language = read(file)?;
        for turn in 0..plan.language_drops {
            let before = "version before";
            ground.place("visits", "/visits", &stamped(component, "/visits", before)?, before)?;
            let bytes = renamed(&component_of_language, &format!("v{session}-{turn}"))?;
            let (name, command) = ("visits".into(), "/visits".into());
            samples.push(ground.drop(&Drop { name, command, bytes, before, after: "Visit " }, session + turn)?);
        }
    }
    Ok(())
}

/// What is dropped.
struct Drop<'d> {
    name: String,
    command: String,
    bytes: Vec<u8>,
    /// What stands in answers before, …
    before: &'d str,
    /// … and in its own.
    after: &'d str,
}

struct Ground<'g> {
    site: &'g Site,
    server: Child,
    callers: callers::Process,
    compiler: Child,
}

impl Ground<'_> {
    fn drop(&mut self, drop: &Drop<'_>, turn: usize) -> Result<Sample> {
        let known = vec![Known::new(drop.before, PAUSE_MS), Known::new(drop.after, PAUSE_MS)];
        let callers = Callers { command: drop.command.clone(), connections: 1, known, ..Callers::default() };
        self.callers.begin(&self.server.greeting, vec![callers])?;
        self.callers.wait_for(0)?;
        // Neither always comes first.
        let mut bare = if turn.is_multiple_of(2) { Some(self.compile(&drop.bytes)?) } else { None };
        let prepared = self.site.prepare(&drop.name, &drop.bytes)?;
        let began = Instant::now();
        self.site.drop(&prepared)?;
        self.callers.wait_for(1)?;
        let serves = began.elapsed();
        if bare.is_none() {
            bare = Some(self.compile(&drop.bytes)?);
        }
        let got = self.callers.end()?.pop().unwrap_or_default();
        if let Some(other) = got.other {
            eprintln!("bench: while {} was dropped, {} calls failed: {other}", drop.name, got.others);
        }
        Ok(Sample {
            bytes: drop.bytes.len(),
            bare_ms: millis(bare.unwrap_or_default()),
            serves_ms: millis(serves),
            answered: got.known.iter().sum(),
            failed: got.others,
        })
    }

    /// Has a plugin serve.
    fn place(&mut self, name: &str, command: &str, bytes: &[u8], says: &str) -> Result<()> {
        let known = vec![Known::new(says, PAUSE_MS), Known::new("", PAUSE_MS)];
        let callers = Callers { command: command.into(), connections: 1, known, ..Callers::default() };
        self.site.drop(&self.site.prepare(name, bytes)?)?;
        self.callers.begin(&self.server.greeting, vec![callers])?;
        self.callers.wait_for(0)?;
        self.callers.end().map(drop)
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Duration> {
        let file = self.site.prepare("bare", bytes)?;
        Ok(Duration::from_nanos(self.compiler.ask(&file.to_string_lossy())?.parse()?))
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Drops {
    /// What drops take, for each language that there is.
    pub(super) fn costs(&self) -> Vec<Cost> {
        let all = LANGUAGES.into_iter().zip(&self.0);
        all.filter(|(_, samples)| !samples.is_empty()).map(|(language, samples)| cost(language, samples)).collect()
    }
}

fn cost(language: &'static str, samples: &[Sample]) -> Cost {
    let spread = |figure: fn(&Sample) -> f64| Spread::of(samples.iter().map(figure));
    Cost {
        language,
        kib: spread(|sample| sample.bytes as f64 / 1024.0).median,
        bare_ms: spread(|sample| sample.bare_ms),
        serves_ms: spread(|sample| sample.serves_ms),
        beyond_ms: spread(|sample| sample.serves_ms - sample.bare_ms),
        answered: samples.iter().map(|sample| sample.answered).sum(),
        failed: samples.iter().map(|sample| sample.failed).sum(),
    }
}
