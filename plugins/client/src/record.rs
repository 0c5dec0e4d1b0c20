//! What is kept of a conversation, and how an event adds to it in whatever order events come.

use serde::{Deserialize, Serialize};
use slashbox_sdk::Event;

/// The most characters of the last words that are kept: they remind, they are no archive.
const WORDS_CHARS_MAX: usize = 200;
/// The most characters of a client's name.
const TITLE_CHARS_MAX: usize = 100;
/// The most characters of a status. The plugin `mark` refuses longer ones, so they mark nothing.
const STATUS_CHARS_MAX: usize = 200;

/// All that is known of the client of a conversation.
#[derive(Default, Serialize, Deserialize)]
pub struct Record {
    pub first_seen_ms: Option<u64>,
    pub received: u64,
    pub sent: u64,
    pub contact: Option<Latest<String>>,
    pub title: Option<Latest<String>>,
    pub words: Option<Latest<String>>,
    /// That a mark was removed is kept too: an older one may come later.
    pub mark: Option<Latest<Mark>>,
}

/// The latest of several values, and when it was that.
#[derive(Serialize, Deserialize)]
pub struct Latest<T> {
    pub value: T,
    pub at_ms: u64,
}

/// What `/mark` did.
#[derive(Serialize, Deserialize)]
pub struct Mark {
    /// None if it removed the status.
    pub status: Option<String>,
    pub by: Option<String>,
}

/// What a Hotline dialog's data says of its client.
#[derive(Deserialize)]
struct Dialog {
    title: String,
}

impl Record {
    /// What every event tells: that the conversation was there, and whom it is with.
    pub fn see(&mut self, event: &Event) {
        let at_ms = event.occurred_at_ms;
        self.first_seen_ms = Some(self.first_seen_ms.map_or(at_ms, |first_ms| first_ms.min(at_ms)));
        if let Some(contact) = &event.contact {
            replace(&mut self.contact, contact.clone(), at_ms);
        }
    }

    /// Takes the client's words. A picture without any leaves the last ones.
    pub fn hear(&mut self, event: &Event) {
        let words = one_line(event.text.as_deref().unwrap_or_default(), WORDS_CHARS_MAX);
        if !words.is_empty() {
            replace(&mut self.words, words, event.occurred_at_ms);
        }
    }

    /// Takes the client's name, where the platform gives it.
    pub fn describe(&mut self, event: &Event) {
        let title = event.data().map_or(String::new(), |dialog: Dialog| one_line(&dialog.title, TITLE_CHARS_MAX));
        if !title.is_empty() {
            replace(&mut self.title, title, event.occurred_at_ms);
        }
    }

    pub fn mark(&mut self, mark: Mark, at_ms: u64) {
        replace(&mut self.mark, mark, at_ms);
    }
}

impl Mark {
    /// What a `/mark` sets or removes, read as the plugin `mark` reads it; none if it does neither.
    pub fn from_event(event: &Event) -> Option<Self> {
        let words: Vec<&str> = event.text.as_deref().unwrap_or_default().split_whitespace().collect();
        let status = words.join(" ");
        if status.is_empty() || status.chars().count() > STATUS_CHARS_MAX {
            return None;
        }
        Some(Self { status: Some(status).filter(|status| status != "-"), by: event.operator.clone() })
    }
}

/// Of two values of the same time the one that came later is the latest: platforms count in seconds.
fn replace<T>(latest: &mut Option<Latest<T>>, value: T, at_ms: u64) {
    if latest.as_ref().is_none_or(|latest| latest.at_ms <= at_ms) {
        *latest = Some(Latest { value, at_ms });
    }
}

/// The text with single spaces, and with an ellipsis if it is cut.
fn one_line(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars_max {
        return line;
    }
    let cut: String = line.chars().take(chars_max - 1).collect();
    format!("{}…", cut.trim_end())
}
