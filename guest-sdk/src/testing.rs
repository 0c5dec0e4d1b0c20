//! A fake of the host's services, so that a plugin's tests are ordinary tests.
//!
//! On every target but `wasm32`, the functions of [`kv`](crate::kv), [`timers`](crate::timers),
//! [`events`](crate::events), [`http`](crate::http), [`log`](crate::log) and [`settings`](crate::settings) talk to a fake
//! that belongs to the thread, and so to the test. A handler can be called as it is; [`Host`] calls it as the real host
//! does, in the conversation of the command or the event, and tells what became of it.
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
//! Timers fire when the test lets time pass with [`Host::run_timers`]. What was emitted is in [`Host::emitted`]. HTTP is
//! answered by [`Host::answer`]; a request that nothing answers fails the test:
//!
//! ```
//! use slashbox_sdk::{Command, Plugin, Result, http, testing::Host};
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("rate", "1.0.0").command("/rate", "", "the euro's rate", rate).http_host("rates.example.com")
//! }
//!
//! fn rate(_: Command) -> Result<String> {
//!     Ok(http::get("https://rates.example.com/eur").text()?)
//! }
//!
//! let response = http::Response::new(200).body("1.08", "text/plain");
//! let host = Host::new().answer("GET", "https://rates.example.com/eur", response);
//! assert_eq!(host.command(&plugin(), Command::new("/rate")), Ok(Some("1.08".into())));
//! assert_eq!(host.requests().len(), 1);
//! ```
//!
//! The fake keeps the interface's limits on keys and values, with the host's own words. It has none on log lines, requests,
//! time and memory, cuts no reply, and nobody else writes its keys, so that no call has to run again. A plugin that
//! [`Host`] calls reaches the hosts that it asks for, as if the operator had granted them all.

pub(crate) mod fake;
mod http;

pub use http::{Answer, Sent};

use crate::{Command, Event, Origin, Plugin, Reply, Result, Sender, log::Level, millis};
use serde::de::DeserializeOwned;
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
pub struct SetTimer {
    /// Its key.
    pub key: String,
    /// When it fires, in milliseconds since 1970-01-01T00:00:00Z.
    pub due_at_ms: u64,
    /// Its payload, as JSON text.
    pub payload_json: String,
    /// The conversation of the call that set it.
    pub conversation: Option<String>,
    /// Where that call came from.
    pub origin: Origin,
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

impl Emitted {
    /// Reads its data.
    ///
    /// # Errors
    /// If the data does not have the type's shape.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.data_json)
    }
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

    /// Answers the requests with this method and URL, with a [`Response`](crate::http::Response) or another [`Answer`].
    ///
    /// The URL is the whole one, with its query. Of several answers to the same request, each is given once, in their
    /// order, and the last one from then on.
    ///
    /// ```
    /// use slashbox_sdk::{http, testing::{Answer, Host}};
    ///
    /// let url = "https://crm.example.com/clients?name=Smith%20%26%20Co";
    /// let host = Host::new().answer("GET", url, Answer::Timeout).answer("GET", url, http::Response::new(204));
    ///
    /// let find = || http::get("https://crm.example.com/clients").query(&[("name", "Smith & Co")]).send();
    /// assert!(matches!(find(), Err(http::Error::Timeout { .. })));
    /// assert_eq!(find().unwrap().status(), 204);
    /// ```
    ///
    /// # Panics
    /// If the URL is none.
    pub fn answer(self, method: &str, url: &str, answer: impl Into<Answer>) -> Self {
        fake::with(|fake| fake.web.add(method, url, answer.into()));
        self
    }

    /// Answers with a function the requests that [`answer`](Self::answer) was told nothing about.
    ///
    /// ```
    /// use slashbox_sdk::{http::{self, Response}, testing::Host};
    ///
    /// let host = Host::new().answer_with(|request| match request.json::<u32>() {
    ///     Ok(number) => Response::new(200).body_json(&(number + 1)),
    ///     Err(_) => Response::new(400),
    /// });
    /// let next: u32 = http::post("https://count.example.com").body_json(&41).json().unwrap();
    /// assert_eq!(next, 42);
    /// ```
    pub fn answer_with<A: Into<Answer>>(self, answer: impl Fn(&Sent) -> A + 'static) -> Self {
        fake::with(|fake| fake.web.set_rest(move |sent| answer(sent).into()));
        self
    }

    /// Hands a command to the plugin. What a failing call changed is forgotten, but for its log lines.
    ///
    /// # Errors
    /// What the plugin fails with; it is refused if the plugin declared no such command.
    pub fn command(&self, plugin: &Plugin, command: Command) -> Result<Option<Reply>> {
        call(plugin, command.conversation.clone(), command.origin.clone(), || plugin.on_command(command))
    }

    /// Hands an event to the plugin. What a failing call changed is forgotten, but for its log lines.
    ///
    /// # Errors
    /// What the plugin fails with; it is refused if no pattern of the plugin covers the event.
    pub fn event(&self, plugin: &Plugin, event: Event) -> Result {
        call(plugin, event.conversation.clone(), event.origin.clone(), || plugin.on_event(&event))
    }

    /// Lets time pass, and hands the plugin its timers as they become due, each at its time. Those that a handler sets
    /// fire too, if they become due in this time.
    ///
    /// ```
    /// use slashbox_sdk::{Command, Plugin, Result, Timer, kv, testing::Host, timers};
    /// use std::time::Duration;
    ///
    /// const HOUR: Duration = Duration::from_secs(3_600);
    ///
    /// fn plugin() -> Plugin {
    ///     Plugin::new("hours", "1.0.0").command("/hours", "", "counts hours", |_| timers::set("hour", HOUR, &())).on_timer(hour)
    /// }
    ///
    /// fn hour(timer: Timer) -> Result {
    ///     kv::increment("hours", 1)?;
    ///     timers::set(timer.key, HOUR, &())?;
    ///     Ok(())
    /// }
    ///
    /// let host = Host::new();
    /// host.command(&plugin(), Command::new("/hours")).unwrap();
    /// host.run_timers(&plugin(), 24 * HOUR).unwrap();
    /// assert_eq!(kv::get("hours"), Ok(Some(24)));
    /// ```
    ///
    /// # Errors
    /// The first failure, at which it stops. The real host would let that timer fire again; here it is gone.
    pub fn run_timers(&self, plugin: &Plugin, time: Duration) -> Result {
        let until_ms = self.now_ms().saturating_add(millis::from_duration(time));
        while let Some(due) = fake::with(|fake| fake.take_timer_due_by(until_ms)) {
            fake::with(|fake| fake.now_ms = fake.now_ms.max(due.due_at_ms));
            self.event(plugin, due.into())?;
        }
        fake::with(|fake| fake.now_ms = until_ms);
        Ok(())
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

    /// The requests that were sent, the oldest first. A call that fails leaves them too: what is sent is sent.
    pub fn requests(&self) -> Vec<Sent> {
        fake::with(|fake| fake.web.sent.clone())
    }

    /// The timers that are set, the next to fire first.
    pub fn timers(&self) -> Vec<SetTimer> {
        fake::with(|fake| fake.timers())
    }

    /// Takes the timers that are due, as the events that the host makes of them. They fire when the test hands them to
    /// [`event`](Self::event). [`run_timers`](Self::run_timers) does both; this is for the test that has more to say about
    /// an event, e.g. that it comes twice.
    ///
    /// ```
    /// # use slashbox_sdk::{Event, Plugin, testing::Host, timers};
    /// # use std::time::Duration;
    /// # let plugin = Plugin::new("p", "1.0.0").on_timer(|_| ());
    /// # let host = Host::new();
    /// # timers::set("tea", Duration::from_secs(180), "green").unwrap();
    /// host.advance(Duration::from_secs(180));
    /// for event in host.due_timers() {
    ///     assert_eq!(event.message.as_deref(), Some("tea"));
    ///     host.event(&plugin, event.clone()).unwrap();
    ///     host.event(&plugin, event.attempt(2)).unwrap();
    /// }
    /// # assert_eq!(host.due_timers(), []);
    /// ```
    pub fn due_timers(&self) -> Vec<Event> {
        let now_ms = self.now_ms();
        let due = || fake::with(|fake| fake.take_timer_due_by(now_ms));
        std::iter::from_fn(due).map(Event::from).collect()
    }
}

/// The event that it becomes.
impl From<SetTimer> for Event {
    fn from(timer: SetTimer) -> Self {
        let SetTimer { key, due_at_ms, payload_json, conversation, origin } = timer;
        let fired = Self::new(crate::timers::FIRED).sender(Sender::System).message(key).origin(origin);
        Self { conversation, ..fired.occurred_at_ms(due_at_ms).data_json(payload_json) }
    }
}

/// Calls the plugin. What it changed is forgotten if it fails.
fn call<T>(
    plugin: &Plugin,
    conversation: Option<String>,
    origin: Origin,
    run: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let before = fake::with(|fake| {
        fake.call = Some(fake::Call { conversation, origin, http_hosts: plugin.http_hosts.clone() });
        fake.effects.clone()
    });
    let outcome = run();
    fake::with(|fake| {
        fake.call = None;
        if outcome.is_err() {
            fake.effects = before;
        }
    });
    outcome
}

#[cfg(test)]
mod tests;
