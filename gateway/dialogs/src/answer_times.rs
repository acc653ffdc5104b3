//! How soon offices answer: by office and service, the times from when a citizen opened a dialog to the office's first
//! answer, as counts in buckets, by week. No person is in it, and no moment.
//!
//! What was seen since the last write lies in memory, and goes to the store with the next run of due work: no answer
//! waits for a counter, and a crash costs the last second's. One value for an office and a service is a few hundred bytes,
//! and at most [`WEEKS`] times [`BUCKETS`] counts.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use dialog_contract::{ids::HerId, practice::AnswerTime, service::Service};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    keys,
    ports::store::{Batch, Store, StoreError, Versioned},
    record,
};

/// Weeks that are looked back on, this one included.
const WEEKS: i64 = 13;

/// Seconds of a week.
const WEEK: i64 = 7 * 24 * 60 * 60;

/// Buckets: four to a doubling, from a minute to a hundred days. A median is thus right to within a tenth.
const BUCKETS: u8 = 70;

/// Buckets to a doubling.
const TO_A_DOUBLING: f64 = 4.0;

/// Answers from which a median is told: of fewer it would tell of persons.
const ENOUGH: u32 = 5;

/// Tries at one value that others write too.
const TRIES: usize = 8;

/// Counts by week and bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sketch(BTreeMap<i64, BTreeMap<u8, u32>>);

/// What was seen and is not in the store yet.
#[derive(Debug, Default)]
pub(crate) struct AnswerTimes {
    pending: Mutex<BTreeMap<(HerId, Service), Sketch>>,
}

/// An office's first answer to a citizen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstAnswer {
    pub(crate) office: HerId,
    pub(crate) service: Service,
    pub(crate) after: SignedDuration,
}

fn week(at: Timestamp) -> i64 {
    at.as_second().div_euclid(WEEK)
}

/// The bucket of a time; what is under a minute is in the first.
fn bucket(after: SignedDuration) -> u8 {
    let minutes = (after.as_secs_f64() / 60.0).max(1.0);
    let place = (minutes.log2() * TO_A_DOUBLING).floor();
    // Between 0 and 70, so that nothing is lost.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a byte holds")]
    let place = place.clamp(0.0, f64::from(BUCKETS - 1)) as u8;
    place
}

/// The minutes in the middle of a bucket.
fn middle(bucket: u8) -> u32 {
    let minutes = ((f64::from(bucket) + 0.5) / TO_A_DOUBLING).exp2();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most two hundred thousand")]
    let minutes = minutes.round().clamp(1.0, 1_000_000.0) as u32;
    minutes
}

impl Sketch {
    fn add(&mut self, at: Timestamp, after: SignedDuration) {
        let count = self.0.entry(week(at)).or_default().entry(bucket(after)).or_default();
        *count = count.saturating_add(1);
    }

    fn merge(&mut self, other: &Self) {
        for (week, counts) in &other.0 {
            let own = self.0.entry(*week).or_default();
            for (bucket, count) in counts {
                let sum = own.entry(*bucket).or_default();
                *sum = sum.saturating_add(*count);
            }
        }
    }

    /// Leaves the weeks that are looked back on.
    fn forget(&mut self, now: Timestamp) {
        let this = week(now);
        self.0.retain(|week, _| (this - WEEKS + 1..=this).contains(week));
    }

    /// The median, where there are enough answers.
    pub(crate) fn median(mut self, now: Timestamp) -> Option<AnswerTime> {
        self.forget(now);
        let mut all: BTreeMap<u8, u32> = BTreeMap::new();
        for (bucket, count) in self.0.values().flatten() {
            let sum = all.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
        let answers = all.values().fold(0_u32, |sum, count| sum.saturating_add(*count));
        if answers < ENOUGH {
            return None;
        }
        let mut before = 0_u32;
        let half = answers.div_ceil(2);
        let bucket = all.iter().find_map(|(bucket, count)| {
            before = before.saturating_add(*count);
            (before >= half).then_some(*bucket)
        })?;
        Some(AnswerTime { median_minutes: middle(bucket), answers })
    }
}

impl AnswerTimes {
    /// Notes an answer that was committed.
    pub(crate) fn seen(&self, answer: FirstAnswer, now: Timestamp) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.entry((answer.office, answer.service)).or_default().add(now, answer.after);
    }

    /// What is known of an office and a service.
    pub(crate) async fn of(&self, store: &dyn Store, office: HerId, service: Service) -> Result<Sketch, StoreError> {
        let mut sketch = read(store, office, service).await?.map(|(_, sketch)| sketch).unwrap_or_default();
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(new) = pending.get(&(office, service)) {
            sketch.merge(new);
        }
        Ok(sketch)
    }

    /// Writes what was seen. What could not be written is written by the next run.
    pub(crate) async fn keep(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let all: Vec<(HerId, Service)> = {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.keys().copied().collect()
        };
        for (office, service) in all {
            self.keep_one(store, office, service, now).await?;
        }
        Ok(())
    }

    async fn keep_one(
        &self,
        store: &dyn Store,
        office: HerId,
        service: Service,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let taken = self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&(office, service));
        let Some(new) = taken else { return Ok(()) };
        let written = write(store, office, service, &new, now).await;
        if written.is_err() {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.entry((office, service)).or_default().merge(&new);
        }
        written
    }
}

async fn read(
    store: &dyn Store,
    office: HerId,
    service: Service,
) -> Result<Option<(crate::ports::store::Revision, Sketch)>, StoreError> {
    match store.get(&keys::answer_times(office, service)).await? {
        Some(Versioned { revision, value }) => Ok(Some((revision, record::decode("answer times", &value)?))),
        None => Ok(None),
    }
}

async fn write(
    store: &dyn Store,
    office: HerId,
    service: Service,
    new: &Sketch,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = keys::answer_times(office, service);
    for _ in 0..TRIES {
        let mut batch = Batch::default();
        let mut sketch = match read(store, office, service).await? {
            Some((revision, sketch)) => {
                batch.require_at(key.clone(), revision);
                sketch
            }
            None => {
                batch.require_absent(key.clone());
                Sketch::default()
            }
        };
        sketch.merge(new);
        sketch.forget(now);
        batch.put(key.clone(), record::encode(&sketch)?);
        match store.commit(batch).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Unavailable("how soon an office answers changes too often to be written".into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    #[test]
    fn fewer_than_five_answers_tell_nothing() {
        let mut sketch = Sketch::default();
        for _ in 0..4 {
            sketch.add(at(0), minutes(60));
        }
        assert_eq!(sketch.clone().median(at(0)), None);
        sketch.add(at(0), minutes(60));
        assert_eq!(sketch.median(at(0)).unwrap().answers, 5);
    }

    #[test]
    fn half_of_the_answers_came_within_the_median() {
        let mut sketch = Sketch::default();
        for answer in [10, 20, 90, 5_000, 9_000] {
            sketch.add(at(0), minutes(answer));
        }
        let told = sketch.median(at(0)).unwrap().median_minutes;
        assert!((81..=99).contains(&told), "{told} is not a tenth from 90");
    }

    #[test]
    fn answers_of_more_than_thirteen_weeks_ago_are_forgotten() {
        let mut sketch = Sketch::default();
        for week in 0..20 {
            sketch.add(at(week * WEEK), minutes(30));
        }
        assert_eq!(sketch.clone().median(at(19 * WEEK)).unwrap().answers, 13);
        sketch.forget(at(19 * WEEK));
        assert_eq!(sketch.0.len(), 13);
        assert_eq!(sketch.median(at(60 * WEEK)), None);
    }

    proptest! {
        #[test]
        fn a_bucket_tells_its_times_to_within_a_tenth(seconds in 60_i64..8_000_000) {
            let exact = seconds as f64 / 60.0;
            let told = f64::from(middle(bucket(SignedDuration::from_secs(seconds))));
            // Whole minutes are coarser than a tenth below ten of them.
            prop_assert!((told - exact).abs() <= (exact * 0.1).max(0.6), "{} told as {}", exact, told);
        }

        #[test]
        fn any_time_has_a_bucket(seconds in any::<i64>()) {
            prop_assert!(bucket(SignedDuration::from_secs(seconds)) < BUCKETS);
        }
    }
}
