//! Texts of others, made fit for a terminal: what platforms, plugins and remotes say is shown, and does nothing.

use jiff::{Timestamp, tz::TimeZone};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text in which everything is visible: what would move the cursor, or the letters around it, is written as its code.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if acts(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// As [`plain`], of a text whose lines and columns are its own.
pub(super) fn plain_lines(text: &str) -> String {
    let shown = |c: char| if c == '\t' { c.to_string() } else { plain(c.encode_utf8(&mut [0; 4])) };
    let plain_line = |line: &str| line.strip_suffix('\r').unwrap_or(line).chars().map(shown).collect::<String>();
    text.split('\n').map(plain_line).collect::<Vec<_>>().join("\n")
}

/// JSON of the same value, in which nothing does more than be read.
///
/// Where a control character stands in JSON is known: in a string, or, if it is a line's end, between the values.
pub(super) fn plain_json(json: &str) -> String {
    let shown = |c: char| match c {
        '\n' => "\n".into(),
        '\t' | '\r' => " ".into(),
        c if acts(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    json.chars().map(shown).collect()
}

/// Control characters, those that turn the direction of what follows, and other ends of lines and paragraphs.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text, in at most so many columns.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let mut left = columns.saturating_sub(1); // For the ellipsis.
    let fits = |c: &char| {
        let width = c.width().unwrap_or_default();
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    let beginning: String = text.chars().take_while(fits).collect();
    format!("{beginning}…")
}

/// A time of the API's in a list: without the year, if it is this one.
pub(super) fn short_time(time: &str) -> String {
    short_time_in(time, Timestamp::now().to_zoned(TimeZone::UTC).year())
}

fn short_time_in(time: &str, this_year: i16) -> String {
    let Ok(timestamp) = time.parse::<Timestamp>() else { return plain(time) };
    let zoned = timestamp.to_zoned(TimeZone::UTC);
    let form = if zoned.year() == this_year { "%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    zoned.strftime(form).to_string()
}

/// A time of the API's in full.
pub(super) fn long_time(time: &str) -> String {
    let Ok(timestamp) = time.parse::<Timestamp>() else { return plain(time) };
    timestamp.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        for (text, expected) in [
            ("plain, счёт, 請求書 🙂", "plain, счёт, 請求書 🙂"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\n\tb", "a\\r\\n\\tb"),
            ("\u{9b}31m\u{7f}\u{0}", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{61c}\u{200f}\u{2028}\u{2029}\u{2067}", "\\u{61c}\\u{200f}\\u{2028}\\u{2029}\\u{2067}"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn lines_stay_lines() {
        for (text, expected) in [
            ("a\n\tb\r\nc\n", "a\n\tb\nc\n"),
            ("shown\rhidden", "shown\\rhidden"),
            ("a\u{1b}]0;title\u{7}\n\u{202e}b", "a\\u{1b}]0;title\\u{7}\n\\u{202e}b"),
        ] {
            assert_eq!(plain_lines(text), expected);
        }
    }

    #[test]
    fn json_stays_what_it_is() {
        let json = "{\r\n\t\"a\": \"\u{9b}31m\u{202e}\\u001b\", \"n\": 12345678901234567890123}";
        let shown = plain_json(json);
        assert_eq!(shown, "{ \n \"a\": \"\\u009b31m\\u202e\\u001b\", \"n\": 12345678901234567890123}");
        let parse = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(parse(&shown), parse(json));
    }

    #[test]
    fn a_cut_is_no_wider_than_it_may_be() {
        for (text, columns, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("請求書", 6, "請求書"),
            ("請求書", 5, "請求…"),
            ("請求書", 4, "請…"),
            ("ab", 1, "…"),
        ] {
            assert_eq!(cut(text, columns), expected);
        }
    }

    #[test]
    fn times() {
        assert_eq!(short_time_in("2025-10-09T00:21:57.042Z", 2025), "10-09 00:21:57");
        assert_eq!(short_time_in("2025-10-09T00:21:57.042Z", 2026), "2025-10-09 00:21");
        assert_eq!(short_time_in("\u{1b}", 2026), "\\u{1b}");
        assert_eq!(long_time("2025-10-09T00:21:57.042Z"), "2025-10-09 00:21:57.042 UTC");
    }
}
