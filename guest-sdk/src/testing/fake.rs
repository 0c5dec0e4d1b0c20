//! The fake's state, and the functions that stand in for the host's. Their twin for wasm is `crate::host`.

use super::{Emitted, LogLine, Timer};
use crate::{ServiceError, command::TEST_TIME_MS, kv::Page, log::Level};
use std::{cell::RefCell, collections::BTreeMap};

/// The interface's limits (`wit/services.wit`).
const KEY_BYTES_MAX: usize = 512;
const VALUE_BYTES_MAX: usize = 65_536;
const PAGE_KEYS_MAX: u32 = 1_000;

thread_local! {
    static FAKE: RefCell<Fake> = RefCell::default();
}

/// What the thread's fake host knows.
pub(super) struct Fake {
    pub(super) now_ms: u64,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) log: Vec<LogLine>,
    pub(super) effects: Effects,
}

/// What a failing call leaves as it was.
#[derive(Clone, Default)]
pub(super) struct Effects {
    kv: BTreeMap<String, Value>,
    timers: BTreeMap<String, Timer>,
    pub(super) emitted: Vec<Emitted>,
}

#[derive(Clone)]
struct Value {
    bytes: Vec<u8>,
    expires_at_ms: Option<u64>,
}

impl Default for Fake {
    fn default() -> Self {
        Self { now_ms: TEST_TIME_MS, settings: BTreeMap::new(), log: Vec::new(), effects: Effects::default() }
    }
}

impl Fake {
    /// The keys that have not expired.
    pub(super) fn living(&self) -> impl Iterator<Item = (&String, &[u8])> {
        let lives = |value: &Value| value.expires_at_ms.is_none_or(|at_ms| at_ms > self.now_ms);
        let living = self.effects.kv.iter().filter(move |(_, value)| lives(value));
        living.map(|(key, value)| (key, value.bytes.as_slice()))
    }

    pub(super) fn timers(&self) -> Vec<Timer> {
        let mut timers: Vec<Timer> = self.effects.timers.values().cloned().collect();
        timers.sort_by_key(|timer| timer.due_at_ms);
        timers
    }

    pub(super) fn take_due_timers(&mut self) -> Vec<Timer> {
        let mut due = self.timers();
        due.retain(|timer| timer.due_at_ms <= self.now_ms);
        for timer in &due {
            self.effects.timers.remove(&timer.key);
        }
        due
    }

    fn later(&self, ms: u64) -> u64 {
        self.now_ms.saturating_add(ms)
    }

    /// Deletes the key if its time has passed.
    fn expire(&mut self, key: &str) {
        let expires_at_ms = self.effects.kv.get(key).and_then(|value| value.expires_at_ms);
        if expires_at_ms.is_some_and(|at_ms| at_ms <= self.now_ms) {
            self.effects.kv.remove(key);
        }
    }
}

pub(super) fn reset() {
    FAKE.take();
}

pub(super) fn with<T>(ask: impl FnOnce(&mut Fake) -> T) -> T {
    FAKE.with_borrow_mut(ask)
}

pub(crate) fn kv_get(key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
    check_key(key)?;
    with(|fake| {
        fake.expire(key);
        Ok(fake.effects.kv.get(key).map(|value| value.bytes.clone()))
    })
}

pub(crate) fn kv_set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), ServiceError> {
    check_key(key)?;
    let bytes = value.len();
    if bytes > VALUE_BYTES_MAX {
        return invalid(format!("kv value of {bytes} bytes for key {key:?}: expected at most {VALUE_BYTES_MAX}"));
    }
    if ttl_ms == Some(0) {
        return invalid(format!("kv time to live of 0 ms for key {key:?}: expected at least 1"));
    }
    with(|fake| {
        let value = Value { bytes: value.to_vec(), expires_at_ms: ttl_ms.map(|ms| fake.later(ms)) };
        fake.effects.kv.insert(key.to_owned(), value);
    });
    Ok(())
}

pub(crate) fn kv_delete(key: &str) -> Result<(), ServiceError> {
    check_key(key)?;
    with(|fake| fake.effects.kv.remove(key));
    Ok(())
}

pub(crate) fn kv_increment(key: &str, by: i64) -> Result<i64, ServiceError> {
    check_key(key)?;
    with(|fake| {
        fake.expire(key);
        let zero = || Value { bytes: b"0".to_vec(), expires_at_ms: None };
        let mut value = fake.effects.kv.get(key).cloned().unwrap_or_else(zero);
        let Some(number) = number(&value.bytes) else {
            return invalid(format!("kv key {key:?} holds no number, so it cannot be incremented"));
        };
        let Some(sum) = number.checked_add(by) else {
            return invalid(format!("kv key {key:?}: {number} + {by} does not fit 64 bits"));
        };
        value.bytes = sum.to_string().into_bytes();
        fake.effects.kv.insert(key.to_owned(), value);
        Ok(sum)
    })
}

pub(crate) fn kv_page(prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, ServiceError> {
    if !(1..=PAGE_KEYS_MAX).contains(&limit) {
        return invalid(format!("kv list limit of {limit}: expected 1 to {PAGE_KEYS_MAX}"));
    }
    with(|fake| {
        let wanted = |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
        let mut keys = fake.living().map(|(key, _)| key).filter(wanted);
        let page: Vec<String> = keys.by_ref().take(limit as usize).cloned().collect();
        let next = keys.next().and_then(|_| page.last().cloned());
        Ok(Page { keys: page, next })
    })
}

pub(crate) fn timer_set(key: &str, after_ms: u64, payload_json: &str) -> Result<(), ServiceError> {
    with(|fake| {
        let due_at_ms = fake.later(after_ms);
        let timer = Timer { key: key.to_owned(), due_at_ms, payload_json: payload_json.to_owned() };
        fake.effects.timers.insert(key.to_owned(), timer);
    });
    Ok(())
}

pub(crate) fn timer_cancel(key: &str) -> Result<(), ServiceError> {
    with(|fake| fake.effects.timers.remove(key));
    Ok(())
}

pub(crate) fn emit(kind: &str, conversation: Option<&str>, data_json: &str) -> Result<(), ServiceError> {
    let conversation = conversation.map(str::to_owned);
    let event = Emitted { kind: kind.to_owned(), conversation, data_json: data_json.to_owned() };
    with(|fake| fake.effects.emitted.push(event));
    Ok(())
}

pub(crate) fn log_write(level: Level, line: &str) {
    with(|fake| fake.log.push(LogLine { level, text: line.to_owned() }));
}

pub(crate) fn setting(name: &str) -> Option<String> {
    with(|fake| fake.settings.get(name).cloned())
}

fn check_key(key: &str) -> Result<(), ServiceError> {
    let bytes = key.len();
    if !(1..=KEY_BYTES_MAX).contains(&bytes) {
        return invalid(format!("kv key of {bytes} bytes: expected 1 to {KEY_BYTES_MAX}"));
    }
    if key.contains(char::is_control) {
        return invalid(format!("kv key {key:?}: expected no control characters"));
    }
    Ok(())
}

/// The number whose decimal text this is.
fn number(text: &[u8]) -> Option<i64> {
    str::from_utf8(text).ok()?.parse().ok()
}

fn invalid<T>(text: String) -> Result<T, ServiceError> {
    Err(ServiceError::Invalid(text))
}
