//! What came of trying one limit.

use serde_json::{Value, json};

use crate::cli::paint::{BAD, BOLD, DIM, GOOD, ODD, line, paint};

/// Whether a limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Held,
    Not,
    /// It could not be tried, which says nothing of it.
    NotTried,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Not => "NOT",
            Self::NotTried => "not tried",
        }
    }
}

/// A line of the result.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// The limit's key, or what else was tried.
    pub(super) limit: &'static str,
    pub(super) verdict: Verdict,
    /// The configured figure, in the limit's unit.
    pub(super) configured: Option<u32>,
    /// The figure at which it held, in the same unit.
    pub(super) at: Option<u64>,
    /// What was done and seen, in words.
    pub(super) how: String,
}

impl Finding {
    pub(super) fn show(&self) {
        let Self { limit, verdict, configured, at, how } = self;
        let style = match verdict {
            Verdict::Held => GOOD,
            Verdict::Not => BAD,
            Verdict::NotTried => ODD,
        };
        let figure = |figure: Option<u64>| match (figure, unit(limit)) {
            (Some(figure), "") => figure.to_string(),
            (Some(figure), unit) => format!("{figure} {unit}"),
            (None, _) => "-".into(),
        };
        let (configured, at) = (figure(configured.map(u64::from)), figure(*at));
        // Padding is reckoned without the colours.
        let verdict = paint(style, format!("{:<9}", verdict.name()));
        let limit = paint(BOLD, format!("{limit:<16}"));
        line(format_args!("{verdict}  {limit}  {configured:>10}  {at:>10}  {}", paint(DIM, how)));
    }

    pub(super) fn as_json(&self) -> Value {
        let Self { limit, verdict, configured, at, how } = self;
        let verdict = verdict.name().to_lowercase();
        json!({ "limit": limit, "result": verdict, "configured": configured, "at": at, "unit": unit(limit), "how": how })
    }
}

/// The unit of a key: its last word.
fn unit(limit: &str) -> &'static str {
    match limit.rsplit('_').next() {
        Some("ms") => "ms",
        Some("s") => "s",
        Some("kib") => "KiB",
        Some("mib") => "MiB",
        _ => "",
    }
}
