//! The `slashbox` program: arguments, then one of the commands, then an exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

mod cli;

/// For the program alone: whoever embeds the library has an allocator already.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match cli::arguments() {
        Ok(arguments) => cli::run(arguments),
        Err(code) => code,
    }
}
