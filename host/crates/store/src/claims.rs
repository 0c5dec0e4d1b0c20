//! Claiming deliveries: who may attempt one, and until when.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::Connection;
use slashbox_core::{Event, PrivateUrl};

use crate::{DeliveryKey, SubscriberKey, deliveries, events, subscribers};

/// Asks for deliveries to attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Of whom.
    pub subscriber: SubscriberKey,
    /// How many at most.
    pub limit: u32,
    /// How many of them may have been attempted or replayed before. They come first, so that first tries without end do
    /// not keep them away.
    pub again: u32,
}

/// When there is something to claim, in milliseconds since the Unix epoch: a delivery is due, or a lease ends. `None` if
/// there is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Of those that were never attempted.
    pub first_ms: Option<u64>,
    /// Of those that were attempted or replayed before.
    pub again_ms: Option<u64>,
}

impl Ready {
    /// When there is something of either.
    pub fn earliest_ms(self) -> Option<u64> {
        self.first_ms.into_iter().chain(self.again_ms).min()
    }
}

/// What was claimed, and when to ask again.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The deliveries: of each subscriber, those that are due for longest first, first tries after the others.
    pub claimed: Vec<Claimed>,
    /// For each request, in its order: what is to be claimed then (the leases that were given now count too). Nothing of
    /// one that is absent, paused or disabled.
    pub next: Vec<(SubscriberKey, Ready)>,
}

/// A delivery that is leased to whoever claimed it.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Which one.
    pub delivery: DeliveryKey,
    /// The claim's number; the attempt's end is recorded only if there was none after it.
    pub claim: u32,
    /// The attempt's number: 1 for the first. One that never ended, by a crash, does not count.
    pub attempt: u32,
    /// Which attempt of its schedule that is: 1 for the first. Those that use up nothing of the schedule do not count.
    pub number: u32,
    /// Whether it was attempted or replayed before.
    pub again: bool,
    /// Whether others of its conversation wait for it.
    pub in_order: bool,
    /// Whether it comes before one that was accepted earlier in its conversation, or comes late itself.
    pub out_of_order: bool,
    /// Whether it was replayed.
    pub replay: bool,
    /// Where it is replayed to, if not to where its subscriber is.
    pub replay_url: Option<PrivateUrl>,
    /// What is to be delivered; shared by the deliveries of one claim.
    pub event: Arc<Event>,
}

/// Leases what is ready; tells when to ask again.
pub(crate) fn claim(
    sql: &Connection,
    requests: &[ClaimRequest],
    now_ms: u64,
    lease_until_ms: u64,
) -> rusqlite::Result<Claims> {
    let mut claims = Claims::default();
    let mut events = HashMap::new();
    for &request in requests {
        let mut next = Ready::default();
        if subscribers::is_served(sql, request.subscriber)? {
            for event in ready(sql, request, now_ms)? {
                claims.claimed.push(lease(sql, event, request.subscriber, lease_until_ms, &mut events)?);
            }
            next = next_ready(sql, request.subscriber)?;
        }
        claims.next.push((request.subscriber, next));
    }
    Ok(claims)
}

/// The events of those that are to be leased.
fn ready(sql: &Connection, request: ClaimRequest, now_ms: u64) -> rusqlite::Result<Vec<i64>> {
    let ClaimRequest { subscriber, limit, again } = request;
    let mut events = deliveries::ready(sql, subscriber, true, now_ms, again.min(limit))?;
    let left = limit.saturating_sub(u32::try_from(events.len()).unwrap_or(u32::MAX));
    events.extend(deliveries::ready(sql, subscriber, false, now_ms, left)?);
    Ok(events)
}

/// When there is something to claim of a subscriber.
pub(crate) fn next_ready(sql: &Connection, subscriber: SubscriberKey) -> rusqlite::Result<Ready> {
    let next = |again| deliveries::next_ready(sql, subscriber, again);
    Ok(Ready { first_ms: next(false)?, again_ms: next(true)? })
}

/// Leases a delivery. Its event is read once for all subscribers: it may be long.
fn lease(
    sql: &Connection,
    event: i64,
    subscriber: SubscriberKey,
    until_ms: u64,
    events: &mut HashMap<i64, Arc<Event>>,
) -> rusqlite::Result<Claimed> {
    let delivery = DeliveryKey { event: event.cast_unsigned(), subscriber };
    let lease = deliveries::lease(sql, delivery, until_ms)?;
    let event = match events.entry(event) {
        Entry::Occupied(known) => Arc::clone(known.get()),
        Entry::Vacant(new) => Arc::clone(new.insert(events::shared(sql, event)?)),
    };
    let deliveries::Lease { claim, attempts, uncounted, lane, again, replay, replay_url } = lease;
    Ok(Claimed {
        delivery,
        claim,
        attempt: attempts.saturating_add(1),
        number: attempts.saturating_sub(uncounted).saturating_add(1),
        again,
        in_order: lane.is_some_and(|lane| lane >= 0),
        out_of_order: deliveries::is_out_of_order(sql, delivery, lane)?,
        replay,
        replay_url: replay_url.map(PrivateUrl::new),
        event,
    })
}
