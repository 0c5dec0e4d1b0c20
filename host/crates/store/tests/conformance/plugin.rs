//! A plugin's side of the store, in few words.

use slashbox_core::{Effects, Origin, Quota, RangeRead, Scope, TimerWrite, Version, Write};
use slashbox_store::{Change, CommitError, Entry, NewEvent, Reader, Store, Usage};

/// Quotas that nothing passes.
pub(crate) const UNLIMITED: Quota = Quota { kv_keys: u64::MAX, kv_bytes: u64::MAX, timers: u64::MAX };

/// What belongs to one plugin, used at one time.
#[derive(Clone)]
pub(crate) struct Plugin {
    pub(crate) store: Store,
    pub(crate) reader: Reader,
    pub(crate) scope: Scope,
    pub(crate) quota: Quota,
    pub(crate) now_ms: u64,
}

impl Plugin {
    pub(crate) fn new(store: Store) -> Self {
        Self::of(store, "default", "notes")
    }

    pub(crate) fn of(store: Store, tenant: &str, plugin: &str) -> Self {
        let scope = Scope { tenant: tenant.to_owned(), plugin: plugin.to_owned() };
        Self { reader: store.reader(), store, scope, quota: UNLIMITED, now_ms: 1000 }
    }

    /// The same memory at another time.
    pub(crate) fn at(&self, now_ms: u64) -> Self {
        Self { now_ms, ..self.clone() }
    }

    /// The same memory, of which there may be so much.
    pub(crate) fn within(&self, quota: Quota) -> Self {
        Self { quota, ..self.clone() }
    }

    /// A call for no conversation that had these effects and emitted nothing.
    pub(crate) fn change(&self, effects: Effects) -> Change {
        let origin = Origin {
            tenant: self.scope.tenant.clone(),
            source: "support".to_owned(),
            dialect: "hotline".to_owned(),
            instance: Some("one".to_owned()),
        };
        let (scope, quota) = (self.scope.clone(), self.quota);
        Change { scope, effects, quota, origin, conversation: None, events: Vec::new() }
    }

    pub(crate) async fn commit(&self, effects: Effects) -> Result<(), CommitError> {
        self.store.commit(self.change(effects), self.now_ms).await
    }

    /// Commits effects together with what they emit.
    pub(crate) async fn emit(&self, effects: Effects, events: Vec<NewEvent>) -> Result<(), CommitError> {
        self.store.commit(Change { events, ..self.change(effects) }, self.now_ms).await
    }

    /// How much is kept, also of what has expired.
    pub(crate) async fn usage(&self) -> Usage {
        self.reader.usage(&self.scope).await.unwrap()
    }

    /// How much is kept that has not expired.
    pub(crate) async fn alive(&self) -> Usage {
        self.reader.usage_at(&self.scope, self.now_ms).await.unwrap()
    }

    /// Writes without having read.
    pub(crate) async fn write(&self, writes: &[(&str, Write)]) {
        self.commit(writing(writes)).await.unwrap();
    }

    /// Commits, and tells the key of the conflict if there is one.
    pub(crate) async fn conflict(&self, effects: Effects) -> Option<String> {
        match self.commit(effects).await {
            Ok(()) => None,
            Err(CommitError::Conflict { key }) => Some(key),
            Err(error) => panic!("{error:?}"),
        }
    }

    pub(crate) async fn entry(&self, key: &str) -> Option<Entry> {
        self.reader.get(&self.scope, key, self.now_ms).await.unwrap()
    }

    pub(crate) async fn text(&self, key: &str) -> Option<String> {
        self.entry(key).await.map(|entry| String::from_utf8(entry.value).unwrap())
    }

    pub(crate) async fn version(&self, key: &str) -> Option<Version> {
        self.entry(key).await.map(|entry| entry.version)
    }

    pub(crate) async fn list(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<(String, Version)> {
        self.reader.list(&self.scope, prefix, after, limit, self.now_ms).await.unwrap()
    }

    pub(crate) async fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        self.list(prefix, after, limit).await.into_iter().map(|(key, _)| key).collect()
    }

    /// A call that has read `key`, and has yet to write.
    pub(crate) async fn having_read(&self, key: &str) -> Effects {
        Effects { reads: [(key.to_owned(), self.version(key).await)].into(), ..Effects::default() }
    }

    /// A call that has listed, and has yet to write.
    pub(crate) async fn having_listed(&self, prefix: &str, after: Option<&str>, limit: u32) -> Effects {
        let seen = self.keys(prefix, after, limit).await;
        let range = RangeRead { prefix: prefix.to_owned(), after: after.map(str::to_owned), limit, seen };
        Effects { ranges: vec![range], ..Effects::default() }
    }
}

pub(crate) fn set(text: &str) -> Write {
    Write::Set { value: text.as_bytes().to_vec(), expires_at_ms: None }
}

pub(crate) fn set_until(text: &str, expires_at_ms: u64) -> Write {
    Write::Set { value: text.as_bytes().to_vec(), expires_at_ms: Some(expires_at_ms) }
}

pub(crate) fn writing(writes: &[(&str, Write)]) -> Effects {
    Effects {
        writes: writes.iter().map(|(key, write)| ((*key).to_owned(), write.clone())).collect(),
        ..Effects::default()
    }
}

/// A call that has read, and now writes.
pub(crate) fn then(mut effects: Effects, writes: &[(&str, Write)]) -> Effects {
    effects.writes = writing(writes).writes;
    effects
}

/// Sets timers, or cancels those without a time.
pub(crate) fn timing(timers: &[(&str, Option<u64>)]) -> Effects {
    let write = |due_at_ms: &Option<u64>| match *due_at_ms {
        Some(due_at_ms) => TimerWrite::Set { due_at_ms, payload: format!("[{due_at_ms}]") },
        None => TimerWrite::Cancel,
    };
    let timers = timers.iter().map(|(key, due_at_ms)| ((*key).to_owned(), write(due_at_ms))).collect();
    Effects { timers, ..Effects::default() }
}
