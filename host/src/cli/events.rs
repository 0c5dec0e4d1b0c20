//! `slashbox events`: what came in, at a running host.

use std::process::ExitCode;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    block_on,
    deliveries::{self, Delivery},
    paint::{BOLD, line, note, paint},
    running_host::{RunningHost, Which, id},
    table::{Cell, Table, facts},
    text::{long_time, plain, plain_json, short_time},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Events {
    /// List the events, newest first
    List(List),
    /// Show an event, what its platform said, and its deliveries
    Show(Show),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Of this canonical kind, e.g. message.sent; of a command, its name with the slash
    #[arg(long)]
    kind: Option<String>,
    /// From this source
    #[arg(long)]
    source: Option<String>,
    /// Of this conversation
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    conversation: Option<String>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    listing: super::Listing,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The event's id
    #[arg(value_parser = id)]
    id: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// What is shown of an event in a list.
#[derive(Deserialize)]
struct Event {
    id: String,
    tenant: String,
    source: String,
    kind: String,
    conversation: Option<String>,
    sender: String,
    accepted_at: String,
}

/// What is shown of one event.
#[derive(Deserialize)]
pub(super) struct Content {
    id: String,
    tenant: String,
    source: String,
    dialect: String,
    instance: Option<String>,
    kind: String,
    native_kind: String,
    conversation: Option<String>,
    contact: Option<String>,
    operator: Option<String>,
    sender: String,
    message: Option<String>,
    occurred_at: String,
    accepted_at: String,
    text: Option<String>,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct Deliveries {
    deliveries: Vec<Delivery>,
}

pub(super) fn run(arguments: Events) -> anyhow::Result<ExitCode> {
    block_on(async {
        match arguments {
            Events::List(list) => list.run().await,
            Events::Show(show) => show.run().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let Self { kind, source, conversation, tenant, listing, which } = self;
        let filters = [("kind", kind), ("source", source), ("conversation", conversation), ("tenant", tenant)];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let host = RunningHost::find(&which).await?;
        let list = host.list("events", filters, listing.limit).await?;
        if listing.json {
            list.print_json();
            return Ok(());
        }
        let mut table = Table::new(["ACCEPTED (UTC)", "ID", "KIND", "CONVERSATION", "SENDER", "SOURCE", "TENANT"]);
        for item in &list.items {
            let event: Event = host.understood(item.get())?;
            table.row([
                Cell::new(short_time(&event.accepted_at)),
                Cell::new(event.id),
                Cell::styled(BOLD, event.kind),
                Cell::new(event.conversation.unwrap_or_default()),
                Cell::new(event.sender),
                Cell::new(event.source),
                Cell::new(of_tenant(&event.tenant)),
            ]);
        }
        list.print("events", table);
        Ok(())
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        let host = RunningHost::find(&self.which).await?;
        let answer = host.get(&["events", &self.id], &[]).await?;
        if self.json {
            line(plain_json(&answer));
            return Ok(());
        }
        let content: Content = host.understood(&answer)?;
        let Deliveries { deliveries } = host.understood(&answer)?;
        content.print();
        if deliveries.is_empty() {
            note("\nno deliveries: nobody had subscribed to it");
        } else {
            line(format_args!("\n{}", paint(BOLD, "deliveries")));
            deliveries::table(deliveries).print();
        }
        Ok(())
    }
}

impl Content {
    pub(super) fn print(self) {
        let kind = if self.kind == self.native_kind {
            self.kind.clone()
        } else {
            format!("{} ({})", self.kind, self.native_kind)
        };
        let of = if self.tenant == "default" { String::new() } else { format!(" of {}", self.tenant) };
        facts(
            &format!("{} {}", paint(BOLD, "event"), plain(&self.id)),
            &[
                ("kind", Some(kind)),
                ("source", Some(format!("{}{of} ({})", self.source, self.dialect))),
                ("instance", self.instance),
                ("conversation", self.conversation),
                ("contact", self.contact),
                ("operator", self.operator),
                ("sender", Some(self.sender)),
                ("message", self.message),
                ("occurred", Some(long_time(&self.occurred_at))),
                ("accepted", Some(long_time(&self.accepted_at))),
                ("text", self.text),
                ("data", Some(self.data.get().to_owned())),
            ],
        );
    }
}

/// A tenant's name, if there is need to say it.
pub(super) fn of_tenant(tenant: &str) -> &str {
    if tenant == "default" { "" } else { tenant }
}
