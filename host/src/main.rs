//! The `slashbox` program: arguments, then one of the commands, then an exit code.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    match cli::arguments() {
        Ok(arguments) => cli::run(arguments),
        Err(code) => code,
    }
}
