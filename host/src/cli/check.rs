//! `slashbox check`: whether a file is a plugin for this host, what it asks for, and what it costs.

use std::process::ExitCode;

use serde_json::{Value, json};
use slashbox::{Cost, Host, LoadError, Plugin, version_json};

use super::{
    Check, block_on,
    paint::{BAD, BOLD, DIM, GOOD, ODD, line, paint, print_json},
    text::plain,
    words,
};

pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let Check { plugin: checked, json } = arguments;
    let (shown, settings) = (checked.file.display().to_string(), checked.bounds()?.settings);
    match (block_on(async { Ok(Host::check(&settings, &checked.file()).await) })?, json) {
        (Ok((plugin, cost)), true) => print_json(&as_json(&plugin, &cost)),
        (Ok((plugin, cost)), false) => show(&plugin, &cost, &shown),
        (Err(error), json) => {
            if *json {
                print_json(&json!({ "ok": false, "error": error.to_string() }));
            } else {
                show_refused(&error, &shown);
            }
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_refused(error: &LoadError, file: &str) {
    line(format_args!("{} {}", paint(BAD, "refused"), plain(file)));
    match error {
        LoadError::Mismatch(lines) => {
            line("  it does not fit this host:");
            for text in lines {
                line(format_args!("  - {}", plain(text)));
            }
        }
        other => line(format_args!("  {}", plain(&other.to_string()))),
    }
}

fn show(plugin: &Plugin, cost: &Cost, file: &str) {
    let descriptor = plugin.descriptor();
    let kib = plugin.bytes().div_ceil(1024);
    line(format_args!("{} {} {}", paint(GOOD, "ok"), plain(file), paint(DIM, format!("({kib} KiB)"))));
    let summary = plain(&descriptor.summary);
    line(format_args!("  {} {}  {summary}", paint(BOLD, plain(&descriptor.name)), plain(&descriptor.version)));
    if !plugin.grant().enabled {
        line(format_args!("  {}", paint(ODD, "disabled by its grant file")));
    }
    for command in &descriptor.commands {
        let usage = paint(BOLD, words::usage(command.name.as_str(), &command.usage));
        line(format_args!("  command  {usage}  {}", paint(DIM, plain(&command.summary))));
    }
    for event in &descriptor.events {
        line(format_args!("  event    {}", plain(&event.to_string())));
    }
    for source in &plugin.grant().sources {
        line(format_args!("  source   {}", plain(source)));
    }
    for sender in &plugin.grant().senders {
        line(format_args!("  sender   {sender}"));
    }
    for host in &descriptor.http_hosts {
        line(format_args!("  http     {host}"));
    }
    for setting in &descriptor.settings {
        let (name, summary) = (words::setting(&setting.name, setting.required, setting.secret), &setting.summary);
        line(format_args!("  setting  {name}  {}", paint(DIM, plain(summary))));
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

/// What the admin API tells of one that serves, and what only a check knows.
fn as_json(plugin: &Plugin, cost: &Cost) -> Value {
    let mut json = version_json(plugin);
    if let Some(members) = json.as_object_mut() {
        members.insert("ok".into(), true.into());
        members.insert("enabled".into(), plugin.grant().enabled.into());
        let cost = json!({
            "compile_ms": u64::try_from(cost.compile.as_millis()).unwrap_or(u64::MAX),
            "warm_us": u64::try_from(cost.warm.as_micros()).unwrap_or(u64::MAX),
            "memory_mib": mib(cost),
        });
        members.insert("cost".into(), cost);
    }
    json
}
