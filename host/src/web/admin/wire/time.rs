//! Times as people and programs read them: RFC 3339, UTC, milliseconds.

use jiff::Timestamp;

/// E.g. `2025-10-09T00:21:57.000Z`. A time beyond the year 9999 is shown as the last that can be written.
pub(super) fn rfc3339(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// The other way round; `None` if it is no such time, or one before 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_759_969_317_000, "2025-10-09T00:21:57.000Z"),
            (1_759_969_317_042, "2025-10-09T00:21:57.042Z"),
            (u64::MAX, "9999-12-30T22:00:00.999Z"),
        ] {
            assert_eq!(rfc3339(unix_ms), expected);
        }
        assert_eq!(parse_rfc3339("2025-10-09T00:21:57.042Z"), Some(1_759_969_317_042));
        assert_eq!(parse_rfc3339("2025-10-09T02:21:57+02:00"), Some(1_759_969_317_000));
        for wrong in ["", "yesterday", "2025-10-09", "2025-10-09T00:21:57", "1969-12-31T23:59:59Z"] {
            assert_eq!(parse_rfc3339(wrong), None, "{wrong}");
        }
    }
}
