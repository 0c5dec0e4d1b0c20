//! What the operator gets to see.

/// The most UTF-16 code units that a reply has: Telegram's limit of a message's length.
pub const REPLY_UNITS_MAX: usize = 4_096;

/// What stands where a text was cut; one code unit.
const ELLIPSIS: char = '…';

/// How a reply's text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Shown as it is.
    #[default]
    Plain,
    /// Telegram's MarkdownV2, escaped by whoever wrote it.
    MarkdownV2,
}

/// What the operator gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The text as it goes out.
    pub text: String,
    /// How the text is written.
    pub format: Format,
}

/// A reply was longer than a platform takes, and lost its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How long it was, in UTF-16 code units.
    pub from_units: usize,
}

impl Reply {
    /// Cuts the text to [`REPLY_UNITS_MAX`] at a character's boundary, the ellipsis included. Says so if it did.
    pub fn cut(&mut self) -> Option<Cut> {
        if self.text.len() <= REPLY_UNITS_MAX {
            return None; // A text never has more code units than bytes.
        }
        let from_units = self.text.encode_utf16().count();
        if from_units <= REPLY_UNITS_MAX {
            return None;
        }
        let end = end_of_units(&self.text, REPLY_UNITS_MAX - ELLIPSIS.len_utf16());
        self.text.truncate(end);
        self.text.push(ELLIPSIS);
        Some(Cut { from_units })
    }
}

/// The byte at which the longest beginning of at most `units` code units ends.
fn end_of_units(text: &str, units: usize) -> usize {
    let mut left = units;
    let fits = |&(_, c): &(usize, char)| match left.checked_sub(c.len_utf16()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.char_indices().take_while(fits).last().map_or(0, |(start, c)| start + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> (String, Option<Cut>) {
        let mut reply = Reply { text: text.into(), format: Format::Plain };
        let cut = reply.cut();
        (reply.text, cut)
    }

    #[test]
    fn at_the_limit_and_over_it() {
        let at = "x".repeat(4_096);
        assert_eq!(cut(&at), (at.clone(), None));
        let over = "x".repeat(4_097);
        assert_eq!(cut(&over), ("x".repeat(4_095) + "…", Some(Cut { from_units: 4_097 })));
        let wide = "ы".repeat(4_096);
        assert_eq!(cut(&wide), (wide.clone(), None));
    }

    #[test]
    fn an_emoji_at_the_cut_goes_as_a_whole() {
        let text = "x".repeat(4_094) + "😀" + &"y".repeat(904);
        assert_eq!(cut(&text), ("x".repeat(4_094) + "…", Some(Cut { from_units: 5_000 })));
        let text = "x".repeat(4_093) + "😀" + &"y".repeat(905);
        assert_eq!(cut(&text).0, "x".repeat(4_093) + "😀…");
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning_and_as_long_as_it_can_be(text in "[a-я😀]{0,40}", times in 1usize..400) {
            let text = text.repeat(times);
            let units = text.encode_utf16().count();
            let (short, was_cut) = cut(&text);
            prop_assert_eq!(was_cut.is_some(), units > REPLY_UNITS_MAX);
            if let Some(Cut { from_units }) = was_cut {
                prop_assert_eq!(from_units, units);
                let kept = short.strip_suffix('…').unwrap();
                prop_assert!(text.starts_with(kept));
                let short_units = short.encode_utf16().count();
                prop_assert!((REPLY_UNITS_MAX - 1..=REPLY_UNITS_MAX).contains(&short_units));
            } else {
                prop_assert_eq!(short, text);
            }
        }
    }
}
