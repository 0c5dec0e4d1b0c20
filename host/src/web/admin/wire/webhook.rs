//! Webhooks.
//!
//! Invariant: of where one is, the host alone is told; of its keys and headers nothing.

use serde::Serialize;
use utoipa::ToSchema;

use crate::WebhookInfo;

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
}

impl FromIterator<WebhookInfo> for WebhookList {
    fn from_iter<I: IntoIterator<Item = WebhookInfo>>(webhooks: I) -> Self {
        Self { items: webhooks.into_iter().map(Webhook::from).collect() }
    }
}

impl From<WebhookInfo> for Webhook {
    fn from(info: WebhookInfo) -> Self {
        let WebhookInfo { name, tenant, host, events, format, signed } = info;
        let events = events.iter().map(ToString::to_string).collect();
        Self { tenant, name, host, events, format: format.name(), signed }
    }
}
