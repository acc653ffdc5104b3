//! FHIR R4 (4.0.1): a Bundle of AuditEvents by IHE BALP (Basic Audit Log Patterns).
//!
//! The profiles of BALP are claimed for what went well and is a read, a search, a creation or an update; they say
//! nothing of what was refused, or of a gateway that starts. HL7 Norway's guide (0.9.8, a draft) is for clinicians who
//! look into a journal: its extension for the patient and its purpose of the event are written, its profile is not
//! claimed, as ours are citizens and machines.
//!
//! * `event`: a record as an AuditEvent.
//! * `coding`: codes and their systems.

mod coding;
mod event;

use std::collections::HashMap;

use dialog_audit::Entry;
use dialog_audit::records::Record;

use super::Form;

pub(super) struct Fhir {
    origin: String,
    /// Intents, and what did not come to be, too.
    all: bool,
    /// What a later record puts aside, with that one's request.
    aside: HashMap<u64, String>,
}

impl Fhir {
    pub(super) fn new(origin: &str, all: bool, aside: HashMap<u64, String>) -> Self {
        Self { origin: origin.to_owned(), all, aside }
    }

    fn happened(&self, index: u64, record: &Record) -> bool {
        // Only its own request's record puts one aside.
        let aside = self.aside.get(&index).is_some_and(|request| record.text("/request") == Some(request));
        record.kind() != "intent" && !aside
    }
}

impl Form for Fhir {
    fn begin(&self) -> String {
        r#"{"resourceType":"Bundle","type":"collection","entry":["#.to_owned()
    }

    fn between(&self) -> &'static str {
        ",\n"
    }

    fn write(&mut self, entry: &Entry, record: Option<&Record>) -> Option<String> {
        let record = record.filter(|record| self.all || self.happened(entry.index, record))?;
        event::of(&self.origin, entry.index, record).map(|entry| entry.to_string())
    }

    fn end(&self) -> &'static str {
        "]}\n"
    }
}
