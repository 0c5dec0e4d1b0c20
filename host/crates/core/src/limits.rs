//! What a call may use, and how it is told what it used up.

use std::fmt;

/// What one call of a plugin may use at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in MiB, summed over all of the sandbox's memories and tables.
    pub memory_mib: u32,
    /// Time on the processor, in milliseconds.
    pub cpu_ms: u32,
    /// Time on the clock, waiting included, in milliseconds.
    pub timeout_ms: u32,
    /// Calls of this plugin at the same time.
    pub concurrency: u32,
}

impl Limits {
    /// Each limit no higher than the other's.
    #[must_use]
    pub fn narrowed_to(self, other: Self) -> Self {
        Self {
            memory_mib: self.memory_mib.min(other.memory_mib),
            cpu_ms: self.cpu_ms.min(other.cpu_ms),
            timeout_ms: self.timeout_ms.min(other.timeout_ms),
            concurrency: self.concurrency.min(other.concurrency),
        }
    }
}

impl Default for Limits {
    /// 64 MiB hold a JavaScript or a Python guest; 500 ms are a hundred times what a handler needs; 5 s are what the
    /// platforms wait; 32 calls keep one plugin from taking all of the host's.
    fn default() -> Self {
        Self { memory_mib: 64, cpu_ms: 500, timeout_ms: 5_000, concurrency: 32 }
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
}

impl Limit {
    /// The limit's name, as it stands in configuration, logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Cpu { .. } => "cpu",
            Self::Timeout { .. } => "timeout",
            Self::Deadline => "deadline",
            Self::Stack { .. } => "stack",
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
        }
    }
}
