//! The engine that all plugins share: how code is compiled, where sandboxes get their memory, and the clock that
//! interrupts them.
//!
//! Invariant: the pool has a place for every call that the semaphore lets in, and for every load besides, so the
//! allocator itself is never what a call waits for or fails on.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use slashbox_core::{HostLimits, Limits};
use tracing::warn;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::telemetry;

/// How often a running guest can be interrupted. A call of less costs nothing; a longer one yields to its neighbours
/// this often.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// What the host's functions need of a call's stack, beside the guest's part.
const HOST_STACK_BYTES: usize = 512 * 1024;

/// How many files are loaded at the same time: each is held in memory meanwhile. As many sandboxes are for `describe`,
/// beside those for calls: loads go on while every call's place is taken.
pub(crate) const LOADS_MAX: u32 = 8;

/// Memories for each component on average: its own, and that of an adapter.
pub(crate) const MEMORIES_EACH: u32 = 2;

/// Tables for each component on average.
pub(crate) const TABLES_EACH: u32 = 4;

/// What the pool keeps of an instance beside its memory: JavaScript and Python guests need more than the default of 1 MiB.
const INSTANCE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// How much of a sandbox's memory stays with its place for the next call, instead of going back to the system.
const KEEP_RESIDENT_BYTES: usize = 1024 * 1024;

/// How much a runtime lets its plugins have.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What no call may exceed, whatever its grant says.
    pub ceiling: Limits,
    /// What all of them may have together.
    pub host: HostLimits,
}

/// Why a runtime could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// wasmtime does not take the settings, or the machine.
    #[error("sandbox: {0}")]
    Engine(String),
    /// A folder cannot be used.
    #[error("{path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The engine and its ticking thread, which ends with it.
#[derive(Debug)]
pub(crate) struct Ticking {
    pub(crate) engine: Engine,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticking {
    /// An engine on the pooling allocator; on the system's where the address space cannot be reserved, and says so.
    pub(crate) fn start(settings: &Settings) -> Result<Self, StartError> {
        let engine = Engine::new(config(settings).allocation_strategy(pool(settings))).or_else(|error| {
            warn!(target: telemetry::RUNTIME, %error, "no address space for the pool of sandboxes, calls will be slower");
            Engine::new(&config(settings)).map_err(|error| StartError::Engine(format!("{error:#}")))
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("slashbox-ticks".into())
            .spawn({
                let (engine, stop) = (engine.weak(), stop.clone());
                move || {
                    while let (false, Some(engine)) = (stop.load(Ordering::Relaxed), engine.upgrade()) {
                        engine.increment_epoch();
                        drop(engine);
                        std::thread::sleep(TICK);
                    }
                }
            })
            .map_err(|error| StartError::Engine(format!("the ticking thread: {error}")))?;
        Ok(Self { engine, stop, thread: Some(thread) })
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // It has nothing to say, and ends within a tick.
        }
    }
}

fn config(settings: &Settings) -> Config {
    let stack_bytes = settings.host.stack_kib as usize * 1024;
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(stack_bytes)
        .async_stack_size(stack_bytes + HOST_STACK_BYTES)
        .wasm_backtrace_max_frames(NonZeroUsize::new(40))
        // Wide enough that a memory never moves and most bounds checks vanish; the limiter caps what is really used.
        .memory_reservation(u64::from(settings.ceiling.memory_mib).max(4096) * 1024 * 1024);
    config
}

fn pool(settings: &Settings) -> InstanceAllocationStrategy {
    let places = settings.host.calls + LOADS_MAX;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        // A mere counter.
        .total_core_instances(places.saturating_mul(settings.host.instances))
        .total_memories(places * MEMORIES_EACH)
        .total_tables(places * TABLES_EACH)
        .total_stacks(places)
        .max_memory_size(settings.ceiling.memory_mib as usize * 1024 * 1024)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_tables_per_module(16)
        .table_elements(settings.host.table_elements as usize)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}
