//! What the admin API answers with: events, deliveries, plugins, webhooks, reloads and replays as JSON.
//!
//! Owns the names and types of the fields; the core's types know no wire. A field that has no value is `null`, never left
//! out. Whatever is shown alone has all that its listing shows, under the same names.

mod data;
mod delivery;
mod event;
mod plugin;
mod reload;
mod replay;
mod time;
mod webhook;

pub(super) use delivery::{DeliveryDetail, DeliveryPage, DeliveryState, SubscriberKind};
pub(super) use event::{EventDetail, EventPage};
pub use plugin::version_json;
pub(super) use plugin::{PluginDetail, PluginList};
pub(super) use reload::{Nothing, Reloaded};
pub(super) use replay::{ReplayPage, Tested};
pub(super) use time::parse_rfc3339;
pub(super) use webhook::WebhookList;
