//! Tells operators what webhooks and plugins ask for in vain ([`never_matching`](crate::never_matching)): in the log, and to
//! whoever asks.
//!
//! Invariant: what holds of a plugin is logged once, however often the plugins or the configuration are read again.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use slashbox_core::PluginId;
use slashbox_runtime::Runtime;
use tokio::sync::watch;
use tracing::warn;

use crate::{
    Host, WebhookId,
    configured::Configured,
    never_matching::{About, Warning, of_plugins, of_webhook},
    telemetry::HOST,
};

/// What holds now.
#[derive(Debug)]
pub(crate) struct Warnings {
    runtime: Arc<Runtime>,
    configured: Arc<ArcSwap<Configured>>,
    of_plugins: ArcSwap<BTreeSet<Warning>>,
    /// Whoever has it looks anew.
    looking: Mutex<()>,
}

impl Host {
    /// What the webhooks and the plugins ask for, and will not get as they ask for it: patterns that nothing fits which the
    /// tenant's sources send, sources that are not there, commands in a format that has none. As far as that is known: a
    /// platform may send more than its document names. A little later than a change of the plugins.
    pub fn warnings(&self) -> Vec<Warning> {
        self.inner.warnings.all()
    }
}

impl Warnings {
    /// Looks for the first time, and tells what it finds.
    pub(crate) fn new(runtime: Arc<Runtime>, configured: Arc<ArcSwap<Configured>>) -> Arc<Self> {
        let warnings = Self { runtime, configured, of_plugins: ArcSwap::default(), looking: Mutex::default() };
        warnings.look_at_webhooks();
        warnings.look_at_plugins();
        Arc::new(warnings)
    }

    /// Those of webhooks, then those of plugins.
    pub(crate) fn all(&self) -> Vec<Warning> {
        let mut all = self.of_webhooks();
        all.extend(self.of_plugins.load().iter().cloned());
        all
    }

    /// Those of a plugin, in words.
    pub(crate) fn of_plugin(&self, id: &PluginId) -> Vec<String> {
        let of_plugins = self.of_plugins.load();
        let of_it = of_plugins.iter().filter(|warning| matches!(&warning.about, About::Plugin(about) if about == id));
        of_it.map(|warning| warning.what.clone()).collect()
    }

    /// Looks again, at all of it: the sources may be others. Takes its time if there are many plugins.
    pub(crate) async fn look_again(self: &Arc<Self>) {
        self.look_at_webhooks();
        self.look_at_plugins_elsewhere().await;
    }

    /// Looks at the plugins each time they have changed.
    pub(crate) async fn follow(self: Arc<Self>, mut changes: watch::Receiver<()>) {
        // Ends with the runtime, whose changes it follows.
        while changes.changed().await.is_ok() {
            self.look_at_plugins_elsewhere().await;
        }
    }

    /// Off the threads that serve: a thousand plugins may have two hundred patterns each.
    async fn look_at_plugins_elsewhere(self: &Arc<Self>) {
        let warnings = self.clone();
        let _ = tokio::task::spawn_blocking(move || warnings.look_at_plugins()).await; // It returns nothing.
    }

    fn of_webhooks(&self) -> Vec<Warning> {
        let configured = self.configured.load();
        let of_webhook = |remote: &crate::subscribers::Subscribed| {
            let id = WebhookId { tenant: remote.tenant.clone(), name: remote.remote.name().into() };
            of_webhook(&id, &remote.subscription, remote.remote.format(), configured.sources.values())
        };
        configured.remotes.all().flat_map(of_webhook).collect()
    }

    fn look_at_webhooks(&self) {
        self.of_webhooks().iter().for_each(tell);
    }

    fn look_at_plugins(&self) {
        let _turn = self.looking.lock().unwrap_or_else(PoisonError::into_inner); // It guards nothing but the order.
        let now = of_plugins(&self.runtime.catalog(), self.configured.load().sources.values());
        let before = self.of_plugins.load_full();
        let now = Arc::new(now);
        self.of_plugins.store(now.clone());
        now.difference(&before).for_each(tell);
    }
}

fn tell(warning: &Warning) {
    let what = &warning.what;
    match &warning.about {
        About::Webhook(webhook) => warn!(target: HOST, %webhook, "{what}"),
        About::Plugin(plugin) => warn!(target: HOST, %plugin, "{what}"),
    }
}
