//! `slashbox deliveries`: what became of what came in, at a running host.

use std::process::ExitCode;

use anstyle::Style;
use serde::Deserialize;
use slashbox_core::DeliveryState;

use super::{
    block_on,
    events::{Content, of_tenant},
    paint::{BAD, BOLD, GOOD, ODD, line, paint},
    running_host::{RunningHost, Which, id},
    table::{Cell, Table, facts},
    text::{long_time, plain, plain_json, short_time},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Deliveries {
    /// List the deliveries, those of the newest event first
    List(List),
    /// Show a delivery, its event and its attempts
    Show(Show),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// To this plugin: its file's name without .wasm
    #[arg(long, value_name = "NAME", conflicts_with = "webhook")]
    plugin: Option<String>,
    /// To this webhook
    #[arg(long, value_name = "NAME")]
    webhook: Option<String>,
    /// In this state: waiting, due, leased, succeeded or dead
    #[arg(long)]
    state: Option<DeliveryState>,
    /// Of the event with this id
    #[arg(long, value_name = "ID", value_parser = id)]
    event: Option<String>,
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
    /// The delivery's id, e.g. 1042-3
    #[arg(value_parser = id)]
    id: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// What is shown of a delivery.
#[derive(Deserialize)]
pub(super) struct Delivery {
    id: String,
    event_kind: String,
    tenant: String,
    subscriber: Subscriber,
    state: String,
    parked: bool,
    attempt_count: u32,
    ready_at: Option<String>,
    last_attempt: Option<Attempt>,
}

#[derive(Deserialize)]
struct Subscriber {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct Attempt {
    number: u32,
    at: String,
    took_ms: u64,
    fault: Option<String>,
    detail: String,
    answer: String,
}

/// What is shown of a delivery alone.
#[derive(Deserialize)]
struct Rest {
    event: Content,
    attempts: Vec<Attempt>,
}

pub(super) fn run(arguments: Deliveries) -> anyhow::Result<ExitCode> {
    block_on(async {
        match arguments {
            Deliveries::List(list) => list.run().await,
            Deliveries::Show(show) => show.run().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let Self { plugin, webhook, state, event, tenant, listing, which } = self;
        let sort = plugin.as_ref().map(|_| "plugin").or(webhook.as_ref().map(|_| "webhook"));
        let filters = [
            ("subscriber", sort.map(str::to_owned)),
            ("name", plugin.or(webhook)),
            ("state", state.map(|state| state.to_string())),
            ("event", event),
            ("tenant", tenant),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let host = RunningHost::find(&which).await?;
        let list = host.list("deliveries", filters, listing.limit).await?;
        if listing.json {
            list.print_json();
            return Ok(());
        }
        let items = list.items.iter().map(|item| host.understood(item.get()));
        let items = items.collect::<anyhow::Result<Vec<Delivery>>>()?;
        list.print("deliveries", table(items));
        Ok(())
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        let host = RunningHost::find(&self.which).await?;
        let answer = host.get(&["deliveries", &self.id], &[]).await?;
        if self.json {
            line(plain_json(&answer));
            return Ok(());
        }
        let delivery: Delivery = host.understood(&answer)?;
        let Rest { event, attempts } = host.understood(&answer)?;
        delivery.print();
        line("");
        event.print();
        print_attempts(&attempts);
        Ok(())
    }
}

/// Deliveries in a list.
pub(super) fn table(deliveries: Vec<Delivery>) -> Table {
    let headings = ["ID", "KIND", "SUBSCRIBER", "TENANT", "STATE", "ATTEMPTS", "NEXT (UTC)", "LAST (UTC)", "DETAIL"];
    let mut table = Table::new(headings);
    for delivery in deliveries {
        let (state, style) = delivery.state();
        let next = delivery.next().map(short_time).unwrap_or_default();
        let (last, detail) = match &delivery.last_attempt {
            Some(last) => (short_time(&last.at), last.detail.as_str()),
            None => Default::default(),
        };
        table.row([
            Cell::new(&delivery.id),
            Cell::styled(BOLD, &delivery.event_kind),
            Cell::new(delivery.to()),
            Cell::new(of_tenant(&delivery.tenant)),
            Cell::styled(style, state),
            Cell::new(delivery.attempt_count.to_string()),
            Cell::new(next),
            Cell::new(last),
            Cell::new(detail),
        ]);
    }
    table
}

impl Delivery {
    fn print(self) {
        let (state, style) = self.state();
        let title = format!("{} {}  {}", paint(BOLD, "delivery"), plain(&self.id), paint(style, plain(state)));
        let tenant = Some(of_tenant(&self.tenant).to_owned()).filter(|tenant| !tenant.is_empty());
        let next = self.next().map(long_time);
        let attempts = self.attempt_count.to_string();
        facts(&title, &[("to", Some(self.to())), ("tenant", tenant), ("attempts", Some(attempts)), ("next", next)]);
    }

    fn to(&self) -> String {
        format!("{} {}", self.subscriber.kind, self.subscriber.name)
    }

    /// When it is attempted. Of one that is parked nobody knows, and a lease's end is nothing to wait for.
    fn next(&self) -> Option<&str> {
        let due = self.state == DeliveryState::Due.name() && !self.parked;
        self.ready_at.as_deref().filter(|_| due)
    }

    /// How it stands, for people.
    fn state(&self) -> (&str, Style) {
        match self.state.parse() {
            _ if self.parked => ("parked", ODD),
            Ok(DeliveryState::Succeeded) => (&self.state, GOOD),
            Ok(DeliveryState::Dead) => (&self.state, BAD),
            _ if self.attempt_count > 0 => (&self.state, ODD),
            _ => (&self.state, Style::new()),
        }
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
