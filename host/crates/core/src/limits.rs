//! What a call may use, what a host allows over all calls, and how a call is told what it used up.
//!
//! Every limit stands here once, with its name in configuration, its default and its range; the reasons stand in
//! `docs/limits.md`.

use std::fmt;

use crate::Quota;

/// A limit's name, its default and what it may be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitKey {
    /// As it stands in configuration; its unit is the last word.
    pub name: &'static str,
    /// What holds if nothing is said.
    pub default: u32,
    /// The least that it may be set to.
    pub min: u32,
    /// The most that it may be set to.
    pub max: u32,
}

macro_rules! limits {
    (
        $(#[$of_all:meta])*
        pub struct $Name:ident { $( $(#[$doc:meta])* $limit:ident = $default:literal in $min:literal..=$max:literal, )* }
    ) => {
        $(#[$of_all])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $Name { $( $(#[$doc])* pub $limit: u32, )* }

        impl $Name {
            /// Every limit of these.
            pub const KEYS: &[LimitKey] =
                &[ $( LimitKey { name: stringify!($limit), default: $default, min: $min, max: $max } ),* ];

            /// Their names.
            pub const NAMES: &[&str] = &[ $( stringify!($limit) ),* ];

            /// The limit of that name; none if there is no such limit.
            pub fn get(&self, name: &str) -> Option<u32> {
                match name {
                    $( stringify!($limit) => Some(self.$limit), )*
                    _ => None,
                }
            }

            /// Sets the limit of that name; nothing happens if there is no such limit.
            pub fn set(&mut self, name: &str, value: u32) {
                match name {
                    $( stringify!($limit) => self.$limit = value, )*
                    _ => {}
                }
            }
        }

        impl Default for $Name {
            fn default() -> Self {
                Self { $( $limit: $default, )* }
            }
        }
    };
}

limits! {
    /// What a plugin may use at most: one call of it, unless another unit is named. A host sets the ceiling, and a plugin's
    /// grant may only narrow it.
    pub struct Limits {
        /// Memory, in MiB, summed over all of the sandbox's memories and tables.
        memory_mib = 64 in 1..=4_096,
        /// Time on the processor, in milliseconds.
        cpu_ms = 500 in 1..=10_000,
        /// Time on the clock, waiting included, in milliseconds.
        timeout_ms = 5_000 in 1..=10_000,
        /// Calls of this plugin at the same time.
        concurrency = 32 in 1..=10_000,
        /// What it may write to the log, stdout and stderr together, in KiB; the rest is dropped and counted.
        log_kib = 64 in 1..=65_536,
        /// Handles that it has open at the same time: streams, pollables, requests.
        handles = 1_024 in 16..=65_536,
        /// What it may hand to the host at once, in MiB: a reply, a value, a message.
        passed_mib = 8 in 1..=256,
        /// Keys that it keeps in `kv`, for each tenant.
        kv_keys = 100_000 in 1..=100_000_000,
        /// Keys and values that it keeps in `kv`, and its timers, for each tenant, in MiB.
        kv_mib = 64 in 1..=65_536,
        /// One value in `kv`, in KiB.
        kv_value_kib = 64 in 1..=64,
        /// Keys that one call changes in `kv`, and timers.
        kv_writes = 1_000 in 1..=10_000,
        /// How often one call reads from `kv`: keys, listings, counters.
        kv_reads = 1_000 in 1..=10_000,
        /// Timers that it has set, for each tenant.
        timers = 10_000 in 1..=1_000_000,
        /// Events that it emits.
        emits = 100 in 1..=1_000,
        /// Events that all its calls for a tenant emit in a minute.
        emits_per_minute = 1_000 in 1..=1_000_000,
        /// HTTP requests that it sends.
        http_requests = 20 in 1..=1_000,
        /// Bodies of its HTTP requests and their answers, all together, in MiB.
        http_mib = 8 in 1..=1_024,
    }
}

impl Limits {
    /// How many of a shared plugin's calls at the same time may be one tenant's, where there are several: three quarters,
    /// so that none takes it from all others.
    pub fn share(&self) -> u32 {
        self.concurrency - self.concurrency / 4
    }

    /// What of these is counted over all calls of a tenant.
    pub fn quota(&self) -> Quota {
        Quota {
            kv_keys: self.kv_keys.into(),
            kv_bytes: u64::from(self.kv_mib) * 1024 * 1024,
            timers: self.timers.into(),
        }
    }
}

limits! {
    /// What a host allows over all plugins.
    pub struct HostLimits {
        /// The whole budget of a command, waiting included, in milliseconds.
        command_ms = 5_000 in 1_000..=10_000,
        /// Calls at the same time.
        calls = 256 in 1..=10_000,
        /// Calls of one tenant at the same time.
        tenant_calls = 128 in 1..=10_000,
        /// How long a call waits for its place, in milliseconds.
        queue_ms = 2_000 in 1..=10_000,
        /// The largest plugin file, in MiB.
        plugin_file_mib = 64 in 1..=1_024,
        /// How long a plugin's file may take to compile, in seconds.
        compile_s = 60 in 1..=3_600,
        /// A guest's stack, in KiB.
        stack_kib = 512 in 64..=4_096,
        /// Elements of one of a guest's tables.
        table_elements = 20_000 in 1_000..=10_000_000,
        /// Core instances, memories and tables of one guest, each.
        instances = 64 in 1..=1_000,
    }
}

/// A limit that a call reached, with its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The sandbox wanted more memory, or larger tables.
    Memory {
        /// What it may have.
        mib: u32,
    },
    /// It computed for too long.
    Cpu {
        /// What it may use.
        ms: u32,
    },
    /// It took too long, waiting included.
    Timeout {
        /// What it may take.
        ms: u32,
    },
    /// The command's own time ran out before the plugin's did.
    Deadline,
    /// Its stack ended.
    Stack {
        /// How large it is.
        kib: u32,
    },
    /// It wanted more handles than it may have open.
    Handles {
        /// How many it may have.
        handles: u32,
    },
    /// With what it wrote, it would keep too many keys.
    KvKeys {
        /// How many it may keep.
        keys: u32,
    },
    /// With what it wrote, its keys and values would take too much.
    KvSize {
        /// What they may take.
        mib: u32,
    },
    /// With those that it set, it would have too many timers.
    Timers {
        /// How many it may have.
        timers: u32,
    },
}

impl Limit {
    /// The limit's name, as it stands in logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Cpu { .. } => "cpu",
            Self::Timeout { .. } => "timeout",
            Self::Deadline => "deadline",
            Self::Stack { .. } => "stack",
            Self::Handles { .. } => "handles",
            Self::KvKeys { .. } => "kv_keys",
            Self::KvSize { .. } => "kv",
            Self::Timers { .. } => "timers",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { mib } => write!(f, "memory limit of {mib} MiB reached"),
            Self::Cpu { ms } => write!(f, "cpu limit of {ms} ms reached"),
            Self::Timeout { ms } => write!(f, "timeout of {ms} ms reached"),
            Self::Deadline => write!(f, "the command's time ran out"),
            Self::Stack { kib } => write!(f, "stack limit of {kib} KiB reached"),
            Self::Handles { handles } => write!(f, "limit of {handles} handles reached"),
            Self::KvKeys { keys } => write!(f, "kv limit of {keys} keys reached"),
            Self::KvSize { mib } => write!(f, "kv limit of {mib} MiB reached"),
            Self::Timers { timers } => write!(f, "limit of {timers} timers reached"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_found_by_its_name() {
        let mut limits = Limits::default();
        for key in Limits::KEYS {
            assert!((key.min..=key.max).contains(&key.default), "{}", key.name);
            assert_eq!(limits.get(key.name), Some(key.default), "{}", key.name);
            limits.set(key.name, key.min);
            assert_eq!(limits.get(key.name), Some(key.min), "{}", key.name);
        }
        assert_eq!(HostLimits::default().get("calls"), Some(256));
        assert_eq!(Limits::default().get("calls"), None);
    }
}
