//! Webhooks that are asked whether they are there before they get anything.
//!
//! TG-Staff pings a receiver when it is configured, and sends it nothing unless the answer is 200: whoever wrote a receiver
//! for it may count on that. Until then, what such a webhook is to get is accepted and waits, as it does for one that is not
//! configured at present. A webhook is asked again when something changes in how it is reached, and when the host starts.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use slashbox_core::Schedule;
use slashbox_delivery::{Attempted, Deliveries, Delivery, Remote, Subscriber};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info, warn};

use crate::{
    configured::Configured,
    pipeline::now_ms,
    replay::{Test, test_event},
    subscribers::Remotes,
    telemetry::HOST,
};

/// The answer that makes a webhook active.
const THERE: u16 = 200;

/// Whether a webhook has answered.
#[derive(Debug, Default)]
pub(crate) struct Activation {
    active: AtomicBool,
    /// Why it has not, last.
    why_not: Mutex<Option<String>>,
    asking: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Activation {
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// Why it gets nothing yet; none if it is active.
    pub(crate) fn why_not(&self) -> Option<String> {
        let why_not = self.why_not.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.is_active()).then(|| why_not.clone().unwrap_or_else(|| "it has not answered the ping yet".into()))
    }

    /// Takes note of an answer to a ping. Whether it makes the webhook active, which it was not.
    pub(crate) fn answered(&self, attempted: &Attempted) -> bool {
        if attempted.status == Some(THERE) {
            return !self.active.swap(true, Ordering::AcqRel);
        }
        let why = match attempted.status {
            Some(status) => format!("it answered the ping with status {status}: expected {THERE}"),
            None => format!("it did not answer the ping: {}", attempted.detail),
        };
        *self.why_not.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        false
    }
}

/// Those that stay as they are have answered already.
pub(crate) fn carry_over(before: &Remotes, next: &mut Remotes) {
    next.for_each(|remote| {
        let same = before.find(&remote.tenant, remote.remote.name());
        let same = same.filter(|same| same.remote.revision() == remote.remote.revision());
        if let (Some(own), Some(same)) = (&mut remote.activation, same.and_then(|same| same.activation.clone())) {
            *own = same;
        }
    });
}

/// Asks those that have not answered, until they do, or are not configured any more.
pub(crate) fn ask(configured: &Configured, deliveries: &Arc<Deliveries>) {
    for remote in configured.remotes.all() {
        let Some(activation) = remote.activation.as_ref().filter(|activation| !activation.is_active()) else {
            continue;
        };
        let mut asking = activation.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.as_ref().is_some_and(|asking| !asking.is_finished()) {
            continue;
        }
        let (activation, deliveries) = (Arc::downgrade(activation), Arc::downgrade(deliveries));
        let until_active = until_active(activation, remote.remote.clone(), remote.tenant.clone(), deliveries);
        *asking = Some(AbortOnDropHandle::new(tokio::spawn(until_active)));
    }
}

/// Asks nobody any more.
pub(crate) fn stop(configured: &Configured) {
    for activation in configured.remotes.all().filter_map(|remote| remote.activation.as_ref()) {
        *activation.asking.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn until_active(activation: Weak<Activation>, remote: Arc<Remote>, tenant: String, deliveries: Weak<Deliveries>) {
    for made in 1_u32.. {
        let attempted = ping(&remote, &tenant).await;
        let (Some(activation), Some(deliveries)) = (activation.upgrade(), deliveries.upgrade()) else { return };
        if activation.answered(&attempted) {
            told_active(&remote, &tenant, &deliveries);
        }
        if activation.is_active() {
            return;
        }
        let (webhook, why) = (remote.name(), activation.why_not().unwrap_or_default());
        match made {
            1 => warn!(target: HOST, webhook, tenant, why, "webhook not active: what it is to get waits"),
            _ => debug!(target: HOST, webhook, tenant, why, made, "webhook still not active"),
        }
        drop((activation, deliveries));
        tokio::time::sleep(Schedule::none().pause_uncounted(made, Duration::ZERO, fastrand::f64())).await;
    }
}

/// What waited for it goes out now.
pub(crate) fn told_active(remote: &Remote, tenant: &str, deliveries: &Deliveries) {
    info!(target: HOST, webhook = remote.name(), tenant, "webhook active: it has answered the ping");
    deliveries.directory_changed();
}

async fn ping(remote: &Remote, tenant: &str) -> Attempted {
    let event = Arc::new(test_event(Test::Ping, tenant));
    let now_ms = now_ms();
    remote.deliver(&Delivery { event, attempt: 1, now_ms, out_of_order: false, replay: false, replay_url: None }).await
}
