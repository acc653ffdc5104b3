//! What providers tell of themselves (practical information, forms), kept in memory for a while, so that a page does not
//! wait for a vendor and a vendor is not asked for every page.
//!
//! A value is fresh for [`FRESH`]; then the next who wants it asks, and everybody else meanwhile is given what there is.
//! Where the provider cannot be asked, what it told is given for up to [`KEPT`], marked as stale, and it is asked again
//! after [`PAUSE`] at the earliest. Who has nothing waits for the one who asks, and for no longer than that one may.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::keys::Fixed;

/// How long a value is fresh: opening hours change by the day, forms by the month, and a mistake in either is to be gone
/// within a coffee break.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// How long a value is given where the provider cannot be asked: over a night.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long a provider that could not be asked is left in peace.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// Most values: those of all offices in the country in three languages, twice.
const MOST: usize = 10_000;

/// Most bytes of all values, about: a full profile has a few thousand.
const MOST_BYTES: usize = 48 * 1024 * 1024;

/// A value with when it was told.
#[derive(Debug)]
pub(crate) struct Known<T> {
    pub(crate) value: Arc<T>,
    pub(crate) as_of: Timestamp,
    /// It is no longer fresh.
    pub(crate) stale: bool,
}

/// Values of one kind, by what they depend on.
#[derive(Debug)]
pub(crate) struct Told<T> {
    slots: Mutex<HashMap<Fixed, Slot<T>>>,
}

#[derive(Debug)]
struct Slot<T> {
    told: Option<Value<T>>,
    /// When it could last not be had.
    failed: Option<Timestamp>,
    /// Held by the one who asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Value<T> {
    value: Arc<T>,
    as_of: Timestamp,
    bytes: usize,
}

/// What there is without asking.
enum Found<T> {
    /// Good enough, or not to be had now.
    Enough(Option<Known<T>>),
    /// To be asked for; what is there is given where somebody asks already.
    Ask(Arc<tokio::sync::Mutex<()>>, Option<Known<T>>),
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { told: None, failed: None, asking: Arc::default() }
    }
}

impl<T> Slot<T> {
    fn known(&self, now: Timestamp) -> Option<Known<T>> {
        let told = self.told.as_ref()?;
        let age = now.duration_since(told.as_of);
        let stale = age >= FRESH;
        (age < KEPT).then(|| Known { value: Arc::clone(&told.value), as_of: told.as_of, stale })
    }
}

impl<T> Told<T> {
    /// The value under `key`, no older than `wanted` where the provider can be asked. `ask` gives the value and about how
    /// many bytes it has; it ends in time by itself.
    pub(crate) async fn get(
        &self,
        key: Fixed,
        now: Timestamp,
        wanted: SignedDuration,
        ask: impl Future<Output = Option<(T, usize)>> + Send,
    ) -> Option<Known<T>> {
        let (asking, there) = match self.look(key, now, wanted) {
            Found::Enough(known) => return known,
            Found::Ask(asking, there) => (asking, there),
        };
        let _asking = match (asking.try_lock(), there) {
            (Ok(held), _) => held,
            (Err(_), Some(there)) => return Some(there),
            (Err(_), None) => asking.lock().await,
        };
        // Somebody may have asked while this one waited.
        if let Found::Enough(known) = self.look(key, now, wanted) {
            return known;
        }
        let told = ask.await;
        let mut slots = self.slots();
        let slot = slots.entry(key).or_default();
        match told {
            Some((value, bytes)) => {
                slot.told = Some(Value { value: Arc::new(value), as_of: now, bytes });
                slot.failed = None;
            }
            None => slot.failed = Some(now),
        }
        let known = slot.known(now);
        make_room(&mut slots, key);
        known
    }

    fn look(&self, key: Fixed, now: Timestamp, wanted: SignedDuration) -> Found<T> {
        let mut slots = self.slots();
        let slot = slots.entry(key).or_default();
        let known = slot.known(now);
        let fresh = known.as_ref().is_some_and(|known| now.duration_since(known.as_of) < wanted);
        let in_peace = slot.failed.is_some_and(|failed| now.duration_since(failed) < PAUSE);
        if fresh || in_peace { Found::Enough(known) } else { Found::Ask(Arc::clone(&slot.asking), known) }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Fixed, Slot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where there is too much, the oldest quarter goes, and what nobody ever told.
fn make_room<T>(slots: &mut HashMap<Fixed, Slot<T>>, but: Fixed) {
    let bytes = |slot: &Slot<T>| slot.told.as_ref().map_or(0, |told| told.bytes);
    if slots.len() <= MOST && slots.values().map(bytes).sum::<usize>() <= MOST_BYTES {
        return;
    }
    let mut ages: Vec<Timestamp> = slots.values().filter_map(|slot| Some(slot.told.as_ref()?.as_of)).collect();
    ages.sort_unstable();
    let oldest = ages.get(ages.len() / 4).copied().unwrap_or(Timestamp::MAX);
    slots.retain(|key, slot| *key == but || slot.told.as_ref().is_some_and(|told| told.as_of > oldest));
    // All of one moment, or one alone that is too much: nothing of it is kept but what was just told.
    if slots.len() > MOST || slots.values().map(bytes).sum::<usize>() > MOST_BYTES {
        slots.retain(|key, _| *key == but);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::keys::fixed;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn key(name: &str) -> Fixed {
        fixed(&[name.as_bytes()])
    }

    #[tokio::test]
    async fn what_was_told_is_not_asked_for_again_until_it_is_old() {
        let (told, asked) = (Told::default(), AtomicU32::new(0));
        let ask = || async { Some((asked.fetch_add(1, Ordering::SeqCst), 4)) };
        for (second, expected) in [(0, 0), (599, 0), (600, 1), (1_199, 1)] {
            let known = told.get(key("a"), at(second), FRESH, ask()).await.unwrap();
            assert_eq!((*known.value, known.stale), (expected, false), "after {second} s");
        }
        assert_eq!(*told.get(key("a"), at(1_199), SignedDuration::from_secs(30), ask()).await.unwrap().value, 2);
        assert_eq!(*told.get(key("b"), at(0), FRESH, ask()).await.unwrap().value, 3, "another office");
    }

    #[tokio::test]
    async fn a_provider_that_is_down_is_left_in_peace_and_what_it_told_is_given_for_a_day() {
        let (told, asked) = (Told::default(), AtomicU32::new(0));
        let down = || async {
            asked.fetch_add(1, Ordering::SeqCst);
            None
        };
        told.get(key("a"), at(0), FRESH, async { Some((7, 4)) }).await.unwrap();
        let known = told.get(key("a"), at(600), FRESH, down()).await.unwrap();
        assert_eq!((*known.value, known.as_of, known.stale), (7, at(0), true));
        told.get(key("a"), at(629), FRESH, down()).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        told.get(key("a"), at(630), FRESH, down()).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(told.get(key("a"), at(24 * 3_600), FRESH, down()).await.is_none());
        assert!(told.get(key("b"), at(0), FRESH, down()).await.is_none(), "who never told anything");
    }

    #[tokio::test]
    async fn one_asks_and_the_others_are_given_what_there_is_or_wait() {
        let told: Arc<Told<u32>> = Arc::default();
        let (gate, arrived) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let slow = |value: u32| {
            let (gate, arrived) = (Arc::clone(&gate), Arc::clone(&arrived));
            async move {
                arrived.add_permits(1);
                gate.acquire().await.unwrap().forget();
                Some((value, 4))
            }
        };
        let never = async { None::<(u32, usize)> };
        let (first, asking) = (Arc::clone(&told), slow(1));
        let first = tokio::spawn(async move { *first.get(key("a"), at(0), FRESH, asking).await.unwrap().value });
        arrived.acquire().await.unwrap().forget();
        let (second, asking) = (Arc::clone(&told), slow(2));
        let second = tokio::spawn(async move { *second.get(key("a"), at(0), FRESH, asking).await.unwrap().value });
        gate.add_permits(1);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 1), "asked once");

        let (again, asking) = (Arc::clone(&told), slow(3));
        let again = tokio::spawn(async move { *again.get(key("a"), at(600), FRESH, asking).await.unwrap().value });
        arrived.acquire().await.unwrap().forget();
        let meanwhile = told.get(key("a"), at(600), FRESH, never).await.unwrap();
        assert_eq!((*meanwhile.value, meanwhile.stale), (1, true), "nobody waits");
        gate.add_permits(1);
        assert_eq!(again.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let told = Told::default();
        let large = MOST_BYTES / 8;
        for place in 0..9_i64 {
            told.get(key(&place.to_string()), at(place), FRESH, async { Some((place, large)) }).await.unwrap();
        }
        let kept: usize = told.slots().values().filter_map(|slot| slot.told.as_ref()).map(|told| told.bytes).sum();
        assert!(kept <= MOST_BYTES);
        let nobody = || async { None };
        assert!(told.get(key("0"), at(9), FRESH, nobody()).await.is_none());
        assert_eq!(*told.get(key("8"), at(9), FRESH, nobody()).await.unwrap().value, 8);
        let all = told.get(key("all"), at(10), FRESH, async { Some((1, MOST_BYTES + 1)) }).await;
        assert_eq!(*all.unwrap().value, 1);
        assert!(told.slots().len() == 1, "what is too much stands alone");
    }
}
