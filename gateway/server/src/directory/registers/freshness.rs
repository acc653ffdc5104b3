//! How old an answer may be.

use jiff::{SignedDuration, Timestamp};

/// What may be done with an answer of some age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is served, and nobody is asked.
    Fresh,
    /// It is served, and asked for anew.
    Stale,
    /// It is not served.
    TooOld,
}

/// The times of one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Until then an answer is fresh.
    pub fresh: SignedDuration,
    /// Until then it is served; not before the other ends.
    pub served: SignedDuration,
}

impl Pace {
    /// What may be done now with an answer of this moment.
    #[must_use]
    pub fn of(&self, answered: Timestamp, now: Timestamp) -> Freshness {
        let age = now.duration_since(answered);
        if age < self.fresh {
            Freshness::Fresh
        } else if age < self.served {
            Freshness::Stale
        } else {
            Freshness::TooOld
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_answer_is_fresh_then_stale_then_too_old() {
        let pace = Pace { fresh: SignedDuration::from_secs(60), served: SignedDuration::from_secs(600) };
        let answered: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        for (seconds, expected) in [
            // A clock that was set back.
            (-5, Freshness::Fresh),
            (0, Freshness::Fresh),
            (59, Freshness::Fresh),
            (60, Freshness::Stale),
            (599, Freshness::Stale),
            (600, Freshness::TooOld),
        ] {
            let now = answered.checked_add(SignedDuration::from_secs(seconds)).unwrap();
            assert_eq!(pace.of(answered, now), expected, "after {seconds} s");
        }
    }
}
