//! The words that the operator wants to hear of, and how often they were written.
//!
//! A keyword is found as whole words, in any case: letters and digits make words, everything else parts them. So `money
//! back` is found in "MONEY-BACK!", and `fund` not in "refund".

use crate::{
    Side,
    tally::{self, Tally},
};
use slashbox_sdk::{Event, Result, settings};
use std::fmt;

/// The most keywords: each is looked for in every message, and has two counters a day.
const KEYWORDS_MAX: usize = 50;
/// The most characters of one, so that it fits a key.
const CHARS_MAX: usize = 100;

/// What the setting `KEYWORDS` says.
#[derive(Default)]
pub struct Keywords {
    keywords: Vec<Keyword>,
    /// What it says, but is not looked for.
    left_out: Vec<String>,
}

/// A word or a phrase.
struct Keyword {
    written: String,
    /// As it is looked for, and as its key spells it.
    words: String,
}

/// Counts the message once for each keyword in it.
pub fn count(event: &Event, side: Side) -> Result {
    let Some(text) = &event.text else { return Ok(()) };
    let words = words(text);
    for keyword in &Keywords::from_settings().keywords {
        if contains(&words, &keyword.words) {
            tally::add(event.occurred_at_ms, &keyword.key(side), 1)?;
        }
    }
    Ok(())
}

impl Keyword {
    fn key(&self, side: Side) -> String {
        format!("said/{}/{}", side.name(), self.words)
    }
}

impl Keywords {
    pub fn from_settings() -> Self {
        settings::get("KEYWORDS").map_or_else(Self::default, |setting| Self::parse(&setting))
    }

    /// What is empty or there already is passed over; what cannot be looked for is left out, and said.
    fn parse(setting: &str) -> Self {
        let mut parsed = Self::default();
        for written in setting.split(',').map(str::trim).filter(|written| !written.is_empty()) {
            let words = words(written);
            if parsed.keywords.iter().any(|keyword| keyword.words == words) {
                continue;
            }
            if words.is_empty() || words.chars().count() > CHARS_MAX || parsed.keywords.len() == KEYWORDS_MAX {
                parsed.left_out.push(written.chars().take(CHARS_MAX).collect());
            } else {
                parsed.keywords.push(Keyword { written: written.to_owned(), words });
            }
        }
        parsed
    }

    /// `refund: today 1 + 0, 7 days 3 + 1, 30 days 3 + 1`, a line each.
    pub fn write(&self, f: &mut fmt::Formatter<'_>, tallies: &[Tally]) -> fmt::Result {
        if self.keywords.is_empty() {
            writeln!(f, "No keywords yet. Set them in plugins/watch.toml:\n[settings]")?;
            writeln!(f, "KEYWORDS = \"refund, chargeback\"")?;
        } else {
            writeln!(f, "Messages of clients + operators with")?;
        }
        for keyword in &self.keywords {
            let counts = tallies.iter().map(|tally| {
                let [clients, operators] = [Side::Client, Side::Operator].map(|side| tally.of(&keyword.key(side)));
                format!("{} {clients} + {operators}", tally.period.name)
            });
            writeln!(f, "{}: {}", keyword.written, counts.collect::<Vec<_>>().join(", "))?;
        }
        if !self.left_out.is_empty() {
            write!(f, "Left out of KEYWORDS: {}", self.left_out.join(", "))?;
            writeln!(f, " (at most {KEYWORDS_MAX}, each with a letter or a digit and at most {CHARS_MAX} characters)")?;
        }
        Ok(())
    }
}

/// The words of a text with single spaces between, in one case. Upper case comes first, so that what has several small
/// forms (`ς` and `σ`, `ß` and `ss`) has one.
fn words(text: &str) -> String {
    let parted = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let in_one_case = |word: &str| word.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    parted.map(in_one_case).collect::<Vec<String>>().join(" ")
}

fn contains(words: &str, phrase: &str) -> bool {
    format!(" {words} ").contains(&format!(" {phrase} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found_in_any_case() {
        let check = |text: &str, keyword: &str, expected: bool| {
            assert_eq!(contains(&words(text), &words(keyword)), expected, "{keyword} in {text}");
        };
        check("I want a Refund!", "refund", true);
        check("refunds, prefund", "refund", false);
        check("My MONEY-\nback, please", "money back", true);
        check("money, not back", "money back", false);
        check("money backs", "money back", false);
        check("ВЕРНИТЕ деньги", "верните Деньги", true);
        check("Straße", "STRASSE", true);
        check("ΟΔΟΣ", "οδος", true);
        check("I can't wait 24/7", "can't", true);
        check("I can't wait 24/7", "24/7", true);
        check("", "refund", false);
    }

    #[test]
    fn keywords_are_parted_by_commas() {
        let check = |setting: &str, keywords: &[&str], left_out: &[&str]| {
            let parsed = Keywords::parse(setting);
            let written: Vec<_> = parsed.keywords.iter().map(|keyword| keyword.written.as_str()).collect();
            assert_eq!(written, keywords);
            assert_eq!(parsed.left_out, left_out);
        };
        check("", &[], &[]);
        check(" , ,", &[], &[]);
        check("Refund,money  back ,refund, REFUND!", &["Refund", "money  back"], &[]);
        check("!?, a", &["a"], &["!?"]);
        let longest = "ё".repeat(100);
        check(&longest, &[&longest], &[]);
        check(&format!("{longest}ё"), &[], &[&longest]);
        let numbers: Vec<String> = (1..=51).map(|number| number.to_string()).collect();
        let fifty: Vec<&str> = numbers.iter().take(50).map(String::as_str).collect();
        check(&numbers.join(","), &fifty, &["51"]);
    }
}
