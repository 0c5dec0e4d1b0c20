//! Timers: refused until the host keeps them.

use crate::{
    bindings::slashbox::plugin::{timers::Host, types::ServiceError},
    guest::Guest,
};

impl Host for Guest {
    fn set(&mut self, key: String, _after_ms: u64, _payload: String) -> Result<(), ServiceError> {
        Err(not_served(&key))
    }

    fn cancel(&mut self, key: String) -> Result<(), ServiceError> {
        Err(not_served(&key))
    }
}

fn not_served(key: &str) -> ServiceError {
    let version = env!("CARGO_PKG_VERSION");
    ServiceError::Denied(format!("timer {key:?}: slashbox {version} has no timers yet, a later version will"))
}
