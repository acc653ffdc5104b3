//! Moments and days as vendors write them, and the clock in Norway.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Failure, Instant, Sent};

/// Central European time with the European Union's summer time, which Norway follows. A rule and not a time zone
/// database: there is none in the sandbox.
const NORWAY: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn norway() -> TimeZone {
    TimeZone::posix(NORWAY).unwrap_or(TimeZone::UTC)
}

fn timestamp(instant: Instant) -> Result<Timestamp, Failure> {
    Timestamp::from_millisecond(instant)
        .map_err(|_| Failure::faulty(Sent::No, "the call holds a time that no calendar has"))
}

/// An instant in Norwegian local time with its offset: `2026-11-23T08:30:00+01:00`.
///
/// # Errors
/// The instant is beyond what a calendar has.
pub fn local(instant: Instant) -> Result<String, Failure> {
    Ok(timestamp(instant)?.to_zoned(norway()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// An instant in universal time: `2026-11-23T07:30:00Z`.
///
/// # Errors
/// The instant is beyond what a calendar has.
pub fn universal(instant: Instant) -> Result<String, Failure> {
    Ok(timestamp(instant)?.to_string())
}

/// An instant that was written with any offset. None where it has none, or where it is not between 1900 and 2200.
#[must_use]
pub fn instant(text: &str) -> Option<Instant> {
    within(text.parse::<Timestamp>().ok()?.as_millisecond())
}

/// The beginning of a day in Norway, written `2026-11-23`. None as for [`instant`].
#[must_use]
pub fn day(text: &str) -> Option<Instant> {
    within(text.parse::<Date>().ok()?.to_zoned(norway()).ok()?.timestamp().as_millisecond())
}

/// The end of a day in Norway, written `2026-11-23`. None as for [`instant`].
#[must_use]
pub fn end_of_day(text: &str) -> Option<Instant> {
    let after = text.parse::<Date>().ok()?.tomorrow().ok()?.to_zoned(norway()).ok()?;
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
    fn winter_and_summer_have_their_offsets() {
        let winter = instant("2026-11-23T07:30:00Z").unwrap();
        let summer = instant("2026-07-01T06:30:00Z").unwrap();
        assert_eq!(local(winter).unwrap(), "2026-11-23T08:30:00+01:00");
        assert_eq!(local(summer).unwrap(), "2026-07-01T08:30:00+02:00");
        assert_eq!(instant(&local(summer).unwrap()), Some(summer));
    }

    #[test]
    fn an_instant_is_written_in_universal_time_and_read_with_any_offset() {
        let moment = instant("2026-11-23T08:00:00+01:00").unwrap();
        assert_eq!(universal(moment).unwrap(), "2026-11-23T07:00:00Z");
        assert!(universal(i64::MAX).is_err() && local(i64::MAX).is_err());
    }

    #[test]
    fn a_time_without_an_offset_or_beyond_the_contract_is_none() {
        for text in ["2026-11-23T08:30:00", "tomorrow", "", "2200-01-01T00:00:00Z", "1899-12-31T23:59:59Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_norway_in_winter_and_in_summer() {
        assert_eq!(day("2026-07-01"), instant("2026-06-30T22:00:00Z"));
        assert_eq!(day("2026-12-01"), instant("2026-11-30T23:00:00Z"));
        assert_eq!(end_of_day("2026-07-01"), instant("2026-07-01T21:59:59.999Z"));
        assert_eq!((day("2026-02-30"), end_of_day("2026-02-30"), end_of_day("9999-12-31")), (None, None, None));
        assert!(is_day("2026-12-21") && !is_day("2026-13-01") && !is_day("20261221"));
    }
}
