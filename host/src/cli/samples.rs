//! `slashbox samples`: the requests of the platforms' documents.

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use slashbox::{Dialect, Sample};
use slashbox_core::instead;

use super::{
    Usage,
    paint::{BOLD, DIM, line, paint},
    table::{Cell, Table},
    text::plain_json,
};

/// What it is for, in lines that can be typed.
const EXAMPLES: &str = "\
Examples:
  slashbox samples                                    which there are
  slashbox samples hotline                            all of a dialect
  slashbox samples hotline mark > mark.json           one, and nothing else
  slashbox samples hotline mark | slashbox send --source support -";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Samples {
    /// Of this dialect, e.g. hotline
    dialect: Option<String>,
    /// This one alone: its body, as it is sent
    name: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// One of them, for programs.
#[derive(Serialize)]
struct Record {
    dialect: &'static str,
    name: &'static str,
    summary: &'static str,
    body: &'static RawValue,
}

/// One of them, and of which dialect it is.
type Found = (Dialect, &'static Sample);

pub(super) fn run(arguments: &Samples) -> anyhow::Result<ExitCode> {
    let Samples { dialect, name, json } = arguments;
    let dialect = dialect.as_deref().map(known_dialect).transpose()?;
    let of: Vec<Found> = match (dialect, name) {
        (Some(dialect), Some(name)) => vec![(dialect, known_sample(dialect, name)?)],
        (Some(dialect), None) => all_of(dialect).collect(),
        (None, _) => Dialect::ALL.iter().copied().flat_map(all_of).collect(),
    };
    match (of.as_slice(), dialect, name) {
        (found, ..) if *json => print_json(found)?,
        ([(_, sample)], _, Some(_)) => print_body(sample),
        (found, Some(_), _) => print_bodies(found),
        (found, None, _) => print_table(found),
    }
    Ok(ExitCode::SUCCESS)
}

fn all_of(dialect: Dialect) -> impl Iterator<Item = Found> {
    dialect.samples().iter().map(move |sample| (dialect, sample))
}

fn known_dialect(name: &str) -> Result<Dialect, Usage> {
    let names: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    name.parse().map_err(|_| Usage(format!("{name:?} is no dialect: {}", instead(name, &names))))
}

fn known_sample(dialect: Dialect, name: &str) -> Result<&'static Sample, Usage> {
    let names: Vec<&str> = dialect.samples().iter().map(|sample| sample.name).collect();
    let found = dialect.samples().iter().find(|sample| sample.name == name);
    found.ok_or_else(|| Usage(format!("{name:?} is no sample of {dialect}: {}", instead(name, &names))))
}

/// Byte for byte: it goes into a file, or on to `slashbox send`.
fn print_body(sample: &Sample) {
    let _ = std::io::stdout().write_all(sample.body.as_bytes()); // As of every other output, its reader may be gone.
}

fn print_bodies(found: &[Found]) {
    for (number, (_, Sample { name, summary, body })) in found.iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        line(format_args!("{gap}{}  {}", paint(BOLD, name), paint(DIM, summary)));
        line(body.trim_end());
    }
}

fn print_table(found: &[Found]) {
    let mut table = Table::new(["DIALECT", "NAME", "WHAT"]);
    for (dialect, sample) in found {
        table.row([Cell::new(dialect.name()), Cell::styled(BOLD, sample.name), Cell::new(sample.summary)]);
    }
    table.print();
}

fn print_json(found: &[Found]) -> anyhow::Result<()> {
    let record = |(dialect, Sample { name, summary, body }): &Found| {
        let dialect = dialect.name();
        let body = serde_json::from_str(body).with_context(|| format!("the sample {name} of {dialect}"))?;
        anyhow::Ok(Record { dialect, name, summary, body })
    };
    let records = found.iter().map(record).collect::<anyhow::Result<Vec<_>>>()?;
    line(plain_json(&serde_json::to_string_pretty(&records)?));
    Ok(())
}
