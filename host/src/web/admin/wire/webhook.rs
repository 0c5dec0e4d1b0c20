//! Webhooks.
//!
//! Invariant: of where one is, the host alone is told; of its keys and headers nothing.

use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;
use crate::{WebhookInfo, WebhookState};

/// All webhooks of the configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    items: Vec<Webhook>,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
struct Webhook {
    /// Whose events it gets.
    #[schema(example = "default")]
    tenant: String,
    /// What it is called: its deliveries go by this name.
    #[schema(example = "crm")]
    name: String,
    /// The host that it is at. The rest of its URL may be a secret.
    #[schema(example = "crm.example.com")]
    host: String,
    /// The kinds and commands that it wants.
    #[schema(example = json!(["message.*", "/invoice"]))]
    events: Vec<String>,
    /// How requests to it are written.
    #[schema(example = "as-received")]
    format: &'static str,
    /// Whether its requests are signed.
    signed: bool,
    /// Why it gets nothing yet: it has not answered the ping that its format begins with.
    inactive: Option<String>,
    /// Since when an operator has it wait.
    paused_since: Option<String>,
    /// Since when it is disabled, since it has failed for too long: until somebody resumes it.
    disabled_since: Option<String>,
    /// Since when nothing has arrived, if that lasts for a minute or longer.
    failing_since: Option<String>,
    /// Until when it is left alone, since it fails.
    left_alone_until: Option<String>,
}

impl FromIterator<(WebhookInfo, WebhookState)> for WebhookList {
    fn from_iter<I: IntoIterator<Item = (WebhookInfo, WebhookState)>>(webhooks: I) -> Self {
        Self { items: webhooks.into_iter().map(Webhook::from).collect() }
    }
}

impl From<(WebhookInfo, WebhookState)> for Webhook {
    fn from((info, state): (WebhookInfo, WebhookState)) -> Self {
        let WebhookInfo { name, tenant, host, events, format, signed } = info;
        let events = events.iter().map(ToString::to_string).collect();
        let WebhookState { inactive, paused_since_ms, disabled_since_ms, failing_since_ms, left_alone_until_ms } =
            state;
        Self {
            tenant,
            name,
            host,
            events,
            format: format.name(),
            signed,
            inactive,
            paused_since: paused_since_ms.map(rfc3339),
            disabled_since: disabled_since_ms.map(rfc3339),
            failing_since: failing_since_ms.map(rfc3339),
            left_alone_until: left_alone_until_ms.map(rfc3339),
        }
    }
}
