//! `slashbox config`.

use std::{io::ErrorKind, path::Path, process::ExitCode};

use slashbox::config::{Bounds, Config, ConfigError, DEFAULT};

use super::{
    Usage,
    paint::{GOOD, ODD, line, paint},
    text::plain,
};

/// The configuration that is read if there is one and none is named.
const USUAL: &str = "slashbox.toml";

/// The configuration that is meant; none if none is named and the usual one is not there.
pub(super) fn named_or_usual(named: Option<&Path>) -> Option<&Path> {
    let usual = Path::new(USUAL);
    named.or_else(|| usual.exists().then_some(usual))
}

/// None is named, and the usual one is not there.
pub(super) fn unnamed() -> Usage {
    Usage(format!("there is no {USUAL} here: --config names the configuration of the host"))
}

/// What plugins may have as a configuration says, or else as every key's default does.
pub(super) fn bounds(file: Option<&Path>) -> Result<Bounds, Usage> {
    file.map_or_else(|| Ok(Bounds::default()), |file| Bounds::load(file).map_err(|error| mistake(file, &error)))
}

pub(super) fn print_default() -> anyhow::Result<ExitCode> {
    line(DEFAULT.trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let config = load(file)?;
    config.admin().map_err(|error| mistake(file, &error))?;
    let listen = config.listen;
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (sources, webhooks) = (counted(config.sources.len(), "source"), counted(config.webhooks.len(), "webhook"));
    line(format_args!("{} {}: {sources} and {webhooks} on http://{listen}", paint(GOOD, "ok"), file.display()));
    for warning in config.warnings() {
        line(format_args!("{} {}", paint(ODD, "warning:"), plain(&warning.to_string())));
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads a configuration; a mistake in it is told with the file's name.
pub(super) fn load(file: &Path) -> Result<Config, Usage> {
    Config::load(file).map_err(|error| mistake(file, &error))
}

/// A mistake in a configuration, with the file's name.
pub(super) fn mistake(file: &Path, error: &ConfigError) -> Usage {
    Usage(match error {
        ConfigError::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
            let hint = "there is no such file; `slashbox config default` prints one to begin with";
            format!("{}: {hint}", file.display())
        }
        ConfigError::Read { .. } => error.to_string(),
        _ => format!("{}: {error}", file.display()),
    })
}
