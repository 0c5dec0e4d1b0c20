//! Where commands come in.

use slashbox_core::{PluginNameError, check_name};
use slashbox_dialects::{Dialect, Hotline, ReplyStyle, Secret};

/// A platform's way in: `POST /in/NAME`.
#[derive(Clone, Debug)]
pub struct Source {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) dialect: Dialect,
}

impl Source {
    /// A source that speaks Hotline, of the tenant `default`. `api_key` is what Hotline sends in each request's body.
    ///
    /// # Errors
    /// If the name cannot stand in a path.
    pub fn hotline(name: &str, api_key: &str) -> Result<Self, PluginNameError> {
        check_name(name)?;
        let hotline = Hotline { api_key: Secret::new(api_key), reply: ReplyStyle::default() };
        Ok(Self { name: name.into(), tenant: "default".into(), dialect: Dialect::Hotline(hotline) })
    }

    /// The tenant whose commands these are.
    ///
    /// # Errors
    /// If it is no name.
    pub fn tenant(mut self, tenant: &str) -> Result<Self, PluginNameError> {
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
