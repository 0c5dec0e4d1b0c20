//! Claiming deliveries: who may attempt one, and until when.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::Connection;
use slashbox_core::Event;

use crate::{DeliveryKey, SubscriberKey, deliveries, events, subscribers};

/// Asks for deliveries to attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Of whom.
    pub subscriber: SubscriberKey,
    /// How many at most.
    pub limit: u32,
}

/// What was claimed, and when to ask again.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The deliveries: of each subscriber, those that are due for longest first.
    pub claimed: Vec<Claimed>,
    /// For each request, in its order: when the first of the deliveries that may be attempted and were not claimed now is
    /// due, or the first lease ends (those that were given now count too), in milliseconds since the Unix epoch. `None`
    /// if there is neither, or if the subscriber is absent.
    pub next: Vec<(SubscriberKey, Option<u64>)>,
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
    for &ClaimRequest { subscriber, limit } in requests {
        let mut next = None;
        if subscribers::is_present(sql, subscriber)? {
            for event in deliveries::ready(sql, subscriber, now_ms, limit)? {
                claims.claimed.push(lease(sql, event, subscriber, lease_until_ms, &mut events)?);
            }
            next = deliveries::next_ready(sql, subscriber)?;
        }
        claims.next.push((subscriber, next));
    }
    Ok(claims)
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
    let deliveries::Lease { claim, attempts } = deliveries::lease(sql, delivery, until_ms)?;
    let event = match events.entry(event) {
        Entry::Occupied(known) => Arc::clone(known.get()),
        Entry::Vacant(new) => Arc::clone(new.insert(events::shared(sql, event)?)),
    };
    Ok(Claimed { delivery, claim, attempt: attempts.saturating_add(1), event })
}
