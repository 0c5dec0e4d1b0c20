//! What a call changes, at random; and what it changes in the model.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use slashbox_core::{Effects, Limit, Quota, Scope, TimerWrite, Version, Write};
use slashbox_store::Usage;

use crate::model::SUBSCRIBERS;

/// A call. Besides what stands here, it adds one to `n`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// By key: a value of so many bytes and its time to live, or nothing.
    writes: BTreeMap<String, Option<(usize, Option<u64>)>>,
    /// By key: after how long it fires, or nothing.
    timers: BTreeMap<String, Option<u64>>,
    /// For each event that is emitted, who gets it.
    pub(crate) emits: Vec<[bool; SUBSCRIBERS]>,
    quota: (u64, u64, u64),
    /// Whether it has read what has changed since.
    stale: bool,
}

pub(crate) fn calls() -> impl Strategy<Value = Call> {
    let key = || "[a-c]";
    let value = prop::option::weighted(0.8, (0..9_usize, prop::option::of(0..100_u64)));
    let timer = prop::option::weighted(0.8, 0..150_u64);
    let emits = vec(any::<[bool; SUBSCRIBERS]>(), 0..3);
    let quota = (1..6_u64, 5..40_u64, 0..4_u64);
    let parts = (btree_map(key(), value, 0..3), btree_map(key(), timer, 0..3), emits, quota, prop::bool::weighted(0.1));
    parts.prop_map(|(writes, timers, emits, quota, stale)| Call { writes, timers, emits, quota, stale })
}

impl Call {
    pub(crate) fn quota(&self) -> Quota {
        let (kv_keys, kv_bytes, timers) = self.quota;
        Quota { kv_keys, kv_bytes, timers }
    }

    pub(crate) fn effects(&self, now_ms: u64) -> Effects {
        let mut effects = Effects::default();
        effects.writes.insert("n".to_owned(), Write::Add(1));
        for (key, value) in &self.writes {
            let write = value.map_or(Write::Delete, |(bytes, ttl_ms)| Write::Set {
                value: vec![b'v'; bytes],
                expires_at_ms: ttl_ms.map(|ttl_ms| now_ms + ttl_ms),
            });
            effects.writes.insert(key.clone(), write);
        }
        for (key, after_ms) in &self.timers {
            let set = |ms| TimerWrite::Set { due_at_ms: now_ms + ms, payload: PAYLOAD.to_owned() };
            effects.timers.insert(key.clone(), after_ms.map_or(TimerWrite::Cancel, set));
        }
        if self.stale {
            effects.reads.insert("n".to_owned(), Some(Version(u64::MAX)));
        }
        effects
    }
}

/// What every timer carries.
const PAYLOAD: &str = "null";

/// Why a call changes nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Conflict,
    Quota(Limit),
}

/// What a plugin keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// How many calls were counted in `n`.
    pub(crate) counted: u64,
    /// Besides: how long each value is, and when it expires.
    pub(crate) values: BTreeMap<String, (usize, Option<u64>)>,
    /// By key: when each is due, and the lane of its event.
    pub(crate) timers: BTreeMap<String, (u64, Option<u8>)>,
}

impl Memory {
    pub(crate) fn change(&mut self, call: &Call, lane: Option<u8>, now_ms: u64) -> Result<(), Refused> {
        if call.stale {
            return Err(Refused::Conflict);
        }
        let mut after = self.clone();
        after.counted += 1;
        for (key, value) in &call.writes {
            match *value {
                Some((bytes, ttl_ms)) => drop(after.values.insert(key.clone(), (bytes, ttl_ms.map(|ms| now_ms + ms)))),
                None => drop(after.values.remove(key)),
            }
        }
        for (key, after_ms) in &call.timers {
            match *after_ms {
                Some(ms) => drop(after.timers.insert(key.clone(), (now_ms + ms, lane))),
                None => drop(after.timers.remove(key)),
            }
        }
        if let Some(limit) = passed(self.usage(now_ms), after.usage(now_ms), call.quota()) {
            return Err(Refused::Quota(limit));
        }
        *self = after;
        Ok(())
    }

    /// The lane of the timer that is due for longest, which is gone, and its key.
    pub(crate) fn fire(&mut self, now_ms: u64) -> Option<(String, Option<u8>)> {
        let (_, key) = self.timers.iter().map(|(key, (due_at_ms, _))| (*due_at_ms, key.clone())).min()?;
        let (due_at_ms, lane) = self.timers[&key];
        (due_at_ms <= now_ms).then(|| {
            self.timers.remove(&key);
            (key, lane)
        })
    }

    pub(crate) fn next_timer_ms(&self) -> Option<u64> {
        self.timers.values().map(|(due_at_ms, _)| *due_at_ms).min()
    }

    /// Of what has not expired.
    pub(crate) fn usage(&self, now_ms: u64) -> Usage {
        let alive = |expires_at_ms: Option<u64>| expires_at_ms.is_none_or(|at_ms| at_ms > now_ms);
        let number = (self.counted > 0).then(|| self.counted.to_string().len());
        let values = self.values.values().filter(|(_, at_ms)| alive(*at_ms)).map(|(bytes, _)| *bytes).chain(number);
        let sizes: Vec<u64> = values.map(|bytes| 1 + bytes as u64).collect();
        let of_timers = self.timers.keys().map(|key| key.len() + PAYLOAD.len()).sum::<usize>();
        let (kv_keys, kv_bytes) = (sizes.len() as u64, sizes.iter().sum::<u64>() + of_timers as u64);
        Usage { kv_keys, kv_bytes, timers: self.timers.len() as u64 }
    }
}

fn passed(before: Usage, after: Usage, quota: Quota) -> Option<Limit> {
    let passed = |before: u64, after: u64, quota: u64| after > before && after > quota;
    if passed(before.kv_keys, after.kv_keys, quota.kv_keys) {
        return Some(Limit::KvKeys { keys: quota.kv_keys as u32 });
    }
    if passed(before.kv_bytes, after.kv_bytes, quota.kv_bytes) {
        return Some(Limit::KvSize { mib: 1 });
    }
    passed(before.timers, after.timers, quota.timers).then_some(Limit::Timers { timers: quota.timers as u32 })
}

/// Whose calls these are: the first subscriber's.
pub(crate) fn scope() -> Scope {
    Scope { tenant: "default".to_owned(), plugin: "one".to_owned() }
}
