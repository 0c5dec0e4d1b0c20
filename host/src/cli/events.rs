//! `slashbox events`: what came in, at a running host.

use std::process::ExitCode;

use serde::Deserialize;

use super::{
    finish,
    paint::{BOLD, line, note, paint},
    records::{self, DeliveryRecord, EventRecord, of_tenant},
    running_host::{Asking, Listing, id},
    table::{Cell, Table},
    text::short_time,
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
    listing: Listing,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The event's id
    #[arg(value_parser = id)]
    id: String,
    #[command(flatten)]
    asking: Asking,
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

#[derive(Deserialize)]
struct Deliveries {
    deliveries: Vec<DeliveryRecord>,
}

pub(super) fn run(arguments: Events) -> anyhow::Result<ExitCode> {
    finish(async {
        match arguments {
            Events::List(list) => list.run().await,
            Events::Show(show) => show.run().await,
        }
    })
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let Self { kind, source, conversation, tenant, listing } = self;
        let filters = [("kind", kind), ("source", source), ("conversation", conversation), ("tenant", tenant)];
        let Some(list) = listing.ask("events", filters).await? else { return Ok(()) };
        let mut table = Table::new(["ACCEPTED (UTC)", "ID", "KIND", "CONVERSATION", "SENDER", "SOURCE", "TENANT"]);
        for event in list.read::<Event>()? {
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
        let Some(answer) = self.asking.ask(&["events", &self.id]).await? else { return Ok(()) };
        let event: EventRecord = answer.read()?;
        let Deliveries { deliveries } = answer.read()?;
        event.print();
        if deliveries.is_empty() {
            note("\nno deliveries: nobody had subscribed to it");
        } else {
            line(format_args!("\n{}", paint(BOLD, "deliveries")));
            records::table(deliveries).print();
        }
        Ok(())
    }
}
