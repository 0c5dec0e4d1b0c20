//! One attempt: the subscriber's answer, what follows from it, and the commit that records it.
//!
//! Invariant: an attempt that was recorded was made by whoever had the lease; one that cannot be recorded is made again
//! when its lease has ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Attempt, Event, Fault, Next, Schedule, SubscriberId};
use slashbox_store::{Claimed, DeliveryKey, FinishError, Finished, Store, SubscriberKey};
use tracing::{debug, error, info, warn};

use crate::{Attempted, Clock, Delivery, Subscriber, Verdict, telemetry::DELIVERIES};

/// How often a call runs again because another changed what it had read.
const RERUNS_MAX: u32 = 3;

/// How long until a record that the store did not take is tried again.
const RECORD_PAUSE: Duration = Duration::from_millis(500);

/// What an attempt needs besides the subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What is known of an attempt before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: Arc<SubscriberId>,
    pub(crate) delivery: DeliveryKey,
    pub(crate) claim: u32,
    pub(crate) attempt: u32,
    pub(crate) until_ms: u64,
}

/// What the worker learns of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) subscriber: SubscriberKey,
    /// When something of the subscriber is ready: its next attempt, or the next delivery of the conversation.
    pub(crate) ready_ms: Option<u64>,
}

/// Makes an attempt, again while others change what it had read, and records how it ended.
pub(crate) async fn make(
    surroundings: Surroundings,
    subscriber: Arc<dyn Subscriber>,
    claimed: Claimed,
    lease: Lease,
) -> Ended {
    let mut reruns = 0;
    loop {
        let (began, now_ms) = (Instant::now(), surroundings.clock.now_ms());
        let delivery = Delivery { event: claimed.event.clone(), attempt: claimed.attempt, now_ms };
        let attempted = subscriber.deliver(&delivery).await;
        let (status, detail) = (attempted.status, attempted.detail.clone());
        let finished = finished(&lease, attempted, now_ms, began.elapsed(), &subscriber.policy().schedule);
        let next = finished.next;
        match record(&surroundings, finished, &lease).await {
            Recorded::Conflict { key } if reruns < RERUNS_MAX => {
                reruns += 1;
                debug!(target: DELIVERIES, delivery = %lease.delivery, key, "conflict, runs again");
            }
            Recorded::Conflict { .. } => {
                let why = "others keep changing the same data";
                return record_failure(&surroundings, lease, why, &subscriber.policy().schedule).await;
            }
            Recorded::Done { ready_ms } => {
                report(&lease, &claimed.event, next, status, &detail, now_ms, began.elapsed());
                return Ended { subscriber: lease.delivery.subscriber, ready_ms };
            }
            Recorded::Not => return Ended { subscriber: lease.delivery.subscriber, ready_ms: Some(lease.until_ms) },
        }
    }
}

/// Records that an attempt failed by a fault of ours.
pub(crate) async fn record_failure(surroundings: &Surroundings, lease: Lease, why: &str, schedule: &Schedule) -> Ended {
    let now_ms = surroundings.clock.now_ms();
    let attempted = Attempted {
        verdict: Verdict::Failed { fault: Fault::Ours, retry_after: None },
        status: None,
        detail: why.into(),
        answer: String::new(),
        effects: None,
    };
    warn!(target: DELIVERIES, delivery = %lease.delivery, attempt = lease.attempt, why, "failed");
    let finished = finished(&lease, attempted, now_ms, Duration::ZERO, schedule);
    let ready_ms = match record(surroundings, finished, &lease).await {
        Recorded::Done { ready_ms } => ready_ms,
        Recorded::Conflict { .. } | Recorded::Not => Some(lease.until_ms),
    };
    Ended { subscriber: lease.delivery.subscriber, ready_ms }
}

fn finished(lease: &Lease, attempted: Attempted, at_ms: u64, took: Duration, schedule: &Schedule) -> Finished {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let next = match attempted.verdict {
        Verdict::Arrived => Next::Succeeded,
        Verdict::Refused => Next::Dead,
        Verdict::Failed { retry_after, .. } => match schedule.pause_after(lease.attempt, fastrand::f64()) {
            Some(pause) => {
                let pause = pause.max(retry_after.unwrap_or_default());
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                Next::RetryAt(at_ms.saturating_add(took_ms).saturating_add(pause_ms))
            }
            None => Next::Dead,
        },
    };
    let fault = match attempted.verdict {
        Verdict::Arrived => None,
        Verdict::Refused => Some(Fault::Theirs),
        Verdict::Failed { fault, .. } => Some(fault),
    };
    let Attempted { status, detail, answer, effects, .. } = attempted;
    let attempt = Attempt { at_ms, took_ms, fault, status, detail, answer };
    Finished { delivery: lease.delivery, claim: lease.claim, attempt, next, effects }
}

/// What became of a record.
enum Recorded {
    Done { ready_ms: Option<u64> },
    Conflict { key: String },
    Not,
}

/// Tries until the lease has ended: afterwards somebody else may have made the attempt again.
async fn record(surroundings: &Surroundings, finished: Finished, lease: &Lease) -> Recorded {
    let Surroundings { store, clock } = surroundings;
    loop {
        let now_ms = clock.now_ms();
        let retry_ms = match finished.next {
            Next::RetryAt(at_ms) => Some(at_ms),
            Next::Succeeded | Next::Dead => None,
        };
        match store.finish(finished.clone(), now_ms).await {
            Ok(successor) => return Recorded::Done { ready_ms: successor.map(|_| now_ms).or(retry_ms) },
            Err(FinishError::Conflict { key }) => return Recorded::Conflict { key },
            Err(FinishError::Fenced) => {
                warn!(target: DELIVERIES, delivery = %lease.delivery, "too late: the lease had ended");
                return Recorded::Not;
            }
            Err(FinishError::Unavailable(fault)) => {
                error!(target: DELIVERIES, delivery = %lease.delivery, %fault, "an attempt cannot be recorded");
                if now_ms.saturating_add(RECORD_PAUSE.as_millis() as u64) >= lease.until_ms {
                    return Recorded::Not;
                }
                tokio::time::sleep(RECORD_PAUSE).await;
            }
        }
    }
}

/// One line an attempt, at a level that says who should care.
fn report(lease: &Lease, event: &Event, next: Next, status: Option<u16>, detail: &str, began_ms: u64, took: Duration) {
    let Lease { id: subscriber, delivery, attempt, .. } = lease;
    let (event, kind, ms) = (&event.id, &event.kind, u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    match next {
        Next::Succeeded => debug!(target: DELIVERIES, %subscriber, %delivery, event, kind, attempt, ms, "arrived"),
        Next::RetryAt(at_ms) => {
            let again_in_s = at_ms.saturating_sub(began_ms) / 1_000;
            info!(
                target: DELIVERIES,
                %subscriber, %delivery, event, kind, attempt, status, detail, ms, again_in_s, "did not arrive"
            );
        }
        Next::Dead => {
            warn!(
                target: DELIVERIES,
                %subscriber, %delivery, event, kind, attempt, status, detail, ms, "never arrives: a dead letter"
            );
        }
    }
}
