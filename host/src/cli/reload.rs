//! `slashbox reload`: has a running host read its configuration again.

use std::process::ExitCode;

use serde::Deserialize;

use super::{
    finish,
    paint::{BOLD, GOOD, ODD, line, paint},
    running_host::Asking,
    text::plain,
};

#[derive(Debug, clap::Args)]
pub(super) struct Reload {
    #[command(flatten)]
    asking: Asking,
}

#[derive(Deserialize)]
struct Reloaded {
    sources: Changes<String>,
    webhooks: Changes<Webhook>,
    after_restart: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Changes<N> {
    added: Vec<N>,
    removed: Vec<N>,
    changed: Vec<N>,
    #[serde(default)]
    reordered: bool,
}

#[derive(Deserialize)]
struct Webhook {
    tenant: String,
    name: String,
}

pub(super) fn run(arguments: Reload) -> anyhow::Result<ExitCode> {
    finish(arguments.run())
}

impl Reload {
    async fn run(self) -> anyhow::Result<()> {
        let Some(answer) = self.asking.tell(&["reload"]).await? else { return Ok(()) };
        let Reloaded { sources, webhooks, after_restart, warnings } = answer.read()?;
        let reordered = webhooks.reordered;
        let is_same = sources.is_empty() && webhooks.is_empty() && !reordered;
        line(format_args!(
            "{}: {}",
            paint(GOOD, "reloaded"),
            if is_same { "nothing has changed" } else { "in force now" }
        ));
        sources.show("source", String::clone, "");
        webhooks.show(
            "webhook",
            Webhook::named,
            ", what it has not got yet waits, for retention.parked_days at most, until it is back",
        );
        if reordered {
            line("  webhooks  in another order: of several that take a command, the first one answers it");
        }
        for key in after_restart {
            let what = paint(ODD, "changed too, takes effect after a restart");
            line(format_args!("  {}  {what}", paint(BOLD, plain(&key))));
        }
        for warning in warnings {
            line(format_args!("  {} {}", paint(ODD, "warning:"), plain(&warning)));
        }
        Ok(())
    }
}

impl<N> Changes<N> {
    fn is_empty(&self) -> bool {
        [&self.added, &self.removed, &self.changed].iter().all(|names| names.is_empty())
    }

    fn show(&self, kind: &str, name: impl Fn(&N) -> String, of_removed: &str) {
        let parts = [
            (&self.added, paint(GOOD, "added")),
            (&self.changed, "changed".into()),
            (&self.removed, format!("{}{of_removed}", paint(ODD, "removed"))),
        ];
        for (names, what) in parts {
            for named in names.iter().map(&name) {
                line(format_args!("  {kind} {}  {what}", paint(BOLD, plain(&named))));
            }
        }
    }
}

impl Webhook {
    fn named(&self) -> String {
        if self.tenant == "default" { self.name.clone() } else { format!("{} of {}", self.name, self.tenant) }
    }
}
