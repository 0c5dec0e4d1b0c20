//! The remotes that are configured, by tenant: what each wants, and how it is reached.

use std::{collections::HashMap, sync::Arc};

use slashbox_core::{Fallbacks, Pattern, Sender, Subscription};
use slashbox_delivery::{Policy, Remote, RemoteSettings, Subscriber};

use slashbox_dialects::{Dialect, Format};

use super::WebhookInfo;
use crate::{
    Webhook,
    activation::Activation,
    configured::{ConfigurationError, WayOut},
};

/// All remotes.
#[derive(Debug, Default)]
pub(crate) struct Remotes {
    /// By tenant, in the order of the configuration.
    by_tenant: HashMap<String, Vec<Subscribed>>,
}

/// A remote with what it wants.
#[derive(Debug)]
pub(crate) struct Subscribed {
    pub(crate) tenant: String,
    pub(crate) subscription: Subscription,
    pub(crate) remote: Arc<Remote>,
    /// Of one that is asked whether it is there before it gets anything.
    pub(crate) activation: Option<Arc<Activation>>,
}

impl Remotes {
    /// The remotes of these webhooks, which keep their order, if all of them can be served.
    pub(crate) fn check(webhooks: Vec<Webhook>, way_out: &WayOut) -> Result<Self, ConfigurationError> {
        let mut remotes = Self::default();
        for webhook in webhooks {
            let subscribed = subscribed(webhook, way_out)?;
            if remotes.find(&subscribed.tenant, subscribed.remote.name()).is_some() {
                return Err(ConfigurationError::WebhookTwice(subscribed.remote.name().into()));
            }
            remotes.by_tenant.entry(subscribed.tenant.clone()).or_default().push(subscribed);
        }
        Ok(remotes)
    }

    /// Those of a tenant, in the order in which they answer.
    pub(crate) fn of(&self, tenant: &str) -> impl Iterator<Item = &Subscribed> {
        self.by_tenant.get(tenant).into_iter().flatten()
    }

    /// All of them, by tenant, and of each in the order in which they answer.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Subscribed> {
        let mut tenants: Vec<_> = self.by_tenant.iter().collect();
        tenants.sort_unstable_by_key(|(tenant, _)| *tenant);
        tenants.into_iter().flat_map(|(_, remotes)| remotes)
    }

    pub(crate) fn for_each(&mut self, change: impl FnMut(&mut Subscribed)) {
        self.by_tenant.values_mut().flatten().for_each(change);
    }

    /// The one of that name.
    pub(crate) fn find(&self, tenant: &str, name: &str) -> Option<&Subscribed> {
        self.of(tenant).find(|remote| remote.remote.name() == name)
    }

    /// The commands that they answer where no plugin owns them.
    pub(crate) fn fallbacks(&self) -> Fallbacks {
        let mut fallbacks = Fallbacks::default();
        let may_answer = |remote: &&Subscribed| remote.subscription.takes_sender(Sender::Operator);
        for Subscribed { tenant, subscription, .. } in self.all().filter(may_answer) {
            let is_of_commands = |pattern: &&Pattern| matches!(pattern, Pattern::Command(_) | Pattern::EveryCommand);
            let mut commands = subscription.patterns.iter().filter(is_of_commands).cloned().peekable();
            if commands.peek().is_some() {
                fallbacks.0.entry(tenant.clone()).or_default().extend(commands);
            }
        }
        fallbacks
    }

    /// What others may see of them.
    pub(crate) fn infos(&self) -> Vec<WebhookInfo> {
        let info = |remote: &Subscribed| WebhookInfo {
            name: remote.remote.name().into(),
            tenant: remote.tenant.clone(),
            host: remote.remote.host().into(),
            events: remote.subscription.patterns.clone(),
            format: remote.remote.format(),
            signed: remote.remote.is_signed(),
        };
        self.all().map(info).collect()
    }
}

impl Subscribed {
    /// Whether it gets what is for it.
    pub(crate) fn is_active(&self) -> bool {
        self.activation.as_ref().is_none_or(|activation| activation.is_active())
    }

    /// Whether another one of the same name gets the same, in the same way.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        // How long it may take to answer is part of the revision.
        let of = |Policy { schedule, in_flight_max, per_second, attempt_max: _, may_be_disabled: _ }: &Policy| {
            (schedule.clone(), *in_flight_max, *per_second)
        };
        self.subscription == other.subscription
            && self.remote.revision() == other.remote.revision()
            && of(self.remote.policy()) == of(other.remote.policy())
    }
}

fn subscribed(webhook: Webhook, way_out: &WayOut) -> Result<Subscribed, ConfigurationError> {
    let WayOut { settings, egress } = way_out;
    let checked = webhook.check(settings);
    let (target, name) =
        checked.map_err(|source| ConfigurationError::Webhook { name: webhook.name.clone(), source })?;
    let (revision, profile) = (webhook.revision(settings), webhook.its_profile());
    let Webhook {
        tenant, subscription, format, in_flight_max, per_second, api_key, hmac_secret, keys, headers, ..
    } = webhook;
    let remote = RemoteSettings {
        name,
        target,
        format,
        api_key,
        hmac_secret,
        keys,
        headers,
        schedule: profile.schedule(),
        in_flight_max,
        per_second: per_second.or(profile.per_second()),
        answer_max: profile.answer_max(),
        success: profile.success(),
    };
    let remote = Arc::new(Remote::new(remote, egress.clone(), revision));
    let activation = (format == Format::Dialect(Dialect::TG_STAFF)).then(Arc::default);
    Ok(Subscribed { tenant, subscription, remote, activation })
}
