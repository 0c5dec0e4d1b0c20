//! `watch`: how support is doing. `/watch` shows how often the configured keywords were written, how fast operators
//! answered, and who still waits, over all conversations of the tenant.
//!
//! What all conversations share is counted by increments, which commute: but for a day's first count, no event runs again
//! because of another's. What else is read and written belongs to one conversation, whose events come one after the
//! other. A call's writes count once, so all counts are exact. A day is a day of UTC, by when things happened.

mod answers;
mod keywords;
mod period;
mod tally;
mod turn;

use answers::Answers;
use keywords::Keywords;
use slashbox_sdk::{Command, Event, Plugin, Result, Sender, export};
use std::fmt;
use tally::Tally;
use turn::Waiting;

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("watch", env!("CARGO_PKG_VERSION"))
        .summary("Keywords counted, response times, who waits")
        .setting("KEYWORDS", "words and phrases to count, with commas between: refund, money back")
        .command("/watch", "", "shows how often keywords were written, how fast operators answer, and who waits", show)
        .on("message.received", written)
        .on("message.sent", written)
        .on("message.intercepted", written)
        .on("conversation.closed", closed)
}

/// Who writes.
#[derive(Clone, Copy)]
enum Side {
    Client,
    Operator,
}

impl Side {
    /// None of a bot: what it sends is no operator's answer. Where somebody of the staff is in the conversation and the
    /// platform does not tell them from its bots, it is taken as theirs.
    fn of(event: &Event) -> Option<Self> {
        match event.sender {
            Sender::Contact => Some(Self::Client),
            Sender::Operator => Some(Self::Operator),
            Sender::Unknown if event.kind == "message.received" => Some(Self::Client),
            Sender::Unknown => Some(Self::Operator),
            Sender::Bot => event.operator.is_some().then_some(Self::Operator),
            Sender::System => None,
        }
    }

    /// As keys spell it.
    fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Operator => "operator",
        }
    }
}

fn written(event: Event) -> Result {
    let Some(side) = Side::of(&event) else { return Ok(()) };
    keywords::count(&event, side)?;
    let Some(conversation) = event.conversation_key() else { return Ok(()) };
    match side {
        Side::Client => turn::asked(&conversation, event.occurred_at_ms),
        Side::Operator => match turn::settled(&conversation, event.occurred_at_ms)? {
            Some(after_ms) => answers::count(event.occurred_at_ms, after_ms),
            None => Ok(()),
        },
    }
}

/// Whoever closes a conversation has nothing left to answer.
fn closed(event: Event) -> Result {
    if let Some(conversation) = event.conversation_key() {
        turn::settled(&conversation, event.occurred_at_ms)?;
    }
    Ok(())
}

fn show(command: Command) -> Result<String> {
    let now_ms = command.occurred_at_ms;
    let report = Report {
        keywords: Keywords::from_settings(),
        tallies: Tally::of_all_periods(now_ms)?,
        waiting: Waiting::read(now_ms)?,
    };
    Ok(report.to_string())
}

/// All that `/watch` shows.
struct Report {
    keywords: Keywords,
    tallies: [Tally; period::ALL.len()],
    waiting: Waiting,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keywords.write(f, &self.tallies)?;
        writeln!(f, "\nOperators answered")?;
        for tally in &self.tallies {
            writeln!(f, "{}: {}", tally.period.name, Answers::of(tally))?;
        }
        write!(f, "\nWaiting now: {}", self.waiting)
    }
}

#[cfg(test)]
mod tests;
