//! The configuration: `slashbox.toml`, as it resolves.
//!
//! What the operator wrote ([`file`]) and what it comes to ([`Config`]) are two types. Invariant: a [`Config`] that exists
//! can be served; every mistake is found before a port is bound.

mod file;
mod resolve;
mod webhooks;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use slashbox_dialects::Secret;
use slashbox_egress::Settings as EgressSettings;
use slashbox_runtime::Settings;
use slashbox_toml::FileError;

use crate::{AdminAccess, Host, HostBuilder, Source, Webhook, telemetry::LogFormat};

/// The configuration with every key, its default and what it is for.
pub const DEFAULT: &str = include_str!("config.default.toml");

/// A configuration that can be served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The folder with the plugins.
    pub plugins_dir: PathBuf,
    /// Where the host keeps what must last.
    pub data_dir: PathBuf,
    /// Which lines are logged.
    pub log_level: String,
    /// How they are written.
    pub log_format: LogFormat,
    /// The whole budget of a command, in milliseconds.
    pub command_ms: u32,
    /// How much plugins may have.
    pub settings: Settings,
    /// Where commands and events come in.
    pub sources: Vec<Source>,
    /// The remotes, in the order in which they answer: those of the sources' files first.
    pub webhooks: Vec<Webhook>,
    /// Where requests may go.
    pub egress: EgressSettings,
    /// What opens the admin API.
    pub admin_token: Option<SecretString>,
}

/// What is wrong with a configuration. Names the key, its value unless it is a secret, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its keys or their types.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value.
    #[error("`{key}`{value}: {expected}", value = .value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default())]
    Value {
        /// The key, with its tables.
        key: String,
        /// What it is set to; none if it is not set, or must not be shown.
        value: Option<String>,
        /// What was expected.
        expected: String,
    },
}

impl Config {
    /// Reads a file. Paths in it are relative to it.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.into(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        let dir = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, dir, |name| std::env::var(name).ok())
    }

    /// Reads a text. Paths in it are relative to `dir`; `${VAR}` is what `environment` gives.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(text: &str, dir: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        resolve::resolve(slashbox_toml::parse(text)?, dir, environment)
    }

    /// Who may use the admin API: whoever has the token; without one, whoever reaches a loopback address.
    ///
    /// # Errors
    /// If there is no token, and others can reach the address too.
    pub fn admin(&self) -> Result<AdminAccess, ConfigError> {
        let Some(token) = &self.admin_token else {
            if self.listen.ip().is_loopback() {
                return Ok(AdminAccess::Loopback);
            }
            let expected = format!("required, since `listen` = \"{}\" is no loopback address", self.listen);
            return Err(resolve::hidden("admin.token", &expected));
        };
        let secret = Secret::new(token.expose_secret());
        secret.map(AdminAccess::Token).map_err(|error| resolve::hidden("admin.token", &error.to_string()))
    }

    /// A host that is configured so.
    pub fn host(&self) -> HostBuilder {
        let builder = Host::builder()
            .plugins_dir(&self.plugins_dir)
            .data_dir(&self.data_dir)
            .settings(self.settings.clone())
            .command_ms(self.command_ms)
            .egress(self.egress.clone())
            .admin(self.admin().unwrap_or_default());
        let builder = self.sources.iter().cloned().fold(builder, HostBuilder::source);
        self.webhooks.iter().cloned().fold(builder, HostBuilder::webhook)
    }
}

#[cfg(test)]
mod tests {
    use slashbox_core::Limits;

    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let environment = |name: &str| match name {
            "KEY" => Some("s3cret".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        Config::parse(text, Path::new("/etc/slashbox"), environment)
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }

    fn source(lines: &str) -> String {
        format!("[[sources]]\nname = \"support\"\ndialect = \"hotline\"\n{lines}")
    }

    #[test]
    fn the_default_configuration_says_what_the_program_does() {
        let (written, none) = (parse(DEFAULT).unwrap(), parse("").unwrap());
        assert_eq!(format!("{written:?}"), format!("{none:?}"));
        assert_eq!(none.settings.ceiling, Limits::default());
        assert_eq!(format!("{:?}", none.settings), format!("{:?}", Settings::default()));
        assert_eq!(none.command_ms, crate::host::COMMAND_MS);
    }

    #[test]
    fn the_default_configuration_shows_every_key() {
        let all: String =
            DEFAULT.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
        let has =
            |table: &str, key: &str| all.lines().any(|line| line.starts_with(&format!("{key} = ")) || line == table);
        for table in ["", "log", "limits", "admin", "egress", "sources", "webhooks"] {
            let keys = <file::ConfigFile as slashbox_toml::File>::keys(table).unwrap();
            for key in keys {
                let many = ["sources", "webhooks"].contains(key);
                let table = if many { format!("[[{key}]]") } else { format!("[{key}]") };
                assert!(has(&table, key), "{key} is not in the default configuration");
            }
        }
    }

    #[test]
    fn a_source() {
        let text = source("api_key = \"${KEY}\"\ntenant = \"acme\"\nreply = \"text\"\n");
        let config = parse(&text).unwrap();
        let [source] = &*config.sources else { panic!("{:?}", config.sources) };
        assert_eq!((source.name(), source.dialect(), &*source.tenant), ("support", "hotline", "acme"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = parse("plugins_dir = \"p\"\ndata_dir = \"/var/lib/slashbox\"").unwrap();
        assert_eq!(config.plugins_dir, Path::new("/etc/slashbox/p"));
        assert_eq!(config.data_dir, Path::new("/var/lib/slashbox"));
    }

    #[test]
    fn unknown_keys() {
        check("lisen = \"x\"", "unknown key `lisen`: did you mean `listen`?");
        check("[limit]\ncpu_ms = 1", "unknown key `limit`: did you mean `limits`?");
        check("[limits]\ncpu = 1", "unknown key `limits.cpu`: did you mean `cpu_ms`?");
        check(&source("apikey = \"x\""), "unknown key `sources[0].apikey`: did you mean `api_key`?");
    }

    #[test]
    fn bad_values() {
        check("listen = 8787", "`listen`: invalid type: integer `8787`, expected a string");
        check(
            "listen = \"localhost\"",
            "`listen` = \"localhost\": expected an address and a port, such as 127.0.0.1:8787 or [::1]:8787",
        );
        check("plugins_dir = \"\"", "`plugins_dir` = \"\": expected a folder");
        check("data_dir = \"plugins\"", "`data_dir` = \"plugins\": expected a folder outside of `plugins_dir`");
        check(
            "data_dir = \"./plugins/data\"",
            "`data_dir` = \"./plugins/data\": expected a folder outside of `plugins_dir`",
        );
        check(
            "[log]\nlevel = \"loud\"",
            "`log.level` = \"loud\": expected error, warn, info, debug or trace, or a list of TARGET=LEVEL",
        );
        check("[log]\nformat = \"xml\"", "`log.format` = \"xml\": expected text or json");
        check("[limits]\ncommand_ms = 999", "`limits.command_ms` = 999: expected 1000 to 10000");
        check("[limits]\ncommand_ms = 10001", "`limits.command_ms` = 10001: expected 1000 to 10000");
        check("[limits]\nmemory_mib = 0", "`limits.memory_mib` = 0: expected 1 to 4096");
        check("[limits]\ncalls = 10001", "`limits.calls` = 10001: expected 1 to 10000");
        check("[limits]\ncpu_ms = -1", "`limits.cpu_ms`: invalid value: integer `-1`, expected u32");
        assert!(parse("[limits]\ncommand_ms = 1000\nmemory_mib = 4096\ncalls = 1").is_ok());
    }

    #[test]
    fn bad_sources() {
        check("[[sources]]\ndialect = \"hotline\"", "`sources[0]`: missing field `name`");
        check("[[sources]]\nname = \"a\"", "`sources[0]`: missing field `dialect`");
        check(
            &source(""),
            "`sources[0].api_key`: required by the dialect hotline: expected the key that the platform sends",
        );
        check(&source("api_key = \"\""), "`sources[0].api_key`: empty: expected the key that the platform sends");
        check(
            &source("api_key = \"${EMPTY}\""),
            "`sources[0].api_key`: empty: expected the key that the platform sends",
        );
        check(&source("api_key = \"${NONE}\""), "`sources[0].api_key`: the environment variable NONE is not set");
        check(&source("api_key = \"k\"\nreply = \"html\""), "`sources[0].reply` = \"html\": expected json or text");
        check(
            &source("api_key = \"k\"\ntenant = \"a/b\""),
            "`sources[0].tenant` = \"a/b\": expected letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and at most 100 bytes",
        );
        let twice = source("api_key = \"k\"\n");
        check(&format!("{twice}{twice}"), "`sources[1].name` = \"support\": expected a name that no other source has");
        check("[[sources]]\nname = \"a\"\ndialect = \"slack\"", "`sources[0].dialect` = \"slack\": expected hotline");
    }
}
