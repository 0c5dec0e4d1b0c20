//! What a host is configured with: where commands and events come in, and which remotes there are.
//!
//! Invariants: all of it has been checked, and can be served; it is replaced as a whole, so that whoever holds one sees no
//! change.

use std::collections::HashMap;

use http::HeaderMap;
use slashbox_dialects::{Dialect, Format, bearer};
use slashbox_egress::{Egress, Settings as EgressSettings};

use crate::{
    Source, Webhook, WebhookError,
    subscribers::{Remotes, Subscribed},
};

/// The sources and the remotes at a moment.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    /// By name.
    pub(crate) sources: HashMap<String, Source>,
    pub(crate) remotes: Remotes,
}

/// The way out of a host: where requests may go, and what sends them. It stays for as long as the host runs.
#[derive(Debug)]
pub(crate) struct WayOut {
    pub(crate) settings: EgressSettings,
    pub(crate) egress: Egress,
}

/// Why sources and webhooks cannot be served together.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// A webhook cannot be served.
    #[error("webhook {}: {source}", .name.as_deref().map_or("without a name".into(), |name| format!("{name:?}")))]
    Webhook {
        /// What it is called, if it has a name.
        name: Option<String>,
        /// Why not.
        source: WebhookError,
    },
    /// Two webhooks of a tenant have the same name.
    #[error("webhook {0:?} is there twice: expected names that differ")]
    WebhookTwice(String),
    /// Two native sources have the same token: it tells which is meant.
    #[error("the native sources {0:?} and {1:?} have the same token: expected tokens that differ")]
    TokenTwice(String, String),
    /// Two sources have the same name.
    #[error("source {0:?} is there twice: expected names that differ")]
    SourceTwice(String),
}

impl Configured {
    /// How a remote is written to that nothing has been received for: if all that it may get comes by one dialect, in that.
    pub(crate) fn format_of(&self, remote: &Subscribed) -> Format {
        let format = remote.remote.format();
        if format != Format::AsReceived {
            return format;
        }
        let of_sources = |source: &&Source| {
            let wanted = &remote.subscription.sources;
            source.tenant == remote.tenant && (wanted.is_empty() || wanted.contains(&source.name))
        };
        let mut dialects = self.sources.values().filter(of_sources).map(|source| source.dialect);
        let first = dialects.next().filter(|first| dialects.all(|dialect| dialect == *first));
        Format::Dialect(first.unwrap_or(Dialect::NATIVE))
    }

    /// The native source whose token a request has.
    pub(crate) fn native(&self, headers: &HeaderMap) -> Option<&Source> {
        let token = bearer(headers)?;
        let mut native = self.sources.values().filter(|source| source.dialect == Dialect::NATIVE);
        native.find(|source| source.credentials.token.as_ref().is_some_and(|own| own.is_bytes(token)))
    }

    /// Checks all of it.
    pub(crate) fn check(
        sources: Vec<Source>,
        webhooks: Vec<Webhook>,
        way_out: &WayOut,
    ) -> Result<Self, ConfigurationError> {
        let mut by_name = HashMap::new();
        check_tokens(&sources)?;
        for source in sources {
            if let Some(twice) = by_name.insert(source.name.clone(), source) {
                return Err(ConfigurationError::SourceTwice(twice.name));
            }
        }
        Ok(Self { sources: by_name, remotes: Remotes::check(webhooks, way_out)? })
    }
}

fn check_tokens(sources: &[Source]) -> Result<(), ConfigurationError> {
    let native: Vec<&Source> = sources.iter().filter(|source| source.dialect == Dialect::NATIVE).collect();
    for (at, source) in native.iter().enumerate() {
        let same = |other: &&&Source| other.credentials.token == source.credentials.token;
        if let Some(other) = native.iter().take(at).find(same) {
            return Err(ConfigurationError::TokenTwice(other.name.clone(), source.name.clone()));
        }
    }
    Ok(())
}
