//! When a remote wants to be asked again: `Retry-After`, RFC 9110, section 10.2.3.

use std::time::{Duration, SystemTime};

/// The longest that a remote is believed: it may have a date wrong.
pub(crate) const HINT_MAX: Duration = Duration::from_secs(10 * 60 * 60);

/// How long to wait from `now` on, by seconds or by a date; none if the text is neither.
pub(crate) fn parse(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // More digits than fit: very late.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => HINT_MAX,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(HINT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(parse(text, now), seconds.map(Duration::from_secs), "{text:?}");
        };
        check("0", Some(0));
        check(" 120 ", Some(120));
        check("36000", Some(36_000));
        check("36001", Some(36_000));
        check("99999999999999999999999", Some(36_000));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check("Sun, 06 Nov 1994 08:49:36 GMT", Some(0));
        check("Sat, 06 Nov 2094 08:49:37 GMT", Some(36_000));
        for neither in ["", "-1", "1.5", "soon"] {
            check(neither, None);
        }
    }
}
