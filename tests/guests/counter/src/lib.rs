//! Counts the messages of each conversation, and dies one time in three when it has: whatever happens to a delivery, each
//! message must count once, and in its order.
//!
//! The text `refuse` is refused, `later` is unavailable until the third attempt; both only after they were counted.

use slashbox_sdk::{Command, Event, Failure, OrRefuse, Plugin, Result, export, kv, refuse};
use std::hash::{BuildHasher, RandomState};

export!(plugin);

/// The first attempt at which `later` is taken.
const LATER_ATTEMPT: u32 = 3;

fn plugin() -> Plugin {
    Plugin::new("counter", "1.0.0")
        .summary("Counts messages")
        .command("/count", "", "replies how many messages this conversation has", count)
        .command("/ids", "", "replies their ids in the order in which they came, with spaces between", ids)
        .on("message.*", counted)
}

fn counted(event: Event) -> Result {
    let key = event.conversation_key().or_refuse("a message outside a conversation")?;
    // One of the two would hide a fault of the other: increments commute, what is read and written does not.
    kv::increment(count_key(&key), 1)?;
    let mut ids: Vec<String> = kv::get(ids_key(&key))?.unwrap_or_default();
    ids.push(event.id);
    kv::set(ids_key(&key), &ids)?;
    match event.text.as_deref() {
        Some("refuse") => refuse!("told to refuse"),
        Some("later") if event.attempt < LATER_ATTEMPT => Err(Failure::unavailable("told to come later")),
        Some("later") => Ok(()),
        _ => {
            maybe_trap();
            Ok(())
        }
    }
}

fn count(command: Command) -> Result<String> {
    let count: Option<u64> = kv::get(count_key(&key(&command)?))?;
    Ok(count.unwrap_or(0).to_string())
}

fn ids(command: Command) -> Result<String> {
    let ids: Option<Vec<String>> = kv::get(ids_key(&key(&command)?))?;
    Ok(ids.unwrap_or_default().join(" "))
}

fn key(command: &Command) -> Result<String> {
    command.conversation_key().or_refuse("only in a conversation")
}

fn count_key(conversation: &str) -> String {
    format!("count/{conversation}")
}

fn ids_key(conversation: &str) -> String {
    format!("ids/{conversation}")
}

/// The hasher's keys are random, and the sandbox is fresh, so the hash is a die.
fn maybe_trap() {
    if RandomState::new().hash_one(()).is_multiple_of(3) {
        #[cfg(target_arch = "wasm32")]
        core::arch::wasm32::unreachable();
        #[cfg(not(target_arch = "wasm32"))]
        std::process::abort();
    }
}
