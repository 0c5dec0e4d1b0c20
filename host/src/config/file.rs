//! The configuration as the operator wrote it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use slashbox_core::{HostLimits, Limits};
use slashbox_toml::{File, keys_of};

/// Every limit that can be set: those of the host, and the ceiling of all plugins.
pub(super) static LIMITS: LazyLock<Vec<&str>> = LazyLock::new(|| [HostLimits::NAMES, Limits::NAMES].concat());

#[derive(Debug, Deserialize)]
pub(crate) struct ConfigFile {
    pub(super) listen: Option<String>,
    pub(super) plugins_dir: Option<String>,
    pub(super) data_dir: Option<String>,
    #[serde(default)]
    pub(super) log: LogTable,
    #[serde(default)]
    pub(super) limits: BTreeMap<String, u32>,
    #[serde(default)]
    pub(super) retention: RetentionTable,
    #[serde(default)]
    pub(super) admin: AdminTable,
    #[serde(default)]
    pub(super) egress: EgressTable,
    #[serde(default)]
    pub(super) sources: Vec<SourceTable>,
    #[serde(default)]
    pub(super) webhooks: Vec<WebhookTable>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AdminTable {
    pub(super) token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct EgressTable {
    pub(super) allow_http: Option<bool>,
    #[serde(default)]
    pub(super) allow_cidrs: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct RetentionTable {
    pub(super) backlog_max: Option<u64>,
    pub(super) waiting_days: Option<u32>,
    pub(super) parked_days: Option<u32>,
    pub(super) payload_days: Option<u32>,
    pub(super) log_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct LogTable {
    pub(super) level: Option<String>,
    pub(super) format: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SourceTable {
    pub(super) name: String,
    pub(super) dialect: String,
    pub(super) tenant: Option<String>,
    pub(super) api_key: Option<String>,
    pub(super) token: Option<String>,
    pub(super) hmac_secret: Option<String>,
    pub(super) auth_header: Option<String>,
    pub(super) reply: Option<String>,
    pub(super) webhooks_file: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WebhookTable {
    pub(super) name: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) url: String,
    pub(super) events: Vec<String>,
    #[serde(default)]
    pub(super) sources: Vec<String>,
    #[serde(default)]
    pub(super) senders: Vec<String>,
    pub(super) format: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) in_flight: Option<u32>,
    pub(super) per_second: Option<u32>,
    pub(super) api_key: Option<String>,
    pub(super) hmac_secret: Option<String>,
    #[serde(default)]
    pub(super) secrets: Vec<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
}

impl File for ConfigFile {
    fn keys(table: &str) -> Option<&'static [&'static str]> {
        match table {
            "" => Some(keys_of::<Self>()),
            "log" => Some(keys_of::<LogTable>()),
            "limits" => Some(&LIMITS),
            "retention" => Some(keys_of::<RetentionTable>()),
            "admin" => Some(keys_of::<AdminTable>()),
            "egress" => Some(keys_of::<EgressTable>()),
            "sources" => Some(keys_of::<SourceTable>()),
            "webhooks" => Some(keys_of::<WebhookTable>()),
            _ => None,
        }
    }

    fn is_secret(key: &str) -> bool {
        let secrets = ["api_key", "token", "hmac_secret", "auth_header"];
        secrets.iter().any(|secret| key.ends_with(secret)) || key.contains("headers") || key.contains("secrets")
    }
}
