//! Norwegian working days, and the deadlines that are counted in them.
//!
//! Public holidays by lov om helligdager og helligdagsfred (1995) § 2 and lov om 1. og 17. mai som høgtidsdager (1947).
//! Christmas Eve, New Year's Eve and the Wednesday before Easter are working days.

use dialog_contract::service::Locale;
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday, date},
    tz::TimeZone,
};

/// The calendar of Norwegian offices.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
}

/// The time zone's rules are missing.
#[derive(Debug, thiserror::Error)]
#[error("the rules of the time zone Europe/Oslo are missing: {0}")]
pub struct NoTimeZone(#[from] jiff::Error);

impl Calendar {
    /// # Errors
    /// Where the rules of the time zone are neither built in nor on the machine.
    pub(crate) fn new() -> Result<Self, NoTimeZone> {
        Ok(Self { zone: TimeZone::get("Europe/Oslo")? })
    }

    /// The day that a moment falls on.
    pub(crate) fn day(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// A moment in words: the day and the time in Oslo.
    pub(crate) fn said(&self, at: Timestamp, locale: Locale) -> String {
        let at = self.zone.to_datetime(at);
        match locale {
            Locale::Nb | Locale::Nn => at.strftime("%d.%m.%Y kl. %H.%M").to_string(),
            Locale::En => at.strftime("on %-d %B %Y at %H:%M").to_string(),
        }
    }

    /// Where people sleep at `at`, from 22 to 7: when they get up.
    pub(crate) fn quiet_until(&self, at: Timestamp) -> Option<Timestamp> {
        let local = self.zone.to_datetime(at);
        let day = match local.hour() {
            22.. => local.date().tomorrow().ok()?,
            ..7 => local.date(),
            _ => return None,
        };
        let morning = self.zone.to_ambiguous_zoned(day.at(7, 0, 0, 0)).compatible().ok()?;
        Some(morning.timestamp())
    }

    /// The end of the `count`th working day after the day of `from`: the last second before its midnight.
    pub(crate) fn end_of_working_day(&self, from: Timestamp, count: u32) -> Option<Timestamp> {
        let mut day = self.day(from);
        let mut left = count;
        while left > 0 {
            day = day.tomorrow().ok()?;
            if is_working_day(day) {
                left -= 1;
            }
        }
        let midnight = self.zone.to_ambiguous_zoned(day.tomorrow().ok()?.at(0, 0, 0, 0)).compatible().ok()?;
        midnight.timestamp().checked_sub(1.second()).ok()
    }
}

/// Whether offices work on this day.
pub(crate) fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_public_holiday(day)
}

/// Whether this day is a public holiday.
pub(crate) fn is_public_holiday(day: Date) -> bool {
    if matches!((day.month(), day.day()), (1 | 5, 1) | (5, 17) | (12, 25 | 26)) {
        return true;
    }
    // Maundy Thursday, Good Friday, Easter Sunday and Monday, Ascension, Whit Sunday and Monday.
    const FROM_EASTER: [i64; 7] = [-3, -2, 0, 1, 39, 49, 50];
    let easter = easter_sunday(day.year());
    FROM_EASTER.iter().any(|&days| easter.checked_add(days.days()).is_ok_and(|holiday| holiday == day))
}

/// Easter Sunday in the Gregorian calendar (Meeus, Jones and Butcher).
fn easter_sunday(year: i16) -> Date {
    let year_number = i32::from(year);
    let (a, b, c) = (year_number % 19, year_number / 100, year_number % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    // Both are within a month and a day by construction; dates fit in i8.
    date(year, month as i8, day as i8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    /// Easter Sunday by the tables of the almanac for Norway.
    const EASTER: [(i16, i8, i8); 7] =
        [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2029, 4, 1), (2030, 4, 21)];

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for (year, month, day) in EASTER {
            assert_eq!(easter_sunday(year), date(year, month, day));
        }
    }

    #[test]
    fn all_twelve_public_holidays_are_known_and_no_other_day_is_one() {
        // Movable holidays by the almanac: Maundy Thursday, Good Friday, Easter Monday, Ascension, Whit Sunday, Whit Monday.
        let movable = [
            (2024, [(3, 28), (3, 29), (4, 1), (5, 9), (5, 19), (5, 20)]),
            (2025, [(4, 17), (4, 18), (4, 21), (5, 29), (6, 8), (6, 9)]),
            (2026, [(4, 2), (4, 3), (4, 6), (5, 14), (5, 24), (5, 25)]),
            (2027, [(3, 25), (3, 26), (3, 29), (5, 6), (5, 16), (5, 17)]),
            (2028, [(4, 13), (4, 14), (4, 17), (5, 25), (6, 4), (6, 5)]),
            (2029, [(3, 29), (3, 30), (4, 2), (5, 10), (5, 20), (5, 21)]),
            (2030, [(4, 18), (4, 19), (4, 22), (5, 30), (6, 9), (6, 10)]),
        ];
        for (year, movable) in movable {
            let (_, month, day) = EASTER.into_iter().find(|(easter_year, ..)| *easter_year == year).unwrap();
            let mut expected: Vec<Date> = [(1, 1), (5, 1), (5, 17), (12, 25), (12, 26), (month, day)]
                .into_iter()
                .chain(movable)
                .map(|(month, day)| date(year, month, day))
                .collect();
            expected.sort();
            expected.dedup();
            let found: Vec<Date> = date(year, 1, 1)
                .series(1.day())
                .take_while(|day| day.year() == year)
                .filter(|day| is_public_holiday(*day))
                .collect();
            assert_eq!(found, expected, "{year}");
        }
    }

    #[test]
    fn an_answer_is_due_at_the_end_of_the_fifth_working_day_in_oslo() {
        let calendar = Calendar::new().unwrap();
        let due = |from: &str| calendar.end_of_working_day(from.parse().unwrap(), 5).unwrap().to_string();
        // Monday to Monday, in winter (UTC+1).
        assert_eq!(due("2026-01-12T10:00:00Z"), "2026-01-19T22:59:59Z");
        // Friday to Friday.
        assert_eq!(due("2026-01-16T10:00:00Z"), "2026-01-23T22:59:59Z");
        // A Saturday counts from Monday on.
        assert_eq!(due("2026-01-17T10:00:00Z"), "2026-01-23T22:59:59Z");
        // Over Easter 2026, with the change to summer time on the way: 27 March, then 30, 31, 1, 7 and 8.
        assert_eq!(due("2026-03-27T10:00:00Z"), "2026-04-08T21:59:59Z");
        // Half past eleven in the evening in Oslo is the day before in UTC plus one.
        assert_eq!(due("2026-01-11T23:30:00Z"), "2026-01-19T22:59:59Z");
        // Over Christmas 2025: 19 December, then 22, 23, 24, 29 and 30.
        assert_eq!(due("2025-12-19T10:00:00Z"), "2025-12-30T22:59:59Z");
    }
}
