//! Moments and days, as the vendor writes them: RFC 3339 in universal time, and ISO 8601 dates.

use dialog_plugin_sdk::{Failure, Instant, Sent};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Central European time with the European Union's summer time, which Norway follows. A rule and not a time zone
/// database: there is none in the sandbox.
const NORWAY: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// An instant as the vendor wants it: `2026-11-23T07:00:00Z`.
///
/// # Errors
/// The instant is beyond what a calendar has.
pub fn written(instant: Instant) -> Result<String, Failure> {
    Timestamp::from_millisecond(instant)
        .map(|instant| instant.to_string())
        .map_err(|_| Failure::faulty(Sent::No, "the call holds a time that no calendar has"))
}

/// An instant that the vendor wrote, with any offset. None where it has none, or where it is not between 1900 and 2200.
#[must_use]
pub fn instant(text: &str) -> Option<Instant> {
    within(text.parse::<Timestamp>().ok()?.as_millisecond())
}

/// The end of a day in Norway, written `2026-11-23`. None as for [`instant`].
#[must_use]
pub fn end_of_day(text: &str) -> Option<Instant> {
    let norway = TimeZone::posix(NORWAY).ok()?;
    let after = text.parse::<Date>().ok()?.tomorrow().ok()?.to_zoned(norway).ok()?;
    within(after.timestamp().as_millisecond() - 1)
}

/// Whether this is a day, written `2026-11-23`.
#[must_use]
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok()
}

/// 1900-01-01 up to 2200-01-01, by the contract.
fn within(instant: Instant) -> Option<Instant> {
    (-2_208_988_800_000..7_258_118_400_000).contains(&instant).then_some(instant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn an_instant_is_written_in_universal_time_and_read_with_any_offset() {
        let moment = instant("2026-11-23T08:00:00+01:00").unwrap();
        assert_eq!(written(moment).unwrap(), "2026-11-23T07:00:00Z");
        assert_eq!(instant("2026-11-23T07:00:00Z"), Some(moment));
        assert!(written(i64::MAX).is_err());
    }

    #[test]
    fn a_time_without_an_offset_or_beyond_the_contract_is_none() {
        for text in ["2026-11-23T08:30:00", "tomorrow", "", "2200-01-01T00:00:00Z", "1899-12-31T23:59:59Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_ends_before_midnight_in_norway() {
        assert_eq!(end_of_day("2026-07-01"), instant("2026-07-01T21:59:59.999Z"));
        assert_eq!((end_of_day("2026-02-30"), end_of_day("9999-12-31")), (None, None));
        assert!(is_day("2026-12-21") && !is_day("2026-13-01") && !is_day("20261221"));
    }
}
