//! The types and rules of slashbox: what commands and events are, who gets them, how a call
//! can end, what it changes, what becomes of a delivery.
//!
//! Owns the vocabulary that every other crate speaks. Never does IO, knows no wire format (nothing here derives
//! `Serialize`), and reads no clock: whoever needs the time is given it.

mod command;
mod delivery;
mod descriptor;
mod effects;
mod event;
mod http_host;
mod limits;
mod markdown;
mod outcome;
mod plugin;
mod reply;
mod routing;
pub mod signature;
mod subscription;

pub use command::{Command, CommandName, CommandNameError, Origin};
pub use delivery::{Attempt, DeadWhy, DeliveryState, DeliveryStateError, Fault, Next, PrivateUrl, Schedule};
pub use descriptor::{CommandSpec, Descriptor, DescriptorError, SettingSpec};
pub use effects::{
    Effects, Emit, KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX, Quota, RERUNS_MAX, RangeRead, Scope, TimerWrite, Version,
    Write, counter,
};
pub use event::{Dedupe, Event, HOPS_MAX, PING, Sender, SenderError, TEST, TIMER_FIRED};
pub use http_host::{HttpHost, HttpHostError};
pub use limits::{HostLimits, Limit, LimitKey, Limits};
pub use markdown::{Unbalanced, check_markdown_v2};
pub use outcome::{Outcome, Trap};
pub use plugin::{Folder, NameError, PluginId, check_name};
pub use reply::{Cut, Format, REPLY_UNITS_MAX, Reply};
pub use routing::{Claim, Conflict, Fallbacks, Owners, Routes, assign, instead, near};
pub use subscription::{
    Pattern, PatternError, SubscriberId, SubscriberKind, SubscriberKindError, Subscription, is_kind,
};
