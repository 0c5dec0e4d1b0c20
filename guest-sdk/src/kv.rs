//! The plugin's durable memory: keys and values that belong to this plugin and the tenant of the call.
//!
//! Writes are kept back until the call ends, and committed together with its outcome: a call that fails leaves none. The
//! call itself reads what it wrote. If another call changed a key that this one read, the host runs this call again in a
//! fresh sandbox; [`increment`] never causes that.
//!
//! A key has 1 to 512 bytes, and no control characters. A value has at most 65,536 bytes. Values are JSON texts, read and
//! written by serde; the `_bytes` functions take them as they are.
//!
//! ```
//! use slashbox_sdk::{Command, Result, kv};
//!
//! fn visit(command: Command) -> Result<String> {
//!     let visits = kv::increment("visits", 1)?;
//!     let last: Option<String> = kv::get("last")?;
//!     kv::set("last", &command.operator)?;
//!     Ok(format!("Visit {visits}, after {}", last.unwrap_or("nobody".into())))
//! }
//! # let command = Command::new("/visit").operator("7");
//! # assert_eq!(visit(command.clone()), Ok("Visit 1, after nobody".to_owned()));
//! # assert_eq!(visit(command), Ok("Visit 2, after 7".to_owned()));
//! ```

use crate::{ServiceError, host, millis};
use serde::{Serialize, de::DeserializeOwned};
use std::{time::Duration, vec};

/// The most keys that the host lists at once.
const PAGE_KEYS_MAX: u32 = 1_000;

/// Some of the keys that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of their bytes.
    pub keys: Vec<String>,
    /// Give this as `after` to get the keys that follow; none if there are no more.
    pub next: Option<String>,
}

/// The key's value; none if it has none, or had one that has expired.
///
/// # Errors
/// [`ServiceError::Invalid`] if the key is no key, or the value does not have the type's shape.
pub fn get<T: DeserializeOwned>(key: impl AsRef<str>) -> Result<Option<T>, ServiceError> {
    let key = key.as_ref();
    let Some(value) = host::kv_get(key)? else { return Ok(None) };
    let decoded = serde_json::from_slice(&value);
    decoded.map(Some).map_err(|error| ServiceError::Invalid(format!("kv value of key {key:?}: {error}")))
}

/// Sets the key's value, for good.
///
/// # Errors
/// [`ServiceError::Invalid`] if the key is no key, the value has no JSON text or a too long one.
pub fn set(key: impl AsRef<str>, value: &(impl Serialize + ?Sized)) -> Result<(), ServiceError> {
    let key = key.as_ref();
    host::kv_set(key, &encode(key, value)?, None)
}

/// Sets the key's value, which then vanishes after a while. The host counts milliseconds: what is left of one is rounded
/// up.
///
/// # Errors
/// As of [`set`], and [`ServiceError::Invalid`] if the time is zero.
pub fn set_for(key: impl AsRef<str>, value: &(impl Serialize + ?Sized), ttl: Duration) -> Result<(), ServiceError> {
    let key = key.as_ref();
    host::kv_set(key, &encode(key, value)?, Some(millis::from_duration(ttl)))
}

/// The key's value as it is; none if it has none, or had one that has expired.
///
/// # Errors
/// [`ServiceError::Invalid`] if the key is no key.
pub fn get_bytes(key: impl AsRef<str>) -> Result<Option<Vec<u8>>, ServiceError> {
    host::kv_get(key.as_ref())
}

/// Sets the key's value as it is, for good.
///
/// # Errors
/// [`ServiceError::Invalid`] if the key is no key, or the value is too long.
pub fn set_bytes(key: impl AsRef<str>, value: impl AsRef<[u8]>) -> Result<(), ServiceError> {
    host::kv_set(key.as_ref(), value.as_ref(), None)
}

/// Sets the key's value as it is; it vanishes after a while, as with [`set_for`].
///
/// # Errors
/// As of [`set_bytes`], and [`ServiceError::Invalid`] if the time is zero.
pub fn set_bytes_for(key: impl AsRef<str>, value: impl AsRef<[u8]>, ttl: Duration) -> Result<(), ServiceError> {
    host::kv_set(key.as_ref(), value.as_ref(), Some(millis::from_duration(ttl)))
}

/// Deletes the key; nothing happens if there is none.
///
/// # Errors
/// [`ServiceError::Invalid`] if the key is no key.
pub fn delete(key: impl AsRef<str>) -> Result<(), ServiceError> {
    host::kv_delete(key.as_ref())
}

/// Adds to a counter, and returns what it then holds as far as this call can see. A key without a value counts as 0, and
/// an expiry stays as it is.
///
/// Increments of several calls add up, and never make one run again. The value is the number's decimal text, so
/// `kv::get::<i64>` reads it too.
///
/// # Errors
/// [`ServiceError::Invalid`] if the key is no key, the value is no such number, or the sum does not fit 64 bits.
pub fn increment(key: impl AsRef<str>, by: i64) -> Result<i64, ServiceError> {
    host::kv_increment(key.as_ref(), by)
}

/// All keys that begin with a prefix (which may be empty), in the order of their bytes. They come from the host page by
/// page, as far as the iterator is followed.
///
/// ```
/// use slashbox_sdk::{Result, kv};
///
/// fn forget(conversation: &str) -> Result<()> {
///     for key in kv::keys(format!("{conversation}/")) {
///         kv::delete(key?)?;
///     }
///     Ok(())
/// }
/// # kv::set("5/a", "x").unwrap();
/// # kv::set("6/a", "x").unwrap();
/// # forget("5").unwrap();
/// # assert_eq!(kv::keys("").collect::<Vec<_>>(), [Ok("6/a".to_owned())]);
/// ```
pub fn keys(prefix: impl Into<String>) -> Keys {
    Keys { prefix: prefix.into(), page: Vec::new().into_iter(), rest: Rest::FromStart }
}

/// Up to `limit` keys (1 to 1,000) that begin with `prefix` and come after `after`: for a plugin that goes on in a later
/// call. [`keys`] follows the pages by itself.
///
/// # Errors
/// [`ServiceError::Invalid`] if the limit is out of range.
pub fn page(prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, ServiceError> {
    host::kv_page(prefix, after, limit)
}

/// The iterator of [`keys`]. It ends after an error.
#[derive(Debug)]
pub struct Keys {
    prefix: String,
    page: vec::IntoIter<String>,
    rest: Rest,
}

/// What has not been asked for yet.
#[derive(Debug)]
enum Rest {
    FromStart,
    After(String),
    Nothing,
}

impl Iterator for Keys {
    type Item = Result<String, ServiceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            let page = match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::FromStart => page(&self.prefix, None, PAGE_KEYS_MAX),
                Rest::After(key) => page(&self.prefix, Some(&key), PAGE_KEYS_MAX),
                Rest::Nothing => return None,
            };
            match page {
                Ok(Page { keys, next }) => {
                    self.page = keys.into_iter();
                    self.rest = next.map_or(Rest::Nothing, Rest::After);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn encode(key: &str, value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(value).map_err(|error| ServiceError::Invalid(format!("kv value for key {key:?}: {error}")))
}
