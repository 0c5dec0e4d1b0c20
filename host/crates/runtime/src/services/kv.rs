//! A plugin's durable memory during one call: what is committed to read, and writes that are held back.
//!
//! Reads note the version that they saw, so that the commit can tell whether they are stale. Increments note none: they
//! commute.

use std::collections::BTreeSet;

use slashbox_core::{KV_KEY_BYTES_MAX, RangeRead, Write, counter};
use slashbox_store::Entry;

use crate::{
    bindings::slashbox::plugin::{
        kv::{Host, Page},
        types::ServiceError,
    },
    guest::Guest,
    services::{Services, unavailable},
};

/// The most keys that one listing gives.
const LIST_LIMIT_MAX: u32 = 1_000;

/// The most keys that one call lists: each is checked again at the commit.
const LISTED_MAX: usize = 10_000;

impl Services {
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

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), ServiceError> {
        check_key(&key)?;
        let bytes_max = self.spec.limits.kv_value_kib as usize * 1024;
        if value.len() > bytes_max {
            let bytes = value.len();
            let expected = format!("expected at most {bytes_max}");
            return Err(ServiceError::Invalid(format!("kv value of {bytes} bytes for key {key:?}: {expected}")));
        }
        if ttl_ms == Some(0) {
            return Err(ServiceError::Invalid(format!("kv time to live of 0 ms for key {key:?}: expected at least 1")));
        }
        let expires_at_ms = ttl_ms.map(|ttl_ms| self.call.now_ms.saturating_add(ttl_ms));
        self.write(key, Write::Set { value, expires_at_ms }).await
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
        self.write(key, write).await?;
        Ok(now)
    }

    /// What the counter would hold by now. Not a read that the commit checks.
    async fn base_plus(&mut self, key: &str, by: i64) -> Result<i64, ServiceError> {
        self.count_read()?;
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
        self.count_read()?;
        let (reader, now_ms) = (self.reader.clone(), self.call.now_ms);
        let seen = reader.list(self.scope(), &prefix, after.as_deref(), asked, now_ms).await;
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
        let noted: usize = self.effects.ranges.iter().map(|range| range.seen.len()).sum();
        if noted + range.seen.len() > LISTED_MAX {
            return Err(ServiceError::Limit(format!("kv limit of {LISTED_MAX} listed keys in one call reached")));
        }
        self.effects.ranges.push(range);
        Ok(())
    }

    async fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        self.count_read()?;
        let entry = self.entry(key).await?;
        // The version that was seen first counts: if it has changed since, the call is stale either way.
        self.effects.reads.entry(key.to_owned()).or_insert(entry.as_ref().map(|entry| entry.version));
        Ok(entry.map(|entry| entry.value))
    }

    async fn entry(&mut self, key: &str) -> Result<Option<Entry>, ServiceError> {
        let (reader, now_ms) = (self.reader.clone(), self.call.now_ms);
        reader.get(self.scope(), key, now_ms).await.map_err(unavailable)
    }

    /// Reads are others' time as much as the plugin's own: they take turns, and each is checked again at the commit.
    fn count_read(&mut self) -> Result<(), ServiceError> {
        let reads_max = self.spec.limits.kv_reads;
        if self.reads >= reads_max {
            return Err(ServiceError::Limit(format!("kv limit of {reads_max} reads in one call reached")));
        }
        self.reads += 1;
        Ok(())
    }

    async fn write(&mut self, key: String, write: Write) -> Result<(), ServiceError> {
        let replaced = self.effects.writes.get(&key).map_or(0, |write| bytes_of(&key, write));
        let bytes = bytes_of(&key, &write);
        let sum = self.written_with("kv", bytes, replaced)?;
        let writes_max = self.spec.limits.kv_writes;
        if self.effects.writes.len() >= writes_max as usize && !self.effects.writes.contains_key(&key) {
            return Err(ServiceError::Limit(format!("kv limit of {writes_max} keys written in one call reached")));
        }
        let kept = self.kept_bytes - replaced + bytes;
        if write != Write::Delete {
            self.check_quota(&key, bytes, kept).await?;
        }
        (self.written_bytes, self.kept_bytes) = (sum, kept);
        self.effects.writes.insert(key, write);
        Ok(())
    }

    /// Whether there is room for a value of so many bytes with its key, and so many kept by this call in all. The commit
    /// looks again, since other calls write meanwhile; but there the plugin cannot be told any more.
    async fn check_quota(&mut self, key: &str, bytes: usize, kept: usize) -> Result<(), ServiceError> {
        let (quota, usage) = (self.spec.limits.quota(), self.usage().await?);
        let many = usage.kv_keys + self.effects.writes.len() as u64 >= quota.kv_keys;
        let large = usage.kv_bytes + kept as u64 > quota.kv_bytes;
        if !many && !large {
            return Ok(());
        }
        // There is always room for what is no larger than what it replaces.
        let before = self.entry(key).await?.map_or(0, |entry| key.len() + entry.value.len());
        if before == 0 && many {
            return Err(ServiceError::Limit(format!("kv limit of {} keys reached", quota.kv_keys)));
        }
        if before < bytes && large {
            return Err(ServiceError::Limit(format!("kv limit of {} MiB reached", self.spec.limits.kv_mib)));
        }
        Ok(())
    }

    fn alive(&self, expires_at_ms: Option<u64>) -> bool {
        expires_at_ms.is_none_or(|at_ms| at_ms > self.call.now_ms)
    }
}

fn bytes_of(key: &str, write: &Write) -> usize {
    let value = match write {
        Write::Set { value, .. } => value.len(),
        Write::Delete | Write::Add(_) => 0,
    };
    key.len() + value
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

impl Host for Guest {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, ServiceError> {
        self.services("kv")?.get(key).await
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), ServiceError> {
        self.services("kv")?.set(key, value, ttl_ms).await
    }

    async fn delete(&mut self, key: String) -> Result<(), ServiceError> {
        let services = self.services("kv")?;
        check_key(&key)?;
        services.write(key, Write::Delete).await
    }

    async fn increment(&mut self, key: String, by: i64) -> Result<i64, ServiceError> {
        self.services("kv")?.increment(key, by).await
    }

    async fn list_keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Result<Page, ServiceError> {
        self.services("kv")?.list_keys(prefix, after, limit).await
    }
}

#[cfg(test)]
mod tests;
