//! The operator's word on a plugin: `plugins/NAME.toml` beside `plugins/NAME.wasm`.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use slashbox_core::{
    CommandName, CommandNameError, Folder, HttpHost, HttpHostError, LimitKey, Limits, NameError, Sender, SenderError,
    check_name,
};
use slashbox_toml::{ExpandError, File, FileError, expand, keys_of, parse};

/// What a plugin may do.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whether it is loaded at all.
    pub enabled: bool,
    /// The commands that it owns, whoever else declares them.
    pub commands: Vec<CommandName>,
    /// The hosts that it may reach, of those that it asks for.
    pub allowed_hosts: Vec<HttpHost>,
    /// The sources whose events it gets; all of the tenant's if there are none. What it owns is not narrowed, nor are its
    /// timers.
    pub sources: Vec<String>,
    /// Those who must have written what it gets, in the same way; anybody if there are none.
    pub senders: Vec<Sender>,
    /// What it reads as environment.
    pub settings: BTreeMap<String, String>,
    /// What a call of it may use: the host's ceiling, or less.
    pub limits: Limits,
}

/// What is wrong with a grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The file itself.
    #[error("grant: {0}")]
    File(#[from] FileError),
    /// A command that nobody could type.
    #[error("grant: `commands`: {0}")]
    Command(#[from] CommandNameError),
    /// Something that names no host.
    #[error("grant: `allowed_hosts`: {0}")]
    Host(#[from] HttpHostError),
    /// Something that can name no source.
    #[error("grant: `sources`: {0}")]
    Source(#[from] NameError),
    /// Something that names no sender.
    #[error("grant: `senders`: {0}")]
    Sender(#[from] SenderError),
    /// A value that the environment does not give.
    #[error("grant: `settings.{name}`: {problem}")]
    Setting {
        /// The setting.
        name: String,
        /// Why it has no value.
        problem: ExpandError,
    },
    /// A tenant's file asks for the host's environment.
    #[error("grant: `settings.{0}`: the host's environment is for plugins of all tenants; write the value itself")]
    ForeignEnvironment(String),
    /// A limit that is none.
    #[error("grant: `limits.{key}` = {value}: expected {min} to {max}, the host's own limit")]
    Limit {
        /// Which limit.
        key: &'static str,
        /// What was asked for.
        value: u32,
        /// The least that it may be.
        min: u32,
        /// What the host allows.
        max: u32,
    },
}

#[derive(Debug, Deserialize)]
struct GrantFile {
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    allowed_hosts: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    senders: Vec<String>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    limits: BTreeMap<String, u32>,
}

fn yes() -> bool {
    true
}

impl File for GrantFile {
    fn keys(table: &str) -> Option<&'static [&'static str]> {
        match table {
            "" => Some(keys_of::<Self>()),
            _ => None,
        }
    }

    fn is_secret(key: &str) -> bool {
        key.starts_with("settings")
    }
}

impl Grant {
    /// What a plugin without a file of its own may do: everything that needs no grant, within the host's ceiling.
    pub fn none(ceiling: Limits) -> Self {
        Self {
            enabled: true,
            commands: Vec::new(),
            allowed_hosts: Vec::new(),
            sources: Vec::new(),
            senders: Vec::new(),
            settings: BTreeMap::new(),
            limits: ceiling,
        }
    }

    /// What it gives, in words; of a setting the name alone.
    pub fn granted(&self) -> Vec<String> {
        let settings = self.settings.keys().map(|name| format!("setting {name}"));
        settings.chain(self.allowed_hosts.iter().map(|host| format!("http to {host}"))).collect()
    }

    /// Reads a grant's file. `${VAR}` is the host's environment, in the files of shared plugins alone: a tenant's folder
    /// may be the tenant's to write.
    ///
    /// # Errors
    /// The first mistake, with its key, its value unless it is a setting's, and what was expected.
    pub fn parse(
        text: &str,
        folder: &Folder,
        ceiling: Limits,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, GrantError> {
        let file: GrantFile = parse(text)?;
        let resolve = |(name, value): (String, String)| {
            if *folder != Folder::Shared && value.contains("${") {
                return Err(GrantError::ForeignEnvironment(name));
            }
            match expand(&value, &environment) {
                Ok(value) => Ok((name, value)),
                Err(problem) => Err(GrantError::Setting { name, problem }),
            }
        };
        file.sources.iter().try_for_each(|source| check_name(source))?;
        Ok(Self {
            enabled: file.enabled,
            commands: file.commands.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
            allowed_hosts: file.allowed_hosts.iter().map(|host| allowed(host)).collect::<Result<_, _>>()?,
            sources: file.sources,
            senders: file.senders.iter().map(|sender| sender.parse()).collect::<Result<_, _>>()?,
            settings: file.settings.into_iter().map(resolve).collect::<Result<_, _>>()?,
            limits: narrowed(ceiling, &file.limits)?,
        })
    }

    /// Whether all that the plugin asks for with this is granted; of one that asks for whatever it is granted, whether that
    /// is anything.
    pub fn allows(&self, asked: &HttpHost) -> bool {
        if asked.is_any() {
            return !self.allowed_hosts.is_empty();
        }
        self.allowed_hosts.iter().any(|granted| granted.covers_all_of(asked))
    }
}

/// With the names of the settings alone.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("enabled", &self.enabled)
            .field("commands", &self.commands)
            .field("allowed_hosts", &self.allowed_hosts)
            .field("sources", &self.sources)
            .field("senders", &self.senders)
            .field("settings", &self.settings.keys())
            .field("limits", &self.limits)
            .finish()
    }
}

/// A host that is granted. Any host at all is nobody's to grant.
fn allowed(host: &str) -> Result<HttpHost, HttpHostError> {
    host.parse().and_then(|parsed: HttpHost| if parsed.is_any() { Err(HttpHostError(host.into())) } else { Ok(parsed) })
}

/// The host's ceiling, with what a grant narrows of it.
fn narrowed(ceiling: Limits, table: &BTreeMap<String, u32>) -> Result<Limits, GrantError> {
    let mut limits = ceiling;
    for (name, &value) in table {
        let known = Limits::KEYS.iter().find(|key| key.name == name);
        let unknown = || FileError::unknown_key(format!("limits.{name}"), name, Limits::NAMES);
        let &LimitKey { name: key, min, .. } = known.ok_or_else(unknown)?;
        let max = ceiling.get(key).unwrap_or(0);
        if !(min..=max).contains(&value) {
            return Err(GrantError::Limit { key, value, min, max });
        }
        limits.set(key, value);
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, folder: &Folder) -> Result<Grant, GrantError> {
        let environment = |name: &str| (name == "CRM_TOKEN").then(|| "s3cret".to_owned());
        Grant::parse(text, folder, Limits::default(), environment)
    }

    #[test]
    fn a_whole_file() {
        let text = r#"
            enabled = false
            commands = ["/invoice"]
            allowed_hosts = ["crm.example.com", "*.pay.example.com:8443"]
            sources = ["support"]
            senders = ["contact", "unknown"]
            [settings]
            CRM_URL = "https://crm.example.com"
            CRM_TOKEN = "${CRM_TOKEN}"
            [limits]
            cpu_ms = 100
        "#;
        let grant = read(text, &Folder::Shared).unwrap();
        assert!(!grant.enabled);
        assert_eq!(grant.commands, ["/invoice".parse().unwrap()]);
        assert_eq!(grant.sources, ["support"]);
        assert_eq!(grant.senders, [Sender::Contact, Sender::Unknown]);
        assert_eq!(grant.settings["CRM_TOKEN"], "s3cret");
        assert_eq!(grant.limits, Limits { cpu_ms: 100, ..Limits::default() });
        assert!(grant.allows(&"eu.pay.example.com:8443".parse().unwrap()));
        assert!(!grant.allows(&"example.com".parse().unwrap()));
        assert!(!format!("{grant:?}").contains("s3cret"));
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(read("", &Folder::Shared), Ok(Grant::none(Limits::default())));
    }

    #[test]
    fn mistakes() {
        let tenant = Folder::Tenant("acme".into());
        let check = |text: &str, folder: &Folder, expected: &str| {
            assert_eq!(read(text, folder).unwrap_err().to_string(), expected);
        };
        check("enable = true", &Folder::Shared, "grant: unknown key `enable`: did you mean `enabled`?");
        check(
            "[limits]\nmemory = 1",
            &Folder::Shared,
            &format!("grant: unknown key `limits.memory`: expected one of {}", Limits::NAMES.join(", ")),
        );
        check(
            "commands = [\"x\"]",
            &Folder::Shared,
            "grant: `commands`: \"x\" is no command name: expected / and 1 to 64 characters without white space, / and *",
        );
        check(
            "[limits]\ncpu_ms = 501",
            &Folder::Shared,
            "grant: `limits.cpu_ms` = 501: expected 1 to 500, the host's own limit",
        );
        check(
            "[limits]\ncpu_ms = 0",
            &Folder::Shared,
            "grant: `limits.cpu_ms` = 0: expected 1 to 500, the host's own limit",
        );
        check(
            "[settings]\nA = \"${NONE}\"",
            &Folder::Shared,
            "grant: `settings.A`: the environment variable NONE is not set",
        );
        check(
            "[settings]\nA = \"${CRM_TOKEN}\"",
            &tenant,
            "grant: `settings.A`: the host's environment is for plugins of all tenants; write the value itself",
        );
        let any = "grant: `allowed_hosts`: \"*\": expected HOST, *.HOST or HOST:PORT, such as \"crm.example.com\"";
        check("allowed_hosts = [\"*\"]", &Folder::Shared, any);
        check(
            "senders = [\"contact\", \"Bot\"]",
            &Folder::Shared,
            "grant: `senders`: \"Bot\" is no sender: expected contact, operator, bot, system or unknown",
        );
        let name = "letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and at most 100 bytes";
        check(
            "sources = [\"in/support\"]",
            &Folder::Shared,
            &format!("grant: `sources`: \"in/support\" is no name: expected {name}"),
        );
        check("sender = []", &Folder::Shared, "grant: unknown key `sender`: did you mean `senders`?");
        check("[settings]\nA = 5", &Folder::Shared, "grant: `settings.A`: expected text in quotes");
    }
}
