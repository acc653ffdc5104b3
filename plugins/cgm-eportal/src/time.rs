//! The vendor's times.

use dialog_plugin_sdk::Instant;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Central European time with the European Union's summer time, which Norway follows. A rule and not a time zone
/// database: there is none in the sandbox.
const NORWAY: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// An instant that the vendor wrote, with any offset. None where it has none, or where it is not between 1900 and 2200.
#[must_use]
pub fn instant(text: &str) -> Option<Instant> {
    within(text.parse::<Timestamp>().ok()?.as_millisecond())
}

/// The beginning of a day in Norway, written `2026-11-23`. None as for [`instant`].
#[must_use]
pub fn day(text: &str) -> Option<Instant> {
    let norway = TimeZone::posix(NORWAY).ok()?;
    within(text.parse::<Date>().ok()?.to_zoned(norway).ok()?.timestamp().as_millisecond())
}

/// 1900-01-01 up to 2200-01-01, by the contract.
fn within(instant: Instant) -> Option<Instant> {
    (-2_208_988_800_000..7_258_118_400_000).contains(&instant).then_some(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_an_offset_or_beyond_the_contract_is_none() {
        for text in ["2026-11-23T08:30:00", "tomorrow", "", "2200-01-01T00:00:00Z", "1899-12-31T23:59:59Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
        assert_eq!(instant("2026-11-23T08:30:00+01:00"), instant("2026-11-23T07:30:00Z"));
    }

    #[test]
    fn a_day_begins_at_midnight_in_norway_in_winter_and_in_summer() {
        assert_eq!(day("2026-07-01"), instant("2026-06-30T22:00:00Z"));
        assert_eq!(day("2026-12-01"), instant("2026-11-30T23:00:00Z"));
        assert_eq!(day("2026-02-30"), None);
    }
}
