//! What webhooks and plugins ask for in vain: patterns that nothing fits which their sources can send.
//!
//! Pure: a subscription and the sources go in, warnings come out. None of it is an error: a platform may send more tomorrow
//! than its document names today, and a program that embeds a host emits what it likes. So nothing is told where there is
//! no source at all.

use std::{collections::BTreeSet, fmt};

use slashbox_core::{Folder, Pattern, PluginId, Sender, Subscription, TIMER_FIRED, near};
use slashbox_dialects::{Dialect, Format, Kind, NAME_BYTES_MAX, Others};
use slashbox_runtime::{Catalog, Plugin};

use crate::{Source, WebhookId, host::did_you_mean, new::SOURCE};

/// The most lines of one subscriber: a plugin may have two hundred patterns, and the first ones show what is wrong.
const LINES_MAX: usize = 10;

/// The longest pattern that near names are looked for: no documented name is as long.
const NEAR_BYTES_MAX: usize = 64;

/// Something that a webhook or a plugin will not get as it asks for it, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Who asks.
    pub about: About,
    /// For what, and why it does not come.
    pub what: String,
}

/// Whom a warning is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A webhook.
    Webhook(WebhookId),
    /// A plugin.
    Plugin(PluginId),
}

/// `webhook crm: "dialog_close" matches nothing that the tenant's sources send, did you mean dialog_closed?`
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.about {
            About::Webhook(id) => write!(f, "webhook {id}: {}", self.what),
            About::Plugin(id) => write!(f, "plugin {id}: {}", self.what),
        }
    }
}

/// What is to be told of a webhook: what it asks for in vain, and what its format cannot say.
pub(crate) fn of_webhook<'s>(
    id: &WebhookId,
    subscription: &Subscription,
    format: Format,
    sources: impl Iterator<Item = &'s Source>,
) -> Vec<Warning> {
    let sources = sources.filter(|source| source.tenant == id.tenant).map(Sending::from).collect();
    let scope = Scope { sources, whose: Whose::Tenant };
    let mut lines = scope.in_vain(subscription, subscription.patterns.iter());
    lines.extend(without_commands(subscription, format));
    warnings(&About::Webhook(id.clone()), lines)
}

/// What is to be told of the plugins that serve.
pub(crate) fn of_plugins<'s>(
    catalog: &Catalog,
    sources: impl Iterator<Item = &'s Source> + Clone,
) -> BTreeSet<Warning> {
    catalog.plugins().flat_map(|plugin| of_plugin(catalog, plugin, sources.clone())).collect()
}

fn of_plugin<'s>(catalog: &Catalog, plugin: &Plugin, sources: impl Iterator<Item = &'s Source>) -> Vec<Warning> {
    let (id, subscription) = (plugin.id(), plugin.subscription());
    let (is_shared, whose) = match id.folder {
        Folder::Shared => (true, Whose::Any),
        Folder::Tenant(_) => (false, Whose::Tenant),
    };
    let is_served = |tenant: &str| id.folder.serves(tenant) && !(is_shared && catalog.has_own(tenant, &id.stem));
    let sources = sources.filter(|source| is_served(&source.tenant)).map(Sending::from).collect();
    // Its own timers come without being asked for, so that asking for them is no mistake.
    let asked_for = |pattern: &&Pattern| !matches!(pattern, Pattern::Kind(kind) if kind == TIMER_FIRED);
    let lines = Scope { sources, whose }.in_vain(subscription, subscription.patterns.iter().filter(asked_for));
    warnings(&About::Plugin(id.clone()), lines)
}

fn warnings(about: &About, mut lines: Vec<String>) -> Vec<Warning> {
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        lines.push("and more of that sort".into());
    }
    lines.into_iter().map(|what| Warning { about: about.clone(), what }).collect()
}

/// The commands that come to a webhook as events, since its format knows nothing else.
fn without_commands(subscription: &Subscription, format: Format) -> Vec<String> {
    if format.has_commands() || !subscription.takes_sender(Sender::Operator) {
        return Vec::new();
    }
    let commands = subscription.patterns.iter().filter(|pattern| is_command(pattern));
    let line = |command: &Pattern| {
        let as_event = "it comes as an event of that name, and what is answered is read all the same";
        format!("{:?}: the format {format} has no commands, {as_event}", command.to_string())
    };
    commands.map(line).collect()
}

fn is_command(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Command(_) | Pattern::EveryCommand)
}

/// A source, as far as it says what may come.
#[derive(Clone, Copy, Debug)]
struct Sending<'s> {
    source: &'s str,
    sends: Sends,
}

/// What a dialect can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sends {
    kinds: &'static [Kind],
    others: Others,
    has_commands: bool,
}

impl From<Dialect> for Sends {
    fn from(dialect: Dialect) -> Self {
        Self { kinds: dialect.kinds(), others: dialect.others(), has_commands: dialect.has_commands() }
    }
}

impl<'s> From<&'s Source> for Sending<'s> {
    fn from(source: &'s Source) -> Self {
        Self { source: &source.name, sends: source.dialect.into() }
    }
}

/// The sources whose events somebody may get.
struct Scope<'s> {
    sources: Vec<Sending<'s>>,
    whose: Whose,
}

/// Whose sources these are.
#[derive(Clone, Copy)]
enum Whose {
    /// A tenant's.
    Tenant,
    /// Those of every tenant that a shared plugin serves.
    Any,
}

impl Scope<'_> {
    /// What of a subscription never comes, in words.
    fn in_vain<'p>(&self, subscription: &Subscription, patterns: impl Iterator<Item = &'p Pattern>) -> Vec<String> {
        if self.sources.is_empty() {
            return Vec::new();
        }
        let mut lines = self.unknown_sources(subscription);
        let mut sends = Vec::<Sends>::new();
        for sending in self.sources.iter().filter(|sending| subscription.takes_source(sending.source)) {
            if !sends.contains(&sending.sends) {
                sends.push(sending.sends);
            }
        }
        if !sends.is_empty() {
            let never = patterns.filter_map(|pattern| self.never(pattern, subscription, &sends));
            lines.extend(never.take(LINES_MAX + 1));
        }
        lines
    }

    fn unknown_sources(&self, subscription: &Subscription) -> Vec<String> {
        let known = || self.sources.iter().map(|sending| sending.source);
        let is_unknown = |name: &&String| **name != SOURCE && !known().any(|known| known == **name);
        let line = |name: &String| {
            let near: Vec<String> = near(name, known()).into_iter().map(Into::into).collect();
            let has_none = match self.whose {
                Whose::Tenant => "the tenant has no source",
                Whose::Any => "no tenant has a source",
            };
            format!("{has_none} {name:?}{}", did_you_mean(&near))
        };
        subscription.sources.iter().filter(is_unknown).take(LINES_MAX + 1).map(line).collect()
    }

    /// Why a pattern never matches what these send; none if it may.
    fn never(&self, pattern: &Pattern, subscription: &Subscription, sends: &[Sends]) -> Option<String> {
        if may_come(pattern, sends, |sender| subscription.takes_sender(sender)) {
            return None;
        }
        let text = pattern.to_string();
        if may_come(pattern, sends, |_| true) {
            let senders: Vec<&str> = subscription.senders.iter().map(|sender| sender.name()).collect();
            return Some(format!("{text:?} matches nothing that its senders write: {}", senders.join(", ")));
        }
        if is_command(pattern) {
            return Some(format!("{text:?} matches nothing: none of its sources has commands"));
        }
        let send = match (subscription.sources.as_slice(), self.whose) {
            ([], Whose::Tenant) => "the tenant's sources send",
            ([], Whose::Any) => "any source sends",
            _ => "its sources send",
        };
        Some(format!("{text:?} matches nothing that {send}{}", did_you_mean(near_name(&text, sends).as_slice())))
    }
}

/// Whether something may come that a pattern covers, written by one of these senders.
fn may_come(pattern: &Pattern, sends: &[Sends], takes: impl Fn(Sender) -> bool) -> bool {
    let text = match pattern {
        Pattern::Command(_) | Pattern::EveryCommand => {
            return takes(Sender::Operator) && sends.iter().any(|sends| sends.has_commands);
        }
        Pattern::Kind(text) | Pattern::Native(text) => text,
    };
    let is_below = |first: &str| text.split_once('.').is_some_and(|(part, _)| part == first);
    let is_all = text.split('.').all(|part| part == "*");
    // Of what a platform's document does not name, nobody knows who writes it; of what plugins emit, everybody does.
    let unknown = is_below("native") || (is_all && takes(Sender::Unknown));
    let emitted = (is_below("plugin") || is_all) && takes(Sender::System);
    let documented = |kind: &Kind| {
        let written = kind.senders.iter().any(|&sender| takes(sender));
        written && pattern.covers(kind.canonical, kind.native)
    };
    let beyond = |others: Others| match others {
        Others::Kind => true,
        // Of a longer one, the beginning alone is kept.
        Others::Chosen(kind) => pattern.covers(kind, "") || (!text.contains('*') && text.len() <= NAME_BYTES_MAX),
        Others::Native => false,
    };
    let sent = |sends: &Sends| sends.kinds.iter().any(documented) || beyond(sends.others);
    unknown || emitted || sends.iter().any(sent)
}

/// The documented name, or pattern of them, that is nearest to one that matches nothing.
fn near_name(text: &str, sends: &[Sends]) -> Option<String> {
    if text.len() > NEAR_BYTES_MAX {
        return None;
    }
    let mut known = BTreeSet::new();
    for kind in sends.iter().flat_map(|sends| sends.kinds) {
        match kind.canonical.split_once('.') {
            Some((first, _)) if text.contains('*') => drop(known.insert(format!("{first}.*"))),
            _ => known.extend([kind.native.to_owned(), kind.canonical.to_owned()]),
        }
    }
    near(text, known.iter().map(String::as_str)).first().map(|&nearest| nearest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As one that lets the authors of its flows name events.
    const FLOWS: Sends = Sends {
        kinds: &[
            Kind { native: "incoming_message", canonical: "message.received", senders: &[Sender::Contact] },
            Kind { native: "outgoing_message", canonical: "message.sent", senders: &[Sender::Bot] },
        ],
        others: Others::Chosen("flow.reached"),
        has_commands: false,
    };

    fn hotline() -> Sends {
        Dialect::HOTLINE.into()
    }

    fn subscription(patterns: &[&str], senders: &[Sender], sources: &[&str]) -> Subscription {
        Subscription {
            patterns: patterns.iter().map(|pattern| pattern.parse().unwrap()).collect(),
            sources: sources.iter().map(ToString::to_string).collect(),
            senders: senders.to_vec(),
        }
    }

    /// What is told of a subscription to a tenant's sources, which are named `a`, `b` and so on.
    fn lines(sends: &[Sends], subscription: &Subscription) -> Vec<String> {
        let sources = ["a", "b", "c"].into_iter().zip(sends).map(|(source, &sends)| Sending { source, sends });
        let scope = Scope { sources: sources.collect(), whose: Whose::Tenant };
        scope.in_vain(subscription, subscription.patterns.iter())
    }

    /// What is told of each pattern, `-` if nothing is.
    fn check(sends: &[Sends], senders: &[Sender], cases: &[(&str, &str)]) {
        for (pattern, expected) in cases {
            let told = lines(sends, &subscription(&[pattern], senders, &[]));
            let expected: Vec<String> =
                if *expected == "-" { Vec::new() } else { vec![format!("{pattern:?} matches nothing{expected}")] };
            assert_eq!(told, expected, "{pattern}");
        }
    }

    #[test]
    fn what_no_source_sends_is_told_with_what_is_near() {
        check(
            &[hotline()],
            &[],
            &[
                ("dialog_closed", "-"),
                ("conversation.closed", "-"),
                ("message.*", "-"),
                ("*.closed", "-"),
                ("*", "-"),
                ("*.*", "-"),
                ("/mark", "-"),
                ("/*", "-"),
                ("native.dialog_pinned", "-"),
                ("native.*", "-"),
                ("plugin.invoice.paid", "-"),
                ("dialog_close", " that the tenant's sources send, did you mean dialog_closed?"),
                ("message.recieved", " that the tenant's sources send, did you mean message.received?"),
                ("Dialog_closed", " that the tenant's sources send, did you mean dialog_closed?"),
                ("messages.*", " that the tenant's sources send, did you mean message.*?"),
                ("message.received.*", " that the tenant's sources send"),
                ("Reserved. Apartment #3", " that the tenant's sources send"),
                ("flow.reached", " that the tenant's sources send"),
                ("native", " that the tenant's sources send"),
                ("slashbox.test", " that the tenant's sources send"),
                ("timer.fired", " that the tenant's sources send"),
            ],
        );
    }

    #[test]
    fn of_senders_those_count_that_write_it() {
        let senders = " that its senders write: contact";
        check(
            &[hotline()],
            &[Sender::Contact],
            &[
                ("message.received", "-"),
                ("message.*", "-"),
                ("native.x", "-"),
                ("*", "-"),
                ("message.sent", senders),
                ("message_sent", senders),
                ("conversation.*", senders),
                ("plugin.*", senders),
                ("/mark", senders),
                ("/*", senders),
                ("message.snt", " that the tenant's sources send, did you mean message.sent?"),
            ],
        );
        check(&[hotline()], &[Sender::Bot], &[("*", " that its senders write: bot")]);
        check(&[hotline()], &[Sender::Unknown], &[("*", "-"), ("message.*", " that its senders write: unknown")]);
        check(&[FLOWS], &[Sender::System], &[("*", "-"), ("message.*", " that its senders write: system")]);
        check(&[hotline()], &[Sender::Bot, Sender::Operator], &[("message.sent", "-"), ("/mark", "-")]);
    }

    #[test]
    fn a_name_that_somebody_chose_may_be_any() {
        let nothing = " that the tenant's sources send";
        check(
            &[FLOWS],
            &[],
            &[
                ("Reserved. Apartment #3", "-"),
                ("dialog_close", "-"),
                ("flow.reached", "-"),
                ("flow.*", "-"),
                ("conversation.*", nothing),
                ("/mark", ": none of its sources has commands"),
                ("/*", ": none of its sources has commands"),
            ],
        );
        let long = "x".repeat(NAME_BYTES_MAX);
        check(&[FLOWS], &[], &[(&long, "-"), (&format!("{long}x"), nothing)]);
        check(&[FLOWS, hotline()], &[], &[("conversation.*", "-"), ("/mark", "-")]);
    }

    #[test]
    fn the_native_api_sends_anything() {
        let native = Dialect::NATIVE.into();
        let all = [("a", "-"), ("a.*", "-"), ("a b", "-"), ("message.sent", "-"), ("/mark", "-")];
        check(&[native], &[], &all);
        check(&[native], &[Sender::Bot], &all[..4]);
        check(&[native], &[Sender::Bot], &[("/mark", " that its senders write: bot")]);
    }

    #[test]
    fn without_a_source_nothing_is_told() {
        check(&[], &[Sender::Bot], &[("dialog_close", "-"), ("/mark", "-"), ("*", "-")]);
        assert_eq!(lines(&[], &subscription(&["x"], &[], &["nowhere"])), [""; 0]);
    }

    #[test]
    fn sources_are_those_of_the_subscription() {
        let told =
            |sources: &[&str]| lines(&[hotline(), FLOWS], &subscription(&["/mark", "dialog_close"], &[], sources));
        assert_eq!(told(&[]), [""; 0]);
        assert_eq!(
            told(&["a"]),
            ["\"dialog_close\" matches nothing that its sources send, did you mean dialog_closed?"]
        );
        assert_eq!(told(&["b"]), ["\"/mark\" matches nothing: none of its sources has commands"]);
        assert_eq!(told(&["x", SOURCE]), ["the tenant has no source \"x\""]);
        let scope = Scope { sources: vec![Sending { source: "sales", sends: FLOWS }], whose: Whose::Any };
        let wanted = subscription(&["conversation.*"], &[], &["salse"]);
        let told = scope.in_vain(&wanted, wanted.patterns.iter());
        assert_eq!(told, ["no tenant has a source \"salse\", did you mean sales?"]);
        let wanted = subscription(&["conversation.*"], &[], &[]);
        let told = scope.in_vain(&wanted, wanted.patterns.iter());
        assert_eq!(told, ["\"conversation.*\" matches nothing that any source sends"]);
    }

    #[test]
    fn a_format_without_commands_is_told() {
        let told = |format: Format, senders: &[Sender]| {
            without_commands(&subscription(&["/mark", "/*", "message.*"], senders, &[]), format)
        };
        let without = Format::Dialect(Dialect::TG_STAFF);
        let why = "the format tg-staff has no commands, it comes as an event of that name, and what is answered is read \
                   all the same";
        assert_eq!(told(without, &[]), [format!("\"/mark\": {why}"), format!("\"/*\": {why}")]);
        assert_eq!(told(without, &[Sender::Contact]), [""; 0]);
        for with in [Format::AsReceived, Format::Dialect(Dialect::HOTLINE), Format::Standard, Format::CloudEvents] {
            assert_eq!(told(with, &[]), [""; 0], "{with}");
        }
    }

    #[test]
    fn of_many_lines_the_first_are_told() {
        let id = WebhookId { tenant: "acme".into(), name: "crm".into() };
        let told = |count: usize| {
            let lines = (0..count).map(|line| line.to_string()).collect();
            warnings(&About::Webhook(id.clone()), lines).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(1), ["webhook crm of acme: 0"]);
        assert_eq!(told(LINES_MAX).last().unwrap(), "webhook crm of acme: 9");
        assert_eq!(told(LINES_MAX + 3)[LINES_MAX..], ["webhook crm of acme: and more of that sort"]);
    }
}
