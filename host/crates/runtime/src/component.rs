//! From a file's bytes to a component that can be instantiated, or words that tell an author why not.

use slashbox_core::{DescriptorError, Limits, NameError};
use wasmtime::{
    Engine,
    component::{Component, Linker},
};

use crate::{
    beginning::beginning,
    bindings::PluginPre,
    cache::{Cache, ContentHash},
    engine::{MEMORIES_EACH, StartError, TABLES_EACH},
    grant::GrantError,
    guest::Guest,
    mismatch::mismatches,
};

/// How many ways in which a component does not fit are told, and how much of each.
const LINES_MAX: usize = 20;
const LINE_BYTES_MAX: usize = 500;

/// Why a file does not become a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// The file is called like no plugin.
    #[error("expected a file that is called NAME.wasm: no host takes another")]
    FileName,
    /// The file's name cannot be a plugin's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The file is larger than the host takes.
    #[error("the file has {bytes} bytes: expected at most {mib_max} MiB")]
    TooLarge {
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        mib_max: u32,
    },
    /// Nothing is in it.
    #[error("the file is empty: it may still be being written")]
    Empty,
    /// It begins like nothing that WebAssembly has.
    #[error("no WebAssembly: the file begins with {begins:02x?}, a component with [00, 61, 73, 6d, 0d, 00, 01, 00]")]
    NotWasm {
        /// Its first bytes.
        begins: Vec<u8>,
    },
    /// A module where a component is expected.
    #[error(
        "a core WebAssembly module, not a component: build it for the target wasm32-wasip2, \
         or make it a component with `wasm-tools component new`"
    )]
    CoreModule,
    /// Native code.
    #[error("native code, not WebAssembly: precompiled artifacts are not taken, drop the .wasm component itself")]
    Native,
    /// It ends too early, or breaks the format's rules.
    #[error("damaged or cut off: {0}")]
    Damaged(String),
    /// It speaks another interface.
    #[error("does not fit this host: {}", .0.join("; "))]
    Mismatch(Vec<String>),
    /// It needs more than one plugin's share of the pool.
    #[error("needs {needs} {what}: expected at most {max}")]
    Share {
        /// Of what.
        what: &'static str,
        /// How many it needs.
        needs: u64,
        /// How many it may have.
        max: u64,
    },
    /// It could not be compiled.
    #[error("cannot be compiled: {0}")]
    Compile(String),
    /// Compiling it took too long.
    #[error("was not compiled within {max_s} s: expected a smaller component, or a larger `limits.compile_s`")]
    CompileTime {
        /// How long it may take.
        max_s: u32,
    },
    /// Files that took too long keep the compiler busy.
    #[error("is not compiled yet: {under_way} files that took too long still are")]
    Crowded {
        /// How many.
        under_way: usize,
    },
    /// Its `describe` did not return.
    #[error("`describe` {0}")]
    Describe(String),
    /// Its `describe` did not return in time: the machine may be busy.
    #[error("`describe` did not return{0}")]
    DescribeTime(String),
    /// What it says of itself is not sound.
    #[error("`describe`: {0}")]
    Descriptor(#[from] DescriptorError),
    /// The operator's file beside it cannot be read.
    #[error("grant: cannot be read: {0}")]
    GrantRead(std::io::Error),
    /// The operator's file beside it is not sound.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// There is no sandbox to load it into.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl LoadError {
    /// Whether the same file may load later: it was for lack of time alone.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::CompileTime { .. } | Self::Crowded { .. } | Self::DescribeTime(_))
    }
}

/// Compiles a component, or takes it from the cache, and links it with the host's services.
pub(crate) fn link(
    engine: &Engine,
    linker: &Linker<Guest>,
    cache: Option<&Cache>,
    bytes: &[u8],
    hash: &ContentHash,
    limits: Limits,
) -> Result<PluginPre<Guest>, LoadError> {
    let cached = cache.and_then(|cache| cache.load(engine, hash));
    let component = match cached {
        Some(component) => component,
        None => {
            recognise(bytes)?;
            check_interface(bytes)?;
            let component = Component::new(engine, bytes)
                .map_err(|error| LoadError::Compile(beginning(&format_args!("{error:#}"), LINE_BYTES_MAX)))?;
            if let Some(cache) = cache {
                cache.save(engine, hash, &component);
            }
            component
        }
    };
    check_share(&component, limits)?;
    linker.instantiate_pre(&component).and_then(PluginPre::new).map_err(|error| {
        // Code from the cache was checked when it was compiled; since then, the interface may have changed.
        check_interface(bytes).err().unwrap_or_else(|| mismatch(vec![format!("{error:#}")]))
    })
}

/// Tells a component from all that is not one by its first bytes.
fn recognise(bytes: &[u8]) -> Result<(), LoadError> {
    match bytes {
        [] => Err(LoadError::Empty),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(LoadError::CoreModule),
        [0x7f, b'E', b'L', b'F', ..] => Err(LoadError::Native),
        [0, b'a', b's', b'm', ..] if bytes.len() < 8 => {
            Err(LoadError::Damaged("it ends within its first 8 bytes".into()))
        }
        _ => Err(LoadError::NotWasm { begins: bytes.iter().copied().take(8).collect() }),
    }
}

fn check_interface(bytes: &[u8]) -> Result<(), LoadError> {
    let lines = mismatches(bytes).map_err(|error| LoadError::Damaged(beginning(&error, LINE_BYTES_MAX)))?;
    if lines.is_empty() { Ok(()) } else { Err(mismatch(lines)) }
}

/// Names in a component are as many, and as long, as whoever made it likes.
fn mismatch(lines: Vec<String>) -> LoadError {
    let more = lines.len().saturating_sub(LINES_MAX);
    let shown = lines.iter().take(LINES_MAX).map(|line| beginning(line, LINE_BYTES_MAX));
    let more = (more > 0).then(|| format!("and {more} more"));
    LoadError::Mismatch(shown.chain(more).collect())
}

/// A component that needs more than its share of the pool could fail when others are busy; it is refused at once.
fn check_share(component: &Component, limits: Limits) -> Result<(), LoadError> {
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let memory_bytes = needs.max_initial_memory_size.unwrap_or(0);
    let mib = memory_bytes.div_ceil(1024 * 1024);
    let shares = [
        ("memories", u64::from(needs.num_memories), u64::from(MEMORIES_EACH)),
        ("tables", u64::from(needs.num_tables), u64::from(TABLES_EACH)),
        ("MiB of memory to begin with", mib, u64::from(limits.memory_mib)),
    ];
    match shares.into_iter().find(|(_, needs, max)| needs > max) {
        Some((what, needs, max)) => Err(LoadError::Share { what, needs, max }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told_apart() {
        let check = |bytes: &[u8], expected: &str| {
            let error = recognise(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"", "the file is empty");
        check(b"\0asm\x01\0\0\0rest", "a core WebAssembly module");
        check(b"\x7fELF\x02\x01", "native code");
        check(b"\0asm\x0d", "damaged or cut off: it ends within its first 8 bytes");
        check(b"#!/bin/sh", "the file begins with [23, 21, 2f, 62, 69, 6e, 2f, 73]");
        assert!(recognise(b"\0asm\x0d\0\x01\0").is_ok());
    }

    #[test]
    fn a_component_that_is_cut_off_is_damaged() {
        let whole = wat::parse_str("(component (core module) (core module))").unwrap();
        for end in 9..whole.len() {
            let cut = whole.get(..end).unwrap();
            assert!(
                matches!(check_interface(cut), Err(LoadError::Damaged(_) | LoadError::Mismatch(_))),
                "cut at {end}: {:?}",
                check_interface(cut)
            );
        }
    }
}
