//! From what was written to what it comes to.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use http::HeaderName;
use secrecy::SecretString;
use slashbox_core::{HostLimits, LimitKey, Limits, NameError, instead};
use slashbox_delivery::Keeping;
use slashbox_dialects::{Credential, Credentials, CredentialsError, Dialect, ReplyStyle, Secret, ShortSecret};
use slashbox_runtime::Settings;
use slashbox_toml::{FileError, expand};

use super::{
    Bounds, Config, ConfigError, Dirs, Entrance, Reach,
    file::{ConfigFile, LIMITS, LogTable, RetentionTable, SourceTable},
    webhooks::{self, OfSource, Place, Placed},
};
use crate::{
    Source, SourceError,
    builder::is_inside,
    telemetry::{LogFormat, check_filter},
};

/// A key's text, with the environment's values in it.
pub(super) struct Text<E> {
    environment: E,
}

pub(super) fn resolve(
    file: ConfigFile,
    dir: &Path,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let text = Text { environment };
    let Bounds { settings, egress } = bounds(&file)?;
    let keeping = keeping(&file.retention)?;
    let listen = listen(file.listen, &text)?;
    let Dirs { plugins_dir, data_dir } = dirs_in(dir, file.plugins_dir, file.data_dir, &text)?;
    let (log_level, log_format) = log(file.log, &text)?;
    let (sources, mut webhooks) = sources(file.sources, dir, &text)?;
    for (index, table) in file.webhooks.into_iter().enumerate() {
        webhooks.push((Place::Table(index), webhooks::of_table(index, table, &text)?));
    }
    webhooks::check(&webhooks, &egress)?;
    for_known_sources(&webhooks, &sources)?;
    Ok(Config {
        listen,
        plugins_dir,
        data_dir,
        log_level,
        log_format,
        settings,
        keeping,
        sources,
        webhooks: webhooks.into_iter().map(|(_, webhook)| webhook).collect(),
        egress,
        admin_token: admin_token(file.admin.token, &text)?,
    })
}

/// What of a file says how its host is reached.
pub(super) fn reach(file: ConfigFile, environment: impl Fn(&str) -> Option<String>) -> Result<Reach, ConfigError> {
    let text = Text { environment };
    Ok(Reach { listen: listen(file.listen, &text)?, admin_token: admin_token(file.admin.token, &text)? })
}

/// What of a file says how the platform of one source reaches its host.
pub(super) fn entrance(
    file: ConfigFile,
    wanted: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Entrance, ConfigError> {
    let text = Text { environment };
    // A name that cannot be read is another source's, and that one's mistake.
    let name = |table: &SourceTable| text.expand("name", &table.name).unwrap_or_else(|_| table.name.clone());
    let names: Vec<String> = file.sources.iter().map(name).collect();
    let found = names.iter().position(|name| name == wanted);
    let Some((index, table)) = found.and_then(|index| Some((index, file.sources.get(index)?))) else {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(ConfigError::UnknownSource { name: wanted.into(), expected: instead(wanted, &names) });
    };
    let source = source(table, &|key| format!("sources[{index}].{key}"), &text)?;
    Ok(Entrance { listen: listen(file.listen, &text)?, source })
}

/// What of a file says how much plugins may have, and where requests may go.
pub(super) fn bounds(file: &ConfigFile) -> Result<Bounds, ConfigError> {
    Ok(Bounds { settings: limits(&file.limits)?, egress: webhooks::egress(&file.egress)? })
}

/// What of a file says where its host has its files.
pub(super) fn dirs(
    file: ConfigFile,
    dir: &Path,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Dirs, ConfigError> {
    dirs_in(dir, file.plugins_dir, file.data_dir, &Text { environment })
}

fn dirs_in<E: Fn(&str) -> Option<String>>(
    dir: &Path,
    plugins_dir: Option<String>,
    data_dir: Option<String>,
    text: &Text<E>,
) -> Result<Dirs, ConfigError> {
    let folder = |key: &str, value: Option<String>, default: &str| {
        let value = text.expand(key, value.as_deref().unwrap_or(default))?;
        if value.is_empty() { Err(wrong(key, &value, "expected a folder")) } else { Ok(value) }
    };
    let plugins_dir = dir.join(folder("plugins_dir", plugins_dir, "plugins")?);
    let data = folder("data_dir", data_dir, "data")?;
    let data_dir = dir.join(&data);
    if is_inside(&data_dir, &plugins_dir) {
        return Err(wrong("data_dir", &data, "expected a folder outside of `plugins_dir`"));
    }
    Ok(Dirs { plugins_dir, data_dir })
}

fn listen<E: Fn(&str) -> Option<String>>(listen: Option<String>, text: &Text<E>) -> Result<SocketAddr, ConfigError> {
    parse_listen("listen", &text.expand("listen", listen.as_deref().unwrap_or("127.0.0.1:8787"))?)
}

fn admin_token<E: Fn(&str) -> Option<String>>(
    token: Option<String>,
    text: &Text<E>,
) -> Result<Option<SecretString>, ConfigError> {
    let Some(token) = token else { return Ok(None) };
    let token = text.expand("admin.token", &token)?;
    if token.is_empty() {
        return Err(hidden("admin.token", "empty: expected a text that only operators know"));
    }
    if token.trim() != token || !token.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err(hidden(
            "admin.token",
            "expected characters of ASCII, no blank at its ends: no header carries others",
        ));
    }
    Secret::new(&token).map_err(|error| hidden("admin.token", &error.to_string()))?;
    Ok(Some(token.into()))
}

/// A source that nobody knows is a typing error, which nobody would notice otherwise: nothing would ever come.
fn for_known_sources(webhooks: &[Placed], sources: &[Source]) -> Result<(), ConfigError> {
    for (place, webhook) in webhooks {
        for wanted in &webhook.subscription.sources {
            let known = |source: &&Source| source.name == *wanted && source.tenant == webhook.tenant;
            if sources.iter().find(known).is_none() {
                let expected =
                    format!("{wanted:?} is no source of the tenant {}: expected the name of one", webhook.tenant);
                return Err(place.mistake("sources", &expected));
            }
        }
    }
    Ok(())
}

pub(super) fn hidden(key: &str, expected: &str) -> ConfigError {
    ConfigError::Value { key: key.into(), value: None, expected: expected.into() }
}

/// Reads an address to listen on; `key` is what a mistake is said of.
pub(crate) fn parse_listen(key: &str, value: &str) -> Result<SocketAddr, ConfigError> {
    let expected = "expected an address and a port, such as 127.0.0.1:8787 or [::1]:8787";
    value.parse().map_err(|_| wrong(key, value, expected))
}

impl<E: Fn(&str) -> Option<String>> Text<E> {
    pub(super) fn expand(&self, key: &str, value: &str) -> Result<String, ConfigError> {
        let unset = |problem: slashbox_toml::ExpandError| ConfigError::Value {
            key: key.into(),
            value: None,
            expected: problem.to_string(),
        };
        expand(value, &self.environment).map_err(unset)
    }
}

fn log<E: Fn(&str) -> Option<String>>(log: LogTable, text: &Text<E>) -> Result<(String, LogFormat), ConfigError> {
    let level = text.expand("log.level", log.level.as_deref().unwrap_or("info"))?;
    // A lone word that is no level would be taken as a target, and silence everything else.
    let word = level.chars().all(char::is_alphanumeric);
    let known = ["error", "warn", "info", "debug", "trace", "off"].contains(&level.to_lowercase().as_str());
    if check_filter(&level).is_err() || (word && !known) {
        let expected = "expected error, warn, info, debug or trace, or a list of TARGET=LEVEL";
        return Err(wrong("log.level", &level, expected));
    }
    let format = match text.expand("log.format", log.format.as_deref().unwrap_or("text"))?.as_str() {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        other => return Err(wrong("log.format", other, "expected text or json")),
    };
    Ok((level, format))
}

/// How long what is stored is kept.
fn keeping(table: &RetentionTable) -> Result<Keeping, ConfigError> {
    let default = Keeping::default();
    let keeping = Keeping {
        backlog_max: table.backlog_max.unwrap_or(default.backlog_max),
        waiting_days: table.waiting_days.unwrap_or(default.waiting_days),
        parked_days: table.parked_days.unwrap_or(default.parked_days),
        payload_days: table.payload_days.unwrap_or(default.payload_days),
        log_days: table.log_days.unwrap_or(default.log_days),
    };
    match keeping.out_of_range() {
        None => Ok(keeping),
        Some((name, value, max)) => {
            let (key, value) = (format!("retention.{name}"), Some(value.to_string()));
            Err(ConfigError::Value { key, value, expected: format!("expected 1 to {max}") })
        }
    }
}

fn limits(table: &BTreeMap<String, u32>) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    for (name, &value) in table {
        let mut keys = HostLimits::KEYS.iter().chain(Limits::KEYS);
        let Some(&LimitKey { min, max, .. }) = keys.find(|key| key.name == name) else {
            return Err(FileError::unknown_key(format!("limits.{name}"), name, &LIMITS).into());
        };
        if !(min..=max).contains(&value) {
            let (key, value) = (format!("limits.{name}"), Some(value.to_string()));
            return Err(ConfigError::Value { key, value, expected: format!("expected {min} to {max}") });
        }
        settings.host.set(name, value);
        settings.ceiling.set(name, value);
    }
    Ok(settings)
}

/// The sources, and the webhooks of their files with the keys under which these stand.
fn sources<E: Fn(&str) -> Option<String>>(
    tables: Vec<SourceTable>,
    dir: &Path,
    text: &Text<E>,
) -> Result<(Vec<Source>, Vec<Placed>), ConfigError> {
    let (mut sources, mut webhooks) = (Vec::<Source>::new(), Vec::new());
    for (index, mut table) in tables.into_iter().enumerate() {
        let key = |key: &str| format!("sources[{index}].{key}");
        let file = table.webhooks_file.take();
        let source = source(&table, &key, text)?;
        if sources.iter().any(|earlier| earlier.name == source.name) {
            return Err(wrong(&key("name"), &source.name, "expected a name that no other source has"));
        }
        let token = |source: &Source| (source.dialect == Dialect::NATIVE).then(|| source.credentials.token.clone());
        if sources.iter().any(|earlier| token(earlier).is_some() && token(earlier) == token(&source)) {
            return Err(hidden(&key("token"), "it is another native source's: expected one that tells which is meant"));
        }
        if let Some(file) = file {
            let key = key("webhooks_file");
            let Some(api_key) = &source.credentials.api_key else {
                let expected = format!("the dialect {} has no such file: expected the dialect hotline", source.dialect);
                return Err(hidden(&key, &expected));
            };
            let path = dir.join(text.expand(&key, &file)?);
            let api_key = api_key.expose();
            let of = OfSource { key: &key, name: &source.name, tenant: &source.tenant, api_key };
            webhooks.extend(webhooks::of_file(&path, &of)?);
        }
        sources.push(source);
    }
    Ok((sources, webhooks))
}

/// A source as it is written.
fn source<E: Fn(&str) -> Option<String>>(
    table: &SourceTable,
    key: &impl Fn(&str) -> String,
    text: &Text<E>,
) -> Result<Source, ConfigError> {
    let expanded = |name: &str, value: &str| text.expand(&key(name), value);
    let dialect = expanded("dialect", &table.dialect)?;
    let dialect: Dialect =
        dialect.parse().map_err(|_| wrong(&key("dialect"), &dialect, &format!("expected {}", Dialect::names())))?;
    let credentials = credentials(table, dialect, key, text)?;
    let reply = match expanded("reply", table.reply.as_deref().unwrap_or("json"))?.as_str() {
        "json" => ReplyStyle::Json,
        "text" if dialect == Dialect::HOTLINE => ReplyStyle::Text,
        "text" => return Err(wrong(&key("reply"), "text", &format!("expected json: the dialect is {dialect}"))),
        other => return Err(wrong(&key("reply"), other, "expected json or text")),
    };
    let name = expanded("name", &table.name)?;
    let tenant = expanded("tenant", table.tenant.as_deref().unwrap_or("default"))?;
    let no_name = |name: &str, value: &str| wrong(&key(name), value, &format!("expected {}", NameError::EXPECTED));
    let source = Source::new(&name, dialect, credentials).map_err(|error| match error {
        SourceError::Credentials(error) => no_credentials(dialect, key, &error),
        SourceError::Name(_) | SourceError::Key(_) | SourceError::Header(_) => no_name("name", &name),
    })?;
    source.reply(reply).tenant(&tenant).map_err(|_| no_name("tenant", &tenant))
}

fn no_credentials(dialect: Dialect, key: &impl Fn(&str) -> String, error: &CredentialsError) -> ConfigError {
    let named = |credential: &Credential| format!("`{credential}`");
    match error {
        CredentialsError::None { expected: [only] } => {
            let required = format!("required by the dialect {dialect}: expected {}", what_it_is(*only, dialect));
            hidden(&key(only.name()), &required)
        }
        CredentialsError::None { expected } => {
            let one_of = expected.iter().map(named).collect::<Vec<_>>().join(" or ");
            let required =
                format!("required by the dialect {dialect}, or nobody could tell who sends: expected {one_of}");
            hidden(&key(expected.first().map_or("dialect", |first| first.name())), &required)
        }
        CredentialsError::Unknown { unknown, .. } => hidden(&key(unknown.name()), &format!("{dialect}: {error}")),
    }
}

/// By what a source knows its sender.
fn credentials<E: Fn(&str) -> Option<String>>(
    table: &SourceTable,
    dialect: Dialect,
    key: &impl Fn(&str) -> String,
    text: &Text<E>,
) -> Result<Credentials, ConfigError> {
    let secret = |credential: Credential, written: &Option<String>| -> Result<Option<Secret>, ConfigError> {
        let (Some(written), key) = (written, key(credential.name())) else { return Ok(None) };
        let value = text.expand(&key, written)?;
        if value.trim() != value {
            return Err(hidden(&key, "has a blank at its beginning or end: expected none"));
        }
        let short = |error: ShortSecret| hidden(&key, &format!("{error}, {}", what_it_is(credential, dialect)));
        Secret::new(&value).map(Some).map_err(short)
    };
    Ok(Credentials {
        api_key: secret(Credential::ApiKey, &table.api_key)?,
        token: secret(Credential::Token, &table.token)?,
        hmac_secret: secret(Credential::HmacSecret, &table.hmac_secret)?,
        auth_header: table.auth_header.as_ref().map(|written| auth_header(written, key, text)).transpose()?,
    })
}

fn what_it_is(credential: Credential, dialect: Dialect) -> String {
    match credential {
        Credential::ApiKey => "the key that the platform sends".into(),
        Credential::Token => "a text that is as hard to guess as a password".into(),
        Credential::HmacSecret => format!("the secret by which {dialect} signs"),
        Credential::AuthHeader => "a header that the platform sends".into(),
    }
}

/// `Name: value`.
fn auth_header<E: Fn(&str) -> Option<String>>(
    written: &str,
    key: &impl Fn(&str) -> String,
    text: &Text<E>,
) -> Result<(HeaderName, Secret), ConfigError> {
    let key = key("auth_header");
    let written = text.expand(&key, written)?;
    let (name, value) = written.split_once(':').ok_or_else(|| hidden(&key, "expected `Name: value`"))?;
    let header = name.trim().parse().map_err(|_| hidden(&key, "expected a name of letters, digits and hyphens"))?;
    let value = value.trim();
    if !value.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err(hidden(&key, "expected a value of ASCII characters: no header carries others"));
    }
    Ok((header, Secret::new(value).map_err(|error| hidden(&key, &format!("its value has {error}")))?))
}

pub(super) fn wrong(key: &str, value: &str, expected: &str) -> ConfigError {
    ConfigError::Value { key: key.into(), value: Some(format!("{value:?}")), expected: expected.into() }
}
