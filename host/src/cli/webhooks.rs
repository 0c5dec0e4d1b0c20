//! `slashbox webhooks`: which webhooks a running host has, how they stand, and what is done with them.

use std::process::ExitCode;

use anstyle::Style;
use anyhow::bail;
use serde::Deserialize;

use super::{
    finish,
    paint::{BAD, BOLD, GOOD, ODD, line, note, paint},
    running_host::Asking,
    table::{Cell, Table, facts},
    text::{plain, short_time},
    words,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Webhooks {
    /// List the webhooks: where they are, what they want, how they stand
    List(List),
    /// Send a test event or a ping to a webhook, once, and show what it answers
    ///
    /// Also to one that is paused or disabled. Nothing of it is kept. The exit code is 1 if it did not take it.
    Test(Test),
    /// Have a webhook wait: events for it are accepted, and wait until it is resumed; commands still go to it
    Pause(Named),
    /// Have a webhook go on that is paused or disabled: what waits is attempted at once
    Resume(Named),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    asking: Asking,
}

/// One webhook.
#[derive(Debug, clap::Args)]
pub(super) struct Named {
    /// The webhook's name
    name: String,
    /// Whose events it gets
    #[arg(long, default_value = "default")]
    tenant: String,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// A ping, with nothing in it, instead of a test event
    #[arg(long)]
    ping: bool,
    #[command(flatten)]
    named: Named,
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
    inactive: Option<String>,
    paused_since: Option<String>,
    disabled_since: Option<String>,
    failing_since: Option<String>,
    left_alone_until: Option<String>,
}

#[derive(Deserialize)]
struct Tested {
    id: String,
    arrived: bool,
    detail: String,
    answer: String,
    took_ms: u64,
}

pub(super) fn run(arguments: Webhooks) -> anyhow::Result<ExitCode> {
    finish(async {
        match arguments {
            Webhooks::List(list) => list.run().await,
            Webhooks::Test(test) => test.run().await,
            Webhooks::Pause(named) => named.run("pause", "waits: what it should get is kept until it is resumed").await,
            Webhooks::Resume(named) => named.run("resume", "goes on: what waited is attempted now").await,
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
        let mut table = Table::new(["WEBHOOK", "TENANT", "STATE", "HOST", "FORMAT", "SIGNED", "EVENTS"]);
        for webhook in items {
            let (state, style) = webhook.state();
            table.row([
                Cell::styled(BOLD, webhook.name),
                Cell::new(webhook.tenant),
                Cell::styled(style, state),
                Cell::new(webhook.host),
                Cell::new(webhook.format),
                Cell::new(if webhook.signed { "signed" } else { "" }),
                Cell::new(words::events(&webhook.events)),
            ]);
        }
        table.print();
        Ok(())
    }
}

impl Webhook {
    /// How it stands, what weighs most first; nothing if nothing is to be said.
    fn state(&self) -> (String, Style) {
        let states = [
            ("disabled since", &self.disabled_since, BAD),
            ("paused since", &self.paused_since, ODD),
            ("left alone until", &self.left_alone_until, ODD),
            ("failing since", &self.failing_since, ODD),
        ];
        if let Some(why) = &self.inactive {
            return (format!("not active: {}", plain(why)), BAD);
        }
        let state = states.into_iter().find_map(|(what, time, style)| Some((what, time.as_deref()?, style)));
        state.map_or((String::new(), Style::new()), |(what, time, style)| {
            (format!("{what} {}", short_time(time)), style)
        })
    }
}

impl Named {
    async fn run(self, action: &str, done: &str) -> anyhow::Result<()> {
        let path = ["webhooks", &self.tenant, &self.name, action];
        if self.asking.tell(&path).await?.is_some() {
            line(format_args!("{} {done}", paint(BOLD, plain(&self.name))));
        }
        Ok(())
    }
}

impl Test {
    async fn run(self) -> anyhow::Result<()> {
        let Self { ping, named: Named { name, tenant, asking } } = self;
        let query: &[(&str, String)] = if ping { &[("ping", "true".to_owned())] } else { &[] };
        let host = asking.host().await?;
        let text = host.post(&["webhooks", &tenant, &name, "test"], query).await?;
        let Tested { id, arrived, detail, answer, took_ms } = host.understood(&text)?;
        if asking.is_json() {
            asking.print(&text);
        } else {
            let (word, style) = if arrived { ("arrived", GOOD) } else { ("did not arrive", BAD) };
            let title = format!("{}  {}", paint(BOLD, plain(&name)), paint(style, word));
            let answer = Some(answer).filter(|answer| !answer.is_empty());
            let took = Some(format!("{took_ms} ms"));
            facts(&title, &[("id", Some(id)), ("detail", Some(detail)), ("took", took), ("answer", answer)]);
        }
        if arrived { Ok(()) } else { bail!("the webhook {name} did not take it") }
    }
}
