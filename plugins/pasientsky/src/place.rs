//! How far the news were taken in: by the vendor's own times, never by the gateway's clock.
//!
//! The vendor's writes may become visible a little out of order, so each search begins some seconds before the newest that
//! was taken in; what was seen of those seconds is remembered. Should something be told twice all the same, its event has
//! the same id.

use dialog_plugin_sdk::{Failure, Instant, Sent, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::Head;

/// What a search overlaps with the last one, in milliseconds.
pub const OVERLAP: Instant = 30_000;
/// Versions that are remembered.
const MAX_SEEN: usize = 300;

/// The place in one kind of news. A version of this, opaque to the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The newest `meta.lastUpdated` that was taken in.
    since: Option<Instant>,
    /// What was taken in of the last seconds before it.
    seen: Vec<(String, Instant)>,
}

impl Place {
    /// From when on to search, with so much overlap.
    #[must_use]
    pub fn from(&self, overlap: Instant) -> Instant {
        // The contract's first moment: everything.
        const BEGINNING: Instant = -2_208_988_800_000;
        self.since.map_or(BEGINNING, |since| since.saturating_sub(overlap).max(BEGINNING))
    }

    /// Whether this version was taken in.
    #[must_use]
    pub fn has_seen(&self, resource: &Value) -> bool {
        let head = Head::of(resource);
        self.seen.iter().any(|(key, _)| *key == head.key)
    }

    /// Takes a version in.
    pub fn pass(&mut self, resource: &Value) {
        let head = Head::of(resource);
        let Some(updated) = head.updated else {
            // It has no place among the others, and is found as long as the vendor finds it.
            self.seen.push((head.key, Instant::MAX));
            return self.bound();
        };
        self.since = Some(self.since.map_or(updated, |since| since.max(updated)));
        self.seen.push((head.key, updated));
        let oldest = self.from(OVERLAP);
        self.seen.retain(|(_, updated)| *updated >= oldest);
        self.bound();
    }

    fn bound(&mut self) {
        if self.seen.len() > MAX_SEEN {
            // The oldest are the first that a search would no longer find.
            self.seen.sort_by_key(|(_, updated)| *updated);
            self.seen.drain(..self.seen.len() - MAX_SEEN);
        }
    }
}

/// What is known between calls. Opaque to the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// In dialogs.
    pub tasks: Place,
    /// In messages.
    pub communications: Place,
    /// In appointments.
    pub appointments: Place,
}

impl Cursor {
    /// As it was given out; one of another version begins anew: what was seen before is recognised by its event's id.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::default() };
        serde_json::from_str(text).unwrap_or_else(|_| {
            log::warn!("the cursor is of another version and is begun anew");
            Self::default()
        })
    }

    /// To be given out.
    ///
    /// # Errors
    /// It has no form in JSON.
    pub fn written(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|_| Failure::faulty(Sent::No, "the cursor has no form in JSON"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn resource(id: u64, updated: Instant) -> Value {
        let updated = crate::fhir::time::written(updated).unwrap();
        json!({ "resourceType": "Task", "id": format!("t-{id}"), "meta": { "versionId": "1", "lastUpdated": updated } })
    }

    proptest! {
        #[test]
        fn in_any_order_the_place_is_at_the_newest_and_never_grows_beyond_its_bounds(times in prop::collection::vec(0_i64..600_000, 1..800)) {
            let mut place = Place::default();
            for (id, at) in times.iter().enumerate() {
                place.pass(&resource(id as u64, 1_795_165_200_000 + at));
            }
            let newest = 1_795_165_200_000 + times.iter().max().unwrap();
            prop_assert_eq!(place.from(0), newest);
            prop_assert!(place.seen.len() <= MAX_SEEN);
            prop_assert!(place.seen.iter().all(|(_, updated)| *updated >= newest - OVERLAP));
            let written = Cursor { tasks: place, ..Cursor::default() }.written().unwrap();
            prop_assert!(written.len() < 64 * 1024 / 3, "{}", written.len());
        }

        #[test]
        fn what_was_just_taken_in_is_known(id in any::<u64>(), at in 0_i64..1_000) {
            let mut place = Place::default();
            let one = resource(id, 1_795_165_200_000 + at);
            prop_assert!(!place.has_seen(&one));
            place.pass(&one);
            prop_assert!(place.has_seen(&one));
        }
    }

    #[test]
    fn something_without_a_time_is_remembered_and_moves_nothing() {
        let mut place = Place::default();
        place.pass(&resource(1, 1_795_165_200_000));
        let odd = json!({ "resourceType": "Task" });
        place.pass(&odd);
        assert!(place.has_seen(&odd));
        assert_eq!(place.from(0), 1_795_165_200_000);
    }

    #[test]
    fn a_cursor_of_another_version_begins_anew() {
        let _host = dialog_plugin_sdk::testing::Host::install();
        assert_eq!(Cursor::read(Some("v0:17")), Cursor::default());
        let mut cursor = Cursor::default();
        cursor.tasks.pass(&resource(1, 1_795_165_200_000));
        assert_eq!(Cursor::read(Some(&cursor.written().unwrap())), cursor);
    }
}
