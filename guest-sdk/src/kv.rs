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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    fn check<T: std::fmt::Debug + PartialEq>(result: Result<T, ServiceError>, problem: &str) {
        assert_eq!(result, Err(ServiceError::Invalid(problem.to_owned())));
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        Host::new();
        set("list", &[1, 2]).unwrap();
        assert_eq!(get("list"), Ok(Some(vec![1, 2])));
        assert_eq!(get_bytes("list"), Ok(Some(b"[1,2]".to_vec())));
        set_bytes("list", [0xFF]).unwrap();
        assert_eq!(get_bytes("list"), Ok(Some(vec![0xFF])));
        delete("list").unwrap();
        assert_eq!(get::<Vec<u8>>("list"), Ok(None));
        delete("list").unwrap();
    }

    #[test]
    fn a_value_of_another_shape_is_an_error() {
        Host::new();
        set("key", "text").unwrap();
        check(
            get::<i64>("key"),
            "kv value of key \"key\": invalid type: string \"text\", expected i64 at line 1 column 6",
        );
        check(
            set("key", &std::collections::HashMap::from([((), ())])),
            "kv value for key \"key\": key must be a string",
        );
    }

    #[test]
    fn keys_are_bounded() {
        Host::new();
        let longest = "x".repeat(512);
        set(&longest, "x").unwrap();
        assert_eq!(get(&longest), Ok(Some("x".to_owned())));
        for (key, problem) in [
            ("", "kv key of 0 bytes: expected 1 to 512"),
            (&"x".repeat(513), "kv key of 513 bytes: expected 1 to 512"),
            (&"ё".repeat(300), "kv key of 600 bytes: expected 1 to 512"),
            ("a\nb", "kv key \"a\\nb\": expected no control characters"),
        ] {
            check(get::<String>(key), problem);
            check(set(key, "x"), problem);
            check(delete(key), problem);
            check(increment(key, 1), problem);
        }
    }

    #[test]
    fn values_are_bounded() {
        Host::new();
        set_bytes("x", vec![0; 65_536]).unwrap();
        check(set_bytes("x", vec![0; 70_000]), "kv value of 70000 bytes for key \"x\": expected at most 65536");
        assert_eq!(get_bytes("x").unwrap().unwrap().len(), 65_536);
    }

    #[test]
    fn counters_count() {
        Host::new();
        assert_eq!(increment("x", 5), Ok(5));
        assert_eq!(increment("x", -7), Ok(-2));
        assert_eq!(get("x"), Ok(Some(-2)));
        set("x", &i64::MAX).unwrap();
        check(increment("x", 1), "kv key \"x\": 9223372036854775807 + 1 does not fit 64 bits");
        assert_eq!(get("x"), Ok(Some(i64::MAX)));
        set("x", "1").unwrap();
        check(increment("x", 1), "kv key \"x\" holds no number, so it cannot be incremented");
    }

    #[test]
    fn values_expire() {
        let host = Host::new();
        set_for("x", &1, Duration::from_millis(10)).unwrap();
        set_bytes_for("y", "1", Duration::from_nanos(1)).unwrap();
        host.advance(Duration::from_millis(1));
        assert_eq!(get::<i64>("y"), Ok(None));
        host.advance(Duration::from_millis(8));
        assert_eq!(increment("x", 1), Ok(2), "an increment keeps the expiry");
        host.advance(Duration::from_millis(1));
        assert_eq!(keys("").next(), None);
        assert_eq!(get::<i64>("x"), Ok(None));
        assert_eq!(increment("x", 1), Ok(1));
        host.advance(Duration::from_secs(1));
        assert_eq!(get("x"), Ok(Some(1)), "a new counter has no expiry");
        let problem = "kv time to live of 0 ms for key \"x\": expected at least 1";
        check(set_for("x", &1, Duration::ZERO), problem);
    }

    #[test]
    fn keys_are_listed_over_all_pages() {
        Host::new();
        let names: Vec<String> = (0..2_001).map(|number| format!("a/{number:04}")).collect();
        for name in &names {
            set(name, &()).unwrap();
        }
        set("b", &()).unwrap();
        assert_eq!(keys("a/").collect::<Result<Vec<_>, _>>().unwrap(), names);
        assert_eq!(keys("").count(), 2_002);
        assert_eq!(keys("c").next(), None);
    }

    #[test]
    fn a_page_says_where_it_ends() {
        Host::new();
        for key in ["a", "b", "c"] {
            set(key, &()).unwrap();
        }
        let page_of = |keys: &[&str], next: Option<&str>| Page {
            keys: keys.iter().map(|&key| key.to_owned()).collect(),
            next: next.map(str::to_owned),
        };
        assert_eq!(page("", None, 2), Ok(page_of(&["a", "b"], Some("b"))));
        assert_eq!(page("", Some("b"), 2), Ok(page_of(&["c"], None)));
        assert_eq!(page("", None, 3), Ok(page_of(&["a", "b", "c"], None)));
        assert_eq!(page("", Some("c"), 1_000), Ok(page_of(&[], None)));
        check(page("", None, 0), "kv list limit of 0: expected 1 to 1000");
        check(page("", None, 1_001), "kv list limit of 1001: expected 1 to 1000");
    }
}
