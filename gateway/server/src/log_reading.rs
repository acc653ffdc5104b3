//! Who reads the audit log, as the log itself says: one record for a reader, a purpose and an hour, made before the first
//! answer of that hour. What was read in an hour is told by the reader's next record, or when the gateway stops. A record
//! for each file would make a log that grows by being read, and is never read to its end.
//!
//! Where nobody has to say who they are (`operations.open-log`), nobody can be recorded. Where the log cannot be written,
//! auditors read on: what they want to know may be why.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use dialog_audit::PublicFile;
use dialog_contract::{
    action::Action,
    audit::{Actor, Record, RecordKind},
};
use jiff::Timestamp;

use crate::limits::{LOG_READERS, LOG_READING_SECONDS};

/// What the log is read for, as the reader says in `Audit-Purpose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To see whether it is what it should be.
    Verify,
    /// To read what is in it.
    Show,
    /// To take it elsewhere.
    Export,
    /// Not said, or in words that are not known.
    Unstated,
}

impl Purpose {
    /// What the header says.
    #[must_use]
    pub fn of(header: Option<&str>) -> Self {
        match header {
            Some("verify") => Self::Verify,
            Some("show") => Self::Show,
            Some("export") => Self::Export,
            _ => Self::Unstated,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Show => "show",
            Self::Export => "export",
            Self::Unstated => "unstated",
        }
    }

    const fn kind(self) -> RecordKind {
        match self {
            Self::Export => RecordKind::Export,
            Self::Verify | Self::Show | Self::Unstated => RecordKind::LogRead,
        }
    }
}

/// Who reads, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reader {
    client: String,
    person: Option<String>,
    purpose: Purpose,
}

impl Reader {
    fn new(actor: &Actor, purpose: Purpose) -> Self {
        Self { client: actor.client.clone(), person: actor.person.clone(), purpose }
    }
}

/// What somebody has read since the record of it.
#[derive(Debug)]
struct Reading {
    actor: Actor,
    since: Timestamp,
    checkpoints: u64,
    tiles: u64,
    bundles: u64,
    /// The first entry and the one after the last.
    entries: Option<(u64, u64)>,
}

impl Reading {
    fn new(actor: Actor, since: Timestamp) -> Self {
        Self { actor, since, checkpoints: 0, tiles: 0, bundles: 0, entries: None }
    }

    const fn is_empty(&self) -> bool {
        self.checkpoints + self.tiles + self.bundles == 0
    }

    fn count(&mut self, path: &str) {
        match (PublicFile::of(path), PublicFile::entries(path)) {
            (Some(PublicFile::Checkpoint | PublicFile::Removed), _) => self.checkpoints += 1,
            (_, Some(range)) => {
                self.bundles += 1;
                let (first, end) = self.entries.unwrap_or((range.start, range.end));
                self.entries = Some((first.min(range.start), end.max(range.end)));
            }
            _ => self.tiles += 1,
        }
    }

    /// What a record says of it.
    fn details(&self) -> impl Iterator<Item = (String, String)> {
        let mut details = BTreeMap::from([
            ("since", self.since.to_string()),
            ("checkpoints", self.checkpoints.to_string()),
            ("tiles", self.tiles.to_string()),
            ("bundles", self.bundles.to_string()),
        ]);
        if let Some((first, end)) = self.entries {
            details.extend([("firstEntry", first.to_string()), ("lastEntry", (end - 1).to_string())]);
        }
        details.into_iter().map(|(name, value)| (name.to_owned(), value))
    }
}

/// Who reads the log of a gateway.
#[derive(Debug, Default)]
pub struct LogReading {
    readings: Mutex<HashMap<Reader, Reading>>,
}

impl LogReading {
    /// Whether a record must be made before this reader is answered, with what it says of what was read before. Nobody
    /// else is told so for the same hour; [`Self::not_recorded`] takes that back.
    pub fn begins(&self, actor: &Actor, purpose: Purpose, now: Timestamp) -> Option<Record> {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = Reader::new(actor, purpose);
        let known = readings.get(&reader);
        if known.is_some_and(|known| now.as_second() - known.since.as_second() < LOG_READING_SECONDS) {
            return None;
        }
        let mut record = record(actor, purpose, now);
        record.details.extend(known.filter(|known| !known.is_empty()).into_iter().flat_map(Reading::details));
        if readings.len() >= LOG_READERS && !readings.contains_key(&reader) {
            // Who read longest ago makes room. What they read in that hour is told by nobody; that they read is.
            let oldest = readings.iter().min_by_key(|(_, reading)| reading.since).map(|(reader, _)| reader.clone());
            oldest.and_then(|oldest| readings.remove(&oldest));
        }
        readings.insert(reader, Reading::new(actor.clone(), now));
        Some(record)
    }

    /// The record could not be made: the next request of the reader tries again.
    pub fn not_recorded(&self, actor: &Actor, purpose: Purpose) {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner).remove(&Reader::new(actor, purpose));
    }

    /// A reader was given a file of the log, by its path in the folder.
    pub fn gave(&self, actor: &Actor, purpose: Purpose, path: &str) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = readings.get_mut(&Reader::new(actor, purpose)) {
            reading.count(path);
        }
    }

    /// What was read and is in no record yet, as records: for the end of the gateway.
    pub fn rest(&self, now: Timestamp) -> Vec<Record> {
        let readings = std::mem::take(&mut *self.readings.lock().unwrap_or_else(PoisonError::into_inner));
        let told = readings.into_iter().filter(|(_, reading)| !reading.is_empty());
        told.map(|(reader, reading)| {
            let mut record = record(&reading.actor, reader.purpose, now);
            record.details.extend(reading.details());
            record
        })
        .collect()
    }
}

fn record(actor: &Actor, purpose: Purpose, now: Timestamp) -> Record {
    let mut record = Record::new(now, purpose.kind(), Action::LogRead, actor.clone());
    record.details.insert("purpose".to_owned(), purpose.as_str().to_owned());
    record
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test panics")]
    use dialog_contract::audit::ActorRole;

    use super::*;

    fn auditor(client: &str) -> Actor {
        Actor { role: ActorRole::Auditor, client: client.to_owned(), person: None, level: None }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_reader_is_recorded_once_an_hour_and_then_with_what_was_read() {
        let (reading, anna) = (LogReading::default(), auditor("anna"));
        let first = reading.begins(&anna, Purpose::Verify, at(0)).unwrap();
        assert_eq!((first.kind, first.action.as_str()), (RecordKind::LogRead, "log.read"));
        assert_eq!(first.details.len(), 1, "nothing was read before: {:?}", first.details);
        for path in ["checkpoint", "tile/0/000", "tile/entries/001", "tile/entries/003.p/7", "tile/entries/002"] {
            assert_eq!(reading.begins(&anna, Purpose::Verify, at(3599)), None);
            reading.gave(&anna, Purpose::Verify, path);
        }
        let next = reading.begins(&anna, Purpose::Verify, at(3600)).unwrap();
        let said = |name: &str| next.details[name].clone();
        assert_eq!((said("checkpoints"), said("tiles"), said("bundles")), ("1".into(), "1".into(), "3".into()));
        assert_eq!((said("firstEntry"), said("lastEntry")), ("256".into(), "774".into()));
        assert!(reading.rest(at(3601)).is_empty(), "nothing was read since");
    }

    #[test]
    fn another_purpose_and_another_reader_have_records_of_their_own() {
        let reading = LogReading::default();
        for (client, purpose) in [("anna", "verify"), ("anna", "export"), ("berit", "verify"), ("anna", "to be nice")] {
            let purpose = Purpose::of(Some(purpose));
            let record = reading.begins(&auditor(client), purpose, at(0)).unwrap();
            assert_eq!(record.kind == RecordKind::Export, purpose == Purpose::Export);
            reading.gave(&auditor(client), purpose, "checkpoint");
        }
        let rest = reading.rest(at(9));
        assert_eq!(rest.len(), 4);
        assert!(rest.iter().all(|record| record.details["checkpoints"] == "1"));
        assert!(reading.rest(at(9)).is_empty(), "told once");
    }

    #[test]
    fn what_could_not_be_recorded_is_tried_again() {
        let (reading, anna) = (LogReading::default(), auditor("anna"));
        assert!(reading.begins(&anna, Purpose::Show, at(0)).is_some());
        reading.not_recorded(&anna, Purpose::Show);
        assert!(reading.begins(&anna, Purpose::Show, at(1)).is_some());
    }

    #[test]
    fn readers_beyond_the_bound_take_the_place_of_who_read_longest_ago() {
        let reading = LogReading::default();
        for number in 0..=LOG_READERS {
            let client = format!("client-{number}");
            assert!(reading.begins(&auditor(&client), Purpose::Show, at(number.try_into().unwrap())).is_some());
        }
        assert_eq!(reading.readings.lock().unwrap().len(), LOG_READERS);
        assert!(reading.begins(&auditor("client-0"), Purpose::Show, at(2000)).is_some(), "client-0 had to go");
    }
}
