//! Where commands and events come in.

use slashbox_core::{NameError, check_name};
use slashbox_dialects::{Dialect, Hotline, ReplyStyle, Secret, ShortSecret};

/// A platform's way in: `POST /in/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) dialect: Dialect,
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
}

impl Source {
    /// A source that speaks Hotline, of the tenant `default`. `api_key` is what Hotline sends in each request's body.
    ///
    /// # Errors
    /// If the name cannot stand in a path, or the key has fewer than 8 characters.
    pub fn hotline(name: &str, api_key: &str) -> Result<Self, SourceError> {
        check_name(name)?;
        let hotline = Hotline { api_key: Secret::new(api_key)?, reply: ReplyStyle::default() };
        Ok(Self { name: name.into(), tenant: "default".into(), dialect: Dialect::Hotline(hotline) })
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

    /// How answers are written: JSON if nothing is said.
    #[must_use]
    pub fn reply(mut self, style: ReplyStyle) -> Self {
        let Dialect::Hotline(hotline) = &mut self.dialect;
        hotline.reply = style;
        self
    }

    /// Its name, as in its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its platform writes, e.g. `hotline`.
    pub fn dialect(&self) -> &'static str {
        self.dialect.name()
    }
}
