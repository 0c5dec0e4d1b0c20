//! Who wants which events: patterns, and what narrows them.
//!
//! Pure. Invariants: `*` covers no command, and a command's pattern no event; a pattern with `*` is about canonical kinds
//! alone, whatever a platform's names look like.

use std::{fmt, str::FromStr};

use crate::{CommandName, Event, Sender};

/// The most bytes of a pattern: several times the longest kind.
const PATTERN_BYTES_MAX: usize = 200;

/// Which events or commands are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// A command, e.g. `/mark`.
    Command(CommandName),
    /// Every command: `/*`.
    EveryCommand,
    /// A canonical kind or one with `*` for a dotted part (`conversation.closed`, `message.*`); without one, also
    /// literally a platform's own name (`dialog_closed`).
    Kind(String),
    /// Literally a platform's own name that no kind could be: `Reserved. Apartment #3`.
    Native(String),
}

/// A text that matches nothing that happens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?}: {expected}")]
pub struct PatternError {
    pattern: String,
    expected: &'static str,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        if let Some(expected) = expected_instead(pattern) {
            return Err(PatternError { pattern: pattern.chars().take(100).collect(), expected });
        }
        if pattern == "/*" {
            return Ok(Self::EveryCommand);
        }
        if pattern.starts_with('/') {
            let expected = "expected a command such as `/mark` or `/*`";
            return pattern.parse().map(Self::Command).map_err(|_| PatternError { pattern: pattern.into(), expected });
        }
        let is_part = |part: &str| part == "*" || (!part.is_empty() && part.chars().all(is_word));
        if pattern.split('.').all(is_part) {
            Ok(Self::Kind(pattern.into()))
        } else if pattern.contains('*') {
            let expected = "expected `*` for whole parts between the dots, such as `message.*`";
            Err(PatternError { pattern: pattern.into(), expected })
        } else {
            Ok(Self::Native(pattern.into()))
        }
    }
}

/// What is expected of any pattern, if this text is not so.
fn expected_instead(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        Some(
            "expected a kind such as `conversation.closed`, `message.*` or `*`, a platform's own name, or a command such \
             as `/mark` or `/*`",
        )
    } else if pattern.len() > PATTERN_BYTES_MAX {
        Some("expected at most 200 bytes")
    } else if pattern.trim() != pattern || pattern.contains(char::is_control) {
        Some("expected no white space at its ends and no control characters")
    } else {
        None
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
            Self::Kind(text) | Self::Native(text) => f.write_str(text),
        }
    }
}

impl Pattern {
    /// Whether it covers a command.
    pub fn covers_command(&self, name: &str) -> bool {
        match self {
            Self::Command(command) => command.as_str() == name,
            Self::EveryCommand => true,
            Self::Kind(_) | Self::Native(_) => false,
        }
    }

    /// Whether it covers an event by its canonical and its native kind; of a command, both are its name.
    pub fn covers(&self, kind: &str, native_kind: &str) -> bool {
        match self {
            Self::Kind(_) | Self::Native(_) if kind.starts_with('/') => false,
            Self::Kind(pattern) if pattern.contains('*') => fits(pattern, kind),
            Self::Kind(name) => name == native_kind || name == kind,
            Self::Native(name) => name == native_kind,
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

/// What a subscriber wants to get.
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

    /// Whether it takes what comes from this one.
    pub fn takes_source(&self, source: &str) -> bool {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        let check = |texts: &[&str], is_such: fn(&Pattern) -> bool| {
            for &text in texts {
                let pattern = text.parse::<Pattern>();
                assert_eq!(pattern.as_ref().map(ToString::to_string).as_deref(), Ok(text));
                assert!(pattern.is_ok_and(|pattern| is_such(&pattern)), "{text}");
            }
        };
        let kinds = ["*", "message.*", "*.closed", "dialog_closed", "conversation.closed", "счёт"];
        check(&kinds, |pattern| matches!(pattern, Pattern::Kind(_)));
        check(&["/mark"], |pattern| matches!(pattern, Pattern::Command(_)));
        check(&["/*"], |pattern| matches!(pattern, Pattern::EveryCommand));
        let names = ["Reserved. Apartment #3", "a b", "message.", ".", "message..sent", "1/2", "\"\"", "🏠"];
        check(&names, |pattern| matches!(pattern, Pattern::Native(_)));
    }

    #[test]
    fn what_is_no_pattern_is_told_what_was_expected() {
        let check = |texts: &[&str], expected: &str| {
            for text in texts {
                let error = text.parse::<Pattern>().unwrap_err().to_string();
                let shown: String = text.chars().take(100).collect();
                assert!(error.starts_with(&format!("{shown:?}: expected {expected}")), "{error}");
            }
        };
        check(&[""], "a kind such as `conversation.closed`, `message.*` or `*`, a platform's own name, or a command");
        check(&["mess*", "**", "message.*.", "Flow *", "a b.*", "*."], "`*` for whole parts between the dots");
        check(&["/", "/a/b", "/a*", "/a b", "/*/"], "a command such as `/mark` or `/*`");
        check(&[" a", "a ", " ", "a\u{a0}", "a\nb", "a\u{7f}", "\0"], "no white space at its ends and no control");
        let most = "x ".repeat(PATTERN_BYTES_MAX / 2 - 1) + "xx";
        assert_eq!(most.parse(), Ok(Pattern::Native(most.clone())));
        check(&[&(most + "x"), &"x".repeat(PATTERN_BYTES_MAX + 1)], "at most 200 bytes");
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
    fn a_platforms_own_name_is_taken_literally() {
        let covers =
            |pattern: &str, native_kind: &str| pattern.parse::<Pattern>().unwrap().covers("flow.reached", native_kind);
        assert!(covers("Reserved. Apartment #3", "Reserved. Apartment #3"));
        assert!(!covers("Reserved. Apartment #3", "Reserved. Apartment #33"));
        assert!(covers("dialog_closed", "dialog_closed") && !covers("dialog_close", "dialog_closed"));
        assert!(covers("message.sent", "message.sent"), "whatever the flow's author called it");
        assert!(!covers("message.*", "message.*") && !covers("*.*.*", "*.*.*") && covers("flow.*", "x"));
        assert!(!covers("/mark", "/mark") && !covers("/*", "/mark"), "a title is no command");
    }

    /// Names of words, stars, dots, slashes and blanks, many of which are patterns too.
    fn name() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof!["[a-c]", Just(".".into()), Just("*".into()), "[/ #]"], 1..6)
            .prop_map(|parts: Vec<String>| parts.concat())
    }

    /// `*` stands for one dotted part; as the last one, for one or more: once more, by lists.
    fn fits_by_parts(pattern: &str, kind: &str) -> bool {
        let (pattern, kind): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), kind.split('.').collect());
        let same = |(wanted, part): (&&str, &&str)| *wanted == "*" || wanted == part;
        let length = match pattern.last() {
            Some(&"*") => kind.len() >= pattern.len(),
            _ => kind.len() == pattern.len(),
        };
        length && pattern.iter().zip(&kind).all(same)
    }

    proptest! {
        #[test]
        fn what_a_text_covers(text in name(), kind in "[a-c](\\.[a-c]){0,2}", native in name()) {
            let Ok(pattern) = text.parse::<Pattern>() else {
                let is_name = text.trim() == text && !text.starts_with('/') && !text.contains('*');
                prop_assert!(!is_name, "{text:?} could be a platform's name");
                return Ok(());
            };
            prop_assert_eq!(pattern.to_string(), text.clone());
            let literal = !text.starts_with('/') && !text.contains('*') && text == native;
            let fits = is_kind(&text.replace('*', "x")) && fits_by_parts(&text, &kind);
            prop_assert_eq!(pattern.covers(&kind, &native), literal || fits);
            let command = format!("/{kind}");
            prop_assert_eq!(pattern.covers(&command, &command), text == "/*" || text == command);
        }
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
