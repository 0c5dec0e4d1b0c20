//! A plugin's durable memory during one call: what is committed to read, and writes that are held back.
//!
//! Reads note the version that they saw, so that the commit can tell whether they are stale. Increments note none: they
//! commute.

use std::collections::BTreeSet;

use slashbox_core::{Effects, KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX, RangeRead, Scope, Write, counter};
use slashbox_store::{Entry, ReadError, Reader};

use crate::{
    bindings::slashbox::plugin::{
        kv::{Host, Page},
        types::ServiceError,
    },
    guest::Guest,
    services::nothing_granted,
};

/// The most keys that one listing gives.
const LIST_LIMIT_MAX: u32 = 1_000;

/// The most keys that one call writes: what a commit does in a few milliseconds.
const WRITES_MAX: usize = 1_000;

/// The most bytes that one call writes, keys and values together.
const WRITE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most keys and listings that one call reads before writing: each is checked again at the commit.
const READS_MAX: usize = 10_000;

/// The memory of one call.
pub(crate) struct Kv {
    scope: Scope,
    reader: Reader,
    now_ms: u64,
    effects: Effects,
    written_bytes: usize,
}

impl Kv {
    pub(crate) fn new(scope: Scope, reader: Reader, now_ms: u64) -> Self {
        Self { scope, reader, now_ms, effects: Effects::default(), written_bytes: 0 }
    }

    pub(crate) fn into_effects(self) -> Effects {
        self.effects
    }

    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, ServiceError> {
        check_key(&key)?;
        match self.effects.writes.get(&key) {
            Some(Write::Set { value, expires_at_ms }) => Ok(self.alive(*expires_at_ms).then(|| value.clone())),
            Some(Write::Delete) => Ok(None),
            Some(&Write::Add(by)) => {
                let base = self.read(&key).await?;
                let sum = add(&key, number(&key, base.as_deref())?, by)?;
                Ok(Some(sum.to_string().into_bytes()))
            }
            None => self.read(&key).await,
        }
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), ServiceError> {
        check_key(&key)?;
        if value.len() > KV_VALUE_BYTES_MAX {
            let bytes = value.len();
            let expected = format!("expected at most {KV_VALUE_BYTES_MAX}");
            return Err(ServiceError::Invalid(format!("kv value of {bytes} bytes for key {key:?}: {expected}")));
        }
        if ttl_ms == Some(0) {
            return Err(ServiceError::Invalid(format!("kv time to live of 0 ms for key {key:?}: expected at least 1")));
        }
        let expires_at_ms = ttl_ms.map(|ttl_ms| self.now_ms.saturating_add(ttl_ms));
        self.write(key, Write::Set { value, expires_at_ms })
    }

    async fn increment(&mut self, key: String, by: i64) -> Result<i64, ServiceError> {
        check_key(&key)?;
        let (now, write) = match self.effects.writes.get(&key) {
            Some(Write::Set { value, expires_at_ms }) if self.alive(*expires_at_ms) => {
                let sum = add(&key, number(&key, Some(value))?, by)?;
                (sum, Write::Set { value: sum.to_string().into_bytes(), expires_at_ms: *expires_at_ms })
            }
            Some(Write::Set { .. } | Write::Delete) => {
                (by, Write::Set { value: by.to_string().into_bytes(), expires_at_ms: None })
            }
            Some(&Write::Add(earlier)) => {
                let by = add(&key, earlier, by)?;
                (self.base_plus(&key, by).await?, Write::Add(by))
            }
            None => (self.base_plus(&key, by).await?, Write::Add(by)),
        };
        self.write(key, write)?;
        Ok(now)
    }

    /// What the counter would hold by now. Not a read that the commit checks.
    async fn base_plus(&self, key: &str, by: i64) -> Result<i64, ServiceError> {
        let base = self.entry(key).await?;
        add(key, number(key, base.as_ref().map(|entry| &*entry.value))?, by)
    }

    async fn list_keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Result<Page, ServiceError> {
        if !(1..=LIST_LIMIT_MAX).contains(&limit) {
            return Err(ServiceError::Invalid(format!("kv list limit of {limit}: expected 1 to {LIST_LIMIT_MAX}")));
        }
        for bound in [Some(&prefix), after.as_ref()].into_iter().flatten() {
            if bound.len() > KV_KEY_BYTES_MAX {
                let bytes = bound.len();
                let what = "kv prefix or key to list after";
                return Err(ServiceError::Invalid(format!(
                    "{what} of {bytes} bytes: expected at most {KV_KEY_BYTES_MAX}"
                )));
            }
        }
        let own = |key: &str| key.starts_with(&prefix) && after.as_deref().is_none_or(|after| key > after);
        let written: Vec<(String, bool)> = (self.effects.writes.iter())
            .filter(|(key, _)| own(key))
            .map(|(key, write)| (key.clone(), !matches!(write, Write::Delete)))
            .collect();
        // Even if each written key is taken out of it, the listing is full, and shows whether there is more.
        let asked = limit + 1 + u32::try_from(written.len()).unwrap_or(u32::MAX);
        let seen = self.reader.list(&self.scope, &prefix, after.as_deref(), asked, self.now_ms).await;
        let seen: Vec<String> = seen.map_err(unavailable)?.into_iter().map(|(key, _)| key).collect();
        let mut keys: BTreeSet<String> = seen.iter().cloned().collect();
        for (key, there) in written {
            if there {
                keys.insert(key);
            } else {
                keys.remove(&key);
            }
        }
        self.note_range(RangeRead { prefix, after, limit: asked, seen })?;
        let more = keys.len() > limit as usize;
        let keys: Vec<String> = keys.into_iter().take(limit as usize).collect();
        Ok(Page { next: keys.last().filter(|_| more).cloned(), keys })
    }

    fn note_range(&mut self, range: RangeRead) -> Result<(), ServiceError> {
        let noted: usize = self.effects.ranges.iter().map(|range| range.seen.len() + 1).sum();
        if noted + range.seen.len() > READS_MAX {
            return Err(ServiceError::Limit(format!("kv limit of {READS_MAX} listed keys in one call reached")));
        }
        self.effects.ranges.push(range);
        Ok(())
    }

    async fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let entry = self.entry(key).await?;
        if self.effects.reads.len() >= READS_MAX && !self.effects.reads.contains_key(key) {
            return Err(ServiceError::Limit(format!("kv limit of {READS_MAX} reads in one call reached")));
        }
        // The version that was seen first counts: if it has changed since, the call is stale either way.
        self.effects.reads.entry(key.to_owned()).or_insert(entry.as_ref().map(|entry| entry.version));
        Ok(entry.map(|entry| entry.value))
    }

    async fn entry(&self, key: &str) -> Result<Option<Entry>, ServiceError> {
        self.reader.get(&self.scope, key, self.now_ms).await.map_err(unavailable)
    }

    fn write(&mut self, key: String, write: Write) -> Result<(), ServiceError> {
        let bytes = |key: &str, write: &Write| {
            key.len()
                + match write {
                    Write::Set { value, .. } => value.len(),
                    Write::Delete | Write::Add(_) => 0,
                }
        };
        let replaced = self.effects.writes.get(&key).map_or(0, |write| bytes(&key, write));
        let sum = self.written_bytes - replaced + bytes(&key, &write);
        if sum > WRITE_BYTES_MAX {
            return Err(ServiceError::Limit(format!(
                "kv limit of {WRITE_BYTES_MAX} bytes written in one call reached"
            )));
        }
        if self.effects.writes.len() >= WRITES_MAX && !self.effects.writes.contains_key(&key) {
            return Err(ServiceError::Limit(format!("kv limit of {WRITES_MAX} keys written in one call reached")));
        }
        self.written_bytes = sum;
        self.effects.writes.insert(key, write);
        Ok(())
    }

    fn alive(&self, expires_at_ms: Option<u64>) -> bool {
        expires_at_ms.is_none_or(|at_ms| at_ms > self.now_ms)
    }
}

fn check_key(key: &str) -> Result<(), ServiceError> {
    if key.is_empty() || key.len() > KV_KEY_BYTES_MAX {
        let bytes = key.len();
        return Err(ServiceError::Invalid(format!("kv key of {bytes} bytes: expected 1 to {KV_KEY_BYTES_MAX}")));
    }
    if key.chars().any(char::is_control) {
        return Err(ServiceError::Invalid(format!("kv key {key:?}: expected no control characters")));
    }
    Ok(())
}

/// The number that a value holds; 0 where there is none.
fn number(key: &str, value: Option<&[u8]>) -> Result<i64, ServiceError> {
    let no_number = || ServiceError::Invalid(format!("kv key {key:?} holds no number, so it cannot be incremented"));
    counter(value).ok_or_else(no_number)
}

fn add(key: &str, base: i64, by: i64) -> Result<i64, ServiceError> {
    let sum = base.checked_add(by);
    sum.ok_or_else(|| ServiceError::Invalid(format!("kv key {key:?}: {base} + {by} does not fit 64 bits")))
}

/// The cause is the host's affair, and in its log; the guest learns that it may try again.
fn unavailable(error: ReadError) -> ServiceError {
    let error: &dyn std::error::Error = &error;
    tracing::error!(target: crate::telemetry::RUNTIME, error, "kv cannot be read");
    ServiceError::Unavailable("kv cannot be read now".into())
}

impl Host for Guest {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, ServiceError> {
        self.kv.as_mut().ok_or_else(|| nothing_granted("kv"))?.get(key).await
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), ServiceError> {
        self.kv.as_mut().ok_or_else(|| nothing_granted("kv"))?.set(key, value, ttl_ms)
    }

    fn delete(&mut self, key: String) -> Result<(), ServiceError> {
        let kv = self.kv.as_mut().ok_or_else(|| nothing_granted("kv"))?;
        check_key(&key)?;
        kv.write(key, Write::Delete)
    }

    async fn increment(&mut self, key: String, by: i64) -> Result<i64, ServiceError> {
        self.kv.as_mut().ok_or_else(|| nothing_granted("kv"))?.increment(key, by).await
    }

    async fn list_keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Result<Page, ServiceError> {
        self.kv.as_mut().ok_or_else(|| nothing_granted("kv"))?.list_keys(prefix, after, limit).await
    }
}

#[cfg(test)]
mod tests;
