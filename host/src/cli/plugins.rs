//! `slashbox plugins`: who is there to take what comes in, at a running host; and under which name.

mod rename;

use std::{collections::BTreeMap, process::ExitCode};

use anstyle::Style;
use serde::Deserialize;
use slashbox_core::{Folder, PluginId};

use super::{
    finish,
    paint::{BAD, BOLD, GOOD, ODD, line, note, paint},
    running_host::{Asking, plugin_id},
    table::{Cell, Table, facts},
    text::plain,
    words,
};

/// How many commands of a plugin are listed: one that has more has a family of them.
const COMMANDS_SHOWN: usize = 4;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Plugins {
    /// List the plugins, and what is odd about their folder
    List(List),
    /// Show a plugin: how it stands, what it asks for and lacks, what it keeps
    Show(Show),
    /// Give a plugin another name, with all that it has, while no host runs
    Rename(rename::Rename),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The plugin: its file's name without .wasm; TENANT/NAME if it is a tenant's own
    #[arg(value_name = "NAME", value_parser = plugin_id)]
    id: PluginId,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Deserialize)]
struct Listing {
    items: Vec<Plugin>,
    conflicts: Vec<Conflict>,
    problems: Vec<OddFile>,
}

#[derive(Deserialize)]
struct Plugin {
    id: String,
    state: String,
    error: Option<String>,
    serving: Option<Version>,
    owns: Vec<String>,
    not_owned: Vec<NotOwned>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    keeps: Vec<Kept>,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    version: String,
    summary: String,
    commands: Vec<Command>,
    events: Vec<String>,
    http_hosts: Vec<String>,
    settings: Vec<Setting>,
    granted: Vec<String>,
    lacks: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    senders: Vec<String>,
    limits: BTreeMap<String, u32>,
    sha256: String,
    bytes: u64,
    set_aside: Vec<SetAside>,
}

#[derive(Deserialize)]
struct Command {
    name: String,
    usage: String,
    summary: String,
}

#[derive(Deserialize)]
struct Setting {
    name: String,
    summary: String,
    secret: bool,
    required: bool,
}

#[derive(Deserialize)]
struct SetAside {
    tenant: String,
    seconds: u64,
}

#[derive(Deserialize)]
struct NotOwned {
    command: String,
    tenant: Option<String>,
    owner: Option<String>,
}

#[derive(Deserialize)]
struct Conflict {
    #[serde(flatten)]
    not_owned: NotOwned,
    others: Vec<String>,
}

#[derive(Deserialize)]
struct OddFile {
    path: String,
    error: String,
}

#[derive(Deserialize)]
struct Kept {
    tenant: String,
    kv_keys: u64,
    kv_bytes: u64,
    timers: u64,
}

pub(super) fn run(arguments: Plugins) -> anyhow::Result<ExitCode> {
    finish(async {
        match arguments {
            Plugins::List(list) => list.run().await,
            Plugins::Show(show) => show.run().await,
            Plugins::Rename(rename) => rename.run().await,
        }
    })
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let Some(answer) = self.asking.ask(&["plugins"]).await? else { return Ok(()) };
        let Listing { items, conflicts, problems } = answer.read()?;
        if items.is_empty() {
            note("no plugins");
        } else {
            table(&items).print();
        }
        for Plugin { id, warnings, .. } in &items {
            for warning in warnings {
                line(format_args!("{} {}", paint(ODD, "warning:"), plain(&format!("{id}: {warning}"))));
            }
        }
        for conflict in conflicts {
            line(format_args!("{} {}", paint(ODD, "conflict:"), conflict.in_words()));
        }
        for OddFile { path, error } in problems {
            let what = words::not_served(&path, &error, false);
            line(format_args!("{} {what}", paint(ODD, "not served:")));
        }
        Ok(())
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        let stem = &*self.id.stem;
        let answer = match &self.id.folder {
            Folder::Shared => self.asking.ask(&["plugins", stem]).await?,
            Folder::Tenant(tenant) => self.asking.ask(&["plugins", tenant, stem]).await?,
        };
        let Some(answer) = answer else { return Ok(()) };
        answer.read::<Plugin>()?.print();
        Ok(())
    }
}

fn table(plugins: &[Plugin]) -> Table {
    let mut table = Table::new(["PLUGIN", "VERSION", "STATE", "COMMANDS", "SET ASIDE", "LACKS", "DETAIL"]);
    for plugin in plugins {
        let serving = plugin.serving.as_ref();
        let listed = |list: Option<&Vec<String>>| list.map(|list| list.join(", ")).unwrap_or_default();
        table.row([
            Cell::styled(BOLD, &plugin.id),
            Cell::new(serving.map(|version| version.version.as_str()).unwrap_or_default()),
            Cell::styled(plugin.style(), plugin.state()),
            Cell::new(first_ones(&plugin.owns)),
            Cell::styled(ODD, serving.map(Version::set_aside).unwrap_or_default().join(", ")),
            Cell::styled(ODD, listed(serving.map(|version| &version.lacks))),
            Cell::new(plugin.detail()),
        ]);
    }
    table
}

/// The first of some commands, and how many more there are.
fn first_ones(commands: &[String]) -> String {
    let shown = commands.get(..COMMANDS_SHOWN).unwrap_or(commands).join(" ");
    match commands.len().saturating_sub(COMMANDS_SHOWN) {
        0 => shown,
        more => format!("{shown} +{more}"),
    }
}

impl Plugin {
    /// As people say it.
    fn state(&self) -> String {
        self.state.replace('_', " ")
    }

    fn style(&self) -> Style {
        match self.state.as_str() {
            "serving" => GOOD,
            "broken" => BAD,
            _ => ODD,
        }
    }

    /// What is wrong, or else what it is for.
    fn detail(&self) -> &str {
        let summary = self.serving.as_ref().map(|version| version.summary.as_str());
        self.error.as_deref().or(summary).unwrap_or_default()
    }

    fn print(self) {
        let state = paint(self.style(), plain(&self.state()));
        let title = format!("{} {}  {state}", paint(BOLD, "plugin"), plain(&self.id));
        let lines = |lines: Vec<String>| Some(lines.join("\n")).filter(|text| !text.is_empty());
        let not_owned = self.not_owned.iter().map(NotOwned::in_words).collect();
        let keeps = self.keeps.iter().map(Kept::in_words).collect();
        let mut known = vec![("error", self.error)];
        if let Some(version) = &self.serving {
            known.extend(version.facts());
        }
        // Mostly it answers what it declares.
        let owns = Some(self.owns.join(" ")).filter(|owns| !owns.is_empty());
        let owns = owns.filter(|_| self.serving.is_none() || !self.not_owned.is_empty());
        known.extend([
            ("answers", owns),
            ("does not", lines(not_owned)),
            ("warnings", lines(self.warnings)),
            ("keeps", lines(keeps)),
        ]);
        facts(&title, &known);
    }
}

impl Version {
    fn facts(&self) -> Vec<(&'static str, Option<String>)> {
        let lines = |lines: Vec<String>| Some(lines.join("\n")).filter(|text| !text.is_empty());
        let limits = self.limits.iter().map(|(name, figure)| format!("{name} = {figure}")).collect();
        vec![
            ("version", Some(format!("{} {}", self.name, self.version))),
            ("summary", Some(self.summary.clone())),
            ("set aside", lines(self.set_aside())),
            ("granted", lines(self.granted.clone())),
            ("lacks", lines(self.lacks.clone())),
            ("commands", lines(self.commands.iter().map(Command::in_words).collect())),
            ("events", lines(self.events.clone())),
            ("sources", lines(self.sources.clone())),
            ("senders", lines(self.senders.clone())),
            ("http", lines(self.http_hosts.clone())),
            ("settings", lines(self.settings.iter().map(Setting::in_words).collect())),
            ("limits", lines(limits)),
            ("file", Some(format!("{} bytes, sha256 {}", self.bytes, self.sha256))),
        ]
    }

    fn set_aside(&self) -> Vec<String> {
        let in_words = |SetAside { tenant, seconds }: &SetAside| match seconds {
            0 => format!("{tenant}, until its next call ends well"),
            seconds => format!("{tenant}, for {seconds} s"),
        };
        self.set_aside.iter().map(in_words).collect()
    }
}

impl Command {
    fn in_words(&self) -> String {
        format!("{}  {}", words::usage(&self.name, &self.usage), self.summary)
    }
}

impl Setting {
    fn in_words(&self) -> String {
        format!("{}  {}", words::setting(&self.name, self.required, self.secret), self.summary)
    }
}

impl NotOwned {
    fn in_words(&self) -> String {
        words::answered_by(&self.command, self.tenant.as_deref(), self.owner.as_deref())
    }
}

impl Conflict {
    fn in_words(&self) -> String {
        let NotOwned { command, tenant, owner } = &self.not_owned;
        words::conflict(command, tenant.as_deref(), owner.as_deref(), &self.others)
    }
}

impl Kept {
    fn in_words(&self) -> String {
        let Self { tenant, kv_keys, kv_bytes, timers } = self;
        format!("{tenant}: {kv_keys} keys and {timers} timers, {kv_bytes} bytes")
    }
}
