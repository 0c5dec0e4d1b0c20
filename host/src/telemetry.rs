//! How the host's log is written, and the names in it.
//!
//! Fields: `tenant`, `source`, `command` (its name), `call` (its id, the ref that operators are shown), `plugin`,
//! `by` (the plugin or webhook that answers), `webhook`, `event` (its id), `kind`, `outcome`, `ms`, `key` (of the configuration). Never a secret, never what somebody typed.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::ParseError, util::TryInitError};

/// What happens to commands.
pub(crate) const COMMANDS: &str = "slashbox::commands";

/// What happens to requests until they are understood.
pub(crate) const INGEST: &str = "slashbox::ingest";

/// What happens to events until they are stored.
pub(crate) const EVENTS: &str = "slashbox::events";

/// What happens to requests of operators.
pub(crate) const ADMIN: &str = "slashbox::admin";

/// What happens to the host.
pub(crate) const HOST: &str = "slashbox::host";

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; in colour on a terminal.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// Somebody else has started one.
    #[error(transparent)]
    Started(#[from] TryInitError),
}

/// Starts the log on stderr. For programs that have none of their own.
///
/// `filter` is a level (`info`) or a list such as `info,slashbox::guest=debug`.
///
/// # Errors
/// If the filter cannot be read, or the process already has a log.
pub fn start_log(filter: &str, format: LogFormat) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    match format {
        LogFormat::Text => log.finish().try_init()?,
        LogFormat::Json => log.json().finish().try_init()?,
    }
    Ok(())
}

/// Whether a log's filter can be read.
///
/// # Errors
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), ParseError> {
    EnvFilter::try_new(filter).map(|_| ())
}
