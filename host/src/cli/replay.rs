//! `slashbox deliveries replay`: deliveries, made once more by a running host.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use slashbox_core::{DeliveryState, PluginId};

use super::{
    Usage,
    deliveries::tenant_of,
    paint::{BOLD, GOOD, ODD, line, note, paint, print_json},
    running_host::{Asking, RunningHost, id, plugin_id},
};

/// How often a line tells how far it is where there is no terminal.
const LINE_EACH: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// This delivery alone, e.g. 1042-3
    #[arg(value_parser = id, conflicts_with_all = ["plugin", "webhook", "state", "event", "kind", "since", "until", "tenant", "all", "dry_run"])]
    id: Option<String>,
    /// Those to this plugin: its file's name without .wasm; TENANT/NAME for those of one tenant
    #[arg(long, value_name = "NAME", value_parser = plugin_id, conflicts_with = "webhook")]
    plugin: Option<PluginId>,
    /// Those to this webhook
    #[arg(long, value_name = "NAME")]
    webhook: Option<String>,
    /// Those in this state: dead or succeeded [default: dead]
    #[arg(long, value_parser = closed)]
    state: Option<DeliveryState>,
    /// Those of the event with this id
    #[arg(long, value_name = "ID", value_parser = id)]
    event: Option<String>,
    /// Those of events of this canonical kind, e.g. message.received
    #[arg(long)]
    kind: Option<String>,
    /// Those of events accepted since then: 90m, 12h or 7d ago, or a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Those of events accepted before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Those of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Every dead letter, if nothing else says which
    #[arg(long)]
    all: bool,
    /// To this webhook of the same tenant, instead of to whom they were made
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to_plugin", "to_url"])]
    to_webhook: Option<String>,
    /// To this plugin, instead of to whom they were made
    #[arg(long, value_name = "NAME", conflicts_with = "to_url")]
    to_plugin: Option<String>,
    /// To this URL, instead of their webhook's: in its format, signed as for it; without its headers and its key if that is
    /// another host
    #[arg(long, value_name = "URL")]
    to_url: Option<String>,
    /// Only say how many that would be
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    asking: Asking,
}

/// What became of some of them.
#[derive(Clone, Debug, Default, Deserialize)]
struct Page {
    matched: u64,
    on_their_way: u64,
    parked: u64,
    open: u64,
    gone: u64,
    next: Option<String>,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let host = self.asking.host().await?;
        if let Some(id) = &self.id {
            let done = page(&host, &["deliveries", id, "replay"], &self.to()).await?;
            self.tell(&done);
            return if done.gone == 0 { Ok(()) } else { Err(anyhow!("delivery {id} cannot be made once more")) };
        }
        let query = [self.filters()?, self.to()].concat();
        let dry = [&query[..], &[("dry_run", "true".to_owned())]].concat();
        let (found, error) = all(&host, &dry, &Progress::counting()).await;
        if let Some(error) = error {
            return Err(error);
        }
        if self.dry_run {
            self.tell_dry(&found);
            return Ok(());
        }
        let (done, error) = all(&host, &query, &Progress::of(found.matched)).await;
        self.tell(&done);
        error.map_or(Ok(()), |error| Err(error.context("not all of them were reached: the same command goes on")))
    }

    /// Which ones. To replay everything by mistake is easy without a word for it.
    fn filters(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let of_plugin = tenant_of(self.plugin.as_ref(), self.tenant.clone())?;
        let sort = self.plugin.as_ref().map(|_| "plugin").or(self.webhook.as_ref().map(|_| "webhook"));
        let name = self.plugin.as_ref().map(|plugin| plugin.stem.to_string()).or_else(|| self.webhook.clone());
        // What arrives meanwhile was not meant.
        let meanwhile = self.state == Some(DeliveryState::Succeeded) && self.until.is_none();
        let until = self.until.or_else(|| meanwhile.then(Timestamp::now));
        let filters = [
            ("subscriber", sort.map(str::to_owned)),
            ("name", name),
            ("event", self.event.clone()),
            ("kind", self.kind.clone()),
            ("since", self.since.map(|time| time.to_string())),
            ("until", self.until.map(|time| time.to_string())),
            ("tenant", of_plugin),
        ];
        let mut filters: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        if filters.is_empty() && !self.all {
            let expected =
                "expected the id of a delivery, something that says which ones (such as --webhook crm), or --all";
            return Err(Usage(expected.into()).into());
        }
        filters.extend(until.filter(|_| meanwhile).map(|time| ("until", time.to_string())));
        // Nothing leaves its tenant; an event tells its own.
        let elsewhere = !self.to().is_empty() && self.event.is_none();
        let has_tenant = filters.iter().any(|(name, _)| *name == "tenant");
        filters.extend((elsewhere && !has_tenant).then(|| ("tenant", "default".to_owned())));
        filters.extend(self.state.map(|state| ("state", state.to_string())));
        Ok(filters)
    }

    fn to(&self) -> Vec<(&'static str, String)> {
        let to = [("to_webhook", &self.to_webhook), ("to_plugin", &self.to_plugin), ("to_url", &self.to_url)];
        to.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    fn tell_dry(&self, found: &Page) {
        if self.asking.is_json() {
            return print_json(&json!({ "dry_run": true, "matched": found.matched, "on_their_way": found.on_their_way,
                "parked": found.parked, "open": found.open, "gone": found.gone }));
        }
        line(format_args!("{} would be replayed", paint(BOLD, deliveries(found.on_their_way + found.parked))));
        tell_others(found);
    }

    fn tell(&self, done: &Page) {
        let Page { matched, on_their_way, parked, open, gone, .. } = done;
        if self.asking.is_json() {
            return print_json(&json!({ "matched": matched, "on_their_way": on_their_way, "parked": parked,
                "open": open, "gone": gone }));
        }
        line(format_args!("{} on their way", paint(GOOD, deliveries(*on_their_way))));
        tell_others(done);
    }
}

/// Of those that are not on their way now.
fn tell_others(page: &Page) {
    let others = [
        (page.parked, "waiting until their subscriber, who is absent, paused or disabled, is back"),
        (page.open, "left as they are: on their way already"),
        (
            page.gone,
            "not to be made: nothing is left of their events, or they are timers, which belong to their plugin",
        ),
    ];
    for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
        line(format_args!("{} {what}", paint(ODD, deliveries(count))));
    }
}

fn deliveries(count: u64) -> String {
    if count == 1 { "1 delivery".into() } else { format!("{count} deliveries") }
}

/// Asks page by page until there is no more; tells how far it came if that fails.
async fn all(
    host: &RunningHost,
    query: &[(&'static str, String)],
    progress: &Progress,
) -> (Page, Option<anyhow::Error>) {
    let (mut sum, mut query) = (Page::default(), query.to_vec());
    loop {
        let done = match page(host, &["deliveries", "replay"], &query).await {
            Ok(done) => done,
            Err(error) => return (sum, Some(error)),
        };
        sum.matched += done.matched;
        sum.on_their_way += done.on_their_way;
        sum.parked += done.parked;
        sum.open += done.open;
        sum.gone += done.gone;
        progress.at(sum.matched);
        let Some(next) = done.next else { return (sum, None) };
        query.retain(|(name, _)| *name != "after");
        query.push(("after", next));
    }
}

async fn page(host: &RunningHost, path: &[&str], query: &[(&'static str, String)]) -> anyhow::Result<Page> {
    host.understood(&host.post(path, query).await?)
}

/// How far it is: a bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: ProgressBar,
    of: Option<u64>,
    told: std::cell::Cell<Instant>,
}

impl Progress {
    fn counting() -> Self {
        Self::new(ProgressBar::new_spinner(), None, "{spinner} {pos} found")
    }

    fn of(count: u64) -> Self {
        Self::new(ProgressBar::new(count), Some(count), "{wide_bar} {pos} of {len}, {eta} left")
    }

    fn new(bar: ProgressBar, of: Option<u64>, template: &str) -> Self {
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, of, told: std::cell::Cell::new(Instant::now()) }
    }

    fn at(&self, count: u64) {
        self.bar.set_position(count);
        if self.bar.is_hidden() && self.told.get().elapsed() >= LINE_EACH {
            self.told.set(Instant::now());
            note(&self.of.map_or(format!("{count} found"), |of| format!("{count} of {of} replayed")));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn closed(text: &str) -> Result<DeliveryState, String> {
    let state = text.parse().ok().filter(|state: &DeliveryState| !state.is_open());
    state.ok_or_else(|| "expected dead or succeeded".into())
}

/// A time, or how long ago it was.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        let ago = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        Timestamp::now().checked_sub(Duration::from_secs(ago)).ok()
    };
    ago().ok_or_else(|| "expected 30s, 90m, 12h or 7d, or a time such as 2026-01-31T12:00:00Z".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time("2026-01-31T12:00:00Z").unwrap().as_second(), 1_769_860_800);
        for (ago, seconds) in [("0s", 0), ("90m", 5_400), ("12h", 43_200), ("7d", 604_800)] {
            let passed = Timestamp::now().as_second() - time(ago).unwrap().as_second();
            assert!((seconds..seconds + 60).contains(&passed), "{ago}");
        }
        for wrong in ["", "d", "7", "7w", "-1d", "1.5h", "7 d", "99999999999999999999d", "18446744073709551615d", "é"]
        {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
