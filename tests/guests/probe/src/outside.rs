//! What a sandbox is for: settings, output, files, network.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the host turns printed lines into log lines")]

use slashbox_sdk::{Command, Plugin, settings};
use std::{fs, io, net::TcpStream};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin
        .command("/setting", "NAME", "replies a setting, or unset", setting)
        .command("/print", "TEXT", "prints a line on stdout and one on stderr", print)
        .command("/read-file", "", "reads a file of the host's", |_| told(fs::read_to_string("/etc/passwd")))
        .command("/connect", "", "opens a connection", |_| told(connect()))
}

fn setting(command: Command) -> String {
    settings::get(&command.args).unwrap_or_else(|| "unset".to_owned())
}

fn print(command: Command) -> &'static str {
    println!("out: {}", command.args);
    eprintln!("err: {}", command.args);
    "printed"
}

fn connect() -> io::Result<String> {
    TcpStream::connect("127.0.0.1:1").map(|_| "connected".to_owned())
}

fn told(outcome: io::Result<String>) -> String {
    outcome.unwrap_or_else(|error| format!("error: {error}"))
}
