//! Tries what no sandbox lets it do: to reach other plugins' keys, the machine, and events without end.

mod endings;
mod events;
mod keys;
mod machine;

use slashbox_sdk::{Plugin, export};

export!(plugin);

fn plugin() -> Plugin {
    let plugin = Plugin::new("intruder", "1.0.0").summary("Tries what it must not do").setting("GREETING", "its own");
    [endings::commands, events::commands, keys::commands, machine::commands]
        .into_iter()
        .fold(plugin, |plugin, commands| commands(plugin))
}
