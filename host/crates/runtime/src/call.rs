//! One call of a plugin: a fresh sandbox, two clocks, one outcome.
//!
//! Invariants: nothing of a sandbox is used again; a call that did not succeed leaves no effects; whatever a guest does,
//! the call ends, at the latest with its deadline.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Command, Effects, Event, Limit, Limits, Origin, Outcome, Trap};
use slashbox_store::Reader;
use wasmtime::{Engine, Store, UpdateDeadline, WasmBacktrace};

use crate::{
    Plugin,
    engine::STACK_KIB,
    from_wit,
    guest::{Grants, Guest},
    meter::{Meter, Metered},
    to_wit,
};

/// The most bytes that a guest hands to the host at once: a hundred times the largest value or reply, so that what is too
/// long is refused in words; what is longer still ends the call.
const PASSED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A command or an event on its way to a plugin.
#[derive(Clone, Debug)]
pub struct Call {
    /// What the plugin gets.
    pub input: Input,
    /// The time of the call, in milliseconds since the Unix epoch: what expires, expires by it.
    pub now_ms: u64,
    /// When an answer is too late.
    pub deadline: Instant,
}

/// What a plugin gets.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something that was typed, for `on-command`.
    Command(Arc<Command>),
    /// Something that happened, for `on-event`.
    Event {
        /// What happened.
        event: Arc<Event>,
        /// 1 at the first attempt to deliver it.
        attempt: u32,
    },
}

impl Input {
    /// What the log calls the call.
    pub fn id(&self) -> &str {
        match self {
            Self::Command(command) => &command.id,
            Self::Event { event, .. } => &event.id,
        }
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Command(command) => &command.origin,
            Self::Event { event, .. } => &event.origin,
        }
    }
}

/// A guest has used up its time on the processor.
#[derive(Debug, thiserror::Error)]
#[error("cpu limit reached")]
struct CpuSpent;

/// Calls the handler in a fresh sandbox.
pub(crate) async fn call(engine: &Engine, plugin: &Plugin, reader: &Reader, call: &Call) -> (Outcome, Effects) {
    let limits = plugin.limits;
    let began = Instant::now();
    let left = call.deadline.saturating_duration_since(began);
    let timeout = left.min(Duration::from_millis(u64::from(limits.timeout_ms)));
    let guest = guest(plugin, reader, call);
    let mut store = sandbox(engine, guest, limits.cpu_ms);
    let meter = store.data().meter.clone();
    let ended = bounded(meter, timeout, async {
        let instance = plugin.pre.instantiate_async(&mut store).await?;
        let handler = instance.slashbox_plugin_handler();
        match &call.input {
            Input::Command(command) => {
                let command = to_wit::command(command, millis(timeout));
                handler.call_on_command(&mut store, &command).await.map(from_wit::outcome)
            }
            Input::Event { event, attempt } => {
                let event = to_wit::event(event, *attempt);
                handler.call_on_event(&mut store, &event).await.map(from_wit::outcome_of_event)
            }
        }
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
    let scope = plugin.scope(&call.input.origin().tenant);
    Guest::calling(grants, scope, call.input.id().to_owned(), reader.clone(), call.now_ms)
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
    ended: Option<wasmtime::Result<Outcome>>,
    store: Store<Guest>,
    limits: Limits,
    timeout: Duration,
) -> (Outcome, Effects) {
    let outcome = match ended {
        Some(Ok(outcome)) => outcome,
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
