//! Replies and failures.

use slashbox_sdk::{Command, Failure, OrRefuse, Plugin, Reply, Result, refuse};

/// How many UTF-16 units come before the emoji of `/long`: its two units are the 4,095th and the 4,096th, so it is the
/// last thing that fits, and there is no room after it.
const UNITS_BEFORE_EMOJI: usize = 4_094;

pub fn commands(plugin: Plugin) -> Plugin {
    plugin
        .command("/echo", "[TEXT]", "replies the text; nothing if there is none", echo)
        .command("/markdown", "TEXT", "replies the text as MarkdownV2", |command| Reply::markdown(command.args))
        .command("/long", "UNITS", "replies so many UTF-16 units, the 4,095th and 4,096th being one emoji", long)
        .command("/refuse", "[REASON]", "refuses", refuse)
        .command("/later", "[REASON]", "is unavailable", later)
}

fn echo(command: Command) -> Option<String> {
    (!command.args.is_empty()).then_some(command.args)
}

fn long(command: Command) -> Result<String> {
    let units: usize = command.args.parse().or_refuse("how many?")?;
    let mut text = "x".repeat(units.min(UNITS_BEFORE_EMOJI));
    let rest = units - text.len();
    match rest {
        0 => {}
        1 => text.push('y'),
        _ => {
            text.push('😀');
            text.push_str(&"y".repeat(rest - 2));
        }
    }
    Ok(text)
}

fn refuse(command: Command) -> Result<()> {
    refuse!("{}", command.args)
}

fn later(command: Command) -> Result<()> {
    Err(Failure::unavailable(command.args))
}
