//! Who is there: the plugins that serve now and the remotes that are configured; who of them gets an event, who answers a
//! command, and who wants to know of it.
//!
//! Invariant: who answers is decided here, before any call, by ownership alone.

mod emitted;
mod plugin;

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use slashbox_core::{
    Command, Event, Fallbacks, Pattern, PluginId, Sender, SubscriberId, SubscriberKind, Subscription, near,
};
use slashbox_delivery::{Directory, Remote, Subscriber};
use slashbox_dialects::Format;
use slashbox_runtime::{Catalog, Owner, Plugin, Runtime};

pub(crate) use emitted::Emitting;
use plugin::PluginSubscriber;

/// A remote with what it wants.
#[derive(Debug)]
pub(crate) struct Subscribed {
    pub(crate) tenant: String,
    pub(crate) subscription: Subscription,
    pub(crate) remote: Arc<Remote>,
}

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

/// Everybody who may get something.
#[derive(Debug)]
pub(crate) struct Subscribers {
    /// Itself, for the plugins, which emit events for others.
    me: Weak<Self>,
    runtime: Arc<Runtime>,
    /// By tenant, in the order of the configuration.
    remotes: HashMap<String, Vec<Subscribed>>,
}

/// Who answers a command.
#[derive(Debug)]
pub(crate) enum Answerer {
    /// A plugin.
    Plugin(Arc<Plugin>),
    /// A plugin that cannot be called now.
    Absent(PluginId),
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

/// The commands that remotes answer where no plugin owns them.
pub(crate) fn fallbacks(remotes: &[Subscribed]) -> Fallbacks {
    let mut fallbacks = Fallbacks::default();
    let may_answer = |remote: &&Subscribed| remote.subscription.takes_sender(Sender::Operator);
    for Subscribed { tenant, subscription, .. } in remotes.iter().filter(may_answer) {
        let commands = subscription.patterns.iter().filter(|pattern| !matches!(pattern, Pattern::Kind(_))).cloned();
        let mut commands = commands.peekable();
        if commands.peek().is_some() {
            fallbacks.0.entry(tenant.clone()).or_default().extend(commands);
        }
    }
    fallbacks
}

impl Subscribers {
    pub(crate) fn new(runtime: Arc<Runtime>, all: Vec<Subscribed>) -> Arc<Self> {
        let mut remotes: HashMap<String, Vec<Subscribed>> = HashMap::new();
        for remote in all {
            remotes.entry(remote.tenant.clone()).or_default().push(remote);
        }
        Arc::new_cyclic(|me| Self { me: me.clone(), runtime, remotes })
    }

    /// Who gets an event.
    pub(crate) fn of_event(&self, event: &Event) -> Vec<SubscriberId> {
        let tenant = &event.origin.tenant;
        let catalog = self.runtime.catalog();
        let remotes = self.remotes(tenant).filter(|remote| remote.subscription.covers(event));
        plugins_that_want(&catalog, tenant, &event.kind, &event.native_kind)
            .map(|plugin| plugin_id(tenant, plugin))
            .chain(remotes.map(|remote| webhook_id(tenant, &remote.remote)))
            .collect()
    }

    /// Who answers a command, and who else is to know of it; none if nobody answers it.
    pub(crate) fn of_command(&self, command: &Command) -> Option<Route> {
        let (tenant, source, name) = (&command.origin.tenant, &command.origin.source, command.name.as_str());
        let catalog = self.runtime.catalog();
        let mut remotes = self.remotes(tenant).filter(|remote| remote.subscription.covers_command(name, source));
        let answerer = match catalog.owner(tenant, name) {
            Some(Owner::Plugin(plugin)) => Answerer::Plugin(plugin.clone()),
            Some(Owner::Absent(id)) => Answerer::Absent(id.clone()),
            None => Answerer::Remote(remotes.next()?.remote.clone()),
        };
        let answers = |plugin: &Plugin| matches!(&answerer, Answerer::Plugin(owner) if owner.id() == plugin.id());
        let plugins = plugins_that_want(&catalog, tenant, name, name).filter(|plugin| !answers(plugin));
        let plugins = plugins.map(|plugin| plugin_id(tenant, plugin));
        let observers = plugins.chain(remotes.map(|remote| webhook_id(tenant, &remote.remote))).collect();
        Some(Route { answerer, observers })
    }

    /// A tenant's commands that are near to an unknown one, the nearest first.
    pub(crate) fn near(&self, tenant: &str, command: &str) -> Vec<String> {
        let catalog = self.runtime.catalog();
        let may_answer = |remote: &&Subscribed| remote.subscription.takes_sender(Sender::Operator);
        let of_remotes = self.remotes(tenant).filter(may_answer).flat_map(|remote| &remote.subscription.patterns);
        let of_remotes = of_remotes.filter_map(|pattern| match pattern {
            Pattern::Command(name) => Some(name.as_str()),
            Pattern::EveryCommand | Pattern::Kind(_) => None,
        });
        let mut known: Vec<&str> = catalog.commands(tenant).map(|name| name.as_str()).chain(of_remotes).collect();
        known.sort_unstable();
        known.dedup();
        near(command, known.into_iter()).into_iter().map(Into::into).collect()
    }

    /// The remotes of all tenants, by tenant, and of each in the order of the configuration.
    pub(crate) fn webhooks(&self) -> Vec<WebhookInfo> {
        let info = |remote: &Subscribed| WebhookInfo {
            name: remote.remote.name().into(),
            tenant: remote.tenant.clone(),
            host: remote.remote.host().into(),
            events: remote.subscription.patterns.clone(),
            format: remote.remote.format(),
            signed: remote.remote.is_signed(),
        };
        let mut webhooks: Vec<WebhookInfo> = self.remotes.values().flatten().map(info).collect();
        webhooks.sort_by(|a, b| a.tenant.cmp(&b.tenant));
        webhooks
    }

    fn remotes(&self, tenant: &str) -> impl Iterator<Item = &Subscribed> {
        self.remotes.get(tenant).into_iter().flatten()
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
                let found = self.remotes(&id.tenant).find(|remote| remote.remote.name() == id.name)?;
                Some(found.remote.clone())
            }
        }
    }
}

fn plugins_that_want<'c>(
    catalog: &'c Catalog,
    tenant: &str,
    kind: &str,
    native_kind: &str,
) -> impl Iterator<Item = &'c Arc<Plugin>> {
    let wants =
        move |plugin: &&Arc<Plugin>| plugin.descriptor().events.iter().any(|pattern| pattern.covers(kind, native_kind));
    catalog.subscribers(tenant).filter(wants)
}

fn plugin_id(tenant: &str, plugin: &Plugin) -> SubscriberId {
    SubscriberId { tenant: tenant.into(), kind: SubscriberKind::Plugin, name: plugin.id().stem.to_string() }
}

fn webhook_id(tenant: &str, remote: &Remote) -> SubscriberId {
    SubscriberId { tenant: tenant.into(), kind: SubscriberKind::Webhook, name: remote.name().into() }
}
