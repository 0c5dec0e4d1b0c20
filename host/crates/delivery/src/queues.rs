//! What the worker knows of each subscriber while it runs: who it is, how it fares, how much of it is under way, when to
//! look again.
//!
//! Only a memory of the store, which can be made anew from it. Invariants: `ready` is never later than the time at which
//! something of the subscriber is ready, so that nothing is overlooked; it may be earlier, which costs one look. First tries
//! and others have places of their own, so that neither keeps the other away.

use std::{collections::HashMap, sync::Arc};

use slashbox_core::{SubscriberId, SubscriberKind};
use slashbox_store::{ClaimRequest, DeliveryKey, Health, Ready, SubscriberKey};

use crate::{
    Subscriber,
    breaker::{Sign, Turned},
    fares::{Fares, Follows},
    heads::Heads,
};

/// The most attempts at the same time, at plugins and at remotes: each holds its event. They are counted apart, since
/// remotes that do not answer hold theirs for many seconds, and plugins must not wait for that.
pub(crate) const PLUGIN_ATTEMPTS_MAX: u32 = 256;
/// See [`PLUGIN_ATTEMPTS_MAX`].
pub(crate) const REMOTE_ATTEMPTS_MAX: u32 = 768;

/// By how much attempts at a pace may be late and still all be made: so those that are close together share a claim.
const CATCH_UP_MS: u64 = 50;

/// How long nothing is attempted once this host is hindered, at first and at most, doubling.
const HINDERED_MS: u64 = 1_000;
/// See [`HINDERED_MS`].
const HINDERED_MAX_MS: u64 = 60_000;

/// Whoever comes seldom comes on time.
fn slack_ms(pace_ms: u64) -> u64 {
    if pace_ms < CATCH_UP_MS { CATCH_UP_MS } else { 0 }
}

fn hindered(times: u32, now_ms: u64) -> (u64, u32) {
    let pause_ms = HINDERED_MS.saturating_mul(1 << times.min(16)).min(HINDERED_MAX_MS);
    (now_ms.saturating_add(pause_ms), times.saturating_add(1))
}

/// Whether a time is still to come. One that is further ahead than it can be comes of a clock that was set back.
fn is_ahead(at_ms: u64, now_ms: u64, max_ms: u64) -> bool {
    at_ms > now_ms && at_ms <= now_ms.saturating_add(max_ms)
}

fn attempts_max(kind: SubscriberKind) -> u32 {
    match kind {
        SubscriberKind::Plugin => PLUGIN_ATTEMPTS_MAX,
        SubscriberKind::Webhook => REMOTE_ATTEMPTS_MAX,
    }
}

/// How many of so many places those may have that were attempted or replayed before: half of them.
pub(crate) fn share_of_again(places: u32) -> u32 {
    places.div_ceil(2)
}

/// How many attempts are under way.
#[derive(Clone, Copy, Debug, Default)]
struct InFlight {
    all: u32,
    again: u32,
}

impl InFlight {
    fn began(&mut self, again: bool) {
        self.all += 1;
        self.again += u32::from(again);
    }

    fn ended(&mut self, again: bool) {
        self.all -= 1;
        self.again -= u32::from(again);
    }

    /// What is left of so many places.
    fn room(self, places: u32) -> Room {
        let all = places.saturating_sub(self.all);
        Room { all, again: share_of_again(places).saturating_sub(self.again).min(all) }
    }
}

/// How many attempts may begin, and how many of those at what was attempted or replayed before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Room {
    all: u32,
    again: u32,
}

impl Room {
    fn at_most(self, all: u32) -> Self {
        Self { all: self.all.min(all), again: self.again.min(all) }
    }

    /// The probe may be at anything.
    fn at_least_a_probe(self, breaker: u32) -> Self {
        if breaker == 1 { Self { again: self.all, ..self } } else { self }
    }

    /// When there is something for it.
    fn next_ms(self, ready: Ready) -> Option<u64> {
        let first_ms = ready.first_ms.filter(|_| self.all > 0);
        first_ms.into_iter().chain(ready.again_ms.filter(|_| self.again > 0)).min()
    }
}

/// What is known of a subscriber.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) id: Arc<SubscriberId>,
    /// None while it is not there: what it should get waits.
    pub(crate) subscriber: Option<Arc<dyn Subscriber>>,
    /// Whether an operator has it wait.
    pub(crate) paused: bool,
    pub(crate) fares: Fares,
    heads: Heads,
    ready: Ready,
    in_flight: InFlight,
    /// When the next attempt may begin, where there may only be so many in a second.
    paced_ms: u64,
    /// Until when nothing is attempted, since this host is hindered; and how often it was, one after the other.
    hindered: (u64, u32),
    /// Counts how often it has begun anew: what was under way before tells nothing of it.
    generation: u32,
    /// Whether the last one was at what was attempted or replayed before: where only one may begin, they take turns.
    last_was_again: bool,
}

impl Queue {
    pub(crate) fn new(id: SubscriberId, subscriber: Option<Arc<dyn Subscriber>>) -> Self {
        Self {
            id: Arc::new(id),
            subscriber,
            paused: false,
            fares: Fares::of(Health::default()),
            heads: Heads::default(),
            ready: Ready::default(),
            in_flight: InFlight::default(),
            paced_ms: 0,
            hindered: (0, 0),
            generation: 0,
            last_was_again: false,
        }
    }

    /// As it was when it was known last; these held up their conversations then.
    pub(crate) fn known(self, paused: bool, fares: Fares, failed_heads: Vec<DeliveryKey>) -> Self {
        let mut heads = Heads::default();
        failed_heads.into_iter().for_each(|delivery| heads.add(delivery));
        Self { paused, fares, heads, ..self }
    }

    /// It begins anew, as if it had never failed.
    pub(crate) fn renew(&mut self) {
        self.fares = Fares::of(Health::default());
        self.heads = Heads::default();
        self.hindered = (0, 0);
        self.generation += 1;
    }

    /// Who it is, if it is to be attempted at all.
    fn served(&self) -> Option<&Arc<dyn Subscriber>> {
        self.subscriber.as_ref().filter(|_| !self.paused && !self.fares.is_disabled())
    }

    /// The places that are free, whatever the time.
    fn room(&self) -> Room {
        self.served().map_or(Room::default(), |subscriber| self.in_flight.room(subscriber.policy().in_flight_max))
    }

    fn room_at(&self, now_ms: u64) -> Room {
        let breaker = self.fares.breaker.room(now_ms);
        let paced = self.pace_ms().map_or(u32::MAX, |pace_ms| self.paced(pace_ms, now_ms));
        let hindered = if is_ahead(self.hindered.0, now_ms, HINDERED_MAX_MS) { 0 } else { u32::MAX };
        let room = self.room().at_most(breaker.min(paced).min(hindered)).at_least_a_probe(breaker);
        let first_is_ready = self.ready.first_ms.is_some_and(|first_ms| first_ms <= now_ms);
        if room.all == 1 && self.last_was_again && first_is_ready { Room { again: 0, ..room } } else { room }
    }

    /// How many attempts may begin now. Where they are close together, some begin at once instead of each by itself.
    fn paced(&self, pace_ms: u64, now_ms: u64) -> u32 {
        if is_ahead(self.paced_ms, now_ms, 1_000) {
            return 0;
        }
        let late_ms = now_ms.saturating_sub(self.paced_ms).min(slack_ms(pace_ms));
        u32::try_from(1 + late_ms / pace_ms).unwrap_or(u32::MAX)
    }

    /// How far attempts are apart at least.
    fn pace_ms(&self) -> Option<u64> {
        let per_second = self.subscriber.as_ref()?.policy().per_second?;
        Some(1_000_u64.div_ceil(u64::from(per_second.max(1))))
    }

    /// When something can be attempted where there is so much room, if nothing else happens.
    fn next_ms(&self, room: Room) -> Option<u64> {
        let ready_ms = room.next_ms(self.ready)?;
        let breaker_ms = self.fares.breaker.until_ms().unwrap_or_default();
        let paced_ms = self.pace_ms().map_or(0, |_| self.paced_ms);
        // While a probe is under way, its end wakes the worker.
        let probing = self.fares.breaker.until_ms().is_none() && self.fares.breaker.room(0) == 0;
        (!probing).then_some(ready_ms.max(breaker_ms).max(paced_ms).max(self.hindered.0))
    }
}

/// An attempt that has begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Whether it is to find out if its endpoint is back.
    pub(crate) is_probe: bool,
    /// How often its subscriber had begun anew.
    generation: u32,
}

/// Every subscriber that is known.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    queues: HashMap<SubscriberKey, Queue>,
    in_flight: HashMap<SubscriberKind, InFlight>,
}

impl Queues {
    /// A subscriber as it is found.
    pub(crate) fn add(&mut self, key: SubscriberKey, queue: Queue) {
        self.queues.entry(key).or_insert(queue);
    }

    /// Who has this key, if it is there.
    pub(crate) fn subscriber(&self, key: SubscriberKey) -> Option<(&Arc<SubscriberId>, &Arc<dyn Subscriber>)> {
        let queue = self.queues.get(&key)?;
        Some((&queue.id, queue.subscriber.as_ref()?))
    }

    /// Everybody.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SubscriberKey, &mut Queue)> {
        self.queues.iter_mut().map(|(&key, queue)| (key, queue))
    }

    pub(crate) fn get_mut(&mut self, key: SubscriberKey) -> Option<&mut Queue> {
        self.queues.get_mut(&key)
    }

    /// Something of a subscriber is ready at this time, perhaps.
    pub(crate) fn look_at(&mut self, key: SubscriberKey, at_ms: u64) {
        if let Some(queue) = self.queues.get_mut(&key) {
            let earlier = |ready_ms: Option<u64>| Some(ready_ms.map_or(at_ms, |ready_ms| ready_ms.min(at_ms)));
            queue.ready = Ready { first_ms: earlier(queue.ready.first_ms), again_ms: earlier(queue.ready.again_ms) };
        }
    }

    /// When something of a subscriber is ready, as the store says.
    pub(crate) fn known(&mut self, key: SubscriberKey, ready: Ready) {
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.ready = ready;
        }
    }

    /// What can be claimed now. If there is not room for all, each gets its share.
    pub(crate) fn requests(&self, now_ms: u64) -> Vec<ClaimRequest> {
        let of = |kind| self.requests_of(kind, now_ms);
        of(SubscriberKind::Plugin).into_iter().chain(of(SubscriberKind::Webhook)).collect()
    }

    fn requests_of(&self, kind: SubscriberKind, now_ms: u64) -> Vec<ClaimRequest> {
        let free = self.free(kind);
        let ready = |(key, queue): (&SubscriberKey, &Queue)| {
            let room = queue.room_at(now_ms).at_most(free.all);
            let room = Room { again: room.again.min(free.again), ..room };
            let is_ready = queue.id.kind == kind && room.next_ms(queue.ready).is_some_and(|next_ms| next_ms <= now_ms);
            is_ready.then_some((*key, room, queue.in_flight.all))
        };
        let mut queues: Vec<(SubscriberKey, Room, u32)> = self.queues.iter().filter_map(ready).collect();
        // Who has the least under way comes first, so that those who answer get their turn beside many that do not; among
        // equals, chance decides.
        fastrand::shuffle(&mut queues);
        queues.sort_by_key(|(.., in_flight)| *in_flight);
        let count = u32::try_from(queues.len()).unwrap_or(u32::MAX).max(1);
        let (all, again) = (free.all / count, free.again / count);
        if all == 0 {
            queues.truncate(usize::try_from(free.all).unwrap_or_default());
        }
        let request = |(place, (subscriber, room, _)): (usize, (SubscriberKey, Room, u32))| {
            // Where there is not one for each, those in front have one.
            let one = u32::from(place < usize::try_from(free.again).unwrap_or_default());
            ClaimRequest { subscriber, limit: room.all.min(all.max(1)), again: room.again.min(again.max(one)) }
        };
        queues.into_iter().enumerate().map(request).collect()
    }

    /// When to look again, if nothing else happens. Where no room is left, the end of an attempt wakes the worker.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let next_ms = |queue: &Queue| {
            let free = self.free(queue.id.kind);
            let room = queue.room().at_most(free.all);
            queue.next_ms(Room { again: room.again.min(free.again), ..room })
        };
        let attempts = self.queues.values().filter_map(next_ms);
        let heads = self.queues.values().filter_map(|queue| queue.heads.next_ms());
        attempts.chain(heads).min()
    }

    /// Some of what is to be set aside now.
    pub(crate) fn due_heads(&self, now_ms: u64) -> Vec<DeliveryKey> {
        self.queues.values().flat_map(|queue| queue.heads.due(now_ms)).collect()
    }

    /// Those hold up nobody any more, or are under way and may arrive.
    pub(crate) fn looked_at(&mut self, heads: &[DeliveryKey], is_under_way: impl Fn(DeliveryKey) -> bool, now_ms: u64) {
        for &delivery in heads {
            let Some(queue) = self.queues.get_mut(&delivery.subscriber) else { continue };
            if is_under_way(delivery) {
                queue.heads.put_off(delivery, now_ms);
            } else {
                queue.heads.remove(delivery);
            }
        }
    }

    fn free(&self, kind: SubscriberKind) -> Room {
        self.in_flight.get(&kind).copied().unwrap_or_default().room(attempts_max(kind))
    }

    /// An attempt begins.
    pub(crate) fn began(&mut self, key: SubscriberKey, again: bool, now_ms: u64) -> Begun {
        let Some(queue) = self.queues.get_mut(&key) else { return Begun::default() };
        queue.in_flight.began(again);
        queue.last_was_again = again;
        if let Some(pace_ms) = queue.pace_ms() {
            let since_ms = queue.paced_ms.max(now_ms.saturating_sub(slack_ms(pace_ms)));
            let since_ms = if is_ahead(since_ms, now_ms, 1_000) { since_ms } else { since_ms.min(now_ms) };
            queue.paced_ms = since_ms.saturating_add(pace_ms);
        }
        self.in_flight.entry(queue.id.kind).or_default().began(again);
        Begun { is_probe: queue.fares.breaker.began(), generation: queue.generation }
    }

    /// An attempt has ended.
    pub(crate) fn ended(&mut self, key: SubscriberKey, again: bool) {
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.in_flight.ended(again);
            self.in_flight.entry(queue.id.kind).or_default().ended(again);
        }
    }

    /// What an attempt tells of its subscriber, and whether the delivery holds up its conversation.
    pub(crate) fn learned(
        &mut self,
        delivery: DeliveryKey,
        begun: Begun,
        sign: Sign,
        is_head: bool,
        now_ms: u64,
    ) -> Follows {
        let Some(queue) = self.queues.get_mut(&delivery.subscriber) else { return Follows::default() };
        if is_head {
            queue.heads.add(delivery);
        } else {
            queue.heads.remove(delivery);
        }
        queue.hindered = match sign {
            Sign::Hindered => hindered(queue.hindered.1, now_ms),
            Sign::Alive | Sign::Failed { .. } | Sign::Nothing => (0, 0),
        };
        if begun.generation != queue.generation {
            return Follows::default();
        }
        let may_be_disabled = queue.subscriber.as_ref().is_some_and(|subscriber| subscriber.policy().may_be_disabled);
        let follows = queue.fares.ended(begun.is_probe, sign, may_be_disabled, now_ms);
        match follows.turned {
            Some(Turned::Open(_)) => queue.heads.nothing_arrives(),
            Some(Turned::Closed { .. }) | None if sign == Sign::Alive && queue.fares.breaker.room(now_ms) > 1 => {
                queue.heads.another_arrived(now_ms);
            }
            Some(Turned::Closed { .. }) | None => {}
        }
        follows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use slashbox_core::Schedule;

    use super::*;
    use crate::{Delivering, Delivery, Policy};

    #[derive(Debug)]
    struct Remote(Policy);

    impl Subscriber for Remote {
        fn policy(&self) -> &Policy {
            &self.0
        }

        fn revision(&self) -> &str {
            ""
        }

        fn deliver<'d>(&'d self, _: &'d Delivery) -> Delivering<'d> {
            unreachable!("nothing is delivered here")
        }
    }

    fn policy(in_flight_max: u32) -> Policy {
        let (schedule, attempt_max) = (Schedule::remote(), Duration::ZERO);
        Policy { schedule, in_flight_max, attempt_max, per_second: None, may_be_disabled: true }
    }

    const ONE: SubscriberKey = SubscriberKey(1);

    fn one(policy: Policy) -> Queues {
        let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: "one".into() };
        let mut queues = Queues::default();
        queues.add(ONE, Queue::new(id, Some(Arc::new(Remote(policy)))));
        queues.look_at(ONE, 0);
        queues
    }

    /// What may be claimed: in all, and of what was attempted before.
    fn claimable(queues: &Queues, now_ms: u64) -> Option<(u32, u32)> {
        queues.requests(now_ms).first().map(|request| (request.limit, request.again))
    }

    #[test]
    fn what_was_attempted_before_gets_half_of_the_places() {
        let mut queues = one(policy(40));
        assert_eq!(claimable(&queues, 0), Some((40, 20)));
        for _ in 0..20 {
            queues.began(ONE, true, 0);
        }
        assert_eq!(claimable(&queues, 0), Some((20, 0)));
        // Nothing but retries is ready: without a place for them, there is nothing to look for.
        queues.known(ONE, Ready { first_ms: None, again_ms: Some(0) });
        assert_eq!((claimable(&queues, 0), queues.next_ms()), (None, None));
        queues.known(ONE, Ready { first_ms: Some(5), again_ms: Some(0) });
        assert_eq!((claimable(&queues, 0), queues.next_ms()), (None, Some(5)));
        queues.ended(ONE, true);
        assert_eq!((claimable(&queues, 0), queues.next_ms()), (Some((21, 1)), Some(0)));
        let queues = one(policy(1));
        assert_eq!(claimable(&queues, 0), Some((1, 1)));
    }

    #[test]
    fn a_pace_is_kept() {
        let mut queues = one(Policy { per_second: Some(10), ..policy(40) });
        let mut began = Vec::new();
        for now_ms in 0..1_000 {
            assert!(queues.next_ms().is_some_and(|next_ms| next_ms == began.last().map_or(0, |last| last + 100)));
            if let Some((limit, _)) = claimable(&queues, now_ms) {
                assert_eq!(limit, 1);
                began.push(now_ms);
                queues.began(ONE, false, now_ms);
                queues.ended(ONE, false);
            }
        }
        assert_eq!(began, (0..10).map(|n| n * 100).collect::<Vec<_>>());
    }

    /// Where only one may begin at a time, neither keeps the other away.
    #[test]
    fn first_tries_and_others_take_turns() {
        for policy in [Policy { per_second: Some(10), ..policy(40) }, policy(1)] {
            let mut queues = one(policy);
            let mut began = Vec::new();
            for turn in 0..6 {
                let now_ms = turn * 100;
                let again = claimable(&queues, now_ms).unwrap() == (1, 1);
                queues.began(ONE, again, now_ms);
                queues.ended(ONE, again);
                began.push(again);
            }
            assert_eq!(began, [true, false, true, false, true, false]);
            // Alone, each goes on.
            queues.began(ONE, true, 600);
            queues.ended(ONE, true);
            queues.known(ONE, Ready { first_ms: None, again_ms: Some(0) });
            assert_eq!(claimable(&queues, 700), Some((1, 1)));
        }
    }

    #[test]
    fn an_open_breaker_lets_nothing_through_but_its_probe() {
        let mut queues = one(policy(40));
        let delivery = DeliveryKey { event: 1, subscriber: ONE };
        for _ in 0..10 {
            queues.learned(delivery, Begun::default(), Sign::Failed { gone: false }, false, 0);
        }
        assert_eq!((claimable(&queues, 29_999), queues.next_ms()), (None, Some(30_000)));
        assert_eq!(claimable(&queues, 30_000), Some((1, 1)));
        let probe = queues.began(ONE, false, 30_000);
        assert!(probe.is_probe);
        assert_eq!((claimable(&queues, 31_000), queues.next_ms()), (None, None));
        queues.ended(ONE, false);
        queues.learned(delivery, probe, Sign::Alive, false, 31_000);
        assert_eq!((claimable(&queues, 31_000), queues.next_ms()), (Some((40, 20)), Some(0)));
    }

    /// Retries of others hold all places that retries have: nothing is looked for until one of them ends.
    #[test]
    fn without_a_place_nobody_spins() {
        let mut queues = one(policy(40));
        let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: "two".into() };
        queues.add(SubscriberKey(2), Queue::new(id, Some(Arc::new(Remote(policy(1_000))))));
        for _ in 0..REMOTE_ATTEMPTS_MAX / 2 {
            queues.began(SubscriberKey(2), true, 0);
        }
        queues.known(ONE, Ready { first_ms: Some(9_000), again_ms: Some(0) });
        assert_eq!((claimable(&queues, 1_000), queues.next_ms()), (None, Some(9_000)));
    }

    /// A host without a network asks nobody again and again.
    #[test]
    fn who_is_hindered_pauses() {
        let mut queues = one(policy(40));
        let delivery = DeliveryKey { event: 1, subscriber: ONE };
        let mut now_ms = 1_000_000;
        for pause_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            let begun = queues.began(ONE, false, now_ms);
            queues.ended(ONE, false);
            queues.learned(delivery, begun, Sign::Hindered, false, now_ms);
            now_ms += pause_ms;
            assert_eq!((claimable(&queues, now_ms - 1), queues.next_ms()), (None, Some(now_ms)));
        }
        assert!(claimable(&queues, now_ms).is_some());
        assert!(claimable(&queues, now_ms - 10 * HINDERED_MAX_MS).is_some(), "the clock was set back");
        queues.learned(delivery, Begun::default(), Sign::Alive, false, now_ms);
        assert_eq!(queues.next_ms(), Some(0));
    }

    /// What hung at the old place says nothing of the new one.
    #[test]
    fn what_began_before_it_was_renewed_tells_nothing() {
        let mut queues = one(policy(40));
        let delivery = DeliveryKey { event: 1, subscriber: ONE };
        let before: Vec<Begun> = (0..20).map(|_| queues.began(ONE, false, 0)).collect();
        queues.get_mut(ONE).unwrap().renew();
        for begun in before {
            queues.ended(ONE, false);
            queues.learned(delivery, begun, Sign::Failed { gone: false }, false, 1);
        }
        assert_eq!(claimable(&queues, 1), Some((40, 20)));
    }

    #[test]
    fn who_is_paused_gets_nothing() {
        let mut queues = one(policy(40));
        queues.get_mut(ONE).unwrap().paused = true;
        assert_eq!((claimable(&queues, 0), queues.next_ms()), (None, None));
    }

    /// So many of them hold all places but one, with more to do; one that has nothing under way gets it.
    #[test]
    fn who_has_nothing_under_way_gets_the_last_place() {
        let each = 32;
        let crowd = REMOTE_ATTEMPTS_MAX / each;
        let policy = || policy(40);
        let mut queues = Queues::default();
        for number in 0..=crowd {
            let key = SubscriberKey(number.into());
            let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: number.to_string() };
            queues.add(key, Queue::new(id, Some(Arc::new(Remote(policy())))));
            queues.look_at(key, 0);
            if number < crowd {
                for _ in 0..each {
                    queues.began(key, false, 0);
                }
            }
        }
        queues.ended(SubscriberKey(3), false);
        for _ in 0..10 {
            let requests = queues.requests(1);
            assert_eq!(requests.len(), 1);
            assert_eq!(requests[0].subscriber, SubscriberKey(crowd.into()));
        }
    }
}
