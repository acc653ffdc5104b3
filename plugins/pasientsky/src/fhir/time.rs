//! Instants and dates. The vendor writes instants with an offset, and dates as those of Norway.

pub use dialog_plugin_sdk::time::{instant, universal as written};
use dialog_plugin_sdk::{Instant, time};

/// A `dateTime`: an instant, or a date, which begins at midnight in Norway. None as for [`instant`].
#[must_use]
pub fn moment(text: &str) -> Option<Instant> {
    if let Some(instant) = instant(text) {
        return Some(instant);
    }
    // A day is more than a date where it is longer.
    Some(text).filter(|text| text.len() == 10).and_then(time::day)
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
