//! The same thing said in the same words: what plugins declare, who answers what they declare, which files do not serve.
//!
//! Invariant: what comes out of here is [`plain`].

use super::text::plain;

/// A command with what follows its name.
pub(super) fn usage(name: &str, usage: &str) -> String {
    plain(&if usage.is_empty() { name.to_owned() } else { format!("{name} {usage}") })
}

/// A setting, and how much it is needed.
pub(super) fn setting(name: &str, required: bool, secret: bool) -> String {
    let need = if required { "required" } else { "optional" };
    let secret = if secret { ", secret" } else { "" };
    plain(&format!("{name} ({need}{secret})"))
}

/// What a webhook wants, in a line: a platform's own name may have blanks in it.
pub(super) fn events<E: ToString>(events: &[E]) -> String {
    let quoted = |event: &E| {
        let event = event.to_string();
        if event.contains(char::is_whitespace) { format!("{event:?}") } else { event }
    };
    plain(&events.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

/// Who answers a command: a plugin, or else a webhook; for a tenant if it is not so for all.
pub(super) fn answered_by(command: &str, tenant: Option<&str>, owner: Option<&str>) -> String {
    let owner = owner.unwrap_or("a webhook");
    let of = tenant.map(|tenant| format!(" of {tenant}")).unwrap_or_default();
    plain(&format!("{command}{of} is answered by {owner}"))
}

/// As [`answered_by`], and who declares it too.
pub(super) fn conflict(command: &str, tenant: Option<&str>, owner: Option<&str>, others: &[String]) -> String {
    format!("{}, though {} too declares it", answered_by(command, tenant, owner), plain(&others.join(", ")))
}

/// A file that does not serve as it is, and why.
pub(super) fn not_served(path: &str, what: &str, last_good_serves: bool) -> String {
    let serving = if last_good_serves { "; the last good version serves" } else { "" };
    plain(&format!("{path}: {what}{serving}"))
}
