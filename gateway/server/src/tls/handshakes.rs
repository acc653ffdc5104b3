//! Handshakes that are not finished: each has little time, and when there are too many the oldest gives way.
//!
//! Whoever opens connections and leaves them there takes places from nobody: a caller who means it is through within
//! some round trips, and long before a place that was taken later is needed.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::limits;

/// The unfinished handshakes of one listener.
#[derive(Debug)]
pub struct Handshakes {
    most: usize,
    /// How long each may take.
    pub within: Duration,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// In the order in which they began.
    places: BTreeMap<u64, CancellationToken>,
}

/// The place of one handshake; given back when it is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    handshakes: &'a Handshakes,
    number: u64,
    gone: CancellationToken,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self::new(limits::HANDSHAKES_AT_ONCE, limits::HANDSHAKE)
    }
}

impl Handshakes {
    /// At most `most` at once, each `within` a time.
    #[must_use]
    pub fn new(most: usize, within: Duration) -> Self {
        Self { most, within, open: Mutex::default() }
    }

    /// A place for one more, which the oldest may have to make room for.
    pub fn enter(&self) -> Place<'_> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        while open.places.len() >= self.most.max(1) {
            if let Some((_, oldest)) = open.places.pop_first() {
                oldest.cancel();
            }
        }
        let (number, gone) = (open.next, CancellationToken::new());
        open.next += 1;
        open.places.insert(number, gone.clone());
        Place { handshakes: self, number, gone }
    }
}

impl Place<'_> {
    /// Ends when the place had to be made free.
    pub fn taken(&self) -> WaitForCancellationFuture<'_> {
        self.gone.cancelled()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut open = self.handshakes.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_oldest_gives_way_to_the_newest_and_nobody_else_does() {
        let handshakes = Handshakes::new(2, Duration::from_secs(1));
        let (first, second) = (handshakes.enter(), handshakes.enter());
        let third = handshakes.enter();
        assert!(first.gone.is_cancelled() && !second.gone.is_cancelled() && !third.gone.is_cancelled());
        drop((first, third));
        // A place is free again.
        let fourth = handshakes.enter();
        assert!(!second.gone.is_cancelled() && !fourth.gone.is_cancelled());
    }

    #[test]
    fn places_that_are_given_back_are_forgotten() {
        let handshakes = Handshakes::new(2, Duration::from_secs(1));
        for _ in 0..10 {
            drop(handshakes.enter());
        }
        assert!(handshakes.open.lock().unwrap().places.is_empty());
    }
}
