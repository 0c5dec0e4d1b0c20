//! The way of what comes in: an event is stored with its deliveries; a command is answered.
//!
//! Read this first: every event, whichever way it came in, passes through [`accept`], and every command through
//! [`answer`]. Invariants: an event is on the disk before its sender hears that it was taken; who answers a command is
//! decided before the call, and a failing owner is never replaced by another; a reload meanwhile changes nothing of it: the
//! remotes are those that there were when it came in; what a call changes, and what others are to
//! know of it, is committed before its reply leaves; whoever asked gets exactly one answer, and nothing internal in it.

mod answer;
mod call;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use slashbox_core::{Command, Dedupe, Event, Limit, Outcome, SubscriberId, Trap};
use slashbox_delivery::{Addressed, Remote};
use slashbox_runtime::{Call, Input, Plugin};
use slashbox_store::{Accepted, WriteError};
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

use crate::{
    host::{CommandError, Inner},
    room::Full,
    subscribers::{Answerer, Remotes, Route},
    telemetry::{COMMANDS, EVENTS},
};

pub(crate) use answer::seconds;
pub use answer::{Answer, Answered};
pub(crate) use call::{beginning, make_fit};

/// How long the store may take to accept something. Platforms wait for 5 s, and the answer has to reach them. Somebody who is told that it was not taken sends
/// it again, and is known by what it is; somebody who is told nothing gives up.
const ACCEPT_MAX: Duration = Duration::from_secs(4);

/// Why it is not certain that something was stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    #[error(transparent)]
    Store(#[from] WriteError),
    #[error("not stored within {} s", ACCEPT_MAX.as_secs())]
    Late,
    #[error("too many events wait to be stored")]
    Full,
}

/// Stores events with a delivery for each subscriber, all in one commit; they are delivered by and by, whatever happens.
/// Tells of each whether it was new. If its sender hangs up or is told that it took too long, it may be stored all the
/// same.
pub(crate) async fn accept(
    inner: &Arc<Inner>,
    remotes: &Remotes,
    events: Vec<(Event, Option<Dedupe>)>,
) -> Result<Vec<Accepted>, AcceptError> {
    let addressed = events.into_iter().map(|(event, dedupe)| {
        let subscribers = inner.subscribers.of_event(remotes, &event);
        let (id, tenant, kind) = (&event.id, &event.origin.tenant, &event.kind);
        debug!(target: EVENTS, event = id, tenant, kind, subscribers = subscribers.len(), "comes in");
        Addressed { event, dedupe, subscribers }
    });
    let stored = store(inner, addressed.collect())?;
    let stored = tokio::time::timeout(ACCEPT_MAX, stored).await.map_err(|_| AcceptError::Late)?;
    stored.unwrap_or_else(|panic| {
        error!(target: EVENTS, %panic, "the host failed while it stored events");
        Err(AcceptError::Late)
    })
}

/// Has events stored, if there is room for them, in a task of its own: as long as the store has them, their room is taken,
/// whether their sender still waits or not.
fn store(
    inner: &Arc<Inner>,
    addressed: Vec<Addressed>,
) -> Result<JoinHandle<Result<Vec<Accepted>, AcceptError>>, AcceptError> {
    let room = inner.room.for_events(addressed.iter().map(|addressed| &addressed.event));
    let room = room.map_err(|Full| AcceptError::Full)?;
    let task = inner.clone();
    Ok(inner.tasks.spawn(async move {
        let _turn = task.room.turn().await;
        let stored = task.deliveries.accept(addressed).await;
        drop(room);
        Ok(stored?)
    }))
}

/// Finds who answers a command and has it answered, in a task of its own: it runs to its end if the sender hangs up.
pub(crate) async fn answer(inner: &Arc<Inner>, remotes: &Remotes, command: Command) -> Result<Answer, CommandError> {
    let Some(Route { answerer, observers }) = inner.subscribers.of_command(remotes, &command) else {
        let (tenant, name) = (&command.origin.tenant, command.name.as_str());
        debug!(target: COMMANDS, tenant, command = name, "unknown");
        return Err(CommandError::Unknown { name: name.into(), near: inner.subscribers.near(remotes, tenant, name) });
    };
    if inner.tasks.is_closed() {
        return Err(CommandError::ShuttingDown);
    }
    let (id, name) = (command.id.clone(), command.name.to_string());
    let by = match &answerer {
        Answerer::Plugin(plugin) => Answered::ByPlugin(plugin.id().to_string()),
        Answerer::Absent(plugin) => Answered::ByPlugin(plugin.to_string()),
        Answerer::Inactive(remote) => Answered::ByWebhook(remote.clone()),
        Answerer::Remote(remote) => Answered::ByWebhook(remote.name().into()),
    };
    let task = inner.tasks.spawn(run(inner.clone(), answerer, observers, Arc::new(command)));
    let outcome = task.await.unwrap_or_else(|panic| {
        error!(target: COMMANDS, call = id, by = by.name(), %panic, "the host failed in a call");
        Outcome::Trapped(Trap { cause: "the host failed".into(), backtrace: String::new() })
    });
    Ok(Answer { id, command: name, by, outcome })
}

/// Has a command answered, and tells the observers of it meanwhile. What few commands need is boxed: a task is copied on
/// its way, and costs what it could hold.
async fn run(inner: Arc<Inner>, answerer: Answerer, observers: Vec<SubscriberId>, command: Arc<Command>) -> Outcome {
    let began = Instant::now();
    if observers.is_empty() {
        return answer_by(&inner, answerer, command, began).await;
    }
    let told = Box::pin(tell(&inner, Event::from(&*command), observers, began + inner.command_budget));
    let answered = Box::pin(answer_by(&inner, answerer, command, began));
    let (outcome, ()) = tokio::join!(answered, told);
    outcome
}

async fn answer_by(inner: &Inner, answerer: Answerer, command: Arc<Command>, began: Instant) -> Outcome {
    match answerer {
        Answerer::Plugin(plugin) => call_plugin(inner, &plugin, command, began).await,
        Answerer::Absent(plugin) => call::absent(&plugin, &command),
        Answerer::Inactive(remote) => {
            Outcome::Unavailable(format!("the webhook {remote} is not active: it has not answered its ping"))
        }
        Answerer::Remote(remote) => Box::pin(ask_remote(inner, &remote, &command, began)).await,
    }
}

/// Has the observers' deliveries committed. A store that cannot, or not in time, is no reason to leave the operator
/// without an answer; in a task of its own, they come to know all the same. Where there is no room for them, they do not.
async fn tell(inner: &Arc<Inner>, event: Event, subscribers: Vec<SubscriberId>, until: Instant) {
    let (id, observers) = (event.id.clone(), subscribers.len());
    let told = store(inner, vec![Addressed { event, dedupe: None, subscribers }]);
    let told = match told {
        Ok(task) => tokio::time::timeout_at(until.into(), task).await,
        Err(full) => Ok(Ok(Err(full))),
    };
    match told {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => {
            let error: &dyn std::error::Error = &error;
            error!(target: COMMANDS, call = id, observers, error, "those who are to know of a command will not");
        }
        Ok(Err(panic)) => error!(target: COMMANDS, call = id, observers, %panic, "the host failed to tell observers"),
        Err(_) => warn!(target: COMMANDS, call = id, observers, "those who are to know of a command come to know late"),
    }
}

/// Calls the plugin until its effects are committed, and makes its reply fit.
async fn call_plugin(inner: &Inner, plugin: &Arc<Plugin>, command: Arc<Command>, began: Instant) -> Outcome {
    let input = Input::Command(command.clone());
    let call = Call { input, now_ms: now_ms(), deadline: began + inner.command_budget };
    let mut outcome = call::committed(inner, plugin, &command, &call).await;
    call::make_fit(&mut outcome, &command.id, &plugin.id());
    call::report(&plugin.id(), &command, &outcome, began.elapsed());
    outcome
}

/// Has the remote answer, within what is left of the command's time, and makes its reply fit.
async fn ask_remote(inner: &Inner, remote: &Remote, command: &Command, began: Instant) -> Outcome {
    let left = inner.command_budget.saturating_sub(began.elapsed());
    if left.is_zero() {
        return Outcome::Limit(Limit::Deadline);
    }
    let mut outcome = remote.command(command, now_ms(), left).await;
    call::make_fit(&mut outcome, &command.id, &remote.name());
    call::report(&remote.name(), command, &outcome, began.elapsed());
    outcome
}

/// The wall clock, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
