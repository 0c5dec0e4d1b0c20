//! What plugins said while they were tried, in the place of the host's log: how much, not what.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::cli::paint;

/// What plugins say.
const GUEST: &str = "slashbox::guest";

/// What the host says of its sandboxes, which whoever tries them should know.
const RUNTIME: &str = "slashbox::runtime";

/// What a line of a plugin's log costs besides its text. As in the runtime.
const LINE_BYTES: u64 = 64;

/// How much each plugin said.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    by_plugin: Arc<Mutex<BTreeMap<String, Volume>>>,
}

/// How much one plugin said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Volume {
    /// Its lines, each with what it costs besides its text.
    pub(super) bytes: u64,
    /// How many more lines were dropped.
    pub(super) dropped: u64,
}

impl Heard {
    /// Listens from now on.
    pub(super) fn start() -> anyhow::Result<Self> {
        let heard = Self::default();
        tracing_subscriber::registry().with(heard.clone()).try_init()?;
        Ok(heard)
    }

    pub(super) fn of(&self, plugin: &str) -> Volume {
        self.by_plugin().get(plugin).copied().unwrap_or_default()
    }

    fn by_plugin(&self) -> MutexGuard<'_, BTreeMap<String, Volume>> {
        self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner) // Each change of it is whole.
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        match event.metadata().target() {
            GUEST => {
                event.record(&mut words);
                let mut by_plugin = self.by_plugin();
                let volume = by_plugin.entry(words.plugin).or_default();
                match words.lines {
                    Some(lines) => volume.dropped += lines,
                    None => volume.bytes += words.message.len() as u64 + LINE_BYTES,
                }
            }
            RUNTIME => {
                event.record(&mut words);
                paint::note(&words.message);
            }
            _ => {}
        }
    }
}

/// The fields of a line that count.
#[derive(Default)]
struct Words {
    plugin: String,
    message: String,
    lines: Option<u64>,
}

impl Visit for Words {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "lines" {
            self.lines = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "plugin" => self.plugin = format!("{value:?}"),
            "message" => self.message = format!("{value:?}"),
            _ => {}
        }
    }
}
