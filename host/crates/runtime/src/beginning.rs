//! Texts that guests have a part in, up to a length: they are not even made beyond it.

use std::fmt::{self, Display, Write};

/// How a text begins, with an ellipsis if there is more.
pub(crate) fn beginning(text: &impl Display, bytes_max: usize) -> String {
    let mut capped = Capped { text: String::new(), bytes_max };
    if write!(capped, "{text}").is_err() {
        capped.text.push('…');
    }
    capped.text
}

/// Takes no more than so many bytes, and then fails.
struct Capped {
    text: String,
    bytes_max: usize,
}

impl Write for Capped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes_max - self.text.len();
        let fits = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.text.push_str(fits);
        if fits.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_where_they_must() {
        assert_eq!(beginning(&"short", 5), "short");
        assert_eq!(beginning(&"short", 4), "shor…");
        assert_eq!(beginning(&"aé", 2), "a…");
        assert_eq!(beginning(&format_args!("{}{}", "ab", "cd"), 3), "abc…");
        assert_eq!(beginning(&"", 0), "");
    }
}
