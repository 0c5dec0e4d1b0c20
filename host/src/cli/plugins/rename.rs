//! `slashbox plugins rename`: without a host, on its files.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use slashbox::{Moved, OpenError, PluginId, RenamePluginError, Renamed, config::Dirs, rename_plugin};

use super::{super::config, BOLD, line, paint, plugin_id};
use crate::cli::Usage;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rename {
    /// The plugin: its file's name without .wasm; TENANT/NAME if it is a tenant's own
    #[arg(value_name = "NAME", value_parser = plugin_id)]
    from: PluginId,
    /// Its new name, in the same folder
    #[arg(value_name = "NEW")]
    to: String,
    /// The host's configuration: where its files are
    #[arg(long, value_name = "FILE", default_value = "slashbox.toml")]
    config: PathBuf,
    /// The plugins folder, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// The data directory, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Rename {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self { from, to, config: file, plugins, data, json } = self;
        let dirs = Dirs::load(&file).map_err(|error| config::mistake(&file, &error))?;
        let (plugins, data) = (plugins.unwrap_or(dirs.plugins_dir), data.unwrap_or(dirs.data_dir));
        let renamed = rename_plugin(&plugins, &data, &from, &to).await.map_err(|error| match error {
            RenamePluginError::Name(_) | RenamePluginError::Same(_) => Usage(error.to_string()).into(),
            RenamePluginError::Open(OpenError::InUse { .. }) => {
                anyhow::Error::new(error).context("a plugin is renamed while no host runs")
            }
            error => error.into(),
        });
        let renamed = renamed.with_context(|| format!("{from} is not renamed"))?;
        if json {
            print_json(&renamed)
        } else {
            print(&from, &to, &renamed)
        }
        Ok(())
    }
}

fn print(from: &PluginId, to: &str, renamed: &Renamed) {
    line(format_args!("renamed {} to {}", paint(BOLD, from), paint(BOLD, to)));
    for (from, to) in &renamed.files {
        line(format_args!("  file    {} is now {}", from.display(), name(to)));
    }
    for Moved { tenant, usage, deliveries } in &renamed.moved {
        let (keys, bytes, timers) = (usage.kv_keys, usage.kv_bytes, usage.timers);
        let kept = format!("{keys} keys and {timers} timers, {bytes} bytes, {deliveries} deliveries under way");
        line(format_args!("  tenant  {tenant}: {kept}"));
    }
}

fn print_json(renamed: &Renamed) {
    let files: Vec<_> = renamed.files.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
    let moved = renamed.moved.iter().map(|Moved { tenant, usage, deliveries }| {
        let (kv_keys, kv_bytes, timers) = (usage.kv_keys, usage.kv_bytes, usage.timers);
        json!({ "tenant": tenant, "kv_keys": kv_keys, "kv_bytes": kv_bytes, "timers": timers, "deliveries": deliveries })
    });
    line(format_args!("{:#}", json!({ "files": files, "tenants": moved.collect::<Vec<_>>() })));
}

fn name(path: &Path) -> std::path::Display<'_> {
    path.file_name().map_or(path, Path::new).display()
}
