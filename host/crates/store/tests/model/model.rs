//! What a store is to do, without a database.

use std::collections::HashMap;

use slashbox_core::{DeliveryState, Next};

use crate::call::{Call, Memory, Refused};

pub(crate) const SUBSCRIBERS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) event: String,
    lane: Option<u8>,
    pub(crate) state: DeliveryState,
    pub(crate) ready_at_ms: Option<u64>,
    pub(crate) claims: u32,
    pub(crate) attempts: u32,
}

/// A delivery by its subscriber and its place in the list.
pub(crate) type Place = (usize, usize);

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Each event's id; of one that was a timer, its key.
    pub(crate) events: Vec<(String, Option<String>)>,
    /// Each subscriber's, the oldest first.
    pub(crate) deliveries: [Vec<Delivery>; SUBSCRIBERS],
    pub(crate) absent: [bool; SUBSCRIBERS],
    /// By key: the event, and until when it is known.
    known: HashMap<u8, (String, u64)>,
    /// What the first subscriber's plugin keeps.
    pub(crate) memory: Memory,
}

/// Why a call has not ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotFinished {
    Fenced,
    Refused(Refused),
}

/// A call, for an event of this lane, and the ids of what it emits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made<'a> {
    pub(crate) call: &'a Call,
    pub(crate) lane: Option<u8>,
    pub(crate) ids: &'a [String],
}

impl Model {
    /// The event that it repeats.
    pub(crate) fn accept(
        &mut self,
        id: &str,
        lane: Option<u8>,
        to: [bool; SUBSCRIBERS],
        key: Option<(u8, u64)>,
        now_ms: u64,
    ) -> Option<String> {
        if let Some((key, ttl_ms)) = key {
            match self.known.get(&key) {
                Some((of, until_ms)) if *until_ms > now_ms => return Some(of.clone()),
                _ => drop(self.known.insert(key, (id.to_owned(), now_ms + ttl_ms))),
            }
        }
        self.events.push((id.to_owned(), None));
        self.deliver(id, lane, to, now_ms);
        None
    }

    fn deliver(&mut self, id: &str, lane: Option<u8>, to: [bool; SUBSCRIBERS], now_ms: u64) {
        for (deliveries, to) in self.deliveries.iter_mut().zip(to) {
            let waits = lane.is_some() && deliveries.iter().any(|one| one.lane == lane && one.state.is_open());
            let (state, ready_at_ms) =
                if waits { (DeliveryState::Waiting, None) } else { (DeliveryState::Due, Some(now_ms)) };
            if to {
                let event = id.to_owned();
                deliveries.push(Delivery { event, lane, state, ready_at_ms, claims: 0, attempts: 0 });
            }
        }
    }

    pub(crate) fn change(&mut self, made: Made<'_>, now_ms: u64) -> Result<(), Refused> {
        self.memory.change(made.call, made.lane, now_ms)?;
        for (id, to) in made.ids.iter().zip(&made.call.emits) {
            self.accept(id, made.lane, *to, None, now_ms);
        }
        Ok(())
    }

    /// Makes an event of the timer that is due for longest.
    pub(crate) fn fire(&mut self, id: &str, now_ms: u64) {
        if let Some((key, lane)) = self.memory.fire(now_ms) {
            self.events.push((id.to_owned(), Some(key)));
            self.deliver(id, lane, [true, false], now_ms);
        }
    }

    /// The places of what is claimed.
    pub(crate) fn claim(&mut self, subscriber: usize, limit: usize, now_ms: u64, until_ms: u64) -> Vec<Place> {
        if self.absent[subscriber] {
            return Vec::new();
        }
        let deliveries = &mut self.deliveries[subscriber];
        // Those that were attempted before come first.
        let mut ready: Vec<(bool, u64, usize)> = deliveries
            .iter()
            .enumerate()
            .filter_map(|(place, one)| Some((one.attempts == 0, one.ready_at_ms?, place)))
            .filter(|(_, ready_at_ms, _)| *ready_at_ms <= now_ms)
            .collect();
        ready.sort_unstable();
        ready.truncate(limit);
        for &(.., place) in &ready {
            let one = &mut deliveries[place];
            (one.state, one.ready_at_ms, one.claims) = (DeliveryState::Leased, Some(until_ms), one.claims + 1);
        }
        ready.into_iter().map(|(.., place)| (subscriber, place)).collect()
    }

    pub(crate) fn next_ready(&self, subscriber: usize) -> Option<u64> {
        let times = self.deliveries[subscriber].iter().filter_map(|one| one.ready_at_ms);
        times.min().filter(|_| !self.absent[subscriber])
    }

    pub(crate) fn lane(&self, place: Place) -> Option<u8> {
        self.deliveries[place.0][place.1].lane
    }

    /// The successor that is due by this.
    pub(crate) fn finish(
        &mut self,
        place: Place,
        claim: u32,
        next: Next,
        made: Option<Made<'_>>,
        now_ms: u64,
    ) -> Result<Option<Place>, NotFinished> {
        let one = &self.deliveries[place.0][place.1];
        if one.state != DeliveryState::Leased || one.claims != claim {
            return Err(NotFinished::Fenced);
        }
        if let Some(made) = made {
            self.change(made, now_ms).map_err(NotFinished::Refused)?;
        }
        let deliveries = &mut self.deliveries[place.0];
        let one = &mut deliveries[place.1];
        one.attempts += 1;
        (one.state, one.ready_at_ms) = match next {
            Next::RetryAt(at_ms) => (DeliveryState::Due, Some(at_ms)),
            Next::Succeeded => (DeliveryState::Succeeded, None),
            Next::Dead => (DeliveryState::Dead, None),
        };
        let lane = one.lane;
        if one.state.is_open() || lane.is_none() {
            return Ok(None);
        }
        let head = deliveries.iter().position(|one| one.lane == lane && one.state.is_open());
        Ok(head.map(|head| {
            (deliveries[head].state, deliveries[head].ready_at_ms) = (DeliveryState::Due, Some(now_ms));
            (place.0, head)
        }))
    }

    /// Gives up the oldest of those that are open, beyond so many. Tells how many these were.
    pub(crate) fn give_up(&mut self, subscriber: usize, max: usize, now_ms: u64) -> u64 {
        let deliveries = &mut self.deliveries[subscriber];
        let open: Vec<usize> = (0..deliveries.len()).filter(|&place| deliveries[place].state.is_open()).collect();
        let mut lanes = Vec::new();
        for &place in &open[..open.len().saturating_sub(max)] {
            let one = &mut deliveries[place];
            if one.state != DeliveryState::Leased || one.ready_at_ms.is_some_and(|end_ms| end_ms <= now_ms) {
                (one.state, one.ready_at_ms) = (DeliveryState::Dead, None);
                lanes.push(one.lane);
            }
        }
        let count = lanes.len() as u64;
        for lane in lanes.into_iter().flatten() {
            let head = deliveries.iter_mut().find(|one| one.lane == Some(lane) && one.state.is_open());
            if let Some(head) = head.filter(|head| head.state == DeliveryState::Waiting) {
                (head.state, head.ready_at_ms) = (DeliveryState::Due, Some(now_ms));
            }
        }
        count
    }

    pub(crate) fn release(&mut self, now_ms: u64) -> u64 {
        let mut count = 0;
        for one in self.deliveries.iter_mut().flatten().filter(|one| one.state == DeliveryState::Leased) {
            (one.state, one.ready_at_ms) = (DeliveryState::Due, Some(now_ms));
            count += 1;
        }
        count
    }

    /// What holds whatever happens.
    pub(crate) fn check(&self) {
        for deliveries in &self.deliveries {
            let open = || deliveries.iter().filter(|one| one.state.is_open());
            for lane in open().filter_map(|one| one.lane) {
                let mut of_lane = open().filter(|one| one.lane == Some(lane));
                assert!(of_lane.next().is_none_or(|head| head.state != DeliveryState::Waiting));
                assert!(of_lane.all(|one| one.state == DeliveryState::Waiting));
            }
        }
    }
}
