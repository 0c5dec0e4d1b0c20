//! `slashbox check`: whether a file is a plugin for this host, what it asks for, and what it costs.

use std::process::ExitCode;

use serde_json::{Value, json};
use slashbox::{Cost, Host, LoadError, Plugin, Settings};

use super::{
    Check, block_on,
    paint::{BAD, BOLD, DIM, GOOD, ODD, line, paint},
};

pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let file = arguments.file.display().to_string();
    let checked = block_on(async { Ok(Host::check(&Settings::default(), &arguments.file).await) })?;
    match (checked, arguments.json) {
        (Ok((plugin, cost)), true) => line(format_args!("{:#}", as_json(&plugin, &cost))),
        (Ok((plugin, cost)), false) => show(&plugin, &cost, &file),
        (Err(error), json) => {
            if json {
                line(format_args!("{:#}", json!({ "ok": false, "error": error.to_string() })));
            } else {
                show_refused(&error, &file);
            }
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
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

fn show(plugin: &Plugin, cost: &Cost, file: &str) {
    let descriptor = plugin.descriptor();
    let kib = plugin.bytes().div_ceil(1024);
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
    let (compile_ms, warm_us, mib) = (cost.compile.as_millis(), cost.warm.as_micros(), mib(cost));
    line(format_args!("  costs    {compile_ms} ms to compile, {warm_us} µs a call at least, {mib} MiB to begin with"));
}

/// To two digits after the point.
fn mib(cost: &Cost) -> f64 {
    let hundredths = cost.memory_bytes.saturating_mul(100).div_ceil(1024 * 1024);
    f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
}

fn as_json(plugin: &Plugin, cost: &Cost) -> Value {
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
        "bytes": plugin.bytes(),
        "sha256": plugin.content_hash(),
        "cost": {
            "compile_ms": u64::try_from(cost.compile.as_millis()).unwrap_or(u64::MAX),
            "warm_us": u64::try_from(cost.warm.as_micros()).unwrap_or(u64::MAX),
            "memory_mib": mib(cost),
        },
    })
}
