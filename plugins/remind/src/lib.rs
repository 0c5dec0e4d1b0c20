//! `remind`: what must not be forgotten in a conversation. `/remind 30m call back` reminds of it when the time has come,
//! `/remind` lists what is to come, `/remind -` cancels it all, and `/remind - 2` the second of the list.
//!
//! A plugin cannot write into a conversation. It emits the event `plugin.remind.due` there, whose data has `text`,
//! `operator` (who asked for it) and `asked_at_ms`; the webhook or the plugin that takes this event tells people.
//!
//! The reminders of a conversation are one list in `kv`, the next to come first. A timer only says that the time has come:
//! what the list no longer has was cancelled, and what it has is taken out with the event's commit, so it is emitted once.

mod delay;

use delay::Delay;
use serde::{Deserialize, Serialize};
use slashbox_sdk::{Command, OrRefuse, Plugin, Result, Timer, events, export, kv, refuse, timers};
use std::fmt::Write;

export!(plugin);

/// The most characters of a text: it reminds, it is no note.
const TEXT_CHARS_MAX: usize = 150;
/// The most reminders of a conversation. With the longest texts, their list still fits into a reply.
const REMINDERS_MAX: usize = 20;

fn plugin() -> Plugin {
    Plugin::new("remind", env!("CARGO_PKG_VERSION"))
        .summary("What must not be forgotten in a conversation")
        .command(
            "/remind",
            "[TIME TEXT | - [NUMBER]]",
            "reminds of something later, lists what is to come, or cancels it",
            remind,
        )
        .on_timer(due)
}

/// A reminder as it is kept.
#[derive(Serialize, Deserialize)]
struct Reminder {
    /// Its timer's key.
    id: String,
    text: String,
    operator: Option<String>,
    asked_at_ms: u64,
    due_at_ms: u64,
}

/// The data of the event `plugin.remind.due`.
#[derive(Serialize)]
struct Due {
    text: String,
    operator: Option<String>,
    asked_at_ms: u64,
}

fn remind(command: Command) -> Result<String> {
    let key = command.conversation_key().or_refuse("/remind works only in a conversation")?;
    let words: Vec<&str> = command.arg_words().collect();
    match words.as_slice() {
        [] => list(&key, command.occurred_at_ms),
        ["-"] => cancel_all(&key),
        ["-", number] => cancel(&key, number),
        [time, text @ ..] => set(&key, time, text.join(" "), &command),
    }
}

fn set(key: &str, time: &str, text: String, command: &Command) -> Result<String> {
    let delay =
        Delay::parse(time).or_refuse(format!("{time:?} is no time. Try /remind 30m call back, or 2h, or 1d12h"))?;
    let chars = text.chars().count();
    if !(1..=TEXT_CHARS_MAX).contains(&chars) {
        refuse!("A reminder has 1 to {TEXT_CHARS_MAX} characters; this one has {chars}. Try /remind {time} call back");
    }
    let mut reminders = read(key)?;
    if reminders.len() >= REMINDERS_MAX {
        refuse!("A conversation has at most {REMINDERS_MAX} reminders. Cancel one with /remind - NUMBER");
    }
    let reply = format!("In {delay}: {text}");
    timers::set(&command.id, delay.into(), &())?;
    reminders.push(Reminder {
        id: command.id.clone(),
        text,
        operator: command.operator.clone(),
        asked_at_ms: command.occurred_at_ms,
        due_at_ms: command.occurred_at_ms.saturating_add(delay.ms()),
    });
    reminders.sort_by_key(|reminder| reminder.due_at_ms);
    write(key, &reminders)?;
    Ok(reply)
}

fn list(key: &str, now_ms: u64) -> Result<String> {
    let reminders = read(key)?;
    if reminders.is_empty() {
        return Ok("No reminders here. Set one with /remind 30m call back".to_owned());
    }
    let mut list = String::new();
    for (index, Reminder { text, due_at_ms, .. }) in reminders.iter().enumerate() {
        let left = Delay::of_ms(due_at_ms.saturating_sub(now_ms));
        writeln!(list, "{}. in {left}: {text}", index + 1)?;
    }
    Ok(list.trim_end().to_owned())
}

fn cancel_all(key: &str) -> Result<String> {
    let reminders = read(key)?;
    for reminder in &reminders {
        timers::cancel(&reminder.id)?;
    }
    write(key, &[])?;
    Ok(match reminders.len() {
        0 => "No reminders here".to_owned(),
        1 => "Cancelled".to_owned(),
        count => format!("Cancelled all {count}"),
    })
}

fn cancel(key: &str, number: &str) -> Result<String> {
    let mut reminders = read(key)?;
    let index = number.parse().ok().and_then(|number: usize| number.checked_sub(1));
    let known = index.filter(|index| *index < reminders.len());
    let reminder = reminders.remove(known.or_refuse(format!("There is no reminder {number}. /remind lists them"))?);
    timers::cancel(&reminder.id)?;
    write(key, &reminders)?;
    Ok(format!("Cancelled: {}", reminder.text))
}

fn due(timer: Timer) -> Result {
    let key = timer.conversation_key().or_refuse("a reminder outside a conversation")?;
    let mut reminders = read(&key)?;
    let Some(index) = reminders.iter().position(|reminder| reminder.id == timer.key) else { return Ok(()) };
    let Reminder { text, operator, asked_at_ms, .. } = reminders.remove(index);
    write(&key, &reminders)?;
    events::emit("due", &Due { text, operator, asked_at_ms })?;
    Ok(())
}

fn read(key: &str) -> Result<Vec<Reminder>> {
    Ok(kv::get(key)?.unwrap_or_default())
}

fn write(key: &str, reminders: &[Reminder]) -> Result {
    if reminders.is_empty() {
        kv::delete(key)?
    } else {
        kv::set(key, reminders)?
    }
    Ok(())
}

#[cfg(test)]
mod tests;
