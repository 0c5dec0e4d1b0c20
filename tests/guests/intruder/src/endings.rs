//! Ways to end that are no answer, each with something left behind that must not stay.

use slashbox_sdk::{Command, Plugin, Result, events, kv, refuse, timers};
use std::{process, time::Duration};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin.command("/leave", "HOW", "keeps, emits and sets a timer, then ends: abort, exit, refuse, well", leave)
}

fn leave(command: Command) -> Result<&'static str> {
    kv::set("left", &command.args)?;
    events::emit("left", &command.args)?;
    timers::set(&command.args, Duration::from_secs(1), &command.args)?;
    match command.args.as_str() {
        "abort" => process::abort(),
        "exit" => process::exit(0),
        "exit-1" => process::exit(1),
        "refuse" => refuse!("refused after all of it"),
        _ => Ok("left"),
    }
}
