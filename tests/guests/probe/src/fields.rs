//! What a command comes with.

use slashbox_sdk::{Command, Plugin};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin.command("/data", "", "replies the data's JSON text", |command| command.data_json).command(
        "/whoami",
        "",
        "replies all other fields, a line each",
        whoami,
    )
}

fn whoami(command: Command) -> String {
    let none = || "none".to_owned();
    [
        ("id", command.id),
        ("name", command.name),
        ("args", command.args),
        ("conversation", command.conversation.unwrap_or_else(none)),
        ("operator", command.operator.unwrap_or_else(none)),
        ("contact", command.contact.unwrap_or_else(none)),
        ("occurred_at_ms", command.occurred_at_ms.to_string()),
        ("deadline_ms", command.deadline_ms.to_string()),
        ("tenant", command.origin.tenant),
        ("source", command.origin.source),
        ("dialect", command.origin.dialect),
        ("instance", command.origin.instance.unwrap_or_else(none)),
    ]
    .map(|(field, value)| format!("{field}={value}"))
    .join("\n")
}
