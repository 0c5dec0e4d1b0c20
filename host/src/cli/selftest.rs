//! `slashbox selftest`: hostile plugins against the limits of this configuration, on this machine.
//!
//! The host is a real one with the configuration's own limits, in a folder of its own and without a port; nothing of the
//! installation is touched. What cannot be tried is said to be so, and never held.

mod finding;
mod ground;
mod heard;
mod tries;

use std::process::ExitCode;

use serde_json::json;
use slashbox::{Settings, config::Bounds};

use super::{
    Selftest, block_on, config,
    paint::{self, line},
};
use finding::{Finding, Verdict};
use ground::Ground;
use heard::Heard;

pub(super) fn run(arguments: &Selftest) -> anyhow::Result<ExitCode> {
    let file = config::named_or_usual(arguments.config.as_deref());
    let Bounds { settings, .. } = config::bounds(file)?;
    let of = file.map_or("the default configuration".into(), |file| file.display().to_string());
    paint::note(&format!("the limits of {of}, in a folder of their own; this takes a while"));
    let findings = block_on(findings(settings, arguments.json))?;
    let sum = Sum::of(&findings);
    if arguments.json {
        let limits: Vec<_> = findings.iter().map(Finding::as_json).collect();
        line(format_args!("{:#}", json!({ "ok": sum.is_ok(), "limits": limits })));
    } else {
        let Sum { held, not, untried } = sum;
        line(format_args!("\n{held} held, {not} did not, {untried} not tried"));
    }
    Ok(if sum.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many limits came to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum {
    held: usize,
    not: usize,
    untried: usize,
}

impl Sum {
    fn of(findings: &[Finding]) -> Self {
        let counted = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
        Self { held: counted(Verdict::Held), not: counted(Verdict::Not), untried: counted(Verdict::NotTried) }
    }

    /// What was not tried says nothing against a host.
    fn is_ok(self) -> bool {
        self.not == 0
    }
}

/// Tries one limit after the other; each is shown as soon as it is known.
async fn findings(settings: Settings, json: bool) -> anyhow::Result<Vec<Finding>> {
    let heard = Heard::start()?;
    let ground = Ground::prepare(settings, heard).await?;
    let mut findings = Vec::new();
    tries::all(&ground, &mut |finding| {
        if !json {
            finding.show();
        }
        findings.push(finding);
    })
    .await;
    ground.leave().await;
    Ok(findings)
}
