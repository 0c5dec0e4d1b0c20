//! Telegram's MarkdownV2, as far as a plugin needs help with it.

/// The characters that MarkdownV2 reserves (Telegram Bot API, "Formatting options"), and the backslash, which escapes.
const RESERVED: &[char] =
    &['_', '*', '[', ']', '(', ')', '~', '`', '>', '#', '+', '-', '=', '|', '{', '}', '.', '!', '\\'];

/// Escapes a text so that MarkdownV2 shows it as it is, wherever it stands: in running text, in an entity, in code or in
/// a link's address.
///
/// ```
/// use slashbox_sdk::markdown::escape;
///
/// assert_eq!(escape("2 * 3 = 6!"), r"2 \* 3 \= 6\!");
/// ```
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if RESERVED.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_escaped_and_nothing_else() {
        let reserved = r"_*[]()~`>#+-=|{}.!\";
        for c in (' '..='~').chain(['\n', 'ё', '😀', '—']) {
            let expected = if reserved.contains(c) { format!("\\{c}") } else { c.to_string() };
            assert_eq!(escape(&c.to_string()), expected);
        }
    }
}
