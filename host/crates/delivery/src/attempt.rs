//! One attempt: the subscriber's answer, what follows from it, and the commit that records it.
//!
//! Invariant: an attempt that was recorded was made by whoever had the lease; one that cannot be recorded is made again
//! when its lease has ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Attempt, Event, Fault, Limit, Next, RERUNS_MAX, Schedule, SubscriberId};
use slashbox_store::{Claimed, DeliveryKey, FinishError, Finished, Store};
use tracing::{debug, error, info, warn};

use crate::{
    Attempted, Changed, Clock, Delivery, Subscriber, Verdict,
    breaker::Sign,
    intake::{Cause, Intake},
    millis,
    queues::Begun,
    telemetry::DELIVERIES,
};

/// How long until a record that the store did not take is tried again; each time twice as long.
const RECORD_PAUSE: Duration = Duration::from_millis(500);

/// How long until a delivery is claimed again for which there was no place.
const NOT_TRIED_PAUSE: Duration = Duration::from_secs(2);

/// The HTTP status of what is gone for good: RFC 9110, section 15.5.11.
const GONE: u16 = 410;

/// What an attempt is made with.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) intake: Arc<Intake>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What is known of an attempt before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: Arc<SubscriberId>,
    pub(crate) delivery: DeliveryKey,
    pub(crate) claim: u32,
    pub(crate) attempt: u32,
    /// Which attempt of its schedule it is.
    pub(crate) number: u32,
    pub(crate) again: bool,
    pub(crate) begun: Begun,
    /// Whether others of its conversation wait for it, if there are any.
    pub(crate) in_order: bool,
    pub(crate) until_ms: u64,
}

/// What the worker learns of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// What it tells of the subscriber.
    pub(crate) sign: Sign,
    /// Whether it has failed, and others of its conversation wait for it.
    pub(crate) is_head: bool,
    /// When something of the subscriber is ready: its next attempt, or the next delivery of the conversation.
    pub(crate) ready_ms: Option<u64>,
}

impl Tools {
    pub(crate) fn store(&self) -> &Store {
        self.intake.store()
    }

    /// Whether another attempt would end before the lease does.
    fn has_time(&self, lease: &Lease, subscriber: &dyn Subscriber) -> bool {
        self.clock.now_ms().saturating_add(millis(subscriber.policy().attempt_max)) < lease.until_ms
    }
}

/// Makes an attempt, again while others change what it had read, and records how it ended.
pub(crate) async fn make(tools: Tools, subscriber: Arc<dyn Subscriber>, claimed: Claimed, lease: Lease) -> Ended {
    let Claimed { event, attempt, out_of_order, replay, replay_url, .. } = claimed;
    let schedule = &subscriber.policy().schedule;
    let mut delivery = Delivery { event, attempt, now_ms: 0, out_of_order, replay, replay_url };
    let mut reruns = 0;
    loop {
        let (began, now_ms) = (Instant::now(), tools.clock.now_ms());
        delivery.now_ms = now_ms;
        let event = &delivery.event;
        let mut attempted = subscriber.deliver(&delivery).await;
        if let Verdict::NotTried { again_in } = attempted.verdict {
            return hand_back(&tools, &lease, again_in.unwrap_or(NOT_TRIED_PAUSE)).await;
        }
        let (status, detail, changed) = (attempted.status, attempted.detail.clone(), attempted.change.take());
        let sign = sign(&attempted);
        let sent_http = changed.as_ref().is_some_and(|changed| changed.effects.sent_http);
        let finished = finished(&lease, attempted, now_ms, began.elapsed(), schedule);
        let next = finished.next;
        let cause = Cause { origin: &event.origin, conversation: event.conversation.as_deref() };
        let failed = |fault, why| Failure { event: Some(event), at_ms: now_ms, took: began.elapsed(), fault, why };
        match record(&tools, finished, changed.map(|changed| (cause, changed)), &lease).await {
            Recorded::Conflict { .. } if sent_http => {
                let failure = failed(Fault::Ours, "others changed the same data, and it cannot run again after HTTP");
                return record_failure(&tools, lease, failure, schedule).await;
            }
            Recorded::Conflict { key } if reruns < RERUNS_MAX && tools.has_time(&lease, &*subscriber) => {
                reruns += 1;
                debug!(target: DELIVERIES, subscriber = %lease.id, delivery = %lease.delivery, key, "conflict, runs again");
            }
            Recorded::Conflict { .. } => {
                let failure = failed(Fault::Ours, "others keep changing the same data");
                return record_failure(&tools, lease, failure, schedule).await;
            }
            Recorded::Quota(limit) => {
                let why = format!("limit: {limit}");
                return record_failure(&tools, lease, failed(Fault::Theirs, &why), schedule).await;
            }
            Recorded::Done { ready_ms } => {
                report(&lease, Some(event), next, status, &detail, now_ms, began.elapsed());
                return Ended { sign, is_head: is_head(&lease, next), ready_ms };
            }
            Recorded::Not => return not_recorded(&lease),
        }
    }
}

/// What an attempt tells of its subscriber. Whoever refuses an event answers.
fn sign(attempted: &Attempted) -> Sign {
    match attempted.verdict {
        Verdict::Arrived | Verdict::Refused => Sign::Alive,
        Verdict::Hindered => Sign::Hindered,
        Verdict::NotTried { .. } | Verdict::Failed { fault: Fault::Ours, .. } => Sign::Nothing,
        Verdict::Failed { .. } => Sign::Failed { gone: attempted.status == Some(GONE) },
    }
}

/// Whether others of its conversation wait for it.
fn is_head(lease: &Lease, next: Next) -> bool {
    lease.in_order && matches!(next, Next::RetryAt(_))
}

/// Gives back what was not tried: that is no attempt.
async fn hand_back(tools: &Tools, lease: &Lease, pause: Duration) -> Ended {
    let at_ms = tools.clock.now_ms().saturating_add(millis(pause));
    debug!(target: DELIVERIES, subscriber = %lease.id, delivery = %lease.delivery, "no place for it now");
    let ready_ms = match tools.store().hand_back(lease.delivery, lease.claim, at_ms).await {
        Ok(()) => at_ms,
        Err(_) => lease.until_ms, // Then its lease ends by itself.
    };
    Ended { sign: Sign::Nothing, is_head: lease.in_order && lease.again, ready_ms: Some(ready_ms) }
}

/// It is made again when its lease has ended.
fn not_recorded(lease: &Lease) -> Ended {
    Ended { sign: Sign::Nothing, is_head: lease.in_order && lease.again, ready_ms: Some(lease.until_ms) }
}

/// An attempt that failed for a reason that the subscriber does not tell itself.
pub(crate) struct Failure<'f> {
    /// What was to be delivered, if that is still known.
    pub(crate) event: Option<&'f Event>,
    /// When it began.
    pub(crate) at_ms: u64,
    pub(crate) took: Duration,
    pub(crate) fault: Fault,
    pub(crate) why: &'f str,
}

/// Records such an attempt.
pub(crate) async fn record_failure(tools: &Tools, lease: Lease, failure: Failure<'_>, schedule: &Schedule) -> Ended {
    let Failure { event, at_ms, took, fault, why } = failure;
    let attempted = Attempted {
        verdict: Verdict::Failed { fault, retry_after: None },
        status: None,
        detail: why.into(),
        answer: String::new(),
        change: None,
    };
    let sign = sign(&attempted);
    let finished = finished(&lease, attempted, at_ms, took, schedule);
    let next = finished.next;
    match record(tools, finished, None, &lease).await {
        Recorded::Done { ready_ms } => {
            report(&lease, event, next, None, why, at_ms, took);
            Ended { sign, is_head: is_head(&lease, next), ready_ms }
        }
        Recorded::Conflict { .. } | Recorded::Quota(_) | Recorded::Not => not_recorded(&lease),
    }
}

fn finished(lease: &Lease, attempted: Attempted, at_ms: u64, took: Duration, schedule: &Schedule) -> Finished {
    let took_ms = millis(took);
    let counts = counts(lease, attempted.verdict);
    let next = match attempted.verdict {
        Verdict::Arrived => Next::Succeeded,
        Verdict::Refused => Next::Dead,
        Verdict::Failed { .. } | Verdict::Hindered | Verdict::NotTried { .. } => {
            let at_least = attempted.verdict.retry_after().unwrap_or_default();
            let pause = if counts {
                schedule.pause_after(lease.number, at_least, fastrand::f64())
            } else {
                Some(schedule.pause_uncounted(lease.attempt, at_least, fastrand::f64()))
            };
            let at_ms = |pause| at_ms.saturating_add(took_ms).saturating_add(millis(pause));
            pause.map_or(Next::Dead, |pause| Next::RetryAt(at_ms(pause)))
        }
    };
    let fault = attempted.verdict.fault();
    let Attempted { status, detail, answer, .. } = attempted;
    let attempt = Attempt { at_ms, took_ms, fault, status, detail, answer };
    Finished { delivery: lease.delivery, claim: lease.claim, attempt, counts, next, change: None }
}

/// Whether an attempt uses up one of its schedule: not if it was to find out whether its endpoint is back, and found that it
/// is not; nor if this host was hindered.
fn counts(lease: &Lease, verdict: Verdict) -> bool {
    match verdict {
        Verdict::Arrived | Verdict::Refused => true,
        Verdict::Failed { fault: Fault::Ours, .. } => true,
        Verdict::Failed { .. } => !lease.begun.is_probe,
        Verdict::Hindered | Verdict::NotTried { .. } => false,
    }
}

/// What became of a record.
enum Recorded {
    Done { ready_ms: Option<u64> },
    Conflict { key: String },
    Quota(Limit),
    Not,
}

/// Tries until the lease has ended: afterwards somebody else may have made the attempt again.
async fn record(tools: &Tools, finished: Finished, changed: Option<(Cause<'_>, Changed)>, lease: &Lease) -> Recorded {
    let (subscriber, delivery) = (&lease.id, lease.delivery);
    let retry_ms = match finished.next {
        Next::RetryAt(at_ms) => Some(at_ms),
        Next::Succeeded | Next::Dead => None,
    };
    let mut pause = RECORD_PAUSE;
    loop {
        let now_ms = tools.clock.now_ms();
        let fault = match tools.intake.finish(finished.clone(), changed.clone(), now_ms).await {
            Ok(successor) => return Recorded::Done { ready_ms: successor.map(|_| now_ms).or(retry_ms) },
            Err(FinishError::Conflict { key }) => return Recorded::Conflict { key },
            Err(FinishError::Quota(limit)) => return Recorded::Quota(limit),
            Err(FinishError::Fenced) => {
                warn!(target: DELIVERIES, %subscriber, %delivery, "too late to be recorded: the lease had ended");
                return Recorded::Not;
            }
            Err(FinishError::Unavailable(fault)) => fault,
        };
        if pause == RECORD_PAUSE {
            error!(target: DELIVERIES, %subscriber, %delivery, error = %fault, "an attempt cannot be recorded yet");
        }
        if now_ms.saturating_add(millis(pause)) >= lease.until_ms {
            return Recorded::Not;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// One line an attempt, at a level that says who should care.
fn report(
    lease: &Lease,
    event: Option<&Event>,
    next: Next,
    status: Option<u16>,
    detail: &str,
    began_ms: u64,
    took: Duration,
) {
    let Lease { id: subscriber, delivery, attempt, .. } = lease;
    let (event, kind, ms) = (event.map(|event| &*event.id), event.map(|event| &*event.kind), millis(took));
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
