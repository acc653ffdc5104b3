//! Instants, and the Norwegian wall clock.
//!
//! Calendars in HITS 1217 give local time without a zone (2.8); everything else gives an offset.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Central European time with the European Union's summer time, which Norway follows. A rule and not a
/// time zone database: there is none in the sandbox.
const NORWAY: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn norway() -> TimeZone {
    TimeZone::posix(NORWAY).unwrap_or(TimeZone::UTC)
}

/// The wall clock in Norway at an instant.
#[must_use]
pub fn wall_clock(instant: Timestamp) -> DateTime {
    norway().to_datetime(instant)
}

/// The date in Norway at an instant.
#[must_use]
pub fn date(instant: Timestamp) -> Date {
    wall_clock(instant).date()
}

/// The instant at which the clock in Norway shows this. In the hour that autumn repeats, the first; in
/// the hour that spring skips, as if the clock had not been moved.
#[must_use]
pub fn instant(wall_clock: DateTime) -> Option<Timestamp> {
    norway().to_timestamp(wall_clock).ok()
}

/// Moments that a message can mean, in milliseconds since 1970: those of the contract, 1900 up to 2200, less a day at both
/// ends, so that what follows from one, such as the end of an appointment, is a moment of the contract too.
const MEANT: std::ops::Range<i64> = -2_208_902_400_000..7_258_032_000_000;

/// Whether a message can mean this moment.
#[must_use]
pub fn is_meant(instant: Timestamp) -> bool {
    MEANT.contains(&instant.as_millisecond())
}

/// An XML date and time. With an offset it is an instant, without one the clock in Norway. None also for a time before
/// 1900 or after 2199: the contract has none such, and no message means one.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let found = text.parse::<Timestamp>().ok().or_else(|| text.parse::<DateTime>().ok().and_then(instant));
    found.filter(|found| is_meant(*found))
}

/// `xs:dateTime` in UTC, to the second.
#[must_use]
pub fn xml(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// xCal `date-time`: the clock in Norway, to the second, without an offset.
#[must_use]
pub fn calendar(instant: Timestamp) -> String {
    wall_clock(instant).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_clock_in_norway_is_one_hour_ahead_in_winter_and_two_in_summer() {
        assert_eq!(calendar(at("2026-01-15T08:00:00Z")), "2026-01-15T09:00:00");
        assert_eq!(calendar(at("2026-07-15T08:00:00Z")), "2026-07-15T10:00:00");
        assert_eq!(calendar(at("2026-03-29T00:59:59Z")), "2026-03-29T01:59:59");
        assert_eq!(calendar(at("2026-03-29T01:00:00Z")), "2026-03-29T03:00:00");
        assert_eq!(calendar(at("2026-10-25T00:59:59Z")), "2026-10-25T02:59:59");
        assert_eq!(calendar(at("2026-10-25T01:00:00Z")), "2026-10-25T02:00:00");
    }

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        assert_eq!(parse("2019-05-20T12:00:10.6271631+02:00"), Some(at("2019-05-20T10:00:10.6271631Z")));
        assert_eq!(parse(" 2019-11-21T09:30:47.0Z "), Some(at("2019-11-21T09:30:47Z")));
        assert_eq!(parse("2019-07-05T11:45:00"), Some(at("2019-07-05T09:45:00Z")));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("2019-02-30T10:00:00"), None);
        assert_eq!(parse("0001-01-01T00:00:00Z"), None);
        assert_eq!(parse("9999-12-31T23:59:59"), None);
        // By the clock in Norway it is 1900 already, by the contract's not yet.
        assert_eq!(parse("1900-01-01T00:00:00"), None);
    }

    #[test]
    fn a_local_time_survives_the_journey_both_ways() {
        for text in ["2026-06-01T09:15:00", "2026-12-01T09:15:00"] {
            assert_eq!(calendar(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn an_instant_is_written_in_utc() {
        assert_eq!(xml(at("2026-11-22T10:00:00.5+01:00")), "2026-11-22T09:00:00Z");
    }

    #[test]
    fn the_date_is_norways() {
        assert_eq!(date(at("2026-11-21T23:30:00Z")).to_string(), "2026-11-22");
    }
}
