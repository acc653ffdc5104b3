//! The order of the portal's events, such that a follower misses none.
//!
//! Commits run side by side, so a later event may become visible before an earlier one; a follower who had then moved
//! on would never see the earlier. Therefore every event gets its place here, before its commit; the feed is read
//! only up to the **horizon**, the first place whose commit is still under way; and live followers are told in the
//! order of places. A commit that fails leaves a gap, which is no harm. A commit of which nobody knows whether it
//! will be there after a restart keeps the horizon where it is until the restart: the store takes no more writes then
//! anyway.
//!
//! A place is the microsecond of its making, or the next one that is free: it increases across restarts too. It is
//! the beginning of the event's id (UUIDv7, RFC 9562 method 3), so ids sort as the feed does.
//!
//! One process writes one store (the store's folder is locked), so a mutex in memory is enough. A store that several
//! nodes share needs its own sequence here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dialog_contract::{event::Event, ids::EventId};
use jiff::Timestamp;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::identity::CitizenId;

/// Events that a live follower may be behind before it must read the store again.
const LIVE_EVENTS: usize = 1024;

/// An event with whom it concerns.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) citizen: CitizenId,
    pub(crate) event: Event,
}

/// A place in the order of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

impl Place {
    /// A new id at this place.
    pub(crate) fn event_id(self) -> EventId {
        EventId::from(Uuid::from_u64_pair(self.high(), (1 << 63) | (rand::random::<u64>() >> 2)))
    }

    /// Where in the order an id stands; none where it is no id of an event's.
    pub(crate) fn of(id: EventId) -> Option<Self> {
        let (high, _) = id.uuid().as_u64_pair();
        let (milliseconds, microseconds) = (high >> 16, high & 0xfff);
        (high >> 12 & 0xf == 7 && microseconds < 1000).then_some(Self(milliseconds * 1000 + microseconds))
    }

    /// The place of a moment.
    pub(crate) fn at(moment: Timestamp) -> Self {
        Self(u64::try_from(moment.as_microsecond()).unwrap_or(0))
    }

    /// The least id at this place.
    pub(crate) fn least(self) -> EventId {
        EventId::from(Uuid::from_u64_pair(self.high(), 0))
    }

    const fn high(self) -> u64 {
        (self.0 / 1000) << 16 | 0x7000 | (self.0 % 1000)
    }
}

/// Gives out places and knows which of them are settled.
#[derive(Debug)]
pub(crate) struct Sequence {
    state: Mutex<State>,
    live: broadcast::Sender<Arc<Told>>,
}

#[derive(Debug)]
struct State {
    last: u64,
    under_way: BTreeSet<u64>,
    /// Committed, and not yet told because an earlier one is under way.
    ready: BTreeMap<u64, Arc<Told>>,
}

impl Sequence {
    /// Goes on after `last`, the newest event in the store.
    pub(crate) fn after(last: Option<EventId>) -> Self {
        let last = last.and_then(Place::of).map_or(0, |place| place.0);
        Self {
            state: Mutex::new(State { last, under_way: BTreeSet::new(), ready: BTreeMap::new() }),
            live: broadcast::channel(LIVE_EVENTS).0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `count` places for one commit. Each must be given back to [`Sequence::committed`] or
    /// [`Sequence::abandoned`], unless nobody knows what became of the commit.
    pub(crate) fn take(&self, count: usize, now: Timestamp) -> Vec<Place> {
        let now = u64::try_from(now.as_microsecond()).unwrap_or(0);
        let mut state = self.state();
        (0..count)
            .map(|_| {
                state.last = now.max(state.last + 1);
                let place = state.last;
                state.under_way.insert(place);
                Place(place)
            })
            .collect()
    }

    /// The events of one commit are in the store.
    pub(crate) fn committed(&self, events: Vec<(Place, Told)>) {
        let mut state = self.state();
        for (place, told) in events {
            state.under_way.remove(&place.0);
            state.ready.insert(place.0, Arc::new(told));
        }
        self.tell(&mut state);
    }

    /// The commit did not happen.
    pub(crate) fn abandoned(&self, places: &[Place]) {
        let mut state = self.state();
        for place in places {
            state.under_way.remove(&place.0);
        }
        self.tell(&mut state);
    }

    fn tell(&self, state: &mut State) {
        let horizon = state.horizon();
        while let Some(first) = state.ready.first_entry().filter(|first| *first.key() < horizon) {
            // Nobody listening is no error.
            let _ = self.live.send(first.remove());
        }
    }

    /// Everything before this place is settled; read no further.
    pub(crate) fn horizon(&self) -> Place {
        Place(self.state().horizon())
    }

    /// Events from now on, in order.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<Told>> {
        self.live.subscribe()
    }
}

impl State {
    fn horizon(&self) -> u64 {
        self.under_way.first().copied().unwrap_or(self.last + 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use dialog_contract::{
        event::{EventData, EventType},
        service::Service,
    };

    use super::*;

    fn told(place: Place) -> (Place, Told) {
        let event = Event {
            specversion: "1.0".into(),
            id: place.event_id(),
            source: "https://gateway.test".into(),
            kind: EventType::DialogUpdated,
            subject: "/v1/me/dialogs/x".into(),
            time: Timestamp::UNIX_EPOCH,
            datacontenttype: "application/json".into(),
            traceparent: None,
            data: EventData {
                citizen: "c".into(),
                office: 1.try_into().unwrap(),
                service: Service::Inquiry,
                dialog: None,
                revision: None,
                status: None,
                appointment: None,
                payment: None,
            },
        };
        (place, Told { citizen: CitizenId::from_bytes([0; 16]), event })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_follower_never_passes_a_commit_that_is_under_way() {
        let sequence = Sequence::after(None);
        let mut live = sequence.follow();
        let (first, second) = (sequence.take(1, at(10))[0], sequence.take(1, at(11))[0]);
        sequence.committed(vec![told(second)]);
        assert_eq!(sequence.horizon(), first);
        assert!(live.try_recv().is_err(), "the second must wait for the first");
        sequence.committed(vec![told(first)]);
        assert_eq!(Place::of(live.try_recv().unwrap().event.id), Some(first));
        assert_eq!(Place::of(live.try_recv().unwrap().event.id), Some(second));
        assert!(sequence.horizon() > second);
    }

    #[test]
    fn a_failed_commit_leaves_a_gap_and_holds_nobody_up() {
        let sequence = Sequence::after(None);
        let mut live = sequence.follow();
        let (first, second) = (sequence.take(1, at(10))[0], sequence.take(1, at(10))[0]);
        sequence.committed(vec![told(second)]);
        sequence.abandoned(&[first]);
        assert_eq!(Place::of(live.try_recv().unwrap().event.id), Some(second));
    }

    #[test]
    fn places_increase_also_when_the_clock_goes_back_and_after_a_restart() {
        let sequence = Sequence::after(None);
        let before = sequence.take(3, at(1_000));
        assert!(before.is_sorted() && before[0] < before[2]);
        let restarted = Sequence::after(Some(before[2].event_id()));
        let after = restarted.take(1, at(500))[0];
        assert!(after > before[2]);
        assert!(after.event_id() > before[2].event_id());
        assert!(after.least() <= after.event_id());
        assert_eq!(after.event_id().uuid().get_version_num(), 7);
    }
}
