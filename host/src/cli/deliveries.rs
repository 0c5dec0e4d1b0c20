//! `slashbox deliveries`: what became of what came in, at a running host.

use std::process::ExitCode;

use jiff::Timestamp;
use serde::Deserialize;
use slashbox_core::{DeliveryState, Folder, PluginId};

use super::{
    Usage, finish,
    paint::{BOLD, line, paint},
    records::{self, Attempt, DeliveryRecord, EventRecord},
    replay::{Replay, time},
    running_host::{Asking, Listing, id, plugin_id},
    table::{Cell, Table, facts},
    text::short_time,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Deliveries {
    /// List the deliveries, those of the newest event first
    List(List),
    /// Show a delivery, its event and its attempts
    Show(Show),
    /// Deliver once more what is dead or has arrived, the oldest first
    ///
    /// Receivers know it by its id, and by the header `webhook-replay: true`. Deliveries of a conversation keep their order.
    Replay(Box<Replay>),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// To this plugin: its file's name without .wasm; TENANT/NAME for those of one tenant
    #[arg(long, value_name = "NAME", value_parser = plugin_id, conflicts_with = "webhook")]
    plugin: Option<PluginId>,
    /// To this webhook
    #[arg(long, value_name = "NAME")]
    webhook: Option<String>,
    /// In this state: waiting, due, leased, succeeded or dead
    #[arg(long)]
    state: Option<DeliveryState>,
    /// Of the event with this id
    #[arg(long, value_name = "ID", value_parser = id)]
    event: Option<String>,
    /// Of events of this canonical kind, e.g. message.received
    #[arg(long)]
    kind: Option<String>,
    /// Of events accepted since then: 90m, 12h or 7d ago, or a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Of events accepted before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The delivery's id, e.g. 1042-3
    #[arg(value_parser = id)]
    id: String,
    #[command(flatten)]
    asking: Asking,
}

/// What is shown of a delivery alone.
#[derive(Deserialize)]
struct Rest {
    event: EventRecord,
    attempts: Vec<Attempt>,
}

pub(super) fn run(arguments: Deliveries) -> anyhow::Result<ExitCode> {
    finish(async {
        match arguments {
            Deliveries::List(list) => list.run().await,
            Deliveries::Show(show) => show.run().await,
            Deliveries::Replay(replay) => replay.run().await,
        }
    })
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let Self { plugin, webhook, state, event, kind, since, until, tenant, listing } = self;
        let tenant = tenant_of(plugin.as_ref(), tenant)?;
        let sort = plugin.as_ref().map(|_| "plugin").or(webhook.as_ref().map(|_| "webhook"));
        let filters = [
            ("subscriber", sort.map(str::to_owned)),
            ("name", plugin.map(|plugin| plugin.stem.to_string()).or(webhook)),
            ("state", state.map(|state| state.to_string())),
            ("event", event),
            ("kind", kind),
            ("since", since.map(|time| time.to_string())),
            ("until", until.map(|time| time.to_string())),
            ("tenant", tenant),
        ];
        let Some(list) = listing.ask("deliveries", filters).await? else { return Ok(()) };
        list.print("deliveries", records::table(list.read()?));
        Ok(())
    }
}

/// Whose deliveries are meant: a plugin of a tenant's own gets no others than that tenant's.
pub(super) fn tenant_of(plugin: Option<&PluginId>, tenant: Option<String>) -> Result<Option<String>, Usage> {
    let Some(PluginId { folder: Folder::Tenant(own), .. }) = plugin else { return Ok(tenant) };
    match tenant {
        Some(other) if other != **own => {
            Err(Usage(format!("--tenant {other}: a plugin of {own} gets nothing of another tenant's")))
        }
        _ => Ok(Some(own.to_string())),
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        let Some(answer) = self.asking.ask(&["deliveries", &self.id]).await? else { return Ok(()) };
        let delivery: DeliveryRecord = answer.read()?;
        let Rest { event, attempts } = answer.read()?;
        delivery.print();
        line("");
        event.print();
        print_attempts(&attempts);
        Ok(())
    }
}

fn print_attempts(attempts: &[Attempt]) {
    if attempts.is_empty() {
        return;
    }
    line(format_args!("\n{}", paint(BOLD, "attempts")));
    let mut table = Table::new(["NO.", "AT (UTC)", "MS", "FAULT", "DETAIL"]);
    for attempt in attempts {
        table.row([
            Cell::new(attempt.number.to_string()),
            Cell::new(short_time(&attempt.at)),
            Cell::new(attempt.took_ms.to_string()),
            Cell::new(attempt.fault.as_deref().unwrap_or_default()),
            Cell::new(&attempt.detail),
        ]);
    }
    table.print();
    for attempt in attempts.iter().filter(|attempt| !attempt.answer.is_empty()) {
        let title = format!("\n{} {}", paint(BOLD, "answer to attempt"), attempt.number);
        facts(&title, &[("", Some(attempt.answer.clone()))]);
    }
}
