//! What a call changes, held back until its outcome is known.
//!
//! A call reads what is committed and writes into its [`Effects`]; the store applies them in the commit that records the
//! outcome, all or none, after checking that nobody changed what the call read.

use std::collections::BTreeMap;

use crate::PluginId;

/// The most bytes of a key: enough for a prefix and two ids, small enough for an index page.
pub const KV_KEY_BYTES_MAX: usize = 512;

/// The most bytes of a value: what a handler keeps of one conversation, not a document store.
pub const KV_VALUE_BYTES_MAX: usize = 65_536;

/// How often a call runs again because another changed what it had read, before it ends as unavailable.
pub const RERUNS_MAX: u32 = 3;

/// Whose keys: a plugin's, for one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The tenant of the call.
    pub tenant: String,
    /// The stem of the plugin's file.
    pub plugin: String,
}

/// Which write a value comes from. No two writes of a store share one, so a value that was replaced by an equal one is
/// still seen as changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u64);

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// It gets this value.
    Set {
        /// The value.
        value: Vec<u8>,
        /// When it vanishes, in milliseconds since the Unix epoch; never if `None`.
        expires_at_ms: Option<u64>,
    },
    /// It vanishes.
    Delete,
    /// Its number grows by this much, whatever it is by then; an expiry stays as it is.
    Add(i64),
}

/// A listing that a call saw: if it would come out differently at the commit, the call has read something stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeRead {
    /// What the keys begin with.
    pub prefix: String,
    /// The key that they come after.
    pub after: Option<String>,
    /// How many were asked for.
    pub limit: u32,
    /// The keys that the store held, in the order of their bytes. What they held was not read.
    pub seen: Vec<String>,
}

/// What becomes of a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerWrite {
    /// It fires then; one with the same key is replaced.
    Set {
        /// When, in milliseconds since the Unix epoch.
        due_at_ms: u64,
        /// What the event has as its data: JSON text.
        payload: String,
    },
    /// It does not fire.
    Cancel,
}

/// An event of the plugin's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emit {
    /// The last part of its kind: `paid` of `plugin.invoice.paid`.
    pub kind: String,
    /// The conversation that it belongs to.
    pub conversation: Option<String>,
    /// JSON text.
    pub data: String,
}

impl Emit {
    /// How the kinds of all that plugins emit begin.
    pub const PREFIX: &str = "plugin.";

    /// Its kind as others get it.
    pub fn full_kind(&self, plugin: &PluginId) -> String {
        format!("{}{}.{}", Self::PREFIX, plugin.stem, self.kind)
    }
}

/// How much a plugin may keep for one tenant. Looked at when effects are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Keys in `kv`.
    pub kv_keys: u64,
    /// Bytes of all keys and values in `kv`.
    pub kv_bytes: u64,
    /// Timers that are set.
    pub timers: u64,
}

/// What a call read and what it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The version of each key that was read; `None` if it had no value.
    pub reads: BTreeMap<String, Option<Version>>,
    /// The listings that were read.
    pub ranges: Vec<RangeRead>,
    /// What becomes of each key that was written.
    pub writes: BTreeMap<String, Write>,
    /// What becomes of each timer, by its key.
    pub timers: BTreeMap<String, TimerWrite>,
    /// The events that it emits, in their order.
    pub emits: Vec<Emit>,
    /// Whether it has sent HTTP requests. Those cannot be taken back, so the call must not run again on its own.
    pub sent_http: bool,
}

/// The number that a value holds for [`Write::Add`]: its decimal text; 0 if there is no value. `None` if it is no number.
pub fn counter(value: Option<&[u8]>) -> Option<i64> {
    match value {
        Some(value) => std::str::from_utf8(value).ok()?.parse().ok(),
        None => Some(0),
    }
}

impl Effects {
    /// Whether there is nothing to commit. What a call only read needs no check: it saw one consistent state of each key
    /// and changed nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.timers.is_empty() && self.emits.is_empty()
    }
}
