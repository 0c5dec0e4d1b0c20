//! Who gets events: what a plugin and a remote have in common.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use slashbox_core::{Effects, Event, Fault, PrivateUrl, Quota, Schedule, Scope, SubscriberId};

use crate::Addressed;

/// One attempt to deliver an event.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What happened.
    pub event: Arc<Event>,
    /// 1 at the first attempt.
    pub attempt: u32,
    /// When it begins, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// Whether it comes before one that was accepted earlier in its conversation, or comes late itself: one of both was set
    /// aside.
    pub out_of_order: bool,
    /// Whether it was replayed: it may have arrived before.
    pub replay: bool,
    /// Where it is replayed to, if not to where its subscriber is.
    pub replay_url: Option<PrivateUrl>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// What follows from it.
    pub verdict: Verdict,
    /// The HTTP status that a remote answered with.
    pub status: Option<u16>,
    /// How it ended, for people. Never a secret.
    pub detail: String,
    /// The beginning of what a remote answered.
    pub answer: String,
    /// What a plugin's call changes, committed together with the record of the attempt; none if it failed.
    pub change: Option<Changed>,
}

/// What a plugin's call changes. All of it is kept, or nothing.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Whose keys and timers these are.
    pub scope: Scope,
    /// What it read, and what becomes of keys and timers. What it emits stands in `events`.
    pub effects: Effects,
    /// How much may be kept in the scope.
    pub quota: Quota,
    /// What it emits, with ids of their own and those who get them.
    pub events: Vec<Addressed>,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Arrived,
    /// It did not, and may another time.
    Failed {
        /// Whose fault it is.
        fault: Fault,
        /// The subscriber's own word on when to come again.
        retry_after: Option<Duration>,
    },
    /// This host could not ask, for a reason of its own that passes by itself. That is recorded, and uses up nothing.
    Hindered,
    /// The subscriber does not want it, now or later.
    Refused,
    /// It was not asked: this host had no place for it, or knows that it cannot. That is no attempt.
    NotTried {
        /// When it can be tried again; soon, if that is not known.
        again_in: Option<Duration>,
    },
}

impl Verdict {
    /// Whose fault it is that it did not arrive.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Arrived => None,
            Self::Refused => Some(Fault::Theirs),
            Self::NotTried { .. } | Self::Hindered => Some(Fault::Ours),
            Self::Failed { fault, .. } => Some(fault),
        }
    }

    /// The subscriber's own word on when to come again.
    pub(crate) fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Failed { retry_after, .. } => retry_after,
            Self::Arrived | Self::Refused | Self::Hindered | Self::NotTried { .. } => None,
        }
    }
}

/// How a subscriber is treated.
#[derive(Clone, Debug)]
pub struct Policy {
    /// When a failed attempt is made again.
    pub schedule: Schedule,
    /// The most attempts at the same time.
    pub in_flight_max: u32,
    /// The longest that an attempt takes.
    pub attempt_max: Duration,
    /// The most attempts in a second, at least 1; as many as there are if `None`.
    pub per_second: Option<u32>,
    /// Whether it is disabled if it fails for too long, until somebody enables it again.
    pub may_be_disabled: bool,
}

/// An attempt under way.
pub type Delivering<'d> = Pin<Box<dyn Future<Output = Attempted> + Send + 'd>>;

/// Somebody who gets events.
pub trait Subscriber: fmt::Debug + Send + Sync {
    /// How it is treated.
    fn policy(&self) -> &Policy;

    /// Which version of it this is: a new one may do what the one before could not, so what waits for another attempt is
    /// tried at once.
    fn revision(&self) -> &str;

    /// Makes one attempt. Takes no longer than its policy says.
    fn deliver<'d>(&'d self, delivery: &'d Delivery) -> Delivering<'d>;
}

/// Who is there at present, by name.
pub trait Directory: fmt::Debug + Send + Sync {
    /// Who has this name; none if it is not there.
    fn find(&self, id: &SubscriberId) -> Option<Arc<dyn Subscriber>>;
}
