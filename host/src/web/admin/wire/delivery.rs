//! Deliveries and their attempts.

use serde::Serialize;
use slashbox_core as core;
use slashbox_store::{DeliveryKey, DeliveryRecord, EventRecord, Page};
use utoipa::ToSchema;

use super::{event::EventContent, time::rfc3339};

/// A part of the deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryPage {
    /// Those of the newest event first. It may have fewer than asked for, or none, and not be the last.
    items: Vec<Delivery>,
    /// What to ask for as `before` to get the next page; null if there is nothing more.
    next: Option<String>,
}

/// An event on its way to a subscriber.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivery {
    /// Which one.
    #[schema(example = "1042-3")]
    id: String,
    /// The event.
    #[schema(example = "01JQ7K4E8Z7V0M2D3N4P5Q6R7S")]
    event_id: String,
    /// What happened; of a command, its name with the slash.
    #[schema(example = "message.sent")]
    event_kind: String,
    /// Whose it is.
    #[schema(example = "default")]
    tenant: String,
    /// To whom.
    subscriber: Subscriber,
    /// How it stands.
    state: DeliveryState,
    /// Whether it rests, though it is open, until its subscriber comes back, who is not there, paused or disabled.
    parked: bool,
    /// Whether others of its conversation overtake it, or have, since it alone failed.
    set_aside: bool,
    /// Whether it was replayed.
    replay: bool,
    /// Of a dead one, since when it is.
    #[schema(format = DateTime)]
    dead_since: Option<String>,
    /// Of a dead one, why it is, unless its last attempt tells.
    dead_why: Option<DeadWhy>,
    /// How many attempts have ended.
    attempt_count: u32,
    /// Of a due one, when it is attempted; of a leased one, when its lease ends.
    #[schema(format = DateTime)]
    ready_at: Option<String>,
    /// The last attempt that has ended.
    last_attempt: Option<Attempt>,
}

/// A delivery, its event, and all its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryDetail {
    #[serde(flatten)]
    delivery: Delivery,
    /// What is delivered.
    event: EventContent,
    /// Those that have ended, the first one first.
    attempts: Vec<Attempt>,
}

/// Who gets events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Subscriber {
    /// Which sort.
    kind: SubscriberKind,
    /// The stem of a plugin's file, or a webhook's name.
    #[schema(example = "crm")]
    name: String,
}

/// One attempt, and how it ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Attempt {
    /// Counted from 1.
    number: u32,
    /// When it began.
    #[schema(format = DateTime)]
    at: String,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// Whose fault it is that it failed; null if it succeeded.
    fault: Option<Fault>,
    /// The HTTP status that a webhook answered with.
    status: Option<u16>,
    /// How it ended, for people.
    #[schema(example = "answered with status 503")]
    detail: String,
    /// The beginning of what a webhook answered, at most 4,096 bytes of it; empty if it answered nothing.
    answer: String,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeliveryState {
    /// An earlier delivery of its conversation comes first.
    Waiting,
    /// It is attempted when its time has come.
    Due,
    /// An attempt is under way.
    Leased,
    /// It arrived.
    Succeeded,
    /// A dead letter: it never will by itself.
    Dead,
}

/// Which sort of subscriber.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubscriberKind {
    Plugin,
    Webhook,
}

/// Whose fault it is that an attempt failed: this host's own, that of the name, of the connection or of its security, no
/// answer in time, or the subscriber's.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fault {
    Ours,
    Dns,
    Connect,
    Tls,
    Timeout,
    Theirs,
}

impl DeliveryPage {
    pub(crate) fn new(page: Page<DeliveryRecord, DeliveryKey>) -> Self {
        let items = page.items.into_iter().map(Delivery::from).collect();
        Self { items, next: page.next.map(|before| before.to_string()) }
    }
}

impl DeliveryDetail {
    pub(crate) fn new(delivery: DeliveryRecord, event: EventRecord, attempts: Vec<(u32, core::Attempt)>) -> Self {
        let attempts = attempts.into_iter().map(|(number, attempt)| Attempt::new(number, attempt)).collect();
        Self { delivery: delivery.into(), event: event.into(), attempts }
    }
}

impl From<DeliveryRecord> for Delivery {
    fn from(record: DeliveryRecord) -> Self {
        let core::SubscriberId { tenant, kind, name } = record.subscriber;
        Self {
            id: record.key.to_string(),
            event_id: record.event_id,
            event_kind: record.event_kind,
            tenant,
            subscriber: Subscriber { kind: kind.into(), name },
            state: record.state.into(),
            parked: record.parked,
            set_aside: record.set_aside,
            replay: record.replay,
            dead_since: record.dead_since_ms.map(rfc3339),
            dead_why: record.dead_why.map(DeadWhy::from),
            attempt_count: record.attempts,
            ready_at: record.ready_at_ms.map(rfc3339),
            last_attempt: record.last.map(|attempt| Attempt::new(record.attempts, attempt)),
        }
    }
}

impl Attempt {
    fn new(number: u32, attempt: core::Attempt) -> Self {
        let core::Attempt { at_ms, took_ms, fault, status, detail, answer } = attempt;
        Self { number, at: rfc3339(at_ms), took_ms, fault: fault.map(Fault::from), status, detail, answer }
    }
}

/// Why a delivery is dead of which no attempt tells.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DeadWhy {
    /// Too many others of its subscriber were waiting; it was the oldest.
    Backlog,
    /// It had waited for too long.
    Waited,
    /// Its subscriber was absent for too long.
    Absent,
}

impl From<core::DeadWhy> for DeadWhy {
    fn from(why: core::DeadWhy) -> Self {
        match why {
            core::DeadWhy::Backlog => Self::Backlog,
            core::DeadWhy::Waited => Self::Waited,
            core::DeadWhy::Absent => Self::Absent,
        }
    }
}

impl From<core::DeliveryState> for DeliveryState {
    fn from(state: core::DeliveryState) -> Self {
        match state {
            core::DeliveryState::Waiting => Self::Waiting,
            core::DeliveryState::Due => Self::Due,
            core::DeliveryState::Leased => Self::Leased,
            core::DeliveryState::Succeeded => Self::Succeeded,
            core::DeliveryState::Dead => Self::Dead,
        }
    }
}

impl From<core::SubscriberKind> for SubscriberKind {
    fn from(kind: core::SubscriberKind) -> Self {
        match kind {
            core::SubscriberKind::Plugin => Self::Plugin,
            core::SubscriberKind::Webhook => Self::Webhook,
        }
    }
}

impl From<core::Fault> for Fault {
    fn from(fault: core::Fault) -> Self {
        match fault {
            core::Fault::Ours => Self::Ours,
            core::Fault::Dns => Self::Dns,
            core::Fault::Connect => Self::Connect,
            core::Fault::Tls => Self::Tls,
            core::Fault::Timeout => Self::Timeout,
            core::Fault::Theirs => Self::Theirs,
        }
    }
}
