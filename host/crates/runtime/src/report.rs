//! What the operator is told of plugins that came, changed or went.

use std::sync::Arc;

use slashbox_core::{Conflict, PluginId};
use tracing::{info, warn};

use crate::{Plugin, plugin::Ask, shelf::State, telemetry::PLUGINS};

/// What became of a file.
pub(crate) fn loaded(id: &PluginId, before: Option<&Arc<Plugin>>, state: &State) {
    match state {
        State::Serving(now) if before.is_some_and(|before| Arc::ptr_eq(before, now)) => {} // Touched, not changed.
        State::Serving(now) => serving(id, before.map(|before| &**before), now),
        State::LastGood(_, error) => {
            warn!(target: PLUGINS, plugin = %id, %error, "cannot be loaded, the last good version serves");
        }
        State::Broken(error, _) => warn!(target: PLUGINS, plugin = %id, %error, "cannot be loaded"),
        State::Disabled => info!(target: PLUGINS, plugin = %id, "disabled by its grant"),
    }
}

fn serving(id: &PluginId, before: Option<&Plugin>, now: &Plugin) {
    let version = &now.descriptor().version;
    let lacks = new_ones(now.lacks(), before.map(Plugin::lacks));
    // Of a plugin that is new, its lacks say it all.
    let asks = before.map(|before| new_ones(now.asks(), Some(before.asks()))).unwrap_or_default();
    let what = if before.is_some() { "replaced" } else { "loaded" };
    match (lacks.is_empty(), asks.is_empty()) {
        (true, true) => info!(target: PLUGINS, plugin = %id, version, "{what}"),
        (true, false) => warn!(target: PLUGINS, plugin = %id, version, asks, "{what}; it asks for more than before"),
        (false, true) => {
            warn!(target: PLUGINS, plugin = %id, version, lacks, "{what}; it asks for what its grant file does not give");
        }
        (false, false) => {
            let words = "it asks for more than before, and for what its grant file does not give";
            warn!(target: PLUGINS, plugin = %id, version, asks, lacks, "{what}; {words}");
        }
    }
}

/// Those that were not there before, in words.
fn new_ones(now: Vec<Ask>, before: Option<Vec<Ask>>) -> String {
    let before = before.unwrap_or_default();
    let new: Vec<String> = now.iter().filter(|ask| !before.contains(ask)).map(ToString::to_string).collect();
    new.join(", ")
}

/// Who declares a command that another answers.
pub(crate) fn conflict(conflict: &Conflict) {
    let others: Vec<String> = conflict.others.iter().map(ToString::to_string).collect();
    let (command, others) = (&conflict.command, others.join(", "));
    match &conflict.owner {
        Some(plugin) => warn!(
            target: PLUGINS, %plugin, %command, others,
            "several plugins declare this command; `commands` in a grant file decides otherwise",
        ),
        None => warn!(
            target: PLUGINS, %command, others,
            "a webhook answers this command, and an update takes none; `commands` in a grant file decides otherwise",
        ),
    }
}
