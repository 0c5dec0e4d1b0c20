//! What the operator set for the plugin: the environment of its sandbox.

use crate::{ServiceError, host};

/// The setting's value, if the operator set one.
pub fn get(name: &str) -> Option<String> {
    host::setting(name)
}

/// The setting's value.
///
/// # Errors
/// [`ServiceError::Denied`], which names the setting, if the operator set none.
pub fn require(name: &str) -> Result<String, ServiceError> {
    get(name).ok_or_else(|| ServiceError::Denied(format!("setting {name} is missing")))
}
