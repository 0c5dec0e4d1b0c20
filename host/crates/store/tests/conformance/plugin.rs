//! A plugin's side of the store, in few words.

use slashbox_core::{Effects, RangeRead, Scope, Version, Write};
use slashbox_store::{CommitError, Entry, Reader, Store};

/// The memory of one plugin, used at one time.
#[derive(Clone)]
pub(crate) struct Plugin {
    pub(crate) store: Store,
    pub(crate) reader: Reader,
    pub(crate) scope: Scope,
    pub(crate) now_ms: u64,
}

impl Plugin {
    pub(crate) fn new(store: Store) -> Self {
        Self::of(store, "default", "notes")
    }

    pub(crate) fn of(store: Store, tenant: &str, plugin: &str) -> Self {
        let scope = Scope { tenant: tenant.to_owned(), plugin: plugin.to_owned() };
        Self { reader: store.reader(), store, scope, now_ms: 1000 }
    }

    /// The same memory at another time.
    pub(crate) fn at(&self, now_ms: u64) -> Self {
        Self { now_ms, ..self.clone() }
    }

    pub(crate) async fn commit(&self, effects: Effects) -> Result<(), CommitError> {
        self.store.commit(&self.scope, effects, self.now_ms).await
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
