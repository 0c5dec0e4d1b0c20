//! What a reload has changed.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Changes, WebhookId};

/// The body of a request that says all by its path.
#[derive(Serialize, Debug, ToSchema)]
pub(crate) struct Nothing {}

/// What a reload has changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reloaded {
    sources: SourceChanges,
    webhooks: WebhookChanges,
    /// The keys that have changed too, and take effect after a restart.
    #[schema(example = json!(["listen", "limits.command_ms"]))]
    after_restart: Vec<String>,
    /// What webhooks and plugins ask for in vain, in words: patterns that match nothing that their sources send, sources
    /// that are not there, commands in a format that has none.
    #[schema(example = json!(["webhook crm: \"dialog_close\" matches nothing that the tenant's sources send, did you mean dialog_closed?"]))]
    warnings: Vec<String>,
}

/// Sources, by name.
#[derive(Debug, Serialize, ToSchema)]
struct SourceChanges {
    /// Those that were not there before.
    #[schema(example = json!(["support"]))]
    added: Vec<String>,
    /// Those that are not there any more. Their events are.
    #[schema(example = json!([]))]
    removed: Vec<String>,
    /// Those of which anything else has changed.
    #[schema(example = json!([]))]
    changed: Vec<String>,
}

/// Webhooks.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookChanges {
    /// Those that were not there before.
    added: Vec<WebhookName>,
    /// Those that are not there any more. What they have not got yet waits until one of that name is there again.
    removed: Vec<WebhookName>,
    /// Those of which anything else has changed.
    changed: Vec<WebhookName>,
    /// Whether those that have stayed stand in another order, so that others may answer commands.
    reordered: bool,
}

/// By what a webhook is known.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookName {
    /// Whose events it gets.
    #[schema(example = "default")]
    tenant: String,
    /// What it is called.
    #[schema(example = "crm")]
    name: String,
}

impl From<crate::Reloaded> for Reloaded {
    fn from(reloaded: crate::Reloaded) -> Self {
        let crate::Reloaded { sources, webhooks, webhooks_reordered: reordered, after_restart, warnings } = reloaded;
        let warnings = warnings.iter().map(ToString::to_string).collect();
        let Changes { added, removed, changed } = sources;
        let sources = SourceChanges { added, removed, changed };
        let Changes { added, removed, changed } = webhooks;
        let [added, removed, changed] = [added, removed, changed].map(names);
        Self { sources, webhooks: WebhookChanges { added, removed, changed, reordered }, after_restart, warnings }
    }
}

fn names(webhooks: Vec<WebhookId>) -> Vec<WebhookName> {
    webhooks.into_iter().map(|WebhookId { tenant, name }| WebhookName { tenant, name }).collect()
}
