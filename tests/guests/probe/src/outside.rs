//! What comes from outside and goes there: settings, output.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the host turns printed lines into log lines")]

use slashbox_sdk::{Command, Plugin, settings};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin.command("/setting", "NAME", "replies a setting, or unset", setting).command(
        "/print",
        "TEXT",
        "prints a line on stdout and one on stderr",
        print,
    )
}

fn setting(command: Command) -> String {
    settings::get(&command.args).unwrap_or_else(|| "unset".to_owned())
}

fn print(command: Command) -> &'static str {
    println!("out: {}", command.args);
    eprintln!("err: {}", command.args);
    "printed"
}
