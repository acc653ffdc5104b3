//! How often somebody may ask: token buckets, in memory.
//!
//! A bucket is kept as one point in time: when it will be full again. What is past that point is full, says nothing, and
//! is forgotten. So the number of keys is bounded by eviction that cannot be abused: whoever has used up their share is
//! not forgotten before it has grown back, however many others come. Should so many ask in the same seconds that no
//! bucket is full, newcomers are counted in the wider buckets alone, and not turned away for the crowd.
//!
//! Of a key only a keyed hash is kept. That two share one by chance costs them half of their share, once in a few
//! thousand million years of a full table.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::limits::{RATE_ALL, RATE_CITIZEN, RATE_CLIENT, RATE_KEYS, RATE_SWEEP, RATE_WITHOUT_TOKEN};

/// How often, and how much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rate {
    /// Requests in a second, for as long as one likes.
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// `[rates]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RatesConfig {
    /// One citizen, through one client.
    pub per_citizen: Rate,
    /// One OAuth client, for all of its citizens; one vendor, for what it pushes.
    pub per_client: Rate,
    /// All who have shown who they are.
    pub in_all: Rate,
    /// All who have not: requests that need no token, and refused ones.
    pub without_token: Rate,
}

impl Default for RatesConfig {
    fn default() -> Self {
        Self { per_citizen: RATE_CITIZEN, per_client: RATE_CLIENT, in_all: RATE_ALL, without_token: RATE_WITHOUT_TOKEN }
    }
}

/// Which bucket was empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The citizen's.
    Citizen,
    /// The client's.
    Client,
    /// The one of all who have shown who they are.
    All,
    /// The one of all who have not.
    WithoutToken,
}

impl Level {
    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::Client => "client",
            Self::All => "all",
            Self::WithoutToken => "without-token",
        }
    }
}

/// Too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Whose bucket was empty.
    pub level: Level,
    /// When there is something in it again.
    pub wait: Duration,
}

impl Exceeded {
    /// In whole seconds, at least one: `Retry-After`.
    #[must_use]
    pub fn seconds(self) -> u32 {
        let rounded = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
    }
}

/// Whose bucket beside the citizen's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller<'a> {
    /// An OAuth client.
    Client {
        /// By whom it is known under its name.
        issuer: &'a str,
        /// Its name.
        client: &'a str,
    },
    /// A vendor, by its plugin's id.
    Vendor(&'a str),
}

/// All buckets.
#[derive(Debug)]
pub struct Rates {
    citizens: Buckets,
    clients: Buckets,
    all: Buckets,
    without_token: Buckets,
}

impl Rates {
    /// All of them full.
    #[must_use]
    pub fn new(config: &RatesConfig) -> Self {
        Self {
            citizens: Buckets::new(config.per_citizen, RATE_KEYS),
            clients: Buckets::new(config.per_client, RATE_KEYS),
            all: Buckets::new(config.in_all, 1),
            without_token: Buckets::new(config.without_token, 1),
        }
    }

    /// A citizen asks, through a client; `citizen` is a pseudonym. The narrowest bucket is asked first, so that one who
    /// asks too often takes nothing from the others.
    ///
    /// # Errors
    /// When one of the three buckets is empty.
    pub fn citizen(&self, client: Caller<'_>, citizen: &str, now: Instant) -> Result<(), Exceeded> {
        let key = (client, citizen);
        self.citizens.take(key, now).map_err(|wait| Exceeded { level: Level::Citizen, wait })?;
        self.client(client, now)
    }

    /// A client asks for itself, or a vendor pushes.
    ///
    /// # Errors
    /// When one of the two buckets is empty.
    pub fn client(&self, client: Caller<'_>, now: Instant) -> Result<(), Exceeded> {
        self.clients.take(client, now).map_err(|wait| Exceeded { level: Level::Client, wait })?;
        self.all.take((), now).map_err(|wait| Exceeded { level: Level::All, wait })
    }

    /// Somebody asks who has not shown who they are. They have a bucket of their own: nobody can use up the others'
    /// without a token.
    ///
    /// # Errors
    /// When it is empty.
    pub fn without_token(&self, now: Instant) -> Result<(), Exceeded> {
        self.without_token.take((), now).map_err(|wait| Exceeded { level: Level::WithoutToken, wait })
    }
}

/// Buckets of one size, by key.
#[derive(Debug)]
struct Buckets {
    /// Between two requests, at the steady rate.
    interval: Duration,
    /// From empty to full.
    whole: Duration,
    most: usize,
    hasher: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// When each will be full again; those that are full are not here, or need not be.
    full_at: HashMap<u64, Instant>,
    swept: Option<Instant>,
}

impl Buckets {
    fn new(rate: Rate, most: usize) -> Self {
        let interval = Duration::from_secs(1) / rate.per_second.get();
        Self {
            interval,
            whole: interval.saturating_mul(rate.burst.get()),
            most,
            hasher: RandomState::new(),
            kept: Mutex::default(),
        }
    }

    /// Takes one from the bucket of `key`; else says how long until there is one.
    fn take(&self, key: impl std::hash::Hash, now: Instant) -> Result<(), Duration> {
        let key = self.hasher.hash_one(key);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.full_at.get(&key).copied();
        let full_at = known.unwrap_or(now).max(now) + self.interval;
        let missing = full_at - now;
        if let Some(wait) = missing.checked_sub(self.whole).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        if known.is_none() && kept.full_at.len() >= self.most {
            // Looking through all of them for each newcomer would be an abuse of its own.
            if kept.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= RATE_SWEEP) {
                kept.swept = Some(now);
                kept.full_at.retain(|_, full_at| *full_at > now);
            }
            if kept.full_at.len() >= self.most {
                return Ok(());
            }
        }
        kept.full_at.insert(key, full_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn rate(per_second: u32, burst: u32) -> Rate {
        Rate { per_second: per_second.try_into().unwrap(), burst: burst.try_into().unwrap() }
    }

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_burst_is_let_through_then_the_steady_rate_and_the_wait_is_told() {
        let (buckets, start) = (Buckets::new(rate(10, 3), 10), Instant::now());
        for _ in 0..3 {
            buckets.take("kari", start).unwrap();
        }
        assert_eq!(buckets.take("kari", start), Err(Duration::from_millis(100)));
        assert_eq!(buckets.take("kari", after(start, 60)), Err(Duration::from_millis(40)));
        buckets.take("kari", after(start, 100)).unwrap();
        assert!(buckets.take("kari", after(start, 100)).is_err());
        // Who was turned away has not been charged for it.
        buckets.take("kari", after(start, 200)).unwrap();
    }

    #[test]
    fn one_who_asks_too_often_takes_nothing_from_the_others() {
        let config = RatesConfig {
            per_citizen: rate(1, 2),
            per_client: rate(1, 4),
            in_all: rate(1, 6),
            without_token: rate(1, 1),
        };
        let (rates, now) = (Rates::new(&config), Instant::now());
        let [portal, other, third] =
            ["portal", "other", "third"].map(|client| Caller::Client { issuer: "https://login.test", client });
        for _ in 0..2 {
            rates.citizen(portal, "kari", now).unwrap();
        }
        for _ in 0..100 {
            assert_eq!(rates.citizen(portal, "kari", now).unwrap_err().level, Level::Citizen);
        }
        // The same person at another client is somebody else: a stolen token shuts nobody out.
        rates.citizen(other, "kari", now).unwrap();
        for _ in 0..2 {
            rates.citizen(portal, "ola", now).unwrap();
        }
        assert_eq!(rates.citizen(portal, "leila", now).unwrap_err().level, Level::Client);
        rates.client(other, now).unwrap();
        assert_eq!(rates.client(third, now).unwrap_err().level, Level::All);
        // Nobody without a token has touched any of it, nor has it touched theirs.
        rates.without_token(now).unwrap();
        assert_eq!(rates.without_token(now).unwrap_err().level, Level::WithoutToken);
    }

    #[test]
    fn retry_after_is_a_whole_number_of_seconds_and_never_none() {
        for (wait, seconds) in [(1, 1), (999, 1), (1000, 1), (1001, 2), (59_500, 60)] {
            assert_eq!(Exceeded { level: Level::All, wait: Duration::from_millis(wait) }.seconds(), seconds);
        }
    }

    #[test]
    fn a_crowd_of_newcomers_neither_frees_who_has_used_up_their_share_nor_is_turned_away() {
        let (buckets, start) = (Buckets::new(rate(1, 2), 100), Instant::now());
        for _ in 0..2 {
            buckets.take("greedy".to_owned(), start).unwrap();
        }
        for at in 0..100_000 {
            buckets.take(format!("newcomer {at}"), after(start, at / 100)).unwrap();
        }
        assert!(buckets.kept.lock().unwrap().full_at.len() <= 100);
        assert!(buckets.take("greedy".to_owned(), after(start, 999)).is_err());
        buckets.take("greedy".to_owned(), after(start, 1000)).unwrap();
    }

    #[test]
    fn buckets_that_are_full_again_make_room() {
        let (buckets, start) = (Buckets::new(rate(1, 1), 10), Instant::now());
        for at in 0..10 {
            buckets.take(at, start).unwrap();
        }
        let later = after(start, 1001);
        buckets.take(10, later).unwrap();
        assert_eq!(buckets.kept.lock().unwrap().full_at.len(), 1);
        assert!(buckets.take(10, later).is_err(), "the newcomer is counted");
    }

    proptest! {
        #[test]
        fn in_any_time_no_more_is_let_through_than_the_burst_and_the_rate(
            per_second in 1_u32..50, burst in 1_u32..50, pauses in prop::collection::vec(0_u64..200, 1..300),
        ) {
            let (buckets, start) = (Buckets::new(rate(per_second, burst), 10), Instant::now());
            let (mut elapsed, mut taken) = (0, 0_u64);
            for pause in pauses {
                elapsed += pause;
                taken += u64::from(buckets.take("key", after(start, elapsed)).is_ok());
                // One more for the fraction that had grown at the beginning.
                prop_assert!(taken <= u64::from(burst) + elapsed * u64::from(per_second) / 1000 + 1);
            }
        }
    }
}
