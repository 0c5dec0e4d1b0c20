//! Hostile plugins, to try a host's limits with.
//!
//! Owns what they do ([`Attack`], a few lines of WAT each) and how they become components over the project's own WIT; knows
//! nothing of hosts. `slashbox selftest` and the black-box tests run them. Each declares one command, named by whoever makes
//! it, so that the same attack can stand under several names.

#![deny(missing_docs)]

mod files;
mod make;

pub use files::{Bad, begin_of_large, slow_to_compile, with_memory, with_more};
pub use make::{MakeError, component};

macro_rules! attacks {
    ($( $(#[$doc:meta])* $Attack:ident = $file:literal, )*) => {
        /// What a hostile plugin does when its command is typed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Attack { $( $(#[$doc])* $Attack, )* }

        impl Attack {
            /// All of them.
            pub const ALL: &[Attack] = &[ $( Self::$Attack ),* ];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $( Self::$Attack => $file, )* }
            }

            /// Its imports and functions.
            pub(crate) fn body(self) -> &'static str {
                match self { $( Self::$Attack => include_str!(concat!("attacks/", $file, ".wat")), )* }
            }
        }
    };
}

attacks! {
    /// Nothing: it says 1.
    Calm = "calm",
    /// Computes for ever; `/spin N` N thousand rounds.
    Spin = "spin",
    /// Computes for ever in `describe`.
    SpinInDescribe = "spin-in-describe",
    /// Breaks at once.
    Trap = "trap",
    /// Waits in the host: `/sleep MS`, or an hour.
    Sleep = "sleep",
    /// Grows its memory until it is refused, then breaks; `/memory 1` says how many KiB it got.
    Memory = "memory",
    /// Grows its memory until it is refused, writes to all of it, and says how many KiB it got.
    Fill = "fill",
    /// Grows a table until it is refused, and says how many elements it got.
    Table = "table",
    /// Calls itself until the stack ends; `/recurse N` goes N calls deep.
    Recurse = "recurse",
    /// `/log N` writes N lines of 200 bytes to the log.
    Log = "log",
    /// `/stdout N` writes N lines of 200 bytes to stdout.
    Stdout = "stdout",
    /// `/reply N` replies with N bytes.
    Reply = "reply",
    /// Replies with a text that a cut at the platforms' length would break in the middle of a character.
    Cut = "cut",
    /// `/kv A B` sets the keys A, A + 1 … to values of B bytes until it is refused, and says how many.
    Kv = "kv",
    /// Reads from `kv` until it is refused, and says how often it could.
    Reads = "reads",
    /// `/timers A B` sets the timers A, A + 1 … until they are B or it is refused, and says how many.
    Timers = "timers",
    /// Emits events until it is refused, and says how many.
    Emits = "emits",
    /// `/handles N` opens N handles and closes none; without a number, it never ends.
    Handles = "handles",
}
