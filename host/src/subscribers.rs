//! Who is there: the plugins that serve now and the remotes that are configured; who of them gets an event, who answers a
//! command, and who wants to know of it.
//!
//! Invariant: who answers is decided here, before any call, by ownership alone.

mod emitted;
mod plugin;
mod remotes;

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use slashbox_core::{Command, Event, Pattern, PluginId, Sender, SubscriberId, SubscriberKind, Subscription, near};
use slashbox_delivery::{Directory, Remote, Subscriber};
use slashbox_dialects::Format;
use slashbox_runtime::{Catalog, Owner, Plugin, Runtime};

use crate::configured::Configured;

pub(crate) use emitted::Emitting;
use plugin::PluginSubscriber;
pub(crate) use remotes::{Remotes, Subscribed};

/// A webhook as others may see it: without its URL, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookInfo {
    /// What it is called.
    pub name: String,
    /// Whose events it gets.
    pub tenant: String,
    /// The host that it is at.
    pub host: String,
    /// The kinds and commands that it wants.
    pub events: Vec<Pattern>,
    /// How requests to it are written.
    pub format: Format,
    /// Whether its requests are signed.
    pub signed: bool,
}

/// How a webhook stands. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookState {
    /// Why it gets nothing yet: it has not answered the ping that its format begins with.
    pub inactive: Option<String>,
    /// Since when an operator has it wait.
    pub paused_since_ms: Option<u64>,
    /// Since when it is disabled, since it has failed for too long: until somebody resumes it.
    pub disabled_since_ms: Option<u64>,
    /// Since when nothing has arrived, if that lasts for a minute or longer.
    pub failing_since_ms: Option<u64>,
    /// Until when it is left alone, since it fails.
    pub left_alone_until_ms: Option<u64>,
}

/// Everybody who may get something.
#[derive(Debug)]
pub(crate) struct Subscribers {
    /// Itself, for the plugins, which emit events for others.
    me: Weak<Self>,
    runtime: Arc<Runtime>,
    configured: Arc<ArcSwap<Configured>>,
}

/// Who answers a command.
#[derive(Debug)]
pub(crate) enum Answerer {
    /// A plugin.
    Plugin(Arc<Plugin>),
    /// A plugin that cannot be called now.
    Absent(PluginId),
    /// A remote that gets nothing yet, not even commands: none that follows it answers in its stead.
    Inactive(String),
    /// A remote, since no plugin owns it.
    Remote(Arc<Remote>),
}

/// A command's way.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) answerer: Answerer,
    /// Who else is to know of it.
    pub(crate) observers: Vec<SubscriberId>,
}

impl Subscribers {
    pub(crate) fn new(runtime: Arc<Runtime>, configured: Arc<ArcSwap<Configured>>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { me: me.clone(), runtime, configured })
    }

    /// Whether somebody has this name, who may not be ready to get anything yet.
    pub(crate) fn has(&self, id: &SubscriberId) -> bool {
        match id.kind {
            SubscriberKind::Plugin => self.runtime.catalog().plugin(&id.tenant, &id.name).is_some(),
            SubscriberKind::Webhook => self.configured.load().remotes.find(&id.tenant, own_name(&id.name)).is_some(),
        }
    }

    /// Who gets an event, of these remotes and of the plugins.
    pub(crate) fn of_event(&self, remotes: &Remotes, event: &Event) -> Vec<SubscriberId> {
        let tenant = &event.origin.tenant;
        let catalog = self.runtime.catalog();
        let remotes = remotes.of(tenant).filter(|remote| remote.subscription.covers(event));
        plugins_that_want(&catalog, tenant, |subscription| subscription.covers(event))
            .map(|plugin| plugin_id(tenant, plugin))
            .chain(remotes.map(|remote| webhook_id(tenant, &remote.remote)))
            .collect()
    }

    /// Who answers a command, and who else is to know of it; none if nobody answers it. The remotes have been taken before
    /// the owners are looked at: see [`crate::reload`].
    pub(crate) fn of_command(&self, remotes: &Remotes, command: &Command) -> Option<Route> {
        let (tenant, source, name) = (&command.origin.tenant, &command.origin.source, command.name.as_str());
        let catalog = self.runtime.catalog();
        let mut remotes = remotes.of(tenant).filter(|remote| remote.subscription.covers_command(name, source));
        let answerer = match catalog.owner(tenant, name) {
            Some(Owner::Plugin(plugin)) => Answerer::Plugin(plugin.clone()),
            Some(Owner::Absent(id)) => Answerer::Absent(id.clone()),
            None => match remotes.next()? {
                remote if remote.is_active() => Answerer::Remote(remote.remote.clone()),
                remote => Answerer::Inactive(remote.remote.name().into()),
            },
        };
        let answers = |plugin: &Plugin| matches!(&answerer, Answerer::Plugin(owner) if owner.id() == plugin.id());
        let plugins = plugins_that_want(&catalog, tenant, |subscription| subscription.covers_command(name, source));
        let plugins = plugins.filter(|plugin| !answers(plugin));
        let plugins = plugins.map(|plugin| plugin_id(tenant, plugin));
        let observers = plugins.chain(remotes.map(|remote| webhook_id(tenant, &remote.remote))).collect();
        Some(Route { answerer, observers })
    }

    /// A tenant's commands that are near to an unknown one, the nearest first.
    pub(crate) fn near(&self, remotes: &Remotes, tenant: &str, command: &str) -> Vec<String> {
        let catalog = self.runtime.catalog();
        let may_answer = |remote: &&Subscribed| remote.subscription.takes_sender(Sender::Operator);
        let of_remotes = remotes.of(tenant).filter(may_answer).flat_map(|remote| &remote.subscription.patterns);
        let of_remotes = of_remotes.filter_map(|pattern| match pattern {
            Pattern::Command(name) => Some(name.as_str()),
            Pattern::EveryCommand | Pattern::Kind(_) | Pattern::Native(_) => None,
        });
        let mut known: Vec<&str> = catalog.commands(tenant).map(|name| name.as_str()).chain(of_remotes).collect();
        known.sort_unstable();
        known.dedup();
        near(command, known.into_iter()).into_iter().map(Into::into).collect()
    }
}

impl Directory for Subscribers {
    fn find(&self, id: &SubscriberId) -> Option<Arc<dyn Subscriber>> {
        match id.kind {
            SubscriberKind::Plugin => {
                let plugin = self.runtime.catalog().plugin(&id.tenant, &id.name)?.clone();
                Some(Arc::new(PluginSubscriber::new(self.runtime.clone(), plugin, self.me.clone())))
            }
            SubscriberKind::Webhook => {
                let configured = self.configured.load();
                let found = configured.remotes.find(&id.tenant, own_name(&id.name))?;
                // A replay elsewhere does not go where nobody has answered yet.
                let is_ready = found.is_active() || own_name(&id.name) != id.name;
                is_ready.then(|| -> Arc<dyn Subscriber> { found.remote.clone() })
            }
        }
    }
}

/// The webhook that deliveries go by which are replayed to another URL: `crm` of `crm@1a2b3c4d`.
pub(crate) fn own_name(name: &str) -> &str {
    name.split_once('@').map_or(name, |(own, _)| own)
}

fn plugins_that_want<'c>(
    catalog: &'c Catalog,
    tenant: &str,
    wants: impl Fn(&Subscription) -> bool,
) -> impl Iterator<Item = &'c Arc<Plugin>> {
    catalog.subscribers(tenant).filter(move |plugin| wants(plugin.subscription()))
}

fn plugin_id(tenant: &str, plugin: &Plugin) -> SubscriberId {
    SubscriberId { tenant: tenant.into(), kind: SubscriberKind::Plugin, name: plugin.id().stem.to_string() }
}

fn webhook_id(tenant: &str, remote: &Remote) -> SubscriberId {
    SubscriberId { tenant: tenant.into(), kind: SubscriberKind::Webhook, name: remote.name().into() }
}
