//! What the admin API answers with: events and deliveries as JSON.
//!
//! Owns the names and types of the fields; the core's types know no wire. A field that has no value is `null`, never left
//! out. Whatever is shown alone has all that its listing shows, under the same names.

mod data;
mod delivery;
mod event;
mod time;

pub(super) use delivery::{DeliveryDetail, DeliveryPage, DeliveryState, SubscriberKind};
pub(super) use event::{EventDetail, EventPage};
