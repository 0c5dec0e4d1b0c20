//! The resolver that reqwest asks: names in, checked addresses out.
//!
//! Owns that every address of a name is checked. reqwest dials the addresses that it is given here, and never asks for
//! them again. An address that stands in the URL itself it dials without asking: [`crate::egress`] checks that one.

use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::SendError;
use crate::lookup::Lookup;
use crate::policy::Settings;

/// Resolves names, and refuses the whole answer for one forbidden address. All that goes wrong is a [`SendError`].
pub(crate) struct Guarded {
    pub(crate) settings: Arc<Settings>,
    pub(crate) lookup: Lookup,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (settings, lookup) = (Arc::clone(&self.settings), self.lookup.clone());
        Box::pin(async move {
            let host = name.as_str();
            let found = lookup.addresses(host).await.map_err(|error| SendError::from_lookup(&error, host))?;
            for address in &found {
                settings.permit(address.ip(), Some(host)).map_err(SendError::from)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
