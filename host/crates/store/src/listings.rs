//! What people look at: events and deliveries, newest first, in pages.
//!
//! A listing is a walk over parts of one index at once, from the newest key on; each part (a source's events, a
//! subscriber's dead deliveries) is in that order by itself. So nothing is sorted, and what belongs to others is never
//! looked at. What no index tells apart is looked at and left out, up to a limit a page.

mod deliveries;
mod events;
mod merge;

pub(crate) use deliveries::{deliveries, delivery, of_event, oldest};
pub(crate) use events::{event, events};

#[cfg(test)]
pub(crate) use {
    deliveries::{OF_EVENT, SOME_READY, STATEMENTS as DELIVERIES},
    events::STATEMENTS as EVENTS,
};

use slashbox_core::{Attempt, DeadWhy, DeliveryState, Event, SubscriberId, SubscriberKind};

use crate::DeliveryKey;

/// The most keys that are looked at for a page: some milliseconds' work. A listing that finds little in them goes on when
/// it is asked to, so that it never holds a reader for long.
pub(crate) const LOOKED_AT_MAX: usize = 5_000;

/// Which events to list; what is `None` does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Of this canonical kind.
    pub kind: Option<String>,
    /// Of this conversation.
    pub conversation: Option<String>,
}

/// Which deliveries to list; what is `None` does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// To subscribers of this sort.
    pub kind: Option<SubscriberKind>,
    /// To subscribers of this name.
    pub name: Option<String>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of the event with this number ([`EventRecord::seq`]).
    pub event: Option<u64>,
    /// Of events of this canonical kind.
    pub event_kind: Option<String>,
    /// Of events accepted then or later, in milliseconds since the Unix epoch.
    pub accepted_from_ms: Option<u64>,
    /// Of events accepted earlier than that, in milliseconds since the Unix epoch.
    pub accepted_until_ms: Option<u64>,
}

/// A part of a listing.
///
/// A page ends when it has as many items as were asked for, or when thousands were looked at that do not belong into it.
/// So it may hold few items, or none, and yet not be the last one: that is the one without `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for as `before` to get the next page; `None` if there is nothing more.
    pub next: Option<C>,
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Its number in the order of acceptance.
    pub seq: u64,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub accepted_at_ms: u64,
    /// The event.
    pub event: Event,
    /// How it stands with its text, envelope and data.
    pub payload: Payload,
}

/// What of an event is there of its text, envelope and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// All of it.
    There,
    /// They are kept, but a listing leaves them out.
    LeftOut,
    /// They were removed in the course of time. The event cannot be delivered again.
    Gone,
}

/// A delivery as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Which one.
    pub key: DeliveryKey,
    /// The event's id.
    pub event_id: String,
    /// The event's canonical kind.
    pub event_kind: String,
    /// To whom.
    pub subscriber: SubscriberId,
    /// Whether it is open and stays so until its subscriber, who is absent, paused or disabled, comes back.
    pub parked: bool,
    /// Whether others of its conversation overtake it, or have, since it alone failed.
    pub set_aside: bool,
    /// Whether it was replayed.
    pub replay: bool,
    /// How it stands.
    pub state: DeliveryState,
    /// How many attempts have ended.
    pub attempts: u32,
    /// Of a due one, when it is; of a leased one, when its lease ends, in milliseconds since the Unix epoch.
    pub ready_at_ms: Option<u64>,
    /// The last attempt that has ended.
    pub last: Option<Attempt>,
    /// Of a dead one, since when it is, in milliseconds since the Unix epoch.
    pub dead_since_ms: Option<u64>,
    /// Of a dead one, why it is, unless its last attempt tells.
    pub dead_why: Option<DeadWhy>,
}

/// A delivery, its event, and the attempts that have ended, with their numbers.
pub type DeliveryStory = (DeliveryRecord, EventRecord, Vec<(u32, Attempt)>);
