//! What must end a call, and nothing but that call.

#![allow(clippy::panic, unconditional_recursion, reason = "this is what the commands are for")]

use slashbox_sdk::{Command, OrRefuse, Plugin, Result};
use std::{hint::black_box, thread, time::Duration};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin
        .command("/spin", "", "computes for ever", spin)
        .command("/sleep", "MS", "waits in the host", sleep)
        .command("/grow", "", "takes memory without end", grow)
        .command("/recurse", "", "calls itself without end", recurse)
        .command("/trap", "", "executes `unreachable`", trap_at_once)
        .command("/panic", "[TEXT]", "panics", panic)
}

fn spin(_: Command) {
    loop {
        black_box(());
    }
}

fn sleep(command: Command) -> Result<String> {
    let ms = command.args.parse().or_refuse("how many milliseconds?")?;
    thread::sleep(Duration::from_millis(ms));
    Ok(format!("slept {ms} ms"))
}

/// Each page is written to, so that it has to be there.
fn grow(_: Command) {
    let mut chunks = Vec::new();
    loop {
        chunks.push(black_box(vec![0xA5_u8; 1 << 20]));
    }
}

fn recurse(_: Command) -> String {
    deeper(0).to_string()
}

/// What it does with the result keeps the compiler from making a loop of it.
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 8]);
    black_box(deeper(depth + 1)).wrapping_add(frame.iter().sum())
}

fn trap_at_once(_: Command) {
    trap();
}

pub fn trap() {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

fn panic(command: Command) {
    panic!("probe panicked: {}", command.args);
}
