//! The host's services.

use crate::bad::trap;
use slashbox_sdk::{
    Command, OrRefuse, Plugin, Result, ServiceError, events, kv,
    log::{self, Level},
    refuse, timers,
};
use std::time::Duration;

pub fn commands(plugin: Plugin) -> Plugin {
    plugin
        .command("/set", "KEY VALUE", "sets a key", set)
        .command("/get", "KEY", "replies a key's value, or none", get)
        .command("/delete", "KEY", "deletes a key", delete)
        .command("/incr", "KEY", "adds one to a counter, replies it", incr)
        .command("/add", "KEY", "adds one by reading and writing, replies it", add)
        .command("/list", "[PREFIX]", "replies the keys, a line each, or none", list)
        .command("/ttl", "KEY MS VALUE", "sets a key for a while", ttl)
        .command("/set-then-trap", "KEY VALUE", "sets a key and traps", set_then_trap)
        .command("/set-then-refuse", "KEY VALUE", "sets a key and refuses", set_then_refuse)
        .command("/timer", "KEY MS [PAYLOAD]", "sets a timer", timer)
        .command("/emit", "KIND [DATA]", "emits an event", emit)
        .command("/log", "LEVEL TEXT", "logs a line", log)
}

fn set(command: Command) -> Result<&'static str> {
    let (key, value) = two_words(&command.args)?;
    kv::set_bytes(key, value)?;
    Ok("set")
}

fn get(command: Command) -> Result<String> {
    let value = kv::get_bytes(&command.args)?;
    Ok(match value {
        Some(value) => String::from_utf8(value)?,
        None => "none".to_owned(),
    })
}

fn delete(command: Command) -> Result<&'static str> {
    kv::delete(&command.args)?;
    Ok("deleted")
}

fn incr(command: Command) -> Result<String> {
    Ok(kv::increment(&command.args, 1)?.to_string())
}

/// Unlike `/incr`, two of these at once do not commute.
fn add(command: Command) -> Result<String> {
    let sum = kv::get::<i64>(&command.args)?.unwrap_or(0) + 1;
    kv::set(&command.args, &sum)?;
    Ok(sum.to_string())
}

fn list(command: Command) -> Result<String> {
    let keys: Vec<String> = kv::keys(command.args).collect::<Result<_, _>>()?;
    Ok(if keys.is_empty() { "none".to_owned() } else { keys.join("\n") })
}

fn ttl(command: Command) -> Result<&'static str> {
    let (key, rest) = two_words(&command.args)?;
    let (ms, value) = two_words(rest)?;
    kv::set_bytes_for(key, value, Duration::from_millis(ms.parse()?))?;
    Ok("set")
}

fn set_then_trap(command: Command) -> Result<()> {
    set(command)?;
    trap();
    Ok(())
}

fn set_then_refuse(command: Command) -> Result<()> {
    set(command)?;
    refuse!("refused after setting")
}

fn timer(command: Command) -> Result<String> {
    let (key, rest) = two_words(&command.args)?;
    let (ms, payload) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(told(timers::set(key, Duration::from_millis(ms.parse()?), payload)))
}

fn emit(command: Command) -> String {
    let (kind, data) = command.args.split_once(' ').unwrap_or((&command.args, ""));
    told(events::emit(kind, data))
}

fn log(command: Command) -> Result<&'static str> {
    let (level, line) = two_words(&command.args)?;
    let level = match level {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => refuse!("no level {level:?}"),
    };
    log::write(level, line);
    Ok("logged")
}

/// The first word, and all that follows it.
fn two_words(args: &str) -> Result<(&str, &str)> {
    args.split_once(' ').or_refuse("see the usage")
}

fn told(outcome: Result<(), ServiceError>) -> String {
    match outcome {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}
