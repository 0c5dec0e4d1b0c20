//! Which events a pattern covers.
//!
//! Invariants, the host's too: a command's pattern covers no other event, and `*` covers no command; a pattern with `*` is
//! about canonical kinds alone.

/// Whether a pattern covers an event: it fits the canonical kind, or is literally the native one, without a `*`.
pub(crate) fn covers(pattern: &str, kind: &str, native_kind: &str) -> bool {
    match (pattern.starts_with('/'), kind.starts_with('/')) {
        (true, true) => pattern == "/*" || pattern == kind,
        (false, false) => (pattern == native_kind && !pattern.contains('*')) || fits(pattern, kind),
        // A platform's own name may well look like a command; only the canonical kind says what it is.
        (true, false) | (false, true) => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, covered: &[&str], others: &[&str]) {
        for kind in covered {
            assert!(fits(pattern, kind), "{pattern} should fit {kind}");
        }
        for kind in others {
            assert!(!fits(pattern, kind), "{pattern} should not fit {kind}");
        }
    }

    #[test]
    fn stars_stand_for_whole_parts() {
        check(
            "conversation.closed",
            &["conversation.closed"],
            &["conversation", "conversation.closed.now", "x.closed"],
        );
        check("message.*", &["message.sent", "message.sent.now"], &["message", "messages.sent", "conversation.closed"]);
        check("*", &["a", "message.sent", "native.x.y"], &[""]);
        check("*.closed", &["conversation.closed"], &["closed", "conversation.opened", "a.b.closed"]);
        check("a.*.c", &["a.b.c"], &["a.c", "a.b.b.c", "a.b"]);
        check("mess*", &["mess*"], &["message"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn native_names_are_taken_literally() {
        assert!(covers("dialog_closed", "conversation.closed", "dialog_closed"));
        assert!(covers("Reserved. Apartment #3", "flow.reached", "Reserved. Apartment #3"));
        assert!(!covers("what.*", "flow.reached", "what.*"), "a flow's title may have stars in it");
        assert!(!covers("dialog.*", "conversation.closed", "dialog.closed"));
        assert!(!covers("dialog_opened", "conversation.closed", "dialog_closed"));
    }

    #[test]
    fn commands_have_patterns_of_their_own() {
        let check = |pattern: &str, covered: &[&str], others: &[&str]| {
            for kind in covered {
                assert!(covers(pattern, kind, kind), "{pattern} should cover {kind}");
            }
            for kind in others {
                assert!(!covers(pattern, kind, kind), "{pattern} should not cover {kind}");
            }
        };
        check("/mark", &["/mark"], &["/marks", "/mark.deal", "mark", "message.sent"]);
        check("/*", &["/mark", "/mark.deal"], &["mark", "message.sent", ""]);
        check("*", &["mark"], &["/mark", "/mark.deal"]);
        check("*.*", &["mark.deal"], &["/mark", "/mark.deal"]);
        check("message.*", &["message.sent"], &["/message.sent"]);
        assert!(!covers("/promo", "flow.reached", "/promo"), "a flow that is named like a command is none");
        assert!(!covers("/*", "flow.reached", "/promo"));
        assert!(!covers("mark", "/mark", "mark"));
    }
}
