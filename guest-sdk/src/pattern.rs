//! Which events a pattern covers.

/// Whether a pattern covers an event: it fits the canonical kind, or is literally the native one.
pub(crate) fn covers(pattern: &str, kind: &str, native_kind: &str) -> bool {
    pattern == native_kind || fits(pattern, kind)
}

/// A `*` stands for one dotted part; as the last one, for one or more.
fn fits(pattern: &str, kind: &str) -> bool {
    match (pattern.split_once('.'), kind.split_once('.')) {
        (None, _) if pattern == "*" => !kind.is_empty(),
        (None, None) => pattern == kind,
        (Some((first, rest)), Some((part, others))) => (first == "*" || first == part) && fits(rest, others),
        (None, Some(_)) | (Some(_), None) => false,
    }
}
