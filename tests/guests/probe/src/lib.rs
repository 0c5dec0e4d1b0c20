//! Does what it is told, however bad: the tests try the host's limits and services with it.

mod bad;
mod fields;
mod outside;
mod services;
mod text;

use slashbox_sdk::{Plugin, export};

export!(plugin);

fn plugin() -> Plugin {
    let plugin = Plugin::new("probe", "1.2.3")
        .summary("Tries the host")
        .http_host("crm.example.com")
        .setting("GREETING", "how to say hello")
        .required_secret("TOKEN", "what the CRM knows us by");
    [text::commands, fields::commands, bad::commands, services::commands, outside::commands]
        .into_iter()
        .fold(plugin, |plugin, commands| commands(plugin))
}
