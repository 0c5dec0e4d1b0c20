//! The configuration as the operator wrote it.

use serde::Deserialize;
use slashbox_toml::{File, keys_of};

#[derive(Debug, Deserialize)]
pub(crate) struct ConfigFile {
    pub(super) listen: Option<String>,
    pub(super) plugins_dir: Option<String>,
    pub(super) data_dir: Option<String>,
    #[serde(default)]
    pub(super) log: LogTable,
    #[serde(default)]
    pub(super) limits: LimitsTable,
    #[serde(default)]
    pub(super) sources: Vec<SourceTable>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct LogTable {
    pub(super) level: Option<String>,
    pub(super) format: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct LimitsTable {
    pub(super) command_ms: Option<u32>,
    pub(super) calls: Option<u32>,
    pub(super) queue_ms: Option<u32>,
    pub(super) plugin_file_mib: Option<u32>,
    pub(super) memory_mib: Option<u32>,
    pub(super) cpu_ms: Option<u32>,
    pub(super) timeout_ms: Option<u32>,
    pub(super) concurrency: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SourceTable {
    pub(super) name: String,
    pub(super) dialect: String,
    pub(super) tenant: Option<String>,
    pub(super) api_key: Option<String>,
    pub(super) reply: Option<String>,
}

impl File for ConfigFile {
    fn keys(table: &str) -> Option<&'static [&'static str]> {
        match table {
            "" => Some(keys_of::<Self>()),
            "log" => Some(keys_of::<LogTable>()),
            "limits" => Some(keys_of::<LimitsTable>()),
            "sources" => Some(keys_of::<SourceTable>()),
            _ => None,
        }
    }

    fn is_secret(key: &str) -> bool {
        key.ends_with("api_key")
    }
}
