//! What platforms call their events, and what slashbox does.

use slashbox_core::Sender;

/// The most bytes of a name that become part of an event, so that a subscription can still name it.
pub const NAME_BYTES_MAX: usize = 128;

/// One of a platform's events. A platform may have several kinds under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The platform's name.
    pub native: &'static str,
    /// Ours.
    pub canonical: &'static str,
    /// Who may have written what it tells of, the likeliest first.
    pub senders: &'static [Sender],
}

impl Kind {
    pub(crate) const fn new(native: &'static str, canonical: &'static str, senders: &'static [Sender]) -> Self {
        Self { native, canonical, senders }
    }

    /// The likeliest.
    pub(crate) fn sender(&self) -> Sender {
        self.senders.first().copied().unwrap_or(Sender::Unknown)
    }
}

pub(crate) fn of_native(kinds: &'static [Kind], name: &str) -> Option<&'static Kind> {
    kinds.iter().find(|kind| kind.native == name)
}

/// What a platform calls a kind: its own name where its document has one, else ours.
pub(crate) fn native_of<'k>(kinds: &[Kind], canonical: &'k str) -> &'k str {
    kinds.iter().find(|kind| kind.canonical == canonical).map_or(canonical, |kind| kind.native)
}

/// The kind of an event that nobody knows: `native.` and its name. Letters, digits, `_`, `-` and the dots between them
/// stay; anything else becomes `_`, since no pattern could name it. What is longer than [`NAME_BYTES_MAX`] is cut.
pub(crate) fn unknown(name: &str) -> String {
    let mut kind = String::from("native.");
    for c in beginning(name).chars() {
        let fits = c.is_alphanumeric() || matches!(c, '_' | '-') || (c == '.' && !kind.ends_with('.'));
        kind.push(if fits { c } else { '_' });
    }
    if kind.ends_with('.') {
        kind.pop();
        kind.push('_');
    }
    if kind == "native_" { "native.unnamed".into() } else { kind }
}

/// A name as it is kept beside its kind: the platform's own, cut as [`unknown`] is.
pub(crate) fn beginning(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or(name)
}
