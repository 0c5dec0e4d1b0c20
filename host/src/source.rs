//! Where commands and events come in.

use http::HeaderName;
use slashbox_core::{NameError, check_name};
use slashbox_dialects::{Credentials, CredentialsError, Dialect, ReplyStyle, Secret, ShortSecret};

/// A platform's way in: `POST /in/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) dialect: Dialect,
    pub(crate) credentials: Credentials,
    pub(crate) reply: ReplyStyle,
}

/// Why a source cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Its name cannot stand in a path.
    #[error("source: {0}")]
    Name(#[from] NameError),
    /// Its key is soon guessed.
    #[error("source: the key has {0}")]
    Key(#[from] ShortSecret),
    /// A header that HTTP does not know.
    #[error("source: {0:?} is no name of a header")]
    Header(String),
    /// Its sender cannot be told from others.
    #[error("source: {0}")]
    Credentials(#[from] CredentialsError),
}

impl Source {
    /// A source of the tenant `default`, and by what it knows its sender: all of it must be right.
    ///
    /// # Errors
    /// If the name cannot stand in a path, or the dialect's sender cannot be told by these credentials.
    pub fn new(name: &str, dialect: Dialect, credentials: Credentials) -> Result<Self, SourceError> {
        check_name(name)?;
        dialect.check(&credentials)?;
        let (name, tenant) = (name.into(), "default".into());
        Ok(Self { name, tenant, dialect, credentials, reply: ReplyStyle::default() })
    }

    /// A source that speaks Hotline, of the tenant `default`. `api_key` is what Hotline sends in each request's body.
    ///
    /// # Errors
    /// If the name cannot stand in a path, or the key has fewer than 8 characters.
    pub fn hotline(name: &str, api_key: &str) -> Result<Self, SourceError> {
        let credentials = Credentials { api_key: Some(Secret::new(api_key)?), ..Credentials::default() };
        Self::new(name, Dialect::HOTLINE, credentials)
    }

    /// A source for platforms that integrate directly, of the tenant `default`: also `POST /v1/commands` and `/v1/events`,
    /// where the token tells which source is meant.
    ///
    /// # Errors
    /// If the name cannot stand in a path, or the token has fewer than 8 characters.
    pub fn native(name: &str, token: &str) -> Result<Self, SourceError> {
        let credentials = Credentials { token: Some(Secret::new(token)?), ..Credentials::default() };
        Self::new(name, Dialect::NATIVE, credentials)
    }

    /// A header that must be there besides, with this value.
    ///
    /// # Errors
    /// If HTTP does not know such a header, or the value has fewer than 8 characters.
    pub fn auth_header(mut self, name: &str, value: &str) -> Result<Self, SourceError> {
        let name: HeaderName = name.parse().map_err(|_| SourceError::Header(name.into()))?;
        self.credentials.auth_header = Some((name, Secret::new(value)?));
        Ok(self)
    }

    /// The tenant whose commands and events these are.
    ///
    /// # Errors
    /// If it is no name.
    pub fn tenant(mut self, tenant: &str) -> Result<Self, NameError> {
        check_name(tenant)?;
        self.tenant = tenant.into();
        Ok(self)
    }

    /// How answers are written, where the dialect leaves a choice: JSON if nothing is said.
    #[must_use]
    pub fn reply(mut self, style: ReplyStyle) -> Self {
        self.reply = style;
        self
    }

    /// Its name, as in its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By what it knows its sender.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// How its platform writes.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}
