//! What it takes to read a request of each dialect, beside reading the same bytes into a `serde_json::Value`: the samples
//! of its document, authenticated by a key in the body or by a token, typed, and known again by their digest.
//!
//! On one thread of this process, batch by batch in turn: nothing of it waits, and neither has a thread of its own.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use slashbox_dialects::{Arrival, Credential, Credentials, Dialect, Received, Secret};

use crate::{figures::Spread, plan::Plan};

/// What a source knows its sender by, whatever that is called.
const SECRET: &str = "pQTngMZLh0NmAh-of-26-chars";

/// How long a batch takes at least: many times what the clock can tell.
const BATCH: Duration = Duration::from_millis(2);

/// The samples of all dialects, and what each batch took.
#[derive(Debug, Default)]
pub(crate) struct Dialects(Vec<Sample>);

/// One request, read again and again.
#[derive(Debug)]
struct Sample {
    dialect: Dialect,
    name: &'static str,
    /// By its platform's signature, which costs more the longer the body is.
    signed: bool,
    /// For each batch, nanoseconds a request: ours, and those of a `Value`.
    batches: Vec<(f64, f64)>,
}

/// What reading a dialect costs.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) dialect: &'static str,
    /// All its samples, in relation to a `Value` of the same bytes.
    pub(crate) ratio: Spread,
    /// The sample that takes most in relation.
    pub(crate) worst: &'static str,
    pub(crate) worst_ratio: Spread,
    /// A request, in the middle of the samples.
    pub(crate) us: Spread,
    /// As `ratio`, where the platform can sign its requests.
    pub(crate) signed: Option<Spread>,
}

/// Measures some batches of each.
pub(crate) fn session(plan: &Plan, dialects: &mut Dialects) -> Result<()> {
    if dialects.0.is_empty() {
        dialects.0 = samples();
    }
    for _ in 0..plan.dialect_turns {
        for sample in &mut dialects.0 {
            sample.batch()?;
        }
    }
    Ok(())
}

fn samples() -> Vec<Sample> {
    let of = |dialect: &Dialect, signed: bool| {
        let dialect = *dialect;
        // A ping is nothing to be read.
        let samples = dialect.samples().iter().filter(|sample| sample.name != "ping");
        samples
            .map(move |sample| Sample { dialect, name: sample.name, signed, batches: Vec::new() })
            .collect::<Vec<_>>()
    };
    let signing = |dialect: &&Dialect| dialect.credentials().contains(&Credential::HmacSecret);
    let plain = Dialect::ALL.iter().flat_map(|dialect| of(dialect, false));
    plain.chain(Dialect::ALL.iter().filter(signing).flat_map(|dialect| of(dialect, true))).collect()
}

impl Sample {
    fn batch(&mut self) -> Result<()> {
        let found = self.dialect.samples().iter().find(|sample| sample.name == self.name);
        let body = found.ok_or_else(|| anyhow!("no sample {}", self.name))?.body;
        let credentials = self.credentials()?;
        let body = self.dialect.signed(body.into(), &credentials);
        let headers = credentials.headers(body.as_bytes())?;
        let ours = timed(|| read(self.dialect, &credentials, &headers, &body))?;
        let theirs = timed(|| Ok(serde_json::from_slice::<Value>(black_box(body.as_bytes())).is_ok()))?;
        self.batches.push((ours, theirs));
        Ok(())
    }

    fn credentials(&self) -> Result<Credentials> {
        let secret = Some(Secret::new(SECRET)?);
        let known = self.dialect.credentials();
        Ok(match self.signed {
            true => Credentials { hmac_secret: secret, ..Credentials::default() },
            false if known.contains(&Credential::ApiKey) => Credentials { api_key: secret, ..Credentials::default() },
            false => Credentials { token: secret, ..Credentials::default() },
        })
    }
}

fn read(dialect: Dialect, credentials: &Credentials, headers: &HeaderMap, body: &str) -> Result<bool> {
    let new_id = || String::from("01JQ7K4E8Z7V0M2D3N4P5Q6R7S");
    let arrival = Arrival { tenant: "default", source: "support", now_ms: 1_790_000_000_000, new_id: &new_id };
    let received = Received { body: black_box(body.as_bytes()), headers, path_token: None };
    let request = dialect.read(&received, credentials, arrival)?;
    black_box(&request);
    Ok(true)
}

/// Nanoseconds for each time that it is done.
fn timed(mut work: impl FnMut() -> Result<bool>) -> Result<f64> {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < BATCH {
        for _ in 0..16 {
            black_box(work()?);
        }
        count += 16;
    }
    Ok(began.elapsed().as_nanos() as f64 / f64::from(count))
}

impl Dialects {
    /// One of each dialect.
    pub(crate) fn costs(&self) -> Vec<Cost> {
        Dialect::ALL.iter().filter_map(|dialect| self.cost(*dialect)).collect()
    }

    fn cost(&self, dialect: Dialect) -> Option<Cost> {
        let of =
            |signed: bool| self.0.iter().filter(move |sample| sample.dialect == dialect && sample.signed == signed);
        let ratio = |sample: &Sample| Spread::of(sample.batches.iter().map(|(ours, theirs)| ours / theirs));
        let worst = of(false).max_by(|a, b| ratio(a).median.total_cmp(&ratio(b).median))?;
        let signed: Vec<&Sample> = of(true).collect();
        Some(Cost {
            dialect: dialect.name(),
            ratio: together(&of(false).collect::<Vec<_>>()),
            worst: worst.name,
            worst_ratio: ratio(worst),
            us: Spread::of(of(false).flat_map(|sample| &sample.batches).map(|(ours, _)| ours / 1_000.0)),
            signed: (!signed.is_empty()).then(|| together(&signed)),
        })
    }
}

/// What all samples take in a turn, in relation.
fn together(samples: &[&Sample]) -> Spread {
    let turns = samples.iter().map(|sample| sample.batches.len()).min().unwrap_or_default();
    let sum = |turn: usize| {
        let batches = samples.iter().filter_map(|sample| sample.batches.get(turn));
        batches.fold((0.0, 0.0), |(ours, theirs), batch| (ours + batch.0, theirs + batch.1))
    };
    Spread::of((0..turns).map(sum).map(|(ours, theirs)| ours / theirs))
}
