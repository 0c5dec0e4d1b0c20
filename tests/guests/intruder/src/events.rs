//! Events that cause themselves, and some that are never done.

use slashbox_sdk::{Command, Event, OrRefuse, Plugin, Result, ServiceError, events, log};
use std::hint::black_box;

pub fn commands(plugin: Plugin) -> Plugin {
    plugin
        .command("/again", "COUNT", "emits an event, whose handler emits so many more of its kind, and so on", begin)
        .on("plugin.intruder.again", go_on)
        .on("message.*", maybe_spin)
}

fn begin(command: Command) -> Result<&'static str> {
    let count: u32 = command.args.parse().or_refuse("how many?")?;
    events::emit("again", &count)?;
    Ok("begun")
}

/// Does not give up when it is refused: no failure of its own ends it.
fn go_on(event: Event) -> Result {
    let count: u32 = event.data_json.parse()?;
    for _ in 0..count {
        if let Err(error @ ServiceError::Limit(_)) = events::emit("again", &count) {
            log::warn!("told: {error}");
        }
    }
    Ok(())
}

/// Computes for ever over a message that says so.
fn maybe_spin(event: Event) {
    while event.text.as_deref() == Some("spin") {
        black_box(());
    }
}
