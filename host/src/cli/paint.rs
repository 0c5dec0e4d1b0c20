//! Output for people: colours on a terminal, plain text elsewhere.

use anstyle::{AnsiColor, Style};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// A text in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A line on stdout.
#[allow(clippy::print_stdout)] // What a command is asked for goes to stdout.
pub(super) fn line(text: impl std::fmt::Display) {
    anstream::println!("{text}");
}

/// What went wrong, on stderr.
#[allow(clippy::print_stderr)] // What it is not asked for, to stderr.
pub(super) fn error(text: &str) {
    anstream::eprintln!("{}: {text}", paint(BAD, "error"));
}

/// What is worth a word, on stderr.
#[allow(clippy::print_stderr)] // As above.
pub(super) fn note(text: &str) {
    anstream::eprintln!("{}", paint(DIM, text));
}
