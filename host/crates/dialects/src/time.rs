//! Times as platforms write them. In slashbox they are milliseconds since the Unix epoch.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The earliest time that a number can mean, in milliseconds: the beginning of 2000. No platform is older.
const PLAUSIBLE_FROM_MS: u64 = 946_684_800_000;

/// How far ahead a sender's clock may be, in milliseconds: a day, since it may be in another zone than it thinks.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1_000;

/// How Hotline writes times, in UTC.
const CIVIL: &str = "%Y-%m-%d %H:%M:%S";

/// A time as `2025-10-08 20:41:20`, in UTC.
pub(crate) fn civil(text: &str) -> Option<u64> {
    let time = DateTime::strptime(CIVIL, text).ok()?.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(time.timestamp().as_millisecond()).ok()
}

/// A time as `2026-03-11T10:00:00Z`, or with another zone's offset (RFC 3339).
pub(crate) fn rfc3339(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

/// A number of which nobody knows for sure whether it is in seconds or in milliseconds: whichever is a time since 2000, and
/// not in the future. None if neither is.
pub(crate) fn number(number: &str, now_ms: u64) -> Option<u64> {
    let plausible = |ms: &u64| (PLAUSIBLE_FROM_MS..=now_ms.saturating_add(AHEAD_MS)).contains(ms);
    let number = match number.parse::<u64>() {
        Ok(number) => number,
        // As a float, for those whose JSON knows no other numbers.
        Err(_) => {
            number.parse::<f64>().ok().filter(|number| (0.0..1e18).contains(number)).map(|number| number as u64)?
        }
    };
    let seconds = number.checked_mul(1_000);
    seconds.filter(plausible).or(Some(number).filter(plausible))
}

/// A time in any of these ways. `raw` is JSON.
pub(crate) fn any(raw: &str, now_ms: u64) -> Option<u64> {
    if !raw.starts_with('"') {
        return number(raw, now_ms);
    }
    let text: String = serde_json::from_str(raw).ok()?;
    rfc3339(&text).or_else(|| civil(&text)).or_else(|| number(&text, now_ms))
}

/// As `2025-10-08 20:41:20`; a time that no calendar has is its last one.
pub(crate) fn to_civil(ms: u64) -> String {
    timestamp(ms).strftime(CIVIL).to_string()
}

/// As `2026-03-11T10:00:00Z`, with as many decimals as it has; a time that no calendar has is its last one.
pub(crate) fn to_rfc3339(ms: u64) -> String {
    timestamp(ms).to_string()
}

fn timestamp(ms: u64) -> Timestamp {
    i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_760_000_000_000;

    #[test]
    fn a_number_is_what_is_plausible() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(number(text, NOW_MS), expected, "{text}");
        check("1625834714", Some(1_625_834_714_000));
        check("1637759687101", Some(1_637_759_687_101));
        check("946684800", Some(PLAUSIBLE_FROM_MS));
        check("946684799", None);
        check("946684799999", None);
        check("1760086400", Some(NOW_MS + AHEAD_MS));
        check("1760086401", None);
        check("1760086400000", Some(NOW_MS + AHEAD_MS));
        check("1760086400001", None);
        for garbage in ["16377590567070", "163775889778478", "0", "-1", "18446744073709551615", "1e999", "NaN", "1e30"]
        {
            check(garbage, None);
        }
        check("1.625834714e9", Some(1_625_834_714_000));
        check("1625834714.9", Some(1_625_834_714_000));
    }

    #[test]
    fn any_way_of_writing_it() {
        let check = |raw: &str, expected: Option<u64>| assert_eq!(any(raw, NOW_MS), expected, "{raw}");
        check("\"2025-10-08T20:41:20Z\"", Some(1_759_956_080_000));
        check("\"2025-10-08T22:41:20.5+02:00\"", Some(1_759_956_080_500));
        check("\"2025-10-08 20:41:20\"", Some(1_759_956_080_000));
        check("\"1759956080\"", Some(1_759_956_080_000));
        check("1759956080000", Some(1_759_956_080_000));
        for garbage in ["\"\"", "\"yesterday\"", "\"2025-02-30 00:00:00\"", "null", "{}", "true", "\"\\ud800\"", "[1]"]
        {
            check(garbage, None);
        }
    }

    #[test]
    fn every_time_is_written() {
        assert_eq!((to_civil(0).as_str(), to_civil(u64::MAX).as_str()), ("1970-01-01 00:00:00", "9999-12-30 22:00:00"));
        assert_eq!(
            (to_rfc3339(1_500).as_str(), to_rfc3339(0).as_str()),
            ("1970-01-01T00:00:01.5Z", "1970-01-01T00:00:00Z")
        );
    }
}
