//! What Hotline calls its events, and what slashbox does.

use slashbox_core::Sender;

/// The most bytes of an unknown name that become part of a kind, so that a subscription can still name it.
const UNKNOWN_BYTES_MAX: usize = 128;

/// One of the platform's events.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The platform's name.
    pub(super) native: &'static str,
    /// Ours.
    pub(super) canonical: &'static str,
    /// Who wrote what it tells of. An intercepted message is one that left from a parallel session of the account.
    pub(super) sender: Sender,
}

/// All that the platform documents; read both ways.
const KINDS: [Kind; 6] = [
    kind("dialog_created", "conversation.created", Sender::System),
    kind("dialog_reopened", "conversation.reopened", Sender::System),
    kind("dialog_closed", "conversation.closed", Sender::System),
    kind("message_received", "message.received", Sender::Contact),
    kind("message_sent", "message.sent", Sender::Operator),
    kind("message_intercepted", "message.intercepted", Sender::Operator),
];

const fn kind(native: &'static str, canonical: &'static str, sender: Sender) -> Kind {
    Kind { native, canonical, sender }
}

pub(super) fn of_native(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.native == name)
}

pub(super) fn of_canonical(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.canonical == name)
}

/// The kind of an event that nobody knows: `native.` and its name. Letters, digits, `_`, `-` and the dots between them
/// stay; anything else becomes `_`, since no subscription could name it. What is longer than [`UNKNOWN_BYTES_MAX`] is
/// cut.
pub(super) fn unknown(name: &str) -> String {
    let mut kind = String::from("native.");
    for c in beginning(name).chars() {
        let fits = c.is_alphanumeric() || matches!(c, '_' | '-') || (c == '.' && !kind.ends_with('.'));
        kind.push(if fits { c } else { '_' });
    }
    if kind.ends_with('.') {
        kind.pop();
        kind.push('_');
    }
    kind
}

/// A name as it is kept beside its kind: the platform's own, cut as [`unknown`] is.
pub(super) fn beginning(name: &str) -> &str {
    name.get(..name.floor_char_boundary(UNKNOWN_BYTES_MAX)).unwrap_or(name)
}
