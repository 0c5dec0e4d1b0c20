//! Timers: set and cancelled with the call's outcome.

use slashbox_core::{KV_KEY_BYTES_MAX, TimerWrite};

use super::Services;
use crate::{
    bindings::slashbox::plugin::{timers::Host, types::ServiceError},
    guest::Guest,
};

/// The shortest time after which a timer fires: what is shorter counts as this, so that a timer which sets itself anew is
/// no loop.
const AFTER_MS_MIN: u64 = 1_000;

/// The longest: ten years. What is longer was reckoned wrong.
const AFTER_MS_MAX: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;

/// The most bytes of a payload: what a handler needs to go on, as a value in `kv`.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

impl Services {
    pub(super) async fn set_timer(&mut self, key: String, after_ms: u64, payload: String) -> Result<(), ServiceError> {
        check_key(&key)?;
        if after_ms > AFTER_MS_MAX {
            let expected = format!("expected at most {AFTER_MS_MAX}");
            return Err(ServiceError::Invalid(format!("timer {key:?} after {after_ms} ms: {expected}")));
        }
        check_json(&format!("timer {key:?}"), &payload, PAYLOAD_BYTES_MAX)?;
        let timers_max = self.spec.limits.timers;
        // What this call cancels may not have been set: near the limit, it counts too.
        let changed = self.effects.timers.len() as u64;
        if !self.effects.timers.contains_key(&key) && self.usage().await?.timers + changed >= timers_max.into() {
            return Err(ServiceError::Limit(format!("timer {key:?}: limit of {timers_max} timers reached")));
        }
        let due_at_ms = self.call.now_ms.saturating_add(after_ms.max(AFTER_MS_MIN));
        let set = TimerWrite::Set { due_at_ms, payload };
        let sum = self.written_with_timer(&key, &set)?;
        self.change_timer(key, set, sum);
        Ok(())
    }

    pub(super) fn cancel_timer(&mut self, key: String) -> Result<(), ServiceError> {
        check_key(&key)?;
        let sum = self.written_with_timer(&key, &TimerWrite::Cancel)?;
        self.change_timer(key, TimerWrite::Cancel, sum);
        Ok(())
    }

    /// How many bytes the call leaves behind with this timer, if it may change one more.
    fn written_with_timer(&self, key: &str, write: &TimerWrite) -> Result<usize, ServiceError> {
        let (writes_max, earlier) = (self.spec.limits.kv_writes, self.effects.timers.get(key));
        if self.effects.timers.len() >= writes_max as usize && earlier.is_none() {
            let words = format!("timer {key:?}: limit of {writes_max} timers changed in one call reached");
            return Err(ServiceError::Limit(words));
        }
        let replaced = earlier.map_or(0, |earlier| bytes_of(key, earlier));
        self.written_with(&format!("timer {key:?}:"), bytes_of(key, write), replaced)
    }

    fn change_timer(&mut self, key: String, write: TimerWrite, sum: usize) {
        self.written_bytes = sum;
        self.effects.timers.insert(key, write);
    }
}

fn bytes_of(key: &str, write: &TimerWrite) -> usize {
    let payload = match write {
        TimerWrite::Set { payload, .. } => payload.len(),
        TimerWrite::Cancel => 0,
    };
    key.len() + payload
}

fn check_key(key: &str) -> Result<(), ServiceError> {
    if key.is_empty() || key.len() > KV_KEY_BYTES_MAX {
        let bytes = key.len();
        return Err(ServiceError::Invalid(format!("timer key of {bytes} bytes: expected 1 to {KV_KEY_BYTES_MAX}")));
    }
    Ok(())
}

/// Whether a text is JSON of at most so many bytes; `what` has it.
pub(super) fn check_json(what: &str, text: &str, bytes_max: usize) -> Result<(), ServiceError> {
    if text.len() > bytes_max {
        let bytes = text.len();
        return Err(ServiceError::Invalid(format!("{what} with {bytes} bytes of data: expected at most {bytes_max}")));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(ServiceError::Invalid(format!("{what}: its data is no JSON: {error}"))),
    }
}

impl Host for Guest {
    async fn set(&mut self, key: String, after_ms: u64, payload: String) -> Result<(), ServiceError> {
        self.services("timers")?.set_timer(key, after_ms, payload).await
    }

    fn cancel(&mut self, key: String) -> Result<(), ServiceError> {
        self.services("timers")?.cancel_timer(key)
    }
}
