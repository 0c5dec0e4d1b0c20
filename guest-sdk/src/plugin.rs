//! A plugin as its author writes it down, and how it finds the handler for what comes.

use crate::{Command, Event, Failure, IntoDone, IntoReply, Reply, Result, Timer, pattern, timers};
use std::fmt;

/// What a plugin is, what it answers and what it wants.
///
/// The function given to [`export!`](crate::export) makes it, at each call anew. All texts are the author's own
/// constants; the host checks them when it loads the plugin, and says which one it does not take.
///
/// ```
/// use slashbox_sdk::{Command, Event, Plugin, Result, settings};
///
/// fn plugin() -> Plugin {
///     Plugin::new("invoice", env!("CARGO_PKG_VERSION"))
///         .summary("Invoices from the CRM")
///         .command("/invoice", "NUMBER [CURRENCY]", "shows an invoice", invoice)
///         .on("conversation.closed", closed)
///         .http_host("crm.example.com")
///         .required_setting("CRM_URL", "where the CRM is")
///         .required_secret("CRM_TOKEN", "what the CRM knows us by")
/// }
///
/// fn invoice(command: Command) -> Result<String> {
///     Ok(format!("{}/invoices/{}", settings::require("CRM_URL")?, command.args))
/// }
///
/// fn closed(event: Event) {
///     // …
/// }
/// # slashbox_sdk::testing::Host::new().event(&plugin(), Event::new("conversation.closed")).unwrap();
/// ```
pub struct Plugin {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) commands: Vec<(CommandSpec, CommandHandler)>,
    pub(crate) events: Vec<(&'static str, EventHandler)>,
    pub(crate) http_hosts: Vec<&'static str>,
    pub(crate) settings: Vec<SettingSpec>,
}

// What the closures in them capture is a pointer to the author's function. It is called through that pointer, so it is
// never inlined, and a trap's backtrace has its name.
type CommandHandler = Box<dyn Fn(Command) -> Result<Option<Reply>>>;
type EventHandler = Box<dyn Fn(Event) -> Result>;

/// A command that the plugin answers.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only the host reads all of it"))]
pub(crate) struct CommandSpec {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) summary: &'static str,
}

/// A setting that the plugin reads.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only the host reads all of it"))]
pub(crate) struct SettingSpec {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) secret: bool,
    pub(crate) required: bool,
}

impl Plugin {
    /// A plugin that does nothing yet. The name is for people: a plugin's identity is its file's name. The version is
    /// its own, `env!("CARGO_PKG_VERSION")` as a rule.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            summary: "",
            commands: Vec::new(),
            events: Vec::new(),
            http_hosts: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// What the plugin is for, in one line.
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Answers a command with a function.
    ///
    /// * `name` has its slash: `/` and 1 to 64 characters, none of them white space, `/`, `*` or a control character.
    /// * `usage` says what follows the name, e.g. `NUMBER [CURRENCY]`; empty if nothing does.
    /// * `summary` says what it does, in one line.
    /// * `handler` is a function, or a closure that captures nothing; it may return whatever [`IntoReply`] lists.
    pub fn command<R: IntoReply + 'static>(
        mut self,
        name: &'static str,
        usage: &'static str,
        summary: &'static str,
        handler: fn(Command) -> R,
    ) -> Self {
        let handler: CommandHandler = Box::new(move |command| handler(command).into_reply());
        self.commands.push((CommandSpec { name, usage, summary }, handler));
        self
    }

    /// Takes events with a function, or a closure that captures nothing, which returns `()` or a [`Result`].
    ///
    /// The pattern is a canonical kind (`conversation.closed`), a platform's own name, whatever its characters
    /// (`dialog_closed`), or has `*` for a whole dotted part of a canonical kind, the last one standing for all that follow
    /// too (`message.*`, `*`). If several patterns cover an event, all their handlers run, in the order in which they were
    /// bound, until one fails.
    ///
    /// A pattern may also be a command to observe: `/mark` is that one, `/*` is each of them, and no other pattern covers
    /// a command. When somebody types it and another plugin or a remote answers, this plugin gets it as an event, which
    /// changes nothing about the answer: `kind` and `native_kind` are the command's name, `text` is its arguments,
    /// `operator` typed it, and the sender is [`Sender::Operator`](crate::Sender::Operator). A test makes such an event
    /// of a [`Command`]:
    ///
    /// ```
    /// use slashbox_sdk::{Command, Event, Plugin, log, testing::Host};
    ///
    /// fn plugin() -> Plugin {
    ///     Plugin::new("audit", "1.0.0").on("/mark", |event: Event| log::info!("{:?} marks", event.operator))
    /// }
    ///
    /// let host = Host::new();
    /// host.event(&plugin(), Command::new("/mark").args("deal").operator("7").into()).unwrap();
    /// assert_eq!(host.log()[0].text, "Some(\"7\") marks");
    /// ```
    pub fn on<R: IntoDone + 'static>(mut self, pattern: &'static str, handler: fn(Event) -> R) -> Self {
        let handler: EventHandler = Box::new(move |event| handler(event).into_done());
        self.events.push((pattern, handler));
        self
    }

    /// Takes the plugin's own timers with a function, or a closure that captures nothing, which returns `()` or a
    /// [`Result`]. See [`timers`](crate::timers).
    ///
    /// One handler gets the timers of all keys. A timer is the event `timer.fired`, which comes to the plugin that set it
    /// and to no other, so no pattern has to ask for it; a handler of [`on`](Self::on) whose pattern covers it, as `*`
    /// does, gets it too.
    pub fn on_timer<R: IntoDone + 'static>(mut self, handler: fn(Timer) -> R) -> Self {
        let handler: EventHandler = Box::new(move |event| handler(event.into()).into_done());
        self.events.push((timers::FIRED, handler));
        self
    }

    /// Asks to reach a host over [HTTP](crate::http): `crm.example.com`, any name below it with `*.example.com`, another
    /// port than the scheme's own with `pay.example.com:8443`, or with `*` whichever the operator grants. The operator
    /// decides in any case.
    pub fn http_host(mut self, host: &'static str) -> Self {
        self.http_hosts.push(host);
        self
    }

    /// Reads a setting, which may be missing. Its name has letters, digits and `_`, no digit first.
    pub fn setting(self, name: &'static str, summary: &'static str) -> Self {
        self.add_setting(SettingSpec { name, summary, secret: false, required: false })
    }

    /// Reads a setting without which the plugin cannot do its work.
    pub fn required_setting(self, name: &'static str, summary: &'static str) -> Self {
        self.add_setting(SettingSpec { name, summary, secret: false, required: true })
    }

    /// Reads a setting whose value must never be shown, and which may be missing.
    pub fn secret(self, name: &'static str, summary: &'static str) -> Self {
        self.add_setting(SettingSpec { name, summary, secret: true, required: false })
    }

    /// Reads a setting whose value must never be shown, and without which the plugin cannot do its work.
    pub fn required_secret(self, name: &'static str, summary: &'static str) -> Self {
        self.add_setting(SettingSpec { name, summary, secret: true, required: true })
    }

    fn add_setting(mut self, setting: SettingSpec) -> Self {
        self.settings.push(setting);
        self
    }

    /// The patterns that events are bound to, each once. Timers come without being asked for.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &'static str> {
        let is_first =
            |index: usize, pattern: &str| !self.events.iter().take(index).any(|(other, _)| *other == pattern);
        let asked_for = move |(index, pattern): &(usize, &str)| *pattern != timers::FIRED && is_first(*index, pattern);
        self.events.iter().map(|(pattern, _)| *pattern).enumerate().filter(asked_for).map(|(_, pattern)| pattern)
    }

    pub(crate) fn on_command(&self, command: Command) -> Result<Option<Reply>> {
        match self.commands.iter().find(|(spec, _)| spec.name == command.name) {
            Some((_, handler)) => handler(command),
            None => Err(Failure::refused(format!("plugin {:?} has no command {}", self.name, command.name))),
        }
    }

    /// An event that no handler is bound to is refused, not lost: it shows up as a dead letter.
    pub(crate) fn on_event(&self, event: &Event) -> Result {
        let bound = |pattern: &str| pattern::covers(pattern, &event.kind, &event.native_kind);
        let mut handlers = self.events.iter().filter(|(pattern, _)| bound(pattern)).peekable();
        if handlers.peek().is_none() {
            let Event { kind, native_kind, .. } = event;
            let name = self.name;
            return Err(Failure::refused(format!(
                "plugin {name:?} takes no event {kind:?} (natively {native_kind:?})"
            )));
        }
        handlers.try_for_each(|(_, handler)| handler(event.clone()))
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("summary", &self.summary)
            .field("commands", &self.commands.iter().map(|(spec, _)| spec).collect::<Vec<_>>())
            .field("events", &self.patterns().collect::<Vec<_>>())
            .field("http_hosts", &self.http_hosts)
            .field("settings", &self.settings)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log;

    /// Its handlers log that they ran.
    fn plugin() -> Plugin {
        Plugin::new("p", "1.0.0")
            .command("/one", "", "", |_| "1")
            .command("/two", "", "", |_| "2")
            .on("message.*", |_| log::info!("first"))
            .on("dialog_closed", |_| log::info!("native"))
            .on("message.sent", |event| if event.attempt > 1 { Err(Failure::unavailable("no")) } else { Ok(()) })
            .on("message.*", |_| log::info!("last"))
    }

    /// The handlers that ran for an event.
    fn check_event(event: Event, ran: &[&str], outcome: Result) {
        let host = crate::testing::Host::new();
        assert_eq!(host.event(&plugin(), event), outcome);
        assert_eq!(host.log().iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ran);
    }

    #[test]
    fn each_command_has_its_handler() {
        let host = crate::testing::Host::new();
        assert_eq!(host.command(&plugin(), Command::new("/one")), Ok(Some("1".into())));
        assert_eq!(host.command(&plugin(), Command::new("/two")), Ok(Some("2".into())));
        let unknown = host.command(&plugin(), Command::new("/three"));
        assert_eq!(unknown, Err(Failure::refused("plugin \"p\" has no command /three")));
    }

    #[test]
    fn an_event_goes_to_all_handlers_that_want_it() {
        check_event(Event::new("message.received"), &["first", "last"], Ok(()));
        check_event(Event::new("message.sent"), &["first", "last"], Ok(()));
        check_event(Event::new("conversation.closed").native_kind("dialog_closed"), &["native"], Ok(()));
    }

    #[test]
    fn a_command_is_observed_by_its_own_handlers_alone() {
        let plugin = Plugin::new("p", "1.0.0")
            .on("*", |_| log::info!("event"))
            .on("/mark", |_| log::info!("mark"))
            .on("/*", |_| log::info!("command"));
        let check = |event: Event, ran: &[&str]| {
            let host = crate::testing::Host::new();
            host.event(&plugin, event).unwrap();
            assert_eq!(host.log().iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ran);
        };
        check(Command::new("/mark").into(), &["mark", "command"]);
        check(Command::new("/close").into(), &["command"]);
        check(Event::new("flow.reached").native_kind("/mark"), &["event"]);
    }

    #[test]
    fn the_first_failure_ends_an_event() {
        check_event(Event::new("message.sent").attempt(2), &["first"], Err(Failure::unavailable("no")));
    }

    #[test]
    fn an_event_that_nobody_wants_is_refused() {
        let failure = Failure::refused("plugin \"p\" takes no event \"a.b\" (natively \"c\")");
        check_event(Event::new("a.b").native_kind("c"), &[], Err(failure));
    }

    #[test]
    fn each_pattern_is_declared_once() {
        assert_eq!(plugin().patterns().collect::<Vec<_>>(), ["message.*", "dialog_closed", "message.sent"]);
    }

    #[test]
    fn timers_need_no_pattern() {
        let plugin = Plugin::new("p", "1.0.0")
            .on_timer(|timer| log::info!("timer {}", timer.key))
            .on("*", |event| log::info!("event {}", event.kind))
            .on("timer.fired", |_| log::info!("fired"));
        assert_eq!(plugin.patterns().collect::<Vec<_>>(), ["*"]);
        let host = crate::testing::Host::new();
        host.event(&plugin, Event::new("timer.fired").message("tea")).unwrap();
        host.event(&plugin, Event::new("message.sent")).unwrap();
        let ran: Vec<_> = host.log().into_iter().map(|line| line.text).collect();
        assert_eq!(ran, ["timer tea", "event timer.fired", "fired", "event message.sent"]);
    }
}
