//! Keeps a plugin from waiting again and again for an upstream that is down. Pure: time is given.
//!
//! Closed, it counts failures in a row; at the limit it opens and nothing is sent. When its wait is over, it lets one
//! request through on probation: an answer closes it, a failure opens it for twice as long.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// When to open, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakerPolicy {
    pub(crate) failures: u64,
    pub(crate) wait: Duration,
    pub(crate) longest_wait: Duration,
}

#[derive(Debug)]
enum State {
    Closed { failures: u64 },
    Open { until: Instant, wait: Duration },
    Probation { wait: Duration },
}

/// What happened to the breaker as a whole, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Opened,
    Closed,
}

/// The breaker of one upstream.
#[derive(Debug)]
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    state: Mutex<State>,
}

/// A request that the breaker let through. Dropped without a word, it counts as a failure: the call was stopped while it
/// waited.
#[derive(Debug)]
pub(crate) struct Admitted {
    breaker: Arc<Breaker>,
    open: bool,
}

impl Breaker {
    pub(crate) fn new(policy: BreakerPolicy) -> Arc<Self> {
        Arc::new(Self { policy, state: Mutex::new(State::Closed { failures: 0 }) })
    }

    /// Lets a request through, or says how long not to.
    pub(crate) fn admit(self: &Arc<Self>, now: Instant) -> Result<Admitted, Duration> {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => {}
            State::Open { until, .. } if now < until => return Err(until - now),
            State::Open { wait, .. } => *state = State::Probation { wait },
            // One probe at a time.
            State::Probation { wait } => return Err(wait),
        }
        Ok(Admitted { breaker: Arc::clone(self), open: true })
    }

    /// Whether requests are held back, but for one on probation.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.state(), State::Closed { .. })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the state is held, and each state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self) -> Option<Change> {
        let mut state = self.state();
        let change = matches!(*state, State::Probation { .. }).then_some(Change::Closed);
        // An answer to a request that began before the breaker opened says nothing about now.
        if !matches!(*state, State::Open { .. }) {
            *state = State::Closed { failures: 0 };
        }
        change
    }

    fn failed(&self, now: Instant) -> Option<Change> {
        let mut state = self.state();
        match *state {
            State::Closed { failures } if failures + 1 < self.policy.failures => {
                *state = State::Closed { failures: failures + 1 };
                None
            }
            State::Closed { .. } => {
                *state = State::Open { until: now + self.policy.wait, wait: self.policy.wait };
                Some(Change::Opened)
            }
            State::Probation { wait } => {
                let wait = wait.saturating_mul(2).min(self.policy.longest_wait);
                *state = State::Open { until: now + wait, wait };
                None
            }
            State::Open { .. } => None,
        }
    }
}

impl Admitted {
    /// The upstream answered.
    pub(crate) fn answered(mut self) -> Option<Change> {
        self.open = false;
        self.breaker.answered()
    }

    /// The upstream did not answer, or said that it cannot.
    pub(crate) fn failed(mut self, now: Instant) -> Option<Change> {
        self.open = false;
        self.breaker.failed(now)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.open {
            self.breaker.failed(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const WAIT: Duration = Duration::from_secs(5);

    fn breaker() -> Arc<Breaker> {
        Breaker::new(BreakerPolicy { failures: 3, wait: WAIT, longest_wait: Duration::from_secs(15) })
    }

    fn fail(breaker: &Arc<Breaker>, now: Instant) -> Option<Change> {
        breaker.admit(now).unwrap().failed(now)
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_starts_the_count_anew() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!(fail(&breaker, now), None);
        assert_eq!(fail(&breaker, now), None);
        assert_eq!(breaker.admit(now).unwrap().answered(), None);
        assert_eq!(fail(&breaker, now), None);
        assert_eq!(fail(&breaker, now), None);
        assert!(!breaker.is_open());
        assert_eq!(fail(&breaker, now), Some(Change::Opened));
        assert!(breaker.is_open());
        assert_eq!(breaker.admit(now).unwrap_err(), WAIT);
    }

    #[test]
    fn after_its_wait_one_request_is_on_probation_and_an_answer_closes_it() {
        let (breaker, now) = (breaker(), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        let later = now + WAIT;
        let probe = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_err(), "a second probe at once");
        assert!(breaker.is_open(), "on probation");
        assert_eq!(probe.answered(), Some(Change::Closed));
        assert!(!breaker.is_open());
        assert_eq!(breaker.admit(later).unwrap().answered(), None);
    }

    #[test]
    fn a_failed_probe_doubles_the_wait_up_to_the_longest() {
        let (breaker, mut now) = (breaker(), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        for seconds in [10, 15, 15] {
            now += Duration::from_secs(60);
            assert_eq!(fail(&breaker, now), None);
            assert_eq!(breaker.admit(now).unwrap_err(), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn a_request_that_is_dropped_counts_as_a_failure() {
        let (breaker, now) = (breaker(), Instant::now());
        (0..3).for_each(|_| drop(breaker.admit(now).unwrap()));
        assert!(breaker.admit(now).is_err());
    }
}
