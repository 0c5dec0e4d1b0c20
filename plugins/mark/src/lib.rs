//! `mark`: what state a conversation is in, for whoever opens it next. `/mark deal` sets its status, `/mark` shows it with
//! who set it and when, `/mark -` removes it.

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use serde::{Deserialize, Serialize};
use slashbox_sdk::{Command, OrRefuse, Plugin, Result, export, kv, refuse};
use std::fmt;

export!(plugin);

/// The most characters of a status: it is a label, not a note.
const STATUS_CHARS_MAX: usize = 200;

fn plugin() -> Plugin {
    Plugin::new("mark", env!("CARGO_PKG_VERSION")).summary("The status of a conversation").command(
        "/mark",
        "[STATUS | -]",
        "sets the status of this conversation, shows it, or removes it with -",
        mark,
    )
}

fn mark(command: Command) -> Result<String> {
    let key = command.conversation_key().or_refuse("/mark works only in a conversation")?;
    let status = command.arg_words().collect::<Vec<_>>().join(" ");
    match status.as_str() {
        "" => show(&key),
        "-" => remove(&key),
        _ => set(&key, Mark { status, by: command.operator, at_ms: command.occurred_at_ms }),
    }
}

fn show(key: &str) -> Result<String> {
    let mark: Option<Mark> = kv::get(key)?;
    Ok(mark.map_or("Not marked yet. Mark it with /mark STATUS".to_owned(), |mark| mark.to_string()))
}

fn remove(key: &str) -> Result<String> {
    kv::delete(key)?;
    Ok("No longer marked".to_owned())
}

fn set(key: &str, mark: Mark) -> Result<String> {
    let chars = mark.status.chars().count();
    if chars > STATUS_CHARS_MAX {
        refuse!("A status has at most {STATUS_CHARS_MAX} characters; this one has {chars}");
    }
    kv::set(key, &mark)?;
    Ok(format!("Marked: {}", mark.status))
}

/// A status as it is kept.
#[derive(Serialize, Deserialize)]
struct Mark {
    status: String,
    by: Option<String>,
    at_ms: u64,
}

/// `deal — marked by 123456 on 2025-10-08 20:41 UTC`, as far as it is known.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} — marked", self.status)?;
        if let Some(operator) = &self.by {
            write!(f, " by {operator}")?;
        }
        if let Some(at) = utc(self.at_ms) {
            let (date, hour, minute) = (at.date(), at.hour(), at.minute());
            write!(f, " on {date} {hour:02}:{minute:02} UTC")?;
        }
        Ok(())
    }
}

/// None if no calendar has it: a platform may send any number.
fn utc(since_epoch_ms: u64) -> Option<DateTime> {
    let timestamp = Timestamp::from_millisecond(since_epoch_ms.try_into().ok()?).ok()?;
    Some(Offset::UTC.to_datetime(timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use slashbox_sdk::{Failure, Origin, testing::Host};

    /// `/mark ARGS`, typed by 123456 in the conversation -100:5.
    fn command(args: &str) -> Command {
        Command::new("/mark").args(args).conversation("-100:5").operator("123456")
    }

    fn check(host: &Host, command: Command, expected: &str) {
        let reply = host.command(&plugin(), command).unwrap().unwrap();
        assert_eq!(reply, expected.into());
    }

    #[test]
    fn a_conversation_is_marked_shown_and_no_longer_marked() {
        let host = Host::new();
        check(&host, command(""), "Not marked yet. Mark it with /mark STATUS");
        check(&host, command("deal"), "Marked: deal");
        check(&host, command(""), "deal — marked by 123456 on 2025-10-08 20:41 UTC");
        check(&host, command("won, at last"), "Marked: won, at last");
        check(&host, command(""), "won, at last — marked by 123456 on 2025-10-08 20:41 UTC");
        check(&host, command("-"), "No longer marked");
        check(&host, command(""), "Not marked yet. Mark it with /mark STATUS");
        check(&host, command("-"), "No longer marked");
    }

    #[test]
    fn a_status_is_one_line() {
        let host = Host::new();
        check(&host, command("  in\n\tprogress "), "Marked: in progress");
        check(&host, command(" \n"), "in progress — marked by 123456 on 2025-10-08 20:41 UTC");
    }

    #[test]
    fn who_and_when_are_shown_as_far_as_they_are_known() {
        let host = Host::new();
        let check_shown = |command: Command, expected| {
            host.command(&plugin(), command).unwrap();
            check(&host, self::command(""), expected);
        };
        let by_nobody = Command::new("/mark").args("deal").conversation("-100:5");
        check_shown(by_nobody, "deal — marked on 2025-10-08 20:41 UTC");
        check_shown(command("deal").occurred_at_ms(0), "deal — marked by 123456 on 1970-01-01 00:00 UTC");
        check_shown(command("deal").occurred_at_ms(u64::MAX), "deal — marked by 123456");
    }

    #[test]
    fn each_conversation_of_each_source_has_its_own() {
        let host = Host::new();
        let origin = Origin { source: "sales".into(), ..Origin::default() };
        check(&host, command("deal"), "Marked: deal");
        check(&host, command("").conversation("-100:6"), "Not marked yet. Mark it with /mark STATUS");
        check(&host, command("").origin(origin), "Not marked yet. Mark it with /mark STATUS");
    }

    #[test]
    fn what_cannot_be_marked_is_refused() {
        let host = Host::new();
        let check_refused = |command, reason: &str| {
            assert_eq!(host.command(&plugin(), command), Err(Failure::refused(reason)));
        };
        check_refused(Command::new("/mark").args("deal"), "/mark works only in a conversation");
        check_refused(Command::new("/mark"), "/mark works only in a conversation");
        check(&host, command(&"ё".repeat(200)), &format!("Marked: {}", "ё".repeat(200)));
        check_refused(command(&"ё".repeat(201)), "A status has at most 200 characters; this one has 201");
    }
}
