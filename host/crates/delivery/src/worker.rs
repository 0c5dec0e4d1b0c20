//! The loop that claims what is due and has it attempted.
//!
//! Owns the attempts under way, and joins them. Its own failures (a store that does not write) are logged when they begin
//! and when they are over, and answered with growing pauses; nothing ends it but the order to.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
    time::Duration,
};

use slashbox_core::Fault;
use slashbox_store::{Claimed, Claims, DeliveryKey, FinishError, Health, SubscriberKey, WriteError};
use tokio::task::{self, JoinError, JoinSet};
use tracing::{error, info, warn};

use crate::{
    Directory, Subscriber,
    attempt::{self, Ended, Failure, Lease, Tools},
    breaker::Turned,
    deliveries::{CutOff, StartError},
    fares::{Fares, Follows},
    heads::HEADS_MAX,
    millis,
    news::ForWorker,
    outage::Outage,
    queues::{Queue, Queues},
    telemetry::DELIVERIES,
};

/// How much longer than an attempt a lease is: the time that the record may take.
pub(crate) const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How long giving back what is cut off may take: a commit or two.
const HAND_BACK_MAX: Duration = Duration::from_secs(2);

/// All that the loop works with.
pub(crate) struct Worker {
    tools: Tools,
    directory: Arc<dyn Directory>,
    queues: Queues,
    attempts: JoinSet<Ended>,
    /// What each attempt under way is, should it panic.
    under_way: HashMap<task::Id, (Lease, Arc<dyn Subscriber>)>,
    /// What the store has yet to be told.
    noticed: Noticed,
    outage: Outage,
}

/// Who came and went, which versions are there, and how they fare.
#[derive(Default)]
struct Noticed {
    absent_since_ms: HashMap<SubscriberKey, Option<u64>>,
    revisions: HashMap<SubscriberKey, String>,
    health: HashMap<SubscriberKey, Health>,
    /// Those that were left alone, and are no longer.
    back: HashSet<SubscriberKey>,
}

/// What can happen.
enum Turn {
    Told,
    Ended(Result<(task::Id, Ended), JoinError>),
    TimeCame,
}

impl Worker {
    /// Finds out who is there and what is due.
    pub(crate) async fn begin(tools: Tools, directory: Arc<dyn Directory>) -> Result<Self, StartError> {
        let now_ms = tools.clock.now_ms();
        tools.store().release_leases(now_ms).await?;
        let (mut queues, mut noticed) = (Queues::default(), Noticed::default());
        let reader = tools.store().reader();
        for known in reader.subscribers().await? {
            let subscriber = directory.find(&known.id);
            if subscriber.is_some() != known.absent_since_ms.is_none() {
                noticed.absent_since_ms.insert(known.key, subscriber.is_none().then_some(now_ms));
            }
            if let Some(subscriber) = &subscriber
                && known.revision.as_deref() != Some(subscriber.revision())
            {
                noticed.revisions.insert(known.key, subscriber.revision().into());
            }
            let paused = known.paused_since_ms.is_some();
            // Without them, one that is tried again in ten hours would hold up its conversation for as long.
            let failed_heads = reader.failed_heads(known.key, now_ms, HEADS_MAX).await?;
            let queue = Queue::new(known.id.clone(), subscriber);
            queues.add(known.key, queue.known(paused, Fares::of(known.health), failed_heads));
            queues.known(known.key, known.ready);
            tools.intake.known([(known.id, known.key)]);
        }
        let (attempts, under_way) = (JoinSet::new(), HashMap::new());
        let outage = Outage::none("deliveries go on");
        let mut worker = Self { tools, directory, queues, attempts, under_way, noticed, outage };
        worker.tell_the_store(now_ms).await?;
        Ok(worker)
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self) -> CutOff {
        let grace = loop {
            match self.turn().await {
                Turn::Ended(ended) => self.ended(ended),
                Turn::Told | Turn::TimeCame => {}
            }
            while let Some(ended) = self.attempts.try_join_next_with_id() {
                self.ended(ended);
            }
            let told = self.tools.intake.for_worker.take();
            if let Some(grace) = told.stop {
                break grace;
            }
            self.told(told);
            self.pass().await;
        };
        self.end(grace).await
    }

    async fn turn(&mut self) -> Turn {
        let clock = &self.tools.clock;
        let next_ms = if self.noticed.is_empty() { self.queues.next_ms() } else { Some(0) };
        let time_came = async {
            match (next_ms, self.outage.until()) {
                (None, _) => std::future::pending().await,
                (Some(_), Some(until)) => tokio::time::sleep_until(until).await,
                (Some(next_ms), None) => clock.sleep_until(next_ms).await,
            }
        };
        tokio::select! {
            () = self.tools.intake.for_worker.woken() => Turn::Told,
            Some(ended) = self.attempts.join_next_with_id() => Turn::Ended(ended),
            () = time_came => Turn::TimeCame,
        }
    }

    fn told(&mut self, told: ForWorker) {
        let now_ms = self.tools.clock.now_ms();
        for (key, id) in told.new {
            let subscriber = self.directory.find(&id);
            match &subscriber {
                Some(subscriber) => drop(self.noticed.revisions.insert(key, subscriber.revision().into())),
                // A plugin that was gone before its timer fired.
                None => drop(self.noticed.absent_since_ms.insert(key, Some(now_ms))),
            }
            self.queues.add(key, Queue::new(id, subscriber));
        }
        if told.directory {
            self.look_around(now_ms);
        }
        for (key, paused) in told.paused {
            self.paused(key, paused, now_ms);
        }
        for key in told.due {
            self.queues.look_at(key, now_ms);
        }
    }

    /// An operator has one wait, or go on as if it had never failed.
    fn paused(&mut self, key: SubscriberKey, paused: bool, now_ms: u64) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        queue.paused = paused;
        info!(target: DELIVERIES, subscriber = %queue.id, "{}", if paused { "is paused" } else { "goes on" });
        if !paused {
            self.tools.intake.left_alone(&queue.id, None);
            queue.renew();
            self.noticed.health.insert(key, Health::default());
            self.queues.look_at(key, now_ms);
        }
    }

    /// Looks who is there now, and which version of it.
    fn look_around(&mut self, now_ms: u64) {
        for (key, queue) in self.queues.iter_mut() {
            let found = self.directory.find(&queue.id);
            if found.is_some() != queue.subscriber.is_some() {
                let what =
                    if found.is_some() { "is back, and gets what waited" } else { "is gone, what it should get waits" };
                info!(target: DELIVERIES, subscriber = %queue.id, "{what}");
                self.noticed.absent_since_ms.insert(key, found.is_none().then_some(now_ms));
            }
            if let Some(found) = &found
                && queue.subscriber.as_ref().is_none_or(|before| before.revision() != found.revision())
            {
                self.noticed.revisions.insert(key, found.revision().into());
                // It may do what the one before could not. That it was disabled stays: that is an operator's to undo.
                if !queue.fares.is_disabled() {
                    self.tools.intake.left_alone(&queue.id, None);
                    queue.renew();
                    self.noticed.health.insert(key, Health::default());
                }
            }
            queue.subscriber = found;
        }
    }

    /// Takes note of an attempt that has ended.
    fn ended(&mut self, ended: Result<(task::Id, Ended), JoinError>) {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => (error.id(), None),
        };
        let Some((lease, subscriber)) = self.under_way.remove(&id) else { return };
        let (key, again) = (lease.delivery.subscriber, lease.again);
        match ended {
            Some(ended) => {
                self.queues.ended(key, again);
                self.learned(&lease, ended);
            }
            None => self.record_panic(lease, subscriber),
        }
    }

    /// Draws the conclusions from an attempt.
    fn learned(&mut self, lease: &Lease, ended: Ended) {
        let (now_ms, key) = (self.tools.clock.now_ms(), lease.delivery.subscriber);
        let Ended { sign, is_head, ready_ms } = ended;
        let Follows { turned, to_be_kept, warned_since_ms, disabled } =
            self.queues.learned(lease.delivery, lease.begun, sign, is_head, now_ms);
        if let Some(ready_ms) = ready_ms {
            self.queues.look_at(key, ready_ms);
        }
        let subscriber = &lease.id;
        match turned {
            Some(Turned::Open(pause)) => {
                self.tools.intake.left_alone(subscriber, Some(now_ms.saturating_add(millis(pause))));
                let for_s = pause.as_secs();
                warn!(target: DELIVERIES, %subscriber, for_s, "fails: it is left alone, and what it should get waits");
            }
            Some(Turned::Closed { after_long }) => {
                self.tools.intake.left_alone(subscriber, None);
                info!(target: DELIVERIES, %subscriber, "is back, and gets what waited");
                if after_long {
                    self.noticed.back.insert(key);
                }
            }
            None => {}
        }
        if let Some(since_ms) = warned_since_ms {
            let for_h = now_ms.saturating_sub(since_ms) / 3_600_000;
            warn!(target: DELIVERIES, %subscriber, for_h, "nothing has arrived for long: it is disabled after five days");
        }
        if disabled {
            error!(
                target: DELIVERIES, %subscriber,
                "is disabled, since nothing has arrived for too long: what it should get waits until somebody resumes it"
            );
        }
        if to_be_kept && let Some(queue) = self.queues.get_mut(key) {
            self.noticed.health.insert(key, queue.fares.health());
        }
    }

    /// A fault of ours: it costs this attempt, and is recorded as one.
    fn record_panic(&mut self, lease: Lease, subscriber: Arc<dyn Subscriber>) {
        let tools = self.tools.clone();
        let again = (lease.clone(), subscriber.clone());
        let record = async move {
            let (at_ms, why) = (tools.clock.now_ms(), "the host failed in this attempt");
            let failure = Failure { event: None, at_ms, took: Duration::ZERO, fault: Fault::Ours, why };
            attempt::record_failure(&tools, lease, failure, &subscriber.policy().schedule).await
        };
        let id = self.attempts.spawn(record).id();
        self.under_way.insert(id, again);
    }

    /// Tells the store what was noticed, claims what is due, and begins to attempt it.
    async fn pass(&mut self) {
        if self.outage.until().is_some() {
            return;
        }
        let now_ms = self.tools.clock.now_ms();
        if let Err(error) = self.tell_the_store(now_ms).await {
            return self.outage.begins_or_lasts(&error);
        }
        if let Err(error) = self.set_aside(now_ms).await {
            return self.outage.begins_or_lasts(&error);
        }
        let requests = self.queues.requests(now_ms);
        if requests.is_empty() {
            return;
        }
        let present = requests.iter().filter_map(|request| self.queues.subscriber(request.subscriber));
        let longest = present.map(|(_, subscriber)| subscriber.policy().attempt_max).max().unwrap_or_default();
        let lease_ms = millis(longest + LEASE_MARGIN);
        let lease_until_ms = now_ms.saturating_add(lease_ms);
        match self.tools.store().claim(requests, now_ms, lease_until_ms).await {
            Ok(claims) => {
                self.outage.is_over();
                self.begin_attempts(claims, now_ms, lease_until_ms);
            }
            Err(error) => self.outage.begins_or_lasts(&error),
        }
    }

    /// What cannot be told now is told another time: nothing else would ever tell it.
    async fn tell_the_store(&mut self, now_ms: u64) -> Result<(), WriteError> {
        if self.noticed.is_empty() {
            return Ok(());
        }
        let Noticed { absent_since_ms, revisions, health, back } = &self.noticed;
        let store = self.tools.store();
        // Mostly there is one of them, and each is a commit to wait for.
        if !absent_since_ms.is_empty() {
            store.set_absent(absent_since_ms.iter().map(|(&key, &at_ms)| (key, at_ms)).collect(), now_ms).await?;
        }
        if !revisions.is_empty() {
            store
                .set_revisions(revisions.iter().map(|(&key, revision)| (key, revision.clone())).collect(), now_ms)
                .await?;
        }
        if !health.is_empty() {
            store.set_health(health.iter().map(|(&key, &health)| (key, health)).collect()).await?;
        }
        if !back.is_empty() {
            store.hurry(back.iter().copied().collect(), now_ms).await?;
        }
        // Whoever is back, or is a new version, has something due now, perhaps.
        for key in mem::take(&mut self.noticed).keys() {
            self.queues.look_at(key, now_ms);
        }
        self.outage.is_over();
        Ok(())
    }

    /// Takes out of their conversations what alone fails for too long.
    async fn set_aside(&mut self, now_ms: u64) -> Result<(), WriteError> {
        let due = self.queues.due_heads(now_ms);
        if due.is_empty() {
            return Ok(());
        }
        let taken = self.tools.store().set_aside(due.clone(), now_ms).await?;
        let under_way: HashSet<DeliveryKey> = self.under_way.values().map(|(lease, _)| lease.delivery).collect();
        self.queues.looked_at(&due, |delivery| under_way.contains(&delivery), now_ms);
        for delivery in taken {
            if let Some((subscriber, _)) = self.queues.subscriber(delivery.subscriber) {
                warn!(target: DELIVERIES, %subscriber, %delivery, "it alone fails: others of its conversation overtake it");
            }
            self.queues.look_at(delivery.subscriber, now_ms);
        }
        Ok(())
    }

    fn begin_attempts(&mut self, claims: Claims, now_ms: u64, until_ms: u64) {
        for (key, next_ms) in claims.next {
            self.queues.known(key, next_ms);
        }
        for claimed in claims.claimed {
            let key = claimed.delivery.subscriber;
            // It was there when it was asked for, and nothing else has run since.
            let Some((id, subscriber)) = self.queues.subscriber(key) else { continue };
            let (id, subscriber) = (id.clone(), subscriber.clone());
            let Claimed { delivery, claim, attempt, number, again, in_order, .. } = claimed;
            let begun = self.queues.began(key, again, now_ms);
            let lease = Lease { id, delivery, claim, attempt, number, again, begun, in_order, until_ms };
            let attempt = attempt::make(self.tools.clone(), subscriber.clone(), claimed, lease.clone());
            let id = self.attempts.spawn(attempt).id();
            self.under_way.insert(id, (lease, subscriber));
        }
    }

    /// Waits for what is under way. What does not end in time is cut off, and its lease given back: the next run attempts it
    /// at once.
    async fn end(mut self, grace: Duration) -> CutOff {
        let all = async {
            while let Some(ended) = self.attempts.join_next_with_id().await {
                self.ended(ended);
            }
        };
        if tokio::time::timeout(grace, all).await.is_ok() {
            return CutOff::default();
        }
        self.attempts.shutdown().await;
        let leases = self.under_way.into_values().map(|(lease, _)| lease);
        let cut_off = hand_back(&self.tools, leases.collect()).await;
        let CutOff { handed_back, lost } = cut_off;
        warn!(target: DELIVERIES, handed_back, lost, "attempts did not end within the grace time, they are made again");
        cut_off
    }
}

/// All at once, so that they share a commit.
async fn hand_back(tools: &Tools, leases: Vec<Lease>) -> CutOff {
    let (now_ms, count) = (tools.clock.now_ms(), leases.len());
    let mut giving: JoinSet<bool> = JoinSet::new();
    for lease in leases {
        let store = tools.store().clone();
        // One that is not leased any more was recorded after all.
        giving.spawn(async move {
            let given = store.hand_back(lease.delivery, lease.claim, now_ms).await;
            matches!(given, Ok(()) | Err(FinishError::Fenced))
        });
    }
    let mut handed_back = 0;
    let all = async {
        while let Some(given) = giving.join_next().await {
            handed_back += usize::from(given.unwrap_or_default());
        }
    };
    let _ = tokio::time::timeout(HAND_BACK_MAX, all).await; // What is not given back by then counts as lost.
    CutOff { handed_back, lost: count - handed_back }
}

impl Noticed {
    fn is_empty(&self) -> bool {
        let Self { absent_since_ms, revisions, health, back } = self;
        absent_since_ms.is_empty() && revisions.is_empty() && health.is_empty() && back.is_empty()
    }

    fn keys(&self) -> impl Iterator<Item = SubscriberKey> {
        self.absent_since_ms.keys().chain(self.revisions.keys()).chain(&self.back).copied()
    }
}
