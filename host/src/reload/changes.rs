//! What a reload has changed, by name.

use std::{collections::BTreeMap, fmt};

use crate::{
    Warning,
    configured::Configured,
    subscribers::{Remotes, Subscribed},
};

/// What a reload has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// The sources.
    pub sources: Changes<String>,
    /// The webhooks.
    pub webhooks: Changes<WebhookId>,
    /// Whether webhooks that have stayed stand in another order, so that others may answer commands.
    pub webhooks_reordered: bool,
    /// The keys that have changed too, and take effect after a restart.
    pub after_restart: Vec<String>,
    /// What webhooks and plugins ask for in vain now: [`Host::warnings`](crate::Host::warnings).
    pub warnings: Vec<Warning>,
}

/// Who came, who went, and who is not as before; each in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<N> {
    /// Those that were not there before.
    pub added: Vec<N>,
    /// Those that are not there any more.
    pub removed: Vec<N>,
    /// Those of which anything else has changed.
    pub changed: Vec<N>,
}

/// By what a webhook is known, whatever else changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebhookId {
    /// Whose events it gets.
    pub tenant: String,
    /// What it is called.
    pub name: String,
}

impl Reloaded {
    pub(super) fn between(before: &Configured, next: &Configured, after_restart: Vec<String>) -> Self {
        let sources = |of: &Configured| of.sources.clone().into_iter().collect();
        Self {
            sources: Changes::between(&sources(before), &sources(next), PartialEq::eq),
            webhooks: Changes::between(&by_id(&before.remotes), &by_id(&next.remotes), |a, b| a.is_as(b)),
            webhooks_reordered: order(&before.remotes, &next.remotes) != order(&next.remotes, &before.remotes),
            after_restart,
            warnings: Vec::new(),
        }
    }
}

impl<N: Ord + Clone> Changes<N> {
    fn between<T>(before: &BTreeMap<N, T>, next: &BTreeMap<N, T>, is_same: impl Fn(&T, &T) -> bool) -> Self {
        let not_in = |names: &BTreeMap<N, T>, others: &BTreeMap<N, T>| {
            names.keys().filter(|name| !others.contains_key(name)).cloned().collect()
        };
        let differs = |(name, now): &(&N, &T)| before.get(name).is_some_and(|before| !is_same(before, now));
        let changed = next.iter().filter(differs).map(|(name, _)| name.clone()).collect();
        Self { added: not_in(next, before), removed: not_in(before, next), changed }
    }
}

impl<N> Changes<N> {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        [&self.added, &self.removed, &self.changed].iter().all(|names| names.is_empty())
    }
}

impl<N> Default for Changes<N> {
    fn default() -> Self {
        Self { added: Vec::new(), removed: Vec::new(), changed: Vec::new() }
    }
}

/// `added a, b; removed c`.
impl<N: fmt::Display> fmt::Display for Changes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)];
        let part = |(what, names): (&str, &Vec<N>)| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let parts: Vec<String> = parts.into_iter().filter_map(part).collect();
        if parts.is_empty() { f.write_str("unchanged") } else { f.write_str(&parts.join("; ")) }
    }
}

/// As [`SubscriberId`](slashbox_core::SubscriberId) is written.
impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.tenant == "default" { Ok(()) } else { write!(f, " of {}", self.tenant) }
    }
}

fn by_id(remotes: &Remotes) -> BTreeMap<WebhookId, &Subscribed> {
    remotes.all().map(|remote| (id(remote), remote)).collect()
}

fn id(remote: &Subscribed) -> WebhookId {
    WebhookId { tenant: remote.tenant.clone(), name: remote.remote.name().into() }
}

/// Those that the others have too, in their order.
fn order(remotes: &Remotes, others: &Remotes) -> Vec<WebhookId> {
    remotes.all().filter(|remote| others.find(&remote.tenant, remote.remote.name()).is_some()).map(id).collect()
}
