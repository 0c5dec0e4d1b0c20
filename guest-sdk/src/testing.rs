//! A fake of the host's services, so that a plugin's tests are ordinary tests.
//!
//! On every target but `wasm32`, the functions of [`kv`](crate::kv), [`timers`](crate::timers),
//! [`events`](crate::events), [`log`](crate::log) and [`settings`](crate::settings) talk to a fake that belongs to the
//! thread, and so to the test. A handler can be called as it is; [`Host`] calls it as the real host does, and tells what
//! became of it.
//!
//! ```
//! use slashbox_sdk::{Command, Failure, Plugin, Result, kv, refuse, testing::Host};
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("count", "1.0.0").command("/count", "", "counts to one", count)
//! }
//!
//! fn count(_: Command) -> Result<String> {
//!     let count = kv::increment("count", 1)?;
//!     if count > 1 {
//!         refuse!("that is enough");
//!     }
//!     Ok(count.to_string())
//! }
//!
//! let host = Host::new();
//! let reply = host.command(&plugin(), Command::new("/count"));
//! assert_eq!(reply, Ok(Some("1".into())));
//!
//! let reply = host.command(&plugin(), Command::new("/count"));
//! assert_eq!(reply, Err(Failure::refused("that is enough")));
//! assert_eq!(kv::get("count"), Ok(Some(1)), "a call that fails leaves nothing");
//! ```
//!
//! The fake keeps the interface's limits on keys and values, with the host's own words. It has none on log lines, time and
//! memory, cuts no reply, and nobody else writes its keys, so that no call has to run again.

pub(crate) mod fake;

use crate::{Command, Event, Plugin, Reply, Result, log::Level, millis};
use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

/// This thread's fake host.
///
/// Each test begins with a new one: it forgets what the thread did before.
#[derive(Debug)]
pub struct Host {
    /// It speaks for its thread, so it stays there.
    not_send: PhantomData<*const ()>,
}

/// A line that the plugin logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub text: String,
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its key.
    pub key: String,
    /// When it fires, in milliseconds since 1970-01-01T00:00:00Z.
    pub due_at_ms: u64,
    /// Its payload, as JSON text.
    pub payload_json: String,
}

/// An event that the plugin emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The kind that the plugin gave, without `plugin.PLUGIN.`.
    pub kind: String,
    /// The conversation that it belongs to.
    pub conversation: Option<String>,
    /// Its data, as JSON text.
    pub data_json: String,
}

impl Host {
    /// A host on which nothing has happened yet. It is 2025-10-08T20:41:00Z.
    #[allow(clippy::new_without_default, reason = "it resets the thread's fake, which a default value should not")]
    pub fn new() -> Self {
        fake::reset();
        Self { not_send: PhantomData }
    }

    /// Sets a setting.
    pub fn setting(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        fake::with(|fake| fake.settings.insert(name.into(), value.into()));
        self
    }

    /// Hands a command to the plugin. What a failing call changed is forgotten, but for its log lines.
    ///
    /// # Errors
    /// What the plugin fails with; it is refused if the plugin declared no such command.
    pub fn command(&self, plugin: &Plugin, command: Command) -> Result<Option<Reply>> {
        keep_if_ok(|| plugin.on_command(command))
    }

    /// Hands an event to the plugin. What a failing call changed is forgotten, but for its log lines.
    ///
    /// # Errors
    /// What the plugin fails with; it is refused if no pattern of the plugin covers the event.
    pub fn event(&self, plugin: &Plugin, event: Event) -> Result {
        keep_if_ok(|| plugin.on_event(&event))
    }

    /// What time it is, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn now_ms(&self) -> u64 {
        fake::with(|fake| fake.now_ms)
    }

    /// Lets time pass: keys expire, timers become due.
    pub fn advance(&self, time: Duration) {
        fake::with(|fake| fake.now_ms = fake.now_ms.saturating_add(millis::from_duration(time)));
    }

    /// All keys with their values as they are.
    pub fn kv(&self) -> BTreeMap<String, Vec<u8>> {
        fake::with(|fake| fake.living().map(|(key, value)| (key.clone(), value.to_vec())).collect())
    }

    /// What was logged, the oldest line first.
    pub fn log(&self) -> Vec<LogLine> {
        fake::with(|fake| fake.log.clone())
    }

    /// What was emitted, the oldest event first.
    pub fn emitted(&self) -> Vec<Emitted> {
        fake::with(|fake| fake.effects.emitted.clone())
    }

    /// The timers that are set, the next to fire first.
    pub fn timers(&self) -> Vec<Timer> {
        fake::with(|fake| fake.timers())
    }

    /// Takes the timers that are due, as the events that the host makes of them. They fire when the test hands them to
    /// [`event`](Self::event).
    ///
    /// ```
    /// # use slashbox_sdk::{Event, Plugin, testing::Host, timers};
    /// # use std::time::Duration;
    /// # let plugin = Plugin::new("p", "1.0.0").on("timer.fired", |_| ());
    /// # let host = Host::new();
    /// # timers::set("tea", Duration::from_secs(180), "green").unwrap();
    /// host.advance(Duration::from_secs(180));
    /// for event in host.due_timers() {
    ///     assert_eq!(event.message.as_deref(), Some("tea"));
    ///     host.event(&plugin, event).unwrap();
    /// }
    /// # assert_eq!(host.due_timers(), []);
    /// ```
    pub fn due_timers(&self) -> Vec<Event> {
        let fired = fake::with(|fake| fake.take_due_timers());
        let event = |timer: Timer| {
            let Timer { key, due_at_ms, payload_json } = timer;
            let event = Event::new("timer.fired").sender(crate::Sender::System);
            event.message(key).occurred_at_ms(due_at_ms).data_json(payload_json)
        };
        fired.into_iter().map(event).collect()
    }
}

/// Undoes what a failing call changed.
fn keep_if_ok<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = fake::with(|fake| fake.effects.clone());
    let outcome = call();
    if outcome.is_err() {
        fake::with(|fake| fake.effects = before);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, Sender, ServiceError, events, kv, log, refuse, settings, timers};

    /// Changes all that a call can change, and then fails if it is told to.
    fn plugin() -> Plugin {
        Plugin::new("p", "1.0.0")
            .command("/do", "", "", |command: Command| change(&command.args))
            .on("timer.fired", |event: Event| change(&event.data::<String>()?))
    }

    fn change(how: &str) -> Result {
        kv::set("key", how)?;
        timers::cancel("old")?;
        timers::set("new", Duration::from_secs(2), how)?;
        events::emit("done", Some("5"), how)?;
        log::warn!("{how}");
        if how == "badly" {
            refuse!("badly done");
        }
        Ok(())
    }

    fn timer_keys(host: &Host) -> Vec<String> {
        host.timers().into_iter().map(|timer| timer.key).collect()
    }

    #[test]
    fn a_call_that_succeeds_changes_everything() {
        let host = Host::new();
        timers::set("old", Duration::from_secs(1), &()).unwrap();
        assert_eq!(host.command(&plugin(), Command::new("/do").args("well")), Ok(None));
        assert_eq!(host.kv(), BTreeMap::from([("key".to_owned(), b"\"well\"".to_vec())]));
        let due_at_ms = host.now_ms() + 2_000;
        assert_eq!(host.timers(), [Timer { key: "new".into(), due_at_ms, payload_json: "\"well\"".into() }]);
        let emitted = Emitted { kind: "done".into(), conversation: Some("5".into()), data_json: "\"well\"".into() };
        assert_eq!(host.emitted(), [emitted]);
        assert_eq!(host.log(), [LogLine { level: Level::Warn, text: "well".into() }]);
    }

    #[test]
    fn a_call_that_fails_leaves_only_its_log() {
        let host = Host::new();
        timers::set("old", Duration::from_secs(1), "badly").unwrap();
        let check = |outcome: Result<()>| {
            assert_eq!(outcome, Err(Failure::refused("badly done")));
            assert_eq!(host.kv(), BTreeMap::new());
            assert_eq!(timer_keys(&host), ["old"]);
            assert_eq!(host.emitted(), []);
        };
        check(host.command(&plugin(), Command::new("/do").args("badly")).map(|_| ()));
        check(host.event(&plugin(), Event::new("timer.fired").data_json("\"badly\"")));
        assert_eq!(host.log().len(), 2);
    }

    #[test]
    fn timers_fire_in_their_order_when_they_are_due() {
        let host = Host::new();
        for (key, seconds) in [("b", 2), ("c", 3), ("a", 1)] {
            timers::set(key, Duration::from_secs(seconds), key).unwrap();
        }
        assert_eq!(timer_keys(&host), ["a", "b", "c"]);
        timers::set("a", Duration::from_secs(9), "again").unwrap();
        host.advance(Duration::from_millis(2_999));
        let fired = host.due_timers();
        let expected = Event::new("timer.fired").sender(Sender::System).message("b").data_json("\"b\"");
        assert_eq!(fired, [expected.occurred_at_ms(host.now_ms() - 999)]);
        host.advance(Duration::from_millis(1));
        assert_eq!(host.due_timers().len(), 1);
        assert_eq!(timer_keys(&host), ["a"]);
    }

    #[test]
    fn settings_are_the_tests_own() {
        let _host = Host::new().setting("CRM_URL", "https://crm.example.com");
        assert_eq!(settings::get("CRM_URL").as_deref(), Some("https://crm.example.com"));
        assert_eq!(settings::require("CRM_URL").as_deref(), Ok("https://crm.example.com"));
        assert_eq!(settings::get("PATH"), None);
        let missing = ServiceError::Denied("setting PATH is missing".into());
        assert_eq!(settings::require("PATH"), Err(missing));
    }

    #[test]
    fn a_new_host_has_forgotten_everything() {
        let host = Host::new().setting("A", "x");
        change("well").unwrap();
        host.advance(Duration::from_secs(1));
        let now_ms = host.now_ms();
        let host = Host::new();
        assert_eq!(settings::get("A"), None);
        assert_eq!((host.kv(), host.timers(), host.emitted(), host.log()), Default::default());
        assert_eq!(host.now_ms(), now_ms - 1_000);
    }
}
