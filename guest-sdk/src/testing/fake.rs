//! The fake's state, and the functions that stand in for the host's. Their twin for wasm is `crate::host`.

use super::{
    Emitted, LogLine, SetTimer,
    http::{Web, covers},
};
use crate::{Origin, ServiceError, command::TEST_TIME_MS, http::Url, kv::Page, log::Level};
use std::{cell::RefCell, collections::BTreeMap};

pub(crate) use super::http::http_send;

/// The interface's limits (`wit/services.wit`).
const KEY_BYTES_MAX: usize = 512;
const VALUE_BYTES_MAX: usize = 65_536;
const PAGE_KEYS_MAX: u32 = 1_000;
const TIMER_MS_MIN: u64 = 1_000;
const TIMER_MS_MAX: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;
const DATA_BYTES_MAX: usize = 65_536;

thread_local! {
    static FAKE: RefCell<Fake> = RefCell::default();
}

/// What the thread's fake host knows.
pub(super) struct Fake {
    pub(super) now_ms: u64,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) log: Vec<LogLine>,
    pub(super) effects: Effects,
    pub(super) web: Web,
    /// None while the test itself, or a handler that it calls as a function, asks for something.
    pub(super) call: Option<Call>,
}

/// What a call knows that its handler need not say.
pub(super) struct Call {
    pub(super) conversation: Option<String>,
    pub(super) origin: Origin,
    pub(super) http_hosts: Vec<&'static str>,
}

impl Call {
    pub(super) fn asks_for(&self, url: &Url) -> bool {
        self.http_hosts.iter().any(|asked| covers(asked, url))
    }
}

/// What a failing call leaves as it was.
#[derive(Clone, Default)]
pub(super) struct Effects {
    kv: BTreeMap<String, Value>,
    timers: BTreeMap<String, SetTimer>,
    pub(super) emitted: Vec<Emitted>,
}

#[derive(Clone)]
struct Value {
    bytes: Vec<u8>,
    expires_at_ms: Option<u64>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            now_ms: TEST_TIME_MS,
            settings: BTreeMap::new(),
            log: Vec::new(),
            effects: Effects::default(),
            web: Web::default(),
            call: None,
        }
    }
}

impl Fake {
    /// The keys that have not expired.
    pub(super) fn living(&self) -> impl Iterator<Item = (&String, &[u8])> {
        let lives = |value: &Value| value.expires_at_ms.is_none_or(|at_ms| at_ms > self.now_ms);
        let living = self.effects.kv.iter().filter(move |(_, value)| lives(value));
        living.map(|(key, value)| (key, value.bytes.as_slice()))
    }

    pub(super) fn timers(&self) -> Vec<SetTimer> {
        let mut timers: Vec<SetTimer> = self.effects.timers.values().cloned().collect();
        timers.sort_by_key(|timer| timer.due_at_ms);
        timers
    }

    /// Takes the timer that is due first, if it is due by then.
    pub(super) fn take_timer_due_by(&mut self, at_ms: u64) -> Option<SetTimer> {
        let next = self.timers().into_iter().next().filter(|timer| timer.due_at_ms <= at_ms)?;
        self.effects.timers.remove(&next.key)
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
    check_key_bytes("timer", key)?;
    if after_ms > TIMER_MS_MAX {
        return invalid(format!("timer {key:?} after {after_ms} ms: expected at most {TIMER_MS_MAX}"));
    }
    check_data(&format!("timer {key:?}"), payload_json)?;
    with(|fake| {
        let (conversation, origin) = match &fake.call {
            Some(call) => (call.conversation.clone(), call.origin.clone()),
            None => (None, Origin::default()),
        };
        let due_at_ms = fake.later(after_ms.max(TIMER_MS_MIN));
        let timer =
            SetTimer { key: key.to_owned(), due_at_ms, payload_json: payload_json.to_owned(), conversation, origin };
        fake.effects.timers.insert(key.to_owned(), timer);
    });
    Ok(())
}

pub(crate) fn timer_cancel(key: &str) -> Result<(), ServiceError> {
    check_key_bytes("timer", key)?;
    with(|fake| fake.effects.timers.remove(key));
    Ok(())
}

pub(crate) fn conversation() -> Option<String> {
    with(|fake| fake.call.as_ref()?.conversation.clone())
}

pub(crate) fn emit(kind: &str, conversation: Option<&str>, data_json: &str) -> Result<(), ServiceError> {
    if !is_kind(kind) {
        return invalid(format!("event {kind:?}: expected dotted words such as `paid`"));
    }
    check_data(&format!("event {kind:?}"), data_json)?;
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
    check_key_bytes("kv", key)?;
    if key.contains(char::is_control) {
        return invalid(format!("kv key {key:?}: expected no control characters"));
    }
    Ok(())
}

fn check_key_bytes(service: &str, key: &str) -> Result<(), ServiceError> {
    let bytes = key.len();
    if !(1..=KEY_BYTES_MAX).contains(&bytes) {
        return invalid(format!("{service} key of {bytes} bytes: expected 1 to {KEY_BYTES_MAX}"));
    }
    Ok(())
}

fn check_data(what: &str, data_json: &str) -> Result<(), ServiceError> {
    let bytes = data_json.len();
    if bytes > DATA_BYTES_MAX {
        return invalid(format!("{what} with {bytes} bytes of data: expected at most {DATA_BYTES_MAX}"));
    }
    Ok(())
}

/// Whether these are dotted words.
fn is_kind(kind: &str) -> bool {
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    kind.split('.').all(is_word)
}

/// The number whose decimal text this is.
fn number(text: &[u8]) -> Option<i64> {
    str::from_utf8(text).ok()?.parse().ok()
}

fn invalid<T>(text: String) -> Result<T, ServiceError> {
    Err(ServiceError::Invalid(text))
}
