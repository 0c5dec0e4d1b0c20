//! What plugins emit, as events with those who get them.

use slashbox_core::{Effects, Emit, Event, Origin, PluginId, Sender};
use slashbox_delivery::{Addressed, Changed};
use slashbox_dialects::Dialect;
use slashbox_runtime::Plugin;

use super::Subscribers;
use crate::new::new_id;

/// The call in which something is emitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emitting<'c> {
    /// By whom.
    pub(crate) plugin: &'c PluginId,
    /// Where the command or the event of the call came from.
    pub(crate) origin: &'c Origin,
    /// How many emissions that is away from what came from outside.
    pub(crate) hops: u8,
    /// The time of the call, in milliseconds since the Unix epoch.
    pub(crate) now_ms: u64,
}

impl Subscribers {
    /// What a call changes, with those who get what it emits; none if it changes nothing.
    pub(crate) fn change(&self, plugin: &Plugin, call: Emitting<'_>, mut effects: Effects) -> Option<Changed> {
        if effects.is_empty() {
            return None;
        }
        let events = self.of_emitted(call, std::mem::take(&mut effects.emits));
        let (scope, quota) = (plugin.scope(&call.origin.tenant), plugin.limits().quota());
        Some(Changed { scope, effects, quota, events })
    }

    /// The events that were emitted: `plugin.PLUGIN.KIND`, of the same tenant and source as what the plugin was called for.
    fn of_emitted(&self, call: Emitting<'_>, emits: Vec<Emit>) -> Vec<Addressed> {
        let configured = self.configured.load_full();
        let addressed = |emit: Emit| {
            let event = event(call, emit);
            Addressed { subscribers: self.of_event(&configured.remotes, &event), event, dedupe: None }
        };
        emits.into_iter().map(addressed).collect()
    }
}

fn event(call: Emitting<'_>, emit: Emit) -> Event {
    let kind = emit.full_kind(call.plugin);
    let Emit { conversation, data, .. } = emit;
    Event {
        id: new_id(),
        native_kind: kind.clone(),
        kind,
        conversation,
        contact: None,
        operator: None,
        sender: Sender::System,
        message: None,
        text: None,
        occurred_at_ms: call.now_ms,
        origin: Origin { dialect: Dialect::NATIVE.name().into(), ..call.origin.clone() },
        data,
        envelope: String::new(),
        hops: call.hops.saturating_add(1),
    }
}
