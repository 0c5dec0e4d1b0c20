//! The names under which this crate writes to the log.
//!
//! Fields: `plugin` (the file's stem, with its tenant's folder), `tenant`, `call` (the command's id), `error`.

/// What happens to the sandbox itself.
pub(crate) const RUNTIME: &str = "slashbox::runtime";

/// What happens to plugins: loaded, replaced, retired, refused.
pub(crate) const PLUGINS: &str = "slashbox::plugins";

/// What plugins say.
pub(crate) const GUEST: &str = "slashbox::guest";
