//! `slashbox webhooks`: which webhooks a running host has.

use std::process::ExitCode;

use serde::Deserialize;

use super::{
    finish,
    paint::{BOLD, note},
    running_host::Asking,
    table::{Cell, Table},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Webhooks {
    /// List the webhooks: where they are, what they want, whether they are signed
    List(List),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    asking: Asking,
}

#[derive(Deserialize)]
struct Listing {
    items: Vec<Webhook>,
}

#[derive(Deserialize)]
struct Webhook {
    tenant: String,
    name: String,
    host: String,
    events: Vec<String>,
    format: String,
    signed: bool,
}

pub(super) fn run(arguments: Webhooks) -> anyhow::Result<ExitCode> {
    finish(async {
        match arguments {
            Webhooks::List(list) => list.run().await,
        }
    })
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let Some(answer) = self.asking.ask(&["webhooks"]).await? else { return Ok(()) };
        let Listing { items } = answer.read()?;
        if items.is_empty() {
            note("no webhooks");
            return Ok(());
        }
        let mut table = Table::new(["WEBHOOK", "TENANT", "HOST", "FORMAT", "SIGNED", "EVENTS"]);
        for Webhook { tenant, name, host, events, format, signed } in items {
            table.row([
                Cell::styled(BOLD, name),
                Cell::new(tenant),
                Cell::new(host),
                Cell::new(format),
                Cell::new(if signed { "signed" } else { "" }),
                Cell::new(events.join(" ")),
            ]);
        }
        table.print();
        Ok(())
    }
}
