//! Keys and timers of others, by guessing.

use slashbox_sdk::{Command, OrRefuse, Plugin, Result, ServiceError, kv, timers};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin
        .command("/guess-get", "KEY", "replies a key's value, or none", get)
        .command("/guess-set", "KEY", "sets it to `mine`", |command| told(kv::set_bytes(command.args, "mine")))
        .command("/guess-delete", "KEY", "deletes it", |command| told(kv::delete(command.args)))
        .command("/guess-add", "KEY", "adds one to it, replies the sum", add)
        .command("/guess-list", "[PREFIX]", "replies the keys, each in quotes, or none", list)
        .command("/guess-cancel", "KEY", "cancels a timer", |command| told(timers::cancel(command.args)))
        .command("/long-key", "BYTES", "sets, then lists by, a key of so many bytes", long)
}

fn get(command: Command) -> String {
    match kv::get_bytes(command.args) {
        Ok(Some(value)) => String::from_utf8_lossy(&value).into_owned(),
        Ok(None) => "none".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn add(command: Command) -> String {
    kv::increment(command.args, 1).map_or_else(|error| error.to_string(), |sum| sum.to_string())
}

fn list(command: Command) -> String {
    let keys: Result<Vec<String>, ServiceError> = kv::keys(command.args).collect();
    match keys {
        Ok(keys) if keys.is_empty() => "none".to_owned(),
        Ok(keys) => format!("{keys:?}"),
        Err(error) => error.to_string(),
    }
}

fn long(command: Command) -> Result<String> {
    let key = "k".repeat(command.args.parse().or_refuse("how many?")?);
    let listed = kv::page(&key, None, 10).map(|_| ());
    Ok(format!("{}; {}", told(kv::set_bytes(&key, "v")), told(listed)))
}

fn told(outcome: Result<(), ServiceError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}
