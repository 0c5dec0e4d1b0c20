//! The loop that claims what is due and has it attempted.
//!
//! Owns the attempts under way, and joins them. Its own failures (a store that does not write) are logged when they begin
//! and when they are over, and answered with growing pauses; nothing else ends it but the order to.

use std::{collections::HashMap, sync::Arc, time::Duration};

use slashbox_core::SubscriberId;
use slashbox_store::{Claims, SubscriberKey, WriteError};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::Instant,
};
use tracing::{error, info, warn};

use crate::{
    Directory, Subscriber,
    attempt::{self, Ended, Lease, Surroundings},
    deliveries::{News, StartError},
    queues::Queues,
    telemetry::DELIVERIES,
};

/// How much longer than an attempt a lease is: the time that the record may take.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// The pauses after a store that does not write: from the first to the longest, doubling.
const FAILURE_PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// All that the loop works with.
pub(crate) struct Worker {
    surroundings: Surroundings,
    directory: Arc<dyn Directory>,
    news: Arc<News>,
    queues: Queues,
    attempts: JoinSet<Ended>,
    /// What each attempt under way is, should it panic.
    under_way: HashMap<task::Id, (Lease, Arc<dyn Subscriber>)>,
    /// What the store does, if it does not write.
    failure: Option<Failure>,
}

/// A store that does not write.
#[derive(Clone, Copy, Debug)]
struct Failure {
    pause: Duration,
    until: Instant,
}

/// What can happen.
enum Turn {
    Told,
    Ended(Result<(task::Id, Ended), JoinError>),
    TimeCame,
}

impl Worker {
    /// Finds out who is there and what is due; gives back the keys of all that are known.
    pub(crate) async fn begin(
        surroundings: Surroundings,
        directory: Arc<dyn Directory>,
        news: Arc<News>,
    ) -> Result<(Self, HashMap<SubscriberId, SubscriberKey>), StartError> {
        let (store, now_ms) = (&surroundings.store, surroundings.clock.now_ms());
        store.release_leases(now_ms).await?;
        let subscribers = store.reader().subscribers().await?;
        let (mut queues, mut keys, mut moved) = (Queues::default(), HashMap::new(), Vec::new());
        for known in subscribers {
            let subscriber = directory.find(&known.id);
            if subscriber.is_some() != known.absent_since_ms.is_none() {
                moved.push((known.key, subscriber.is_none().then_some(now_ms)));
            }
            queues.add(known.key, known.id.clone(), subscriber);
            queues.known(known.key, known.ready_at_ms);
            keys.insert(known.id, known.key);
        }
        store.set_absent(moved).await?;
        let (attempts, under_way) = (JoinSet::new(), HashMap::new());
        Ok((Self { surroundings, directory, news, queues, attempts, under_way, failure: None }, keys))
    }

    fn now_ms(&self) -> u64 {
        self.surroundings.clock.now_ms()
    }

    async fn turn(&mut self) -> Turn {
        let (clock, queues) = (&self.surroundings.clock, &self.queues);
        let failure = self.failure;
        let time_came = async {
            match (failure, queues.next_ms()) {
                (Some(failure), _) => tokio::time::sleep_until(failure.until).await,
                (None, Some(next_ms)) => clock.sleep_until(next_ms).await,
                (None, None) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.news.woken() => Turn::Told,
            Some(ended) = self.attempts.join_next_with_id() => Turn::Ended(ended),
            () = time_came => Turn::TimeCame,
        }
    }

    /// Takes note of an attempt that has ended.
    fn ended(&mut self, ended: Result<(task::Id, Ended), JoinError>) {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => (error.id(), None),
        };
        let Some((lease, subscriber)) = self.under_way.remove(&id) else { return };
        match ended {
            Some(Ended { subscriber, ready_ms }) => {
                self.queues.ended(subscriber);
                if let Some(ready_ms) = ready_ms {
                    self.queues.look_at(subscriber, ready_ms);
                }
            }
            None => self.record_panic(lease, subscriber),
        }
    }

    /// A fault of ours: it costs this attempt, and is recorded as one.
    fn record_panic(&mut self, lease: Lease, subscriber: Arc<dyn Subscriber>) {
        let surroundings = self.surroundings.clone();
        let again = (lease.clone(), subscriber.clone());
        let record = async move {
            let schedule = &subscriber.policy().schedule;
            attempt::record_failure(&surroundings, lease, "the host failed in this attempt", schedule).await
        };
        let id = self.attempts.spawn(record).id();
        self.under_way.insert(id, again);
    }

    /// Claims what is due and begins to attempt it.
    async fn pass(&mut self) {
        let now_ms = self.now_ms();
        let requests = self.queues.requests(now_ms);
        let pausing = self.failure.is_some_and(|failure| Instant::now() < failure.until);
        if requests.is_empty() || pausing {
            return;
        }
        let longest = requests.iter().filter_map(|request| self.queues.subscriber(request.subscriber));
        let longest = longest.map(|(_, subscriber)| subscriber.policy().attempt_max).max().unwrap_or_default();
        let lease_ms = u64::try_from((longest + LEASE_MARGIN).as_millis()).unwrap_or(u64::MAX);
        let lease_until_ms = now_ms.saturating_add(lease_ms);
        match self.surroundings.store.claim(requests, now_ms, lease_until_ms).await {
            Ok(claims) => {
                self.recovered();
                self.begin_attempts(claims, lease_until_ms);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn begin_attempts(&mut self, claims: Claims, until_ms: u64) {
        for (key, next_ms) in claims.next {
            self.queues.known(key, next_ms);
        }
        for claimed in claims.claimed {
            let key = claimed.delivery.subscriber;
            // It was there when it was asked for, and nothing else has run since.
            let Some((id, subscriber)) = self.queues.subscriber(key) else { continue };
            let (id, subscriber) = (id.clone(), subscriber.clone());
            let lease =
                Lease { id, delivery: claimed.delivery, claim: claimed.claim, attempt: claimed.attempt, until_ms };
            let attempt = attempt::make(self.surroundings.clone(), subscriber.clone(), claimed, lease.clone());
            let id = self.attempts.spawn(attempt).id();
            self.under_way.insert(id, (lease, subscriber));
            self.queues.began(key);
        }
    }

    fn failed(&mut self, error: &WriteError) {
        let (first, longest) = FAILURE_PAUSES;
        if self.failure.is_none() {
            let error: &dyn std::error::Error = error;
            error!(target: DELIVERIES, error, "nothing can be delivered: the store does not write");
        }
        let pause = self.failure.map_or(first, |failure| (failure.pause * 2).min(longest));
        self.failure = Some(Failure { pause, until: Instant::now() + pause });
    }

    fn recovered(&mut self) {
        if self.failure.take().is_some() {
            info!(target: DELIVERIES, "the store writes again, deliveries go on");
        }
    }

    /// Looks who is there now. Whoever came back, or is another version than before, is tried at once.
    async fn look_around(&mut self) {
        let now_ms = self.now_ms();
        let (mut moved, mut hurried) = (Vec::new(), Vec::new());
        for (key, queue) in self.queues.iter_mut() {
            let found = self.directory.find(&queue.id);
            let revision = |subscriber: &Option<Arc<dyn Subscriber>>| {
                subscriber.as_ref().map(|subscriber| subscriber.revision().to_owned())
            };
            if found.is_some() != queue.subscriber.is_some() {
                moved.push((key, found.is_none().then_some(now_ms)));
                let what = if found.is_some() {
                    "is back, what waited for it goes on"
                } else {
                    "is gone, what it should get waits"
                };
                info!(target: DELIVERIES, subscriber = %queue.id, "{what}");
            }
            if found.is_some() && revision(&found) != revision(&queue.subscriber) {
                hurried.push(key);
            }
            queue.subscriber = found;
        }
        let store = &self.surroundings.store;
        let told = async {
            store.set_absent(moved).await?;
            store.hurry(hurried.clone(), now_ms).await
        };
        if let Err(error) = told.await {
            let error: &dyn std::error::Error = &error;
            warn!(target: DELIVERIES, error, "who came and went cannot be recorded");
        }
        for key in hurried {
            self.queues.look_at(key, now_ms);
        }
    }
}

/// Runs until it is told to stop.
pub(crate) async fn run(mut worker: Worker) {
    let grace = loop {
        match worker.turn().await {
            Turn::Ended(ended) => worker.ended(ended),
            Turn::Told | Turn::TimeCame => {}
        }
        while let Some(ended) = worker.attempts.try_join_next_with_id() {
            worker.ended(ended);
        }
        let told = worker.news.take();
        let now_ms = worker.now_ms();
        for (key, id) in told.new {
            let subscriber = worker.directory.find(&id);
            worker.queues.add(key, id, subscriber);
        }
        if told.directory {
            worker.look_around().await;
        }
        for key in told.due {
            worker.queues.look_at(key, now_ms);
        }
        if let Some(grace) = told.stop {
            break grace;
        }
        worker.pass().await;
    };
    worker.end(grace).await;
}

impl Worker {
    /// Waits for what is under way. What does not end in time is cut off: its lease is released by the next run.
    async fn end(mut self, grace: Duration) {
        let all = async { while self.attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            let left = self.attempts.len();
            warn!(target: DELIVERIES, left, "attempts did not end within the grace time, they are made again");
            self.attempts.shutdown().await;
        }
    }
}
