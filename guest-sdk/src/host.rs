//! The host's services as they are: one function for each of the interface's, in the SDK's types. Its twin for native
//! targets is `testing::fake`.

mod http;

pub(crate) use http::http_send;

use crate::{
    ServiceError,
    bindings::slashbox::plugin::{events, kv, log, timers, types},
    kv::Page,
    log::Level,
};
use std::cell::Cell;

thread_local! {
    /// The conversation of the call.
    static CONVERSATION: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// A sandbox has one call, so what is kept for it until the end is no leak.
pub(crate) fn begin_call(conversation: Option<&str>) {
    CONVERSATION.set(conversation.map(|conversation| &*String::from(conversation).leak()));
}

pub(crate) fn conversation() -> Option<String> {
    CONVERSATION.get().map(str::to_owned)
}

pub(crate) fn kv_get(key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
    Ok(kv::get(key)?)
}

pub(crate) fn kv_set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), ServiceError> {
    Ok(kv::set(key, value, ttl_ms)?)
}

pub(crate) fn kv_delete(key: &str) -> Result<(), ServiceError> {
    Ok(kv::delete(key)?)
}

pub(crate) fn kv_increment(key: &str, by: i64) -> Result<i64, ServiceError> {
    Ok(kv::increment(key, by)?)
}

pub(crate) fn kv_page(prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, ServiceError> {
    let page = kv::list_keys(prefix, after, limit)?;
    Ok(Page { keys: page.keys, next: page.next })
}

pub(crate) fn timer_set(key: &str, after_ms: u64, payload_json: &str) -> Result<(), ServiceError> {
    Ok(timers::set(key, after_ms, payload_json)?)
}

pub(crate) fn timer_cancel(key: &str) -> Result<(), ServiceError> {
    Ok(timers::cancel(key)?)
}

pub(crate) fn emit(kind: &str, conversation: Option<&str>, data_json: &str) -> Result<(), ServiceError> {
    Ok(events::emit(kind, conversation, data_json)?)
}

pub(crate) fn log_write(level: Level, line: &str) {
    let level = match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    };
    log::write(level, line);
}

pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl From<types::ServiceError> for ServiceError {
    fn from(error: types::ServiceError) -> Self {
        match error {
            types::ServiceError::Invalid(text) => Self::Invalid(text),
            types::ServiceError::Limit(text) => Self::Limit(text),
            types::ServiceError::Denied(text) => Self::Denied(text),
            types::ServiceError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
