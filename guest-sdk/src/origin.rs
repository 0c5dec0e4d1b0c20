//! Where a command or an event came from.

/// Where a command or an event came from.
///
/// A test that needs another one than the default names what differs:
///
/// ```
/// use slashbox_sdk::{Command, Origin};
///
/// let origin = Origin { tenant: "acme".into(), ..Origin::default() };
/// let command = Command::new("/mark").origin(origin);
/// assert_eq!(command.origin.source, "test");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The customer whom it belongs to; `default` on a host with a single one.
    pub tenant: String,
    /// The name of the configured source that took it in.
    pub source: String,
    /// How that source's platform writes, e.g. `hotline`.
    pub dialect: String,
    /// The platform's own name for the sending installation, where it gives one.
    pub instance: Option<String>,
}

/// Tenant `default`, source `test`, dialect `native`: what a test has if it does not say otherwise.
impl Default for Origin {
    fn default() -> Self {
        Self { tenant: "default".into(), source: "test".into(), dialect: "native".into(), instance: None }
    }
}

impl Origin {
    /// A source's name has no slash, so two conversations never share a key.
    pub(crate) fn key_of(&self, conversation: Option<&str>) -> Option<String> {
        conversation.map(|conversation| format!("{}/{conversation}", self.source))
    }
}
