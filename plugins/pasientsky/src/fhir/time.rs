//! Instants and dates. The vendor writes instants with an offset, and dates as those of Norway.

use dialog_plugin_sdk::{Failure, Instant, Sent};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Central European time with the European Union's summer time, which Norway follows. A rule and not a time zone
/// database: there is none in the sandbox.
const NORWAY: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// An instant as FHIR writes it: `2026-11-23T07:30:00Z`.
///
/// # Errors
/// The instant is beyond what a calendar has.
pub fn written(instant: Instant) -> Result<String, Failure> {
    let instant = Timestamp::from_millisecond(instant)
        .map_err(|_| Failure::faulty(Sent::No, "the call holds a time that no calendar has"))?;
    Ok(instant.to_string())
}

/// An instant that the vendor wrote, with any offset. None where it has none, or where it is not between 1900 and 2200.
#[must_use]
pub fn instant(text: &str) -> Option<Instant> {
    within(text.parse::<Timestamp>().ok()?.as_millisecond())
}

/// A `dateTime`: an instant, or a date, which begins at midnight in Norway. None as for [`instant`].
#[must_use]
pub fn moment(text: &str) -> Option<Instant> {
    if let Some(instant) = instant(text) {
        return Some(instant);
    }
    let norway = TimeZone::posix(NORWAY).unwrap_or(TimeZone::UTC);
    // `Date` takes more than a date.
    let date: Date = Some(text).filter(|text| text.len() == 10)?.parse().ok()?;
    within(date.to_zoned(norway).ok()?.timestamp().as_millisecond())
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
    fn an_instant_has_an_offset_and_is_within_the_contract() {
        let eight = instant("2026-11-23T08:30:00+01:00").unwrap();
        assert_eq!(written(eight).unwrap(), "2026-11-23T07:30:00Z");
        assert_eq!(instant("2026-11-23T07:30:00.000Z"), Some(eight));
        for text in ["2026-11-23T08:30:00", "2026-11-23", "", "2200-01-01T00:00:00Z", "1899-12-31T23:59:59Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
        assert!(written(Instant::MAX).is_err());
    }

    #[test]
    fn a_date_begins_at_midnight_in_norway() {
        assert_eq!(moment("2026-07-01"), instant("2026-06-30T22:00:00Z"));
        assert_eq!(moment("2026-01-01"), instant("2025-12-31T23:00:00Z"));
        assert_eq!((moment("2026-02-30"), moment("2026-07"), moment("soon")), (None, None, None));
    }
}
