//! How much is held for senders at the same time: bodies, and events that the store has yet to take.
//!
//! Owns the counts. Never waits for room: whoever finds none is told at once, before its bytes are kept.
//!
//! Invariants: what a sender makes the host keep is counted until it is let go of, also if the sender has gone away before;
//! commands take nothing from the room of events, so that a disk that does not keep up leaves them answered.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use slashbox_core::Event;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tracing::warn;

use crate::telemetry::INGEST;

/// The beginning of a body, which always finds room: it costs no more than its connection does, and commands hardly have
/// more. So a few senders of long bodies, however slow they are, keep nobody's command out.
const BODY_FREE_BYTES: usize = 8 * 1024;

/// The most bytes of bodies beyond their beginnings: many times what platforms have under way, which is there at once.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The most bytes of events that wait for the store: seconds' worth of a disk that is well, and small beside the plugins'
/// memory. A longer queue would only take events whose senders have given up before the disk has them.
const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a request with events costs beside their texts: its task, its connection, their other fields.
const EVENT_OWN_BYTES: usize = 8 * 1024;

/// The most requests with events that are at the store at the same time: two commits' worth, and half of its queue. The
/// other half is for what calls change and for the records of attempts, which would wait behind all events otherwise.
const AT_STORE_MAX: usize = 512;

/// How often it is told that there is no room.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// The counts.
#[derive(Debug)]
pub(crate) struct Room {
    bodies: Arc<Semaphore>,
    events: Arc<Semaphore>,
    at_store: Semaphore,
    refusals: Refusals,
}

/// There is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The room of one body; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    bodies: Arc<Semaphore>,
    bytes: usize,
    beyond: Option<OwnedSemaphorePermit>,
}

/// The room of one request's events; given back when it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct EventRoom(#[expect(dead_code, reason = "what counts is when it is dropped")] OwnedSemaphorePermit);

impl Default for Room {
    fn default() -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(BODY_BYTES_MAX)),
            events: Arc::new(Semaphore::new(EVENT_BYTES_MAX)),
            at_store: Semaphore::new(AT_STORE_MAX),
            refusals: Refusals::default(),
        }
    }
}

impl Room {
    /// Room for a body of which nothing is there yet.
    pub(crate) fn for_body(&self) -> BodyRoom {
        BodyRoom { bodies: self.bodies.clone(), bytes: 0, beyond: None }
    }

    /// Room for the events of one request, which the store is to take together.
    pub(crate) fn for_events<'e>(&self, events: impl IntoIterator<Item = &'e Event>) -> Result<EventRoom, Full> {
        let texts: usize = events.into_iter().map(text_bytes).sum();
        take(&self.events, EVENT_OWN_BYTES + texts).map(EventRoom)
    }

    /// Waits for the events' turn at the store. None once there are no turns any more, which never comes to be.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.at_store.acquire().await.ok()
    }

    /// Says in the log, now and then, that requests are refused which are to come again.
    pub(crate) fn tell_refused(&self, why: &str) {
        if let Some(refused) = self.refusals.one_more(Instant::now()) {
            warn!(target: INGEST, refused, why, "senders are told to come again later");
        }
    }
}

impl BodyRoom {
    /// More of the body has come.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let beyond = |bytes: usize| bytes.saturating_sub(BODY_FREE_BYTES);
        let more = beyond(self.bytes + bytes) - beyond(self.bytes);
        self.bytes += bytes;
        let more = take(&self.bodies, more)?;
        match &mut self.beyond {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

fn take(room: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Full> {
    let bytes = u32::try_from(bytes).map_err(|_| Full)?;
    room.clone().try_acquire_many_owned(bytes).map_err(|_| Full)
}

fn text_bytes(event: &Event) -> usize {
    event.data.len() + event.envelope.len() + event.text.as_ref().map_or(0, String::len)
}

/// Counts those who were refused, so that a line of the log stands for many.
#[derive(Debug, Default)]
struct Refusals {
    count: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Refusals {
    /// How many it were since that was told last, if it is time to tell it.
    fn one_more(&self, now: Instant) -> Option<u64> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| now.saturating_duration_since(told) < TOLD_EACH) {
            return None;
        }
        *told = Some(now);
        Some(self.count.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use slashbox_core::{Origin, Sender};

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn event(bytes: usize) -> Event {
        let origin = Origin { tenant: "t".into(), source: "s".into(), dialect: "d".into(), instance: None };
        Event {
            id: "1".into(),
            kind: "message.received".into(),
            native_kind: "message_received".into(),
            conversation: None,
            contact: None,
            operator: None,
            sender: Sender::Contact,
            message: None,
            text: Some("x".repeat(bytes / 2)),
            occurred_at_ms: 0,
            origin,
            data: "x".repeat(bytes - bytes / 2),
            envelope: String::new(),
            hops: 0,
        }
    }

    #[test]
    fn bodies_have_room_up_to_the_byte_and_give_it_back() {
        let room = Room::default();
        let mut held = Vec::new();
        for _ in 0..BODY_BYTES_MAX / MIB {
            let mut body = room.for_body();
            // As it comes: some at once, some byte by byte.
            body.grow(BODY_FREE_BYTES - 1).unwrap();
            body.grow(1).unwrap();
            body.grow(MIB - 1).unwrap();
            body.grow(1).unwrap();
            held.push(body);
        }
        let mut late = room.for_body();
        assert_eq!(late.grow(BODY_FREE_BYTES), Ok(()));
        assert_eq!(late.grow(1), Err(Full));
        held.pop();
        let mut later = room.for_body();
        assert_eq!(later.grow(BODY_FREE_BYTES + MIB), Ok(()));
        drop(later);
        let mut over = room.for_body();
        assert_eq!(over.grow(BODY_FREE_BYTES + MIB + 1), Err(Full));
    }

    #[test]
    fn events_have_room_up_to_the_byte_and_take_none_from_bodies() {
        let room = Room::default();
        let each = MIB - EVENT_OWN_BYTES;
        let mut held: Vec<EventRoom> =
            (0..EVENT_BYTES_MAX / MIB).map(|_| room.for_events([&event(each)]).unwrap()).collect();
        assert!(room.for_events([]).is_err());
        held.pop();
        assert!(room.for_events([&event(each / 2), &event(each - each / 2 + 1)]).is_err());
        let last = room.for_events([&event(each / 2), &event(each - each / 2)]);
        assert!(last.is_ok());
        assert_eq!(room.for_body().grow(MIB), Ok(()));
    }

    #[test]
    fn many_refusals_are_a_line_each_while() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.one_more(now), Some(1));
        assert_eq!(refusals.one_more(now), None);
        assert_eq!(refusals.one_more(now + TOLD_EACH - Duration::from_millis(1)), None);
        assert_eq!(refusals.one_more(now + TOLD_EACH), Some(3));
    }
}
