//! One call of a plugin: a fresh sandbox, two clocks, one outcome.
//!
//! Invariants: nothing of a sandbox is used again; a call that did not succeed leaves no effects; whatever a guest does,
//! the call ends, at the latest with its deadline.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Command, Effects, Event, HostLimits, Limit, Limits, Origin, Outcome, Trap};
use slashbox_store::Reader;
use wasmtime::{Engine, Store, UpdateDeadline, WasmBacktrace, component::ResourceTableError};

use crate::{
    Plugin,
    beginning::beginning,
    from_wit,
    guest::Guest,
    lanes::{Ended, Lane, Lanes},
    pace::watched,
    places::Seat,
    to_wit,
};

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

/// The most bytes of a backtrace: some forty functions with long names.
const BACKTRACE_BYTES_MAX: usize = 8 * 1024;

/// A guest has used up its time on the processor.
#[derive(Debug, thiserror::Error)]
#[error("cpu limit reached")]
struct CpuSpent;

/// What all calls share.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'g> {
    pub(crate) engine: &'g Engine,
    pub(crate) lanes: &'g Lanes,
    pub(crate) reader: &'g Reader,
    pub(crate) host: HostLimits,
}

/// A sandbox on its seat: dropped in this order.
struct Seated {
    store: Store<Guest>,
    _seat: Seat,
}

/// Calls the handler in a fresh sandbox. Its places are given back when that is gone, which may be later than its end.
pub(crate) async fn call(ground: Ground<'_>, plugin: &Arc<Plugin>, call: &Call, seat: Seat) -> (Outcome, Effects) {
    let limits = plugin.limits();
    let left = call.deadline.saturating_duration_since(Instant::now());
    let timeout = left.min(Duration::from_millis(u64::from(limits.timeout_ms)));
    let guest = Guest::calling(plugin.spec.clone(), call, ground.reader.clone());
    let store = sandbox(ground.engine, guest, limits);
    let meter = store.data().meter.clone();
    let (called, input, host) = (plugin.clone(), call.input.clone(), ground.host);
    let mut seated = Seated { store, _seat: seat };
    let work = Box::pin(async move {
        let ended = enter(&called, &mut seated.store, &input, timeout).await;
        // Here, since giving back a sandbox's memory is work too, and belongs to the call.
        conclude(ended, seated.store, limits, host)
    });
    let lane = if plugin.pace.is_slow() { Lane::Slow } else { Lane::Serving };
    match ground.lanes.run(lane, meter, timeout, watched(plugin, work)).await {
        Ended::Done(concluded) => concluded,
        Ended::TimedOut if millis(timeout) < limits.timeout_ms => none_of(Outcome::Limit(Limit::Deadline)),
        Ended::TimedOut => none_of(Outcome::Limit(Limit::Timeout { ms: limits.timeout_ms })),
        Ended::Panicked(words) => {
            none_of(Outcome::Trapped(Trap { cause: format!("the host panicked: {words}"), backtrace: String::new() }))
        }
    }
}

/// Makes the instance, and calls what the input is for.
async fn enter(
    plugin: &Plugin,
    store: &mut Store<Guest>,
    input: &Input,
    timeout: Duration,
) -> wasmtime::Result<Outcome> {
    let instance = plugin.pre.instantiate_async(&mut *store).await?;
    let handler = instance.slashbox_plugin_handler();
    match input {
        Input::Command(command) => {
            let command = to_wit::command(command, millis(timeout));
            handler.call_on_command(store, command).await.map(from_wit::outcome)
        }
        Input::Event { event, attempt } => {
            let event = to_wit::event(event, *attempt);
            handler.call_on_event(store, event).await.map(from_wit::outcome_of_event)
        }
    }
}

/// A store with its limits set: memory by sum, processor time by meter.
pub(crate) fn sandbox(engine: &Engine, guest: Guest, limits: Limits) -> Store<Guest> {
    let mut store = Store::new(engine, guest);
    store.set_hostcall_fuel(limits.passed_mib as usize * 1024 * 1024);
    store.limiter(|guest| &mut guest.limiter);
    let cpu = Duration::from_millis(u64::from(limits.cpu_ms));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| {
        store.data().meter.note_yield();
        if store.data().meter.spent() >= cpu {
            return Err(CpuSpent.into());
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

fn conclude(
    ended: wasmtime::Result<Outcome>,
    store: Store<Guest>,
    limits: Limits,
    host: HostLimits,
) -> (Outcome, Effects) {
    match ended {
        Ok(outcome) if outcome.succeeded() => (outcome, store.into_data().into_effects()),
        Ok(outcome) => none_of(outcome),
        Err(error) => none_of(broken(&error, store.data(), limits, host)),
    }
}

/// A call that changes nothing.
fn none_of(outcome: Outcome) -> (Outcome, Effects) {
    (outcome, Effects::default())
}

/// What an error of wasmtime means: a limit that was reached, or a guest that broke.
pub(crate) fn broken(error: &wasmtime::Error, guest: &Guest, limits: Limits, host: HostLimits) -> Outcome {
    if error.is::<CpuSpent>() {
        return Outcome::Limit(Limit::Cpu { ms: limits.cpu_ms });
    }
    // Refused memory makes a guest abort: the refusal is the cause, the trap its consequence.
    if guest.limiter.refused() {
        return Outcome::Limit(Limit::Memory { mib: limits.memory_mib });
    }
    if matches!(error.downcast_ref(), Some(wasmtime::Trap::StackOverflow)) {
        return Outcome::Limit(Limit::Stack { kib: host.stack_kib });
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        return Outcome::Limit(Limit::Handles { handles: limits.handles });
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Outcome::Busy;
    }
    Outcome::Trapped(Trap { cause: error.root_cause().to_string(), backtrace: backtrace(error) })
}

/// The guest's names are as long as it likes.
fn backtrace(error: &wasmtime::Error) -> String {
    error.downcast_ref::<WasmBacktrace>().map(|trace| beginning(trace, BACKTRACE_BYTES_MAX)).unwrap_or_default()
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
