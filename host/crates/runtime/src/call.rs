//! One call of a plugin: a fresh sandbox, two clocks, one outcome.
//!
//! Invariants: nothing of a sandbox is used again; a call that did not succeed leaves no effects; whatever a guest does,
//! the call ends, at the latest with its deadline.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Command, Effects, Limit, Limits, Outcome, Trap};
use slashbox_store::Reader;
use wasmtime::{Engine, Store, UpdateDeadline, WasmBacktrace};

use crate::{
    Plugin,
    bindings::slashbox::plugin::types::{Failure, Reply},
    engine::STACK_KIB,
    from_wit,
    guest::{Grants, Guest},
    meter::{Meter, Metered},
    to_wit,
};

/// The most bytes that a guest hands to the host at once: a hundred times the largest value or reply, so that what is too
/// long is refused in words; what is longer still ends the call.
const PASSED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A command on its way to a plugin.
#[derive(Clone, Debug)]
pub struct Call {
    /// What was typed.
    pub command: Command,
    /// The time of the call, in milliseconds since the Unix epoch: what expires, expires by it.
    pub now_ms: u64,
    /// When an answer is too late.
    pub deadline: Instant,
}

/// A guest has used up its time on the processor.
#[derive(Debug, thiserror::Error)]
#[error("cpu limit reached")]
struct CpuSpent;

/// Runs `on-command` in a fresh sandbox.
pub(crate) async fn on_command(engine: &Engine, plugin: &Plugin, reader: &Reader, call: &Call) -> (Outcome, Effects) {
    let limits = plugin.limits;
    let began = Instant::now();
    let left = call.deadline.saturating_duration_since(began);
    let timeout = left.min(Duration::from_millis(u64::from(limits.timeout_ms)));
    let guest = guest(plugin, reader, call);
    let command = to_wit::command(&call.command, millis(timeout));
    let mut store = sandbox(engine, guest, limits.cpu_ms);
    let ended = bounded(store.data().meter.clone(), timeout, async {
        let instance = plugin.pre.instantiate_async(&mut store).await?;
        instance.slashbox_plugin_handler().call_on_command(&mut store, &command).await
    })
    .await;
    conclude(ended, store, limits, timeout)
}

fn guest(plugin: &Plugin, reader: &Reader, call: &Call) -> Guest {
    let grants = Grants {
        plugin: plugin.id.clone(),
        environment: plugin.environment.clone(),
        memory_mib: plugin.limits.memory_mib,
    };
    let scope = plugin.scope(&call.command.origin.tenant);
    Guest::calling(grants, scope, call.command.id.clone(), reader.clone(), call.now_ms)
}

/// A store with its limits set: memory by sum, processor time by meter.
pub(crate) fn sandbox(engine: &Engine, guest: Guest, cpu_ms: u32) -> Store<Guest> {
    let mut store = Store::new(engine, guest);
    store.set_hostcall_fuel(PASSED_BYTES_MAX);
    store.limiter(|guest| &mut guest.limiter);
    let cpu = Duration::from_millis(u64::from(cpu_ms));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| {
        if store.data().meter.spent() >= cpu {
            return Err(CpuSpent.into());
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// Runs a guest under its meter and its timeout; `None` if the timeout was reached.
pub(crate) async fn bounded<T>(meter: Arc<Meter>, timeout: Duration, enter: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(timeout, Metered::new(meter, enter)).await.ok()
}

fn conclude(
    ended: Option<wasmtime::Result<Result<Option<Reply>, Failure>>>,
    store: Store<Guest>,
    limits: Limits,
    timeout: Duration,
) -> (Outcome, Effects) {
    let outcome = match ended {
        Some(Ok(result)) => from_wit::outcome(result),
        Some(Err(error)) => broken(&error, store.data(), limits),
        None if millis(timeout) < limits.timeout_ms => Outcome::Limit(Limit::Deadline),
        None => Outcome::Limit(Limit::Timeout { ms: limits.timeout_ms }),
    };
    let effects = if outcome.succeeded() { store.into_data().into_effects() } else { Effects::default() };
    (outcome, effects)
}

/// What an error of wasmtime means: a limit that was reached, or a guest that broke.
pub(crate) fn broken(error: &wasmtime::Error, guest: &Guest, limits: Limits) -> Outcome {
    if error.is::<CpuSpent>() {
        return Outcome::Limit(Limit::Cpu { ms: limits.cpu_ms });
    }
    // Refused memory makes a guest abort: the refusal is the cause, the trap its consequence.
    if guest.limiter.refused() {
        return Outcome::Limit(Limit::Memory { mib: limits.memory_mib });
    }
    if matches!(error.downcast_ref(), Some(wasmtime::Trap::StackOverflow)) {
        return Outcome::Limit(Limit::Stack { kib: STACK_KIB });
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Outcome::Busy;
    }
    Outcome::Trapped(Trap { cause: error.root_cause().to_string(), backtrace: backtrace(error) })
}

fn backtrace(error: &wasmtime::Error) -> String {
    error.downcast_ref::<WasmBacktrace>().map(ToString::to_string).unwrap_or_default()
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
