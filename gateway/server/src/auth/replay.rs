//! Which proofs were shown already. In memory: nothing waits for a disk, and what a crash forgets is covered by nonces
//! (see [`super::possession`]).
//!
//! Two generations, each as long as a proof can be good for: the older one is dropped as a whole when the younger one
//! is full of time. So a proof is remembered for at least that long, and forgetting costs nothing while one waits.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::limits::{PROOF_FUTURE_SECONDS, PROOF_PAST_SECONDS, PROOFS_REMEMBERED};

/// Seconds from when a proof can first be shown to when it is refused for its age, and one for the rounding of both.
const GENERATION: u64 = PROOF_PAST_SECONDS + PROOF_FUTURE_SECONDS + 1;

/// The proofs that were shown.
pub struct Shown {
    generations: Mutex<Generations>,
    capacity: usize,
}

struct Generations {
    younger: HashSet<[u8; 16]>,
    older: HashSet<[u8; 16]>,
    /// When the younger one began, seconds since 1970.
    began: u64,
}

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// It had not been shown before, and is remembered.
    First,
    /// It had been shown.
    Again,
    /// There is no room to remember it: it must not be accepted.
    NoRoom,
}

impl Default for Shown {
    fn default() -> Self {
        Self::with_room_for(PROOFS_REMEMBERED)
    }
}

impl Shown {
    /// Remembers this many in a generation.
    fn with_room_for(capacity: usize) -> Self {
        let generations = Generations { younger: HashSet::new(), older: HashSet::new(), began: 0 };
        Self { generations: Mutex::new(generations), capacity }
    }

    /// Remembers the proof with this id; `now` in seconds since 1970.
    pub fn show(&self, id: [u8; 16], now: u64) -> Shows {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that steps back makes nothing younger: then everything is remembered for longer.
        let age = now.saturating_sub(generations.began);
        if age >= GENERATION {
            let ended = std::mem::take(&mut generations.younger);
            // Whoever was shown in a generation that ended a whole one ago is too old by now.
            generations.older = if age >= 2 * GENERATION { HashSet::new() } else { ended };
            generations.began = now;
        }
        if generations.younger.contains(&id) || generations.older.contains(&id) {
            Shows::Again
        } else if generations.younger.len() >= self.capacity {
            Shows::NoRoom
        } else {
            generations.younger.insert(id);
            Shows::First
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn a_proof_is_shown_once() {
        let shown = Shown::default();
        assert_eq!(shown.show([1; 16], NOW), Shows::First);
        assert_eq!(shown.show([1; 16], NOW), Shows::Again);
        assert_eq!(shown.show([2; 16], NOW), Shows::First);
    }

    #[test]
    fn what_cannot_be_remembered_is_not_accepted_and_room_comes_back_with_time() {
        let shown = Shown::with_room_for(2);
        assert_eq!(shown.show([1; 16], NOW), Shows::First);
        assert_eq!(shown.show([2; 16], NOW), Shows::First);
        assert_eq!(shown.show([3; 16], NOW), Shows::NoRoom);
        assert_eq!(shown.show([1; 16], NOW), Shows::Again, "a replay is told from a new one also then");
        assert_eq!(shown.show([3; 16], NOW + GENERATION), Shows::First);
    }

    #[test]
    fn a_clock_that_steps_back_forgets_nothing() {
        let shown = Shown::default();
        shown.show([1; 16], NOW);
        assert_eq!(shown.show([1; 16], NOW - 10_000), Shows::Again);
        assert_eq!(shown.show([1; 16], NOW), Shows::Again);
    }

    proptest! {
        #[test]
        fn no_proof_is_forgotten_while_it_is_good(steps in prop::collection::vec((0_u8..12, 0_u64..100), 1..200)) {
            let shown = Shown::default();
            let (mut now, mut first) = (NOW, HashMap::new());
            for (id, later) in steps {
                now += later;
                let shows = shown.show([id; 16], now);
                if let Some(before) = first.get(&id) && now - before < GENERATION {
                    prop_assert_eq!(shows, Shows::Again);
                }
                if shows == Shows::First {
                    first.insert(id, now);
                }
            }
        }
    }
}
