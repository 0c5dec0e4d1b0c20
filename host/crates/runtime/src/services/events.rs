//! Events of a plugin's own: refused until the host delivers events.

use crate::{
    bindings::slashbox::plugin::{events::Host, types::ServiceError},
    guest::Guest,
};

impl Host for Guest {
    fn emit(&mut self, kind: String, _conversation: Option<String>, _data: String) -> Result<(), ServiceError> {
        let version = env!("CARGO_PKG_VERSION");
        Err(ServiceError::Denied(format!(
            "event {kind:?}: slashbox {version} delivers no events yet, a later version will"
        )))
    }
}
