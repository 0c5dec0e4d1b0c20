//! Output for people: colours on a terminal, plain text elsewhere.

use std::{fmt::Display, io::Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::text::{plain_json, plain_lines};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// A text in a style.
pub(super) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A line on stdout. A reader that has gone away is not an error: `| head` is how long lists are read.
pub(super) fn line(text: impl Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// For programs.
pub(super) fn print_json(value: &Value) {
    line(plain_json(&format!("{value:#}")));
}

/// What went wrong, on stderr. Others may have had a say in it.
pub(super) fn error(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}: {}", paint(BAD, "error"), plain_lines(text));
}

/// What is worth a word, on stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", paint(DIM, plain_lines(text)));
}
