//! `slashbox check`: whether a file is a plugin for this host, and what it asks for.

use std::process::ExitCode;

use serde_json::{Value, json};
use slashbox::{Host, LoadError, OfFileError, Plugin, Settings};

use super::{
    Check, block_on,
    paint::{BAD, BOLD, DIM, GOOD, ODD, line, paint},
};

pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let file = arguments.file.display().to_string();
    let checked = block_on(async { Ok(Host::of_file(&Settings::default(), &arguments.file).await) })?;
    match checked {
        Ok(host) => {
            let size = std::fs::metadata(&arguments.file).map(|metadata| metadata.len())?;
            for plugin in host.plugins().plugins() {
                if arguments.json {
                    line(format_args!("{:#}", as_json(plugin, size)));
                } else {
                    show(plugin, &file, size);
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(OfFileError::Load(error)) => {
            if arguments.json {
                line(format_args!("{:#}", json!({ "ok": false, "error": error.to_string() })));
            } else {
                show_refused(&error, &file);
            }
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

fn show_refused(error: &LoadError, file: &str) {
    line(format_args!("{} {file}", paint(BAD, "refused")));
    match error {
        LoadError::Mismatch(lines) => {
            line("  it does not fit this host:");
            for text in lines {
                line(format_args!("  - {text}"));
            }
        }
        other => line(format_args!("  {other}")),
    }
}

fn show(plugin: &Plugin, file: &str, size: u64) {
    let descriptor = plugin.descriptor();
    let kib = size.div_ceil(1024);
    line(format_args!("{} {file} {}", paint(GOOD, "ok"), paint(DIM, format!("({kib} KiB)"))));
    line(format_args!("  {} {}  {}", paint(BOLD, &descriptor.name), descriptor.version, descriptor.summary));
    for command in &descriptor.commands {
        let usage = if command.usage.is_empty() { String::new() } else { format!(" {}", command.usage) };
        line(format_args!("  command  {}{usage}  {}", paint(BOLD, &command.name), paint(DIM, &command.summary)));
    }
    for event in &descriptor.events {
        line(format_args!("  event    {event}"));
    }
    for host in &descriptor.http_hosts {
        line(format_args!("  http     {host}"));
    }
    for setting in &descriptor.settings {
        let need = if setting.required { "required" } else { "optional" };
        let secret = if setting.secret { ", secret" } else { "" };
        line(format_args!("  setting  {} ({need}{secret})  {}", setting.name, paint(DIM, &setting.summary)));
    }
    for lack in plugin.lacks() {
        line(format_args!("  {} {lack}: its grant file does not give it", paint(ODD, "lacks")));
    }
}

fn as_json(plugin: &Plugin, size: u64) -> Value {
    let descriptor = plugin.descriptor();
    let command = |command: &slashbox::CommandSpec| json!({ "name": command.name.as_str(), "usage": command.usage, "summary": command.summary });
    let setting = |setting: &slashbox::SettingSpec| {
        let slashbox::SettingSpec { name, summary, secret, required } = setting;
        json!({ "name": name, "summary": summary, "secret": secret, "required": required })
    };
    json!({
        "ok": true,
        "name": descriptor.name,
        "version": descriptor.version,
        "summary": descriptor.summary,
        "commands": descriptor.commands.iter().map(command).collect::<Vec<_>>(),
        "events": descriptor.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "http_hosts": descriptor.http_hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "settings": descriptor.settings.iter().map(setting).collect::<Vec<_>>(),
        "lacks": plugin.lacks().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "bytes": size,
        "sha256": plugin.content_hash(),
    })
}
