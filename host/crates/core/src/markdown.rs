//! Whether a text is MarkdownV2 that Telegram would take.
//!
//! Slashbox sends the text as its author wrote it; this only finds what would make the platform refuse it, so that the
//! log can say so. Format: Telegram Bot API, "MarkdownV2 style".

/// Why Telegram would refuse a text as MarkdownV2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{mark:?} at character {at} is never closed")]
pub struct Unbalanced {
    /// What was opened.
    pub mark: &'static str,
    /// Where, counted in characters from 0.
    pub at: usize,
}

/// The marks that open and close a span, the longer ones first.
const SPANS: [&str; 6] = ["||", "__", "*", "_", "~", "`"];

/// Whether every mark that the text opens is closed.
///
/// # Errors
/// The innermost mark that is not.
pub fn check_markdown_v2(text: &str) -> Result<(), Unbalanced> {
    let mut open: Vec<Unbalanced> = Vec::new();
    let mut rest = text;
    let mut at = 0;
    while let Some(first) = rest.chars().next() {
        let inner = open.last().map(|span| span.mark);
        let step = if first == '\\' { rest.chars().take(2).map(char::len_utf8).sum() } else { step(rest, inner) };
        let (head, tail) = rest.split_at(step);
        match mark(head) {
            Some(mark) if inner == Some(mark) || (mark == "](" && inner == Some("[")) => {
                open.pop();
                if mark == "](" {
                    open.push(Unbalanced { mark: "(", at });
                }
            }
            Some(")") if inner == Some("(") => {
                open.pop();
            }
            Some(mark) if opens(mark, inner) => open.push(Unbalanced { mark, at }),
            _ => {}
        }
        at += head.chars().count();
        rest = tail;
    }
    open.pop().map_or(Ok(()), Err)
}

/// The mark that a step stands for.
fn mark(step: &str) -> Option<&'static str> {
    SPANS.into_iter().chain(["```", "[", "](", ")"]).find(|mark| *mark == step)
}

/// Inside of code nothing else opens, and inside of a link's address neither.
fn opens(mark: &str, inner: Option<&str>) -> bool {
    !matches!(inner, Some("`" | "```" | "(")) && !matches!(mark, "](" | ")")
}

/// How many bytes belong together at the start of the rest.
fn step(rest: &str, inner: Option<&str>) -> usize {
    if inner == Some("_") && rest.starts_with('_') && !rest.starts_with("__") {
        return 1;
    }
    let marks = ["```"].into_iter().chain(SPANS).chain(["]("]);
    let length = |mark: &str| rest.starts_with(mark).then_some(mark.len());
    marks.into_iter().find_map(length).unwrap_or_else(|| rest.chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced() {
        for text in [
            "",
            "plain",
            "*bold* _italic_ __under__ ~gone~ ||hidden||",
            "*bold _italic bold ~all three~ __under__ too_ bold*",
            "`code with * and _ and ||`",
            "```rust\nlet a = *b;\n```",
            "[a link](http://www.example.com/a_b*c)",
            "[*bold* link](http://example.com/\\))",
            "\\*not bold \\_ \\[ \\`",
            "😀 *ы*",
            "closing only ) and ] and }",
        ] {
            assert_eq!(check_markdown_v2(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn unbalanced() {
        for (text, mark, at) in [
            ("*bold", "*", 0),
            ("ok *bold* and _cut…", "_", 14),
            ("`code", "`", 0),
            ("```\ncode ` *", "```", 0),
            ("[a link](http://", "(", 7),
            ("[a link", "[", 0),
            ("*bold _italic*", "*", 13),
            ("ы😀 ||x|", "||", 3),
            ("a\\", "", 0),
        ] {
            let expected = if mark.is_empty() { Ok(()) } else { Err(Unbalanced { mark, at }) };
            assert_eq!(check_markdown_v2(text), expected, "{text:?}");
        }
    }
}
