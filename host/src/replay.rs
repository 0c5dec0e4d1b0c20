//! What operators do with deliveries and webhooks: deliver once more, have a webhook wait, go on, or show that it is there.
//!
//! Invariants: nothing leaves its tenant; a replay is of what is closed, so that nothing is under way twice.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{DeliveryState, Event, Origin, PING, PrivateUrl, Sender, SubscriberId, SubscriberKind, TEST};
use slashbox_delivery::{Delivery, Verdict};
use slashbox_dialects::Dialect;
use slashbox_egress::TargetError;
use slashbox_store::{DeliveryFilter, DeliveryKey, ReadError, Replayed, SubscriberKey, WriteError};
use tracing::info;

use crate::{
    Host, WebhookInfo, WebhookState, activation::told_active, new::new_id, pipeline::now_ms, telemetry::HOST,
    webhook::digest,
};

/// The most deliveries that are replayed in one commit: a few milliseconds' work of the store's.
const REPLAYED_MAX: u32 = 500;

/// Which deliveries are to be made once more, and to whom.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Which ones: dead ones if it names no state. Of those of one event, or of one subscriber, or whatever else it says.
    pub filter: DeliveryFilter,
    /// To whom.
    pub to: ReplayTo,
    /// Whether to tell only how many that would be.
    pub dry_run: bool,
    /// Where to go on: [`ReplayPage::next`] of the page before.
    pub after: Option<DeliveryKey>,
}

/// To whom deliveries are made once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReplayTo {
    /// To whom they were made.
    #[default]
    Same,
    /// To another webhook of the same tenant.
    Webhook(String),
    /// To another plugin that serves the same tenant, by its file's stem.
    Plugin(String),
    /// To another URL than their webhook's, in its format and signed as for it. Its headers and its key are not sent to
    /// another host. These are deliveries of their own, which say nothing of the webhook: `crm@1a2b3c4d`.
    Url(PrivateUrl),
}

/// What became of some of the deliveries. There may be more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayPage {
    /// How many fit the filter.
    pub matched: u64,
    /// How many of them are on their way now; in a dry run, how many would be.
    pub on_their_way: u64,
    /// How many of them wait until their subscriber, who is absent, paused or disabled, comes back.
    pub parked: u64,
    /// How many are left as they are, since they are on their way already.
    pub open: u64,
    /// How many cannot be made: nothing is left of their event, or it is of a timer, which belongs to its plugin alone.
    pub gone: u64,
    /// Where to go on; `None` if that was all.
    pub next: Option<DeliveryKey>,
}

/// Why nothing is delivered once more.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// They are on their way already.
    #[error("deliveries that are {0} cannot be replayed: expected dead or succeeded")]
    State(DeliveryState),
    /// Nothing leaves its tenant.
    #[error("a replay to somebody else, or to a URL: expected a tenant, or an event")]
    NoTenant,
    /// There is no such subscriber.
    #[error("there is no {kind} {name:?} of the tenant {tenant}")]
    NoSubscriber {
        /// Of which sort.
        kind: SubscriberKind,
        /// What it should be called.
        name: String,
        /// Whose it should be.
        tenant: String,
    },
    /// Only webhooks are at a URL.
    #[error("a replay to a URL is of deliveries to webhooks: expected no plugin")]
    PluginToUrl,
    /// Requests must not or cannot go there.
    #[error("the URL to replay to: {0}")]
    Url(#[from] TargetError),
    /// The store cannot be read now.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store cannot be written now.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What shows that a webhook is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// An event of the kind `slashbox.test`, with a text.
    Event,
    /// One of the kind `slashbox.ping`, with nothing in it.
    Ping,
}

/// What a webhook said to a test.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The id of what it was sent.
    pub id: String,
    /// Whether it took that.
    pub arrived: bool,
    /// The HTTP status that it answered with.
    pub status: Option<u16>,
    /// How it ended, for people.
    pub detail: String,
    /// The beginning of what it answered.
    pub answer: String,
    /// How long it took.
    pub took: Duration,
}

/// Why a webhook was not paused, resumed or tested.
#[derive(Debug, thiserror::Error)]
pub enum WebhookActionError {
    /// There is none of that name.
    #[error("there is no webhook {name:?} of the tenant {tenant}")]
    Unknown {
        /// What it should be called.
        name: String,
        /// Whose it should be.
        tenant: String,
    },
    /// The store cannot be written now.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Deliveries that go to one subscriber, in their order.
type Group = (Option<SubscriberId>, Vec<DeliveryKey>);

impl Host {
    /// Makes deliveries once more that are closed, the oldest first: some hundreds of those that fit, with all attempts of
    /// their schedule. Ask again from [`ReplayPage::next`] on until there is none.
    ///
    /// # Errors
    /// If there is nobody to make them to, or the store cannot be used.
    pub async fn replay(&self, replay: &Replay) -> Result<ReplayPage, ReplayError> {
        let mut filter = replay.filter.clone();
        let state = *filter.state.get_or_insert(DeliveryState::Dead);
        if state.is_open() {
            return Err(ReplayError::State(state));
        }
        if replay.to != ReplayTo::Same && filter.tenant.is_none() && filter.event.is_none() {
            return Err(ReplayError::NoTenant);
        }
        if matches!(replay.to, ReplayTo::Url(_))
            && *filter.kind.get_or_insert(SubscriberKind::Webhook) == SubscriberKind::Plugin
        {
            return Err(ReplayError::PluginToUrl);
        }
        if let (ReplayTo::Webhook(_) | ReplayTo::Plugin(_), Some(tenant)) = (&replay.to, &filter.tenant) {
            self.target(&replay.to, tenant, "")?;
        }
        let found = self.inner.store.reader().oldest_deliveries(&filter, replay.after, REPLAYED_MAX).await?;
        let page = self.replay_these(found.items, &replay.to, replay.dry_run).await?;
        Ok(ReplayPage { next: found.next, ..page })
    }

    /// Makes one delivery once more, unless it is open; `None` if there is none.
    ///
    /// # Errors
    /// As [`Host::replay`].
    pub async fn replay_one(&self, delivery: DeliveryKey, to: ReplayTo) -> Result<Option<ReplayPage>, ReplayError> {
        let found = self.inner.store.reader().delivery(delivery).await?;
        let Some((record, ..)) = found else { return Ok(None) };
        if matches!(to, ReplayTo::Url(_)) && record.subscriber.kind == SubscriberKind::Plugin {
            return Err(ReplayError::PluginToUrl);
        }
        self.replay_these(vec![delivery], &to, false).await.map(Some)
    }

    async fn replay_these(
        &self,
        deliveries: Vec<DeliveryKey>,
        to: &ReplayTo,
        dry_run: bool,
    ) -> Result<ReplayPage, ReplayError> {
        let url = match to {
            ReplayTo::Url(url) => {
                self.inner.way_out.egress.check(url.expose())?;
                Some(url.clone())
            }
            ReplayTo::Same | ReplayTo::Webhook(_) | ReplayTo::Plugin(_) => None,
        };
        let known = self.inner.store.reader().subscribers().await?;
        let mut page = ReplayPage { matched: deliveries.len() as u64, ..ReplayPage::default() };
        for (id, group) in self.grouped(deliveries, to, &known)? {
            let is_held = |key: SubscriberKey| {
                let known = known.iter().find(|known| known.key == key);
                known.is_some_and(|known| known.is_held())
            };
            let replayed = if dry_run {
                self.inner.store.reader().try_replay(group, id).await?
            } else {
                self.inner.deliveries.replay(group, id, url.clone()).await?
            };
            for replayed in replayed {
                match replayed {
                    Replayed::OnItsWay(key) if is_held(key.subscriber) => page.parked += 1,
                    Replayed::OnItsWay(_) => page.on_their_way += 1,
                    Replayed::Open(_) => page.open += 1,
                    Replayed::Gone => page.gone += 1,
                }
            }
        }
        if !dry_run {
            let ReplayPage { matched, on_their_way, parked, open, gone, .. } = page;
            info!(target: HOST, matched, on_their_way, parked, open, gone, %to, "replayed");
        }
        Ok(page)
    }

    /// To whom each goes. Nothing leaves its tenant.
    fn grouped(
        &self,
        deliveries: Vec<DeliveryKey>,
        to: &ReplayTo,
        known: &[slashbox_store::Subscriber],
    ) -> Result<Vec<Group>, ReplayError> {
        if *to == ReplayTo::Same {
            return Ok(vec![(None, deliveries)]);
        }
        let mut groups: Vec<Group> = Vec::new();
        for delivery in deliveries {
            let Some(own) = known.iter().find(|known| known.key == delivery.subscriber) else { continue };
            let id = Some(self.target(to, &own.id.tenant, &own.id.name)?);
            match groups.iter_mut().find(|(group, _)| *group == id) {
                Some((_, group)) => group.push(delivery),
                None => groups.push((id, vec![delivery])),
            }
        }
        Ok(groups)
    }

    /// Who gets it, instead of the webhook of this name.
    fn target(&self, to: &ReplayTo, tenant: &str, name: &str) -> Result<SubscriberId, ReplayError> {
        let id = |kind, name: &str| SubscriberId { tenant: tenant.into(), kind, name: name.into() };
        let id = match to {
            ReplayTo::Webhook(name) => id(SubscriberKind::Webhook, name),
            ReplayTo::Plugin(name) => id(SubscriberKind::Plugin, name),
            ReplayTo::Url(url) => id(SubscriberKind::Webhook, &elsewhere(name, url.expose())),
            ReplayTo::Same => id(SubscriberKind::Webhook, name),
        };
        if self.inner.subscribers.has(&id) {
            return Ok(id);
        }
        Err(ReplayError::NoSubscriber { kind: id.kind, name: id.name, tenant: id.tenant })
    }

    /// How the webhooks stand that are configured, in the order of [`Host::webhooks`].
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn webhook_states(&self) -> Result<Vec<(WebhookInfo, WebhookState)>, ReadError> {
        let known = self.inner.store.reader().subscribers().await?;
        let configured = self.inner.configured.load_full();
        let state = |info: WebhookInfo| {
            let activation =
                configured.remotes.find(&info.tenant, &info.name).and_then(|found| found.activation.as_ref());
            let id =
                SubscriberId { tenant: info.tenant.clone(), kind: SubscriberKind::Webhook, name: info.name.clone() };
            let known = known.iter().find(|known| known.id == id);
            let health = known.map(|known| known.health).unwrap_or_default();
            let state = WebhookState {
                inactive: activation.and_then(|activation| activation.why_not()),
                paused_since_ms: known.and_then(|known| known.paused_since_ms),
                disabled_since_ms: health.disabled_since_ms,
                failing_since_ms: health.failing_since_ms,
                left_alone_until_ms: self.inner.deliveries.left_alone_until_ms(&id),
            };
            (info, state)
        };
        Ok(configured.remotes.infos().into_iter().map(state).collect())
    }

    /// Has a webhook wait: what it should get is accepted, and waits until it is resumed, also over a restart.
    ///
    /// # Errors
    /// If there is none of that name, or the store cannot be written.
    pub async fn pause_webhook(&self, tenant: &str, name: &str) -> Result<(), WebhookActionError> {
        Ok(self.inner.deliveries.pause(&self.webhook_id(tenant, name)?).await?)
    }

    /// Has a webhook go on that is paused or disabled, as if it had never failed: what waits is attempted at once.
    ///
    /// # Errors
    /// As [`Host::pause_webhook`].
    pub async fn resume_webhook(&self, tenant: &str, name: &str) -> Result<(), WebhookActionError> {
        Ok(self.inner.deliveries.resume(&self.webhook_id(tenant, name)?).await?)
    }

    /// Sends something to a webhook, once, and tells what it says: also to one that is paused or disabled. Nothing of it is
    /// kept.
    ///
    /// # Errors
    /// If there is none of that name.
    pub async fn test_webhook(&self, tenant: &str, name: &str, test: Test) -> Result<Tested, WebhookActionError> {
        let configured = self.inner.configured.load_full();
        let found = configured.remotes.find(tenant, name);
        let found = found.ok_or_else(|| unknown(tenant, name))?;
        let remote = &found.remote;
        let began = Instant::now();
        let delivery = Delivery {
            event: Arc::new(test_event(test, tenant)),
            attempt: 1,
            now_ms: now_ms(),
            out_of_order: false,
            replay: false,
            replay_url: None,
        };
        let attempted = remote.deliver_as(&delivery, configured.format_of(found)).await;
        if let (Test::Ping, Some(activation)) = (test, &found.activation)
            && activation.answered(&attempted)
        {
            told_active(remote, tenant, &self.inner.deliveries);
        }
        Ok(Tested {
            id: delivery.event.id.clone(),
            arrived: attempted.verdict == Verdict::Arrived,
            status: attempted.status,
            detail: attempted.detail,
            answer: attempted.answer,
            took: began.elapsed(),
        })
    }

    fn webhook_id(&self, tenant: &str, name: &str) -> Result<SubscriberId, WebhookActionError> {
        let id = SubscriberId { tenant: tenant.into(), kind: SubscriberKind::Webhook, name: name.into() };
        if self.inner.subscribers.has(&id) { Ok(id) } else { Err(unknown(tenant, name)) }
    }
}

/// What deliveries of a webhook to another URL belong to: a name that no webhook can have.
fn elsewhere(webhook: &str, url: &str) -> String {
    let webhook = crate::subscribers::own_name(webhook);
    let digest = digest(url);
    format!("{webhook}@{}", digest.get(..8).unwrap_or_default())
}

fn unknown(tenant: &str, name: &str) -> WebhookActionError {
    WebhookActionError::Unknown { name: name.into(), tenant: tenant.into() }
}

/// What a test sends. It comes from no source, and belongs to no conversation.
pub(crate) fn test_event(test: Test, tenant: &str) -> Event {
    let (kind, text) = match test {
        Test::Event => (TEST, Some("A test: slashbox reaches this webhook.".to_owned())),
        Test::Ping => (PING, None),
    };
    let origin = Origin {
        tenant: tenant.into(),
        source: "slashbox".into(),
        dialect: Dialect::NATIVE.name().into(),
        instance: None,
    };
    Event {
        id: new_id(),
        kind: kind.into(),
        native_kind: kind.into(),
        conversation: None,
        contact: None,
        operator: None,
        sender: Sender::System,
        message: None,
        text,
        occurred_at_ms: now_ms(),
        origin,
        data: "{}".into(),
        envelope: String::new(),
        hops: 0,
    }
}

/// Without the URL, which may hold a secret.
impl fmt::Display for ReplayTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("the same"),
            Self::Webhook(name) => write!(f, "the webhook {name}"),
            Self::Plugin(name) => write!(f, "the plugin {name}"),
            Self::Url(_) => f.write_str("another URL"),
        }
    }
}
