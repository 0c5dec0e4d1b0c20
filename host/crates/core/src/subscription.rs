//! Who wants which events: patterns, and what narrows them.
//!
//! Pure. Invariant: `*` covers no command, and a command's pattern no event.

use std::{fmt, str::FromStr};

use crate::{CommandName, Event, Sender};

/// The most bytes of a pattern: several times the longest kind.
const PATTERN_BYTES_MAX: usize = 200;

/// Which events or commands are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// A command, e.g. `/mark`.
    Command(CommandName),
    /// Every command: `/*`.
    EveryCommand,
    /// A canonical kind or one with `*` for a dotted part (`conversation.closed`, `message.*`), or literally a platform's
    /// own name (`dialog_closed`).
    Kind(String),
}

/// A text that matches nothing that happens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{pattern:?}: expected a kind such as `conversation.closed`, `message.*` or `*`, or a command such as `/mark` or `/*`"
)]
pub struct PatternError {
    pattern: String,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        let error = || PatternError { pattern: pattern.chars().take(100).collect() };
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(error());
        }
        if pattern == "/*" {
            return Ok(Self::EveryCommand);
        }
        if pattern.starts_with('/') {
            return pattern.parse().map(Self::Command).map_err(|_| error());
        }
        let is_part = |part: &str| part == "*" || (!part.is_empty() && part.chars().all(is_word));
        if pattern.split('.').all(is_part) { Ok(Self::Kind(pattern.into())) } else { Err(error()) }
    }
}

/// Whether a text can be the kind of an event: what a pattern without stars covers.
pub fn is_kind(text: &str) -> bool {
    !text.contains('*') && matches!(text.parse(), Ok(Pattern::Kind(_)))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => name.fmt(f),
            Self::EveryCommand => f.write_str("/*"),
            Self::Kind(pattern) => f.write_str(pattern),
        }
    }
}

impl Pattern {
    /// Whether it covers a command.
    pub fn covers_command(&self, name: &str) -> bool {
        match self {
            Self::Command(command) => command.as_str() == name,
            Self::EveryCommand => true,
            Self::Kind(_) => false,
        }
    }

    /// Whether it covers an event by its canonical and its native kind; of a command, both are its name.
    pub fn covers(&self, kind: &str, native_kind: &str) -> bool {
        match self {
            Self::Kind(_) if kind.starts_with('/') => false,
            Self::Kind(pattern) => pattern == native_kind || fits(pattern, kind),
            Self::Command(_) | Self::EveryCommand => kind.starts_with('/') && self.covers_command(kind),
        }
    }
}

/// A `*` stands for one dotted part; as the last one, for one or more.
fn fits(pattern: &str, kind: &str) -> bool {
    match (pattern.split_once('.'), kind.split_once('.')) {
        (None, _) if pattern == "*" => true,
        (None, None) => pattern == kind,
        (Some((first, rest)), Some((part, others))) => (first == "*" || first == part) && fits(rest, others),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// What a remote webhook wants to get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Any of these.
    pub patterns: Vec<Pattern>,
    /// From these sources; from all of the tenant's if there are none.
    pub sources: Vec<String>,
    /// Written by these; by anybody if there are none.
    pub senders: Vec<Sender>,
}

impl Subscription {
    /// Whether it covers an event.
    pub fn covers(&self, event: &Event) -> bool {
        self.takes_source(&event.origin.source)
            && self.takes_sender(event.sender)
            && self.patterns.iter().any(|pattern| pattern.covers(&event.kind, &event.native_kind))
    }

    /// Whether it covers a command: those who answer it, and those who want to know of it.
    pub fn covers_command(&self, name: &str, source: &str) -> bool {
        self.takes_sender(Sender::Operator)
            && self.takes_source(source)
            && self.patterns.iter().any(|pattern| pattern.covers_command(name))
    }

    /// Whether it takes what this one writes; commands are written by operators.
    pub fn takes_sender(&self, sender: Sender) -> bool {
        self.senders.is_empty() || self.senders.contains(&sender)
    }

    fn takes_source(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|own| own == source)
    }
}

/// Who gets events, for a tenant: what is kept for it belongs to this name, wherever it is reached at present.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId {
    /// Whose events.
    pub tenant: String,
    /// Which sort.
    pub kind: SubscriberKind,
    /// The stem of a plugin's file, or a webhook's name.
    pub name: String,
}

/// Which sort of subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubscriberKind {
    /// A plugin of this host.
    Plugin,
    /// A remote webhook.
    Webhook,
}

impl SubscriberKind {
    /// Its name in the store and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for SubscriberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no sort of subscriber.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no sort of subscriber: expected plugin or webhook")]
pub struct SubscriberKindError(String);

impl FromStr for SubscriberKind {
    type Err = SubscriberKindError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = [Self::Plugin, Self::Webhook].into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| SubscriberKindError(name.into()))
    }
}

/// `plugin mark`, or `webhook crm of acme` for another tenant than `default`.
impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)?;
        if self.tenant == "default" { Ok(()) } else { write!(f, " of {}", self.tenant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for valid in ["*", "message.*", "*.closed", "dialog_closed", "conversation.closed", "/mark", "/*", "счёт"] {
            assert_eq!(valid.parse::<Pattern>().map(|pattern| pattern.to_string()).as_deref(), Ok(valid));
        }
        for invalid in ["", ".", "message.", "mess*", "a b", "/", "/a/b", "/a*", "**", "message..sent"] {
            let error = invalid.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{invalid:?}: expected")), "{error}");
        }
    }

    fn check(pattern: &str, covered: &[&str], others: &[&str]) {
        let pattern: Pattern = pattern.parse().unwrap();
        for kind in covered {
            assert!(pattern.covers(kind, "native"), "{pattern} should cover {kind}");
        }
        for kind in others {
            assert!(!pattern.covers(kind, "native"), "{pattern} should not cover {kind}");
        }
    }

    #[test]
    fn stars_stand_for_whole_parts() {
        check(
            "conversation.closed",
            &["conversation.closed"],
            &["conversation", "conversation.closed.now", "x.closed"],
        );
        check("message.*", &["message.sent", "message.sent.now"], &["message", "messages.sent", "/message.sent"]);
        check("*", &["a", "message.sent", "native.x.y"], &["/mark", "/a.b"]);
        check("*.closed", &["conversation.closed"], &["closed", "conversation.opened", "a.b.closed", "/a.closed"]);
        check("native", &["anything"], &["/native"]);
        check("/mark", &["/mark"], &["mark", "/marks", "/mark.x"]);
        check("/*", &["/mark", "/x"], &["mark", "message.sent"]);
    }

    #[test]
    fn a_subscription_is_narrowed_by_sources_and_senders() {
        let patterns = vec!["message.*".parse().unwrap(), "/mark".parse().unwrap()];
        let all = Subscription { patterns: patterns.clone(), ..Subscription::default() };
        let sources = Subscription { sources: vec!["sales".into()], ..all.clone() };
        let contacts = Subscription { senders: vec![Sender::Contact], ..all.clone() };
        assert!(all.covers_command("/mark", "support") && !all.covers_command("/other", "support"));
        assert!(sources.covers_command("/mark", "sales") && !sources.covers_command("/mark", "support"));
        assert!(!contacts.covers_command("/mark", "sales"));
        let event = |source: &str, sender| Event {
            id: String::new(),
            kind: "message.received".into(),
            native_kind: "message_received".into(),
            conversation: None,
            contact: None,
            operator: None,
            sender,
            message: None,
            text: None,
            occurred_at_ms: 0,
            origin: crate::Origin {
                tenant: "default".into(),
                source: source.into(),
                dialect: "hotline".into(),
                instance: None,
            },
            data: String::new(),
            envelope: String::new(),
            hops: 0,
        };
        assert!(all.covers(&event("support", Sender::Unknown)));
        assert!(
            sources.covers(&event("sales", Sender::Unknown)) && !sources.covers(&event("support", Sender::Contact))
        );
        assert!(contacts.covers(&event("sales", Sender::Contact)) && !contacts.covers(&event("sales", Sender::Bot)));
    }
}
