//! Who a plugin is.

use std::{fmt, path::PathBuf, sync::Arc};

/// The most bytes that a plugin's or a tenant's name has: it is a file's or a folder's name too.
const NAME_BYTES_MAX: usize = 100;

/// Which of the plugins folders a file lies in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Folder {
    /// `plugins/*.wasm`: serves every tenant.
    Shared,
    /// `plugins/TENANT/*.wasm`: serves that tenant alone.
    Tenant(Arc<str>),
}

impl Folder {
    /// Whether a plugin of this folder serves the tenant.
    pub fn serves(&self, tenant: &str) -> bool {
        match self {
            Self::Shared => true,
            Self::Tenant(own) => **own == *tenant,
        }
    }
}

/// A plugin's file, by the folder and the stem of its name. What it keeps belongs to (tenant of the call, stem).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PluginId {
    /// The folder that it lies in.
    pub folder: Folder,
    /// The file's name without `.wasm`.
    pub stem: Arc<str>,
}

impl PluginId {
    /// A plugin that serves every tenant.
    pub fn shared(stem: &str) -> Self {
        Self { folder: Folder::Shared, stem: stem.into() }
    }

    /// A plugin that serves one tenant.
    pub fn of_tenant(tenant: &str, stem: &str) -> Self {
        Self { folder: Folder::Tenant(tenant.into()), stem: stem.into() }
    }

    /// The path below the plugins folder, without a suffix.
    pub fn relative_path(&self) -> PathBuf {
        self.to_string().into()
    }
}

/// `mark`, or `acme/mark` for a tenant's own.
impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Folder::Shared => f.write_str(&self.stem),
            Folder::Tenant(tenant) => write!(f, "{tenant}/{}", self.stem),
        }
    }
}

/// Why a text cannot name a plugin, a tenant or a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name: expected {}", Self::EXPECTED)]
pub struct NameError {
    name: String,
}

impl NameError {
    /// What is expected of a name.
    pub const EXPECTED: &str =
        "letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and at most 100 bytes";
}

/// Whether a text can name a plugin, a tenant or a source: such names become files, paths of URLs and columns.
///
/// # Errors
/// If it is empty, too long, or has a character that would need escaping in one of those places.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let valid = name.starts_with(char::is_alphanumeric) && name.len() <= NAME_BYTES_MAX && name.chars().all(allowed);
    if valid { Ok(()) } else { Err(NameError { name: name.chars().take(NAME_BYTES_MAX).collect() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for valid in ["a", "mark", "crm-2", "v1.2_x", "счёт", &"x".repeat(100)] {
            assert_eq!(check_name(valid), Ok(()), "{valid:?}");
        }
        for invalid in ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "a\0", &"x".repeat(101)] {
            assert!(check_name(invalid).is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn a_tenants_plugin_serves_that_tenant_alone() {
        assert!(PluginId::shared("mark").folder.serves("acme"));
        assert!(PluginId::of_tenant("acme", "mark").folder.serves("acme"));
        assert!(!PluginId::of_tenant("acme", "mark").folder.serves("acme2"));
    }
}
