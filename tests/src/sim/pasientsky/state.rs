//! Everything that the vendor knows.

use super::SimError;
use super::clinic::{self, Clinic, Patient, norway};
use super::codes::{Kind, Origin, Service};
use super::record::{Damage, Record};
use super::search::Pages;
use super::subscription::{Notice, Pushed, Subscription};
use super::write::Remembered;
use crate::sim::world::Office;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Instant;

/// Something that the portal's side did against the vendor's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which request: method and route.
    pub request: String,
    /// What was wrong, without content.
    pub rule: String,
}

/// A dialog, as tests look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    /// `Task.id`.
    pub id: String,
    /// What it is about.
    pub service: Service,
    /// `Task.status`.
    pub status: String,
    /// Who is to do something: `with-clinic` or `with-patient`; or how it ended.
    pub stand: String,
    /// `Patient.id`.
    pub patient: String,
    /// The texts of its messages, in order, and whether the patient wrote them.
    pub messages: Vec<(bool, String)>,
    /// Whether somebody acts for the patient.
    pub represented: bool,
    /// The items of a renewal: the portal's id, and the medicine.
    pub items: Vec<(String, String)>,
    /// The bytes of the patient's files, in order.
    pub files: Vec<Vec<u8>>,
}

impl Dialog {
    /// Whether nobody can write any more.
    pub fn is_closed(&self) -> bool {
        closed(&self.status)
    }

    /// Whether the clinic is to do something.
    pub fn waits(&self) -> bool {
        !self.is_closed() && self.stand == "with-clinic"
    }

    /// The latest text of the patient's.
    pub fn text(&self) -> &str {
        self.messages.iter().rev().find(|(patient, _)| *patient).map_or("", |(_, text)| text)
    }
}

/// Whether a Task's status is one that it ends with.
pub fn closed(status: &str) -> bool {
    matches!(status, "completed" | "rejected" | "cancelled" | "failed" | "entered-in-error")
}

/// Everything.
#[derive(Debug)]
pub struct State {
    start: Timestamp,
    begun: Instant,
    last: Timestamp,
    numbers: u64,
    /// The clinics.
    pub clinics: Vec<Clinic>,
    /// Their patients.
    pub patients: Vec<Patient>,
    /// All resources, in the order that they came to be.
    pub records: Vec<Record>,
    /// The rest of answers that were too long for one page.
    pub pages: Pages,
    /// What identifiers were first used for.
    pub remembered: Remembered,
    /// Files: media type and bytes.
    pub files: HashMap<String, (String, Vec<u8>)>,
    /// What went wrong on the portal's side.
    pub violations: Vec<Violation>,
    /// How the next resource of a clinic's is damaged.
    pub damage_next: Option<Damage>,
    /// Who is notified.
    pub subscription: Option<Subscription>,
    /// What there is to notify of.
    pub notices: Vec<Notice>,
    /// What was notified.
    pub pushed: Vec<Pushed>,
}

impl State {
    /// A vendor on its first day, with these offices as clinics.
    pub fn new(start: Timestamp, offices: &[Office]) -> State {
        let mut state = State {
            start,
            begun: Instant::now(),
            last: Timestamp::MIN,
            numbers: 0,
            clinics: Vec::new(),
            patients: Vec::new(),
            records: Vec::new(),
            pages: Pages::default(),
            remembered: Remembered::new(),
            files: HashMap::new(),
            violations: Vec::new(),
            damage_next: None,
            subscription: None,
            notices: Vec::new(),
            pushed: Vec::new(),
        };
        for office in offices {
            clinic::open(&mut state, *office);
        }
        state
    }

    /// The vendor's time.
    pub fn now(&self) -> Timestamp {
        let elapsed = jiff::SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.start.saturating_add(elapsed).unwrap_or(self.start)
    }

    /// The vendor's date.
    pub fn today(&self) -> Date {
        self.now().to_zoned(norway()).date()
    }

    /// A moment in milliseconds, as no other resource was updated.
    fn moment(&mut self) -> Timestamp {
        let now = Timestamp::from_millisecond(self.now().as_millisecond()).unwrap_or(self.start);
        let next = self.last.saturating_add(1.millisecond()).unwrap_or(now);
        self.last = now.max(next);
        self.last
    }

    /// An id that nothing else has.
    pub fn number(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}-{}", self.numbers)
    }

    /// Writes a resource: its first version, or its next one.
    pub fn put(&mut self, kind: Kind, id: &str, body: Value, origin: Origin) {
        let updated = self.moment();
        let told = matches!(kind, Kind::Appointment | Kind::Communication | Kind::Task) && origin == Origin::Clinic;
        let damage = if told { self.damage_next.take() } else { None };
        match self.records.iter_mut().find(|record| record.kind == kind && record.id == id) {
            Some(record) => {
                *record = Record { version: record.version + 1, updated, origin, body, damage, ..record.clone() };
            }
            None => {
                self.records.push(Record { kind, id: id.to_owned(), version: 1, updated, origin, body, damage });
            }
        }
        if told {
            let number = self.notices.len() as u64 + 1;
            let focus = format!("{}/{id}", kind.name());
            self.notices.push(Notice { number, at: updated, focus, pushed: false });
        }
    }

    /// The patient has opened a message: its next version, which is no news of the clinic's.
    pub fn received(&mut self, id: &str, body: Value) {
        let updated = self.moment();
        let of_it = |record: &&mut Record| record.kind == Kind::Communication && record.id == id;
        if let Some(record) = self.records.iter_mut().find(of_it) {
            *record = Record { version: record.version + 1, updated, body, ..record.clone() };
        }
    }

    /// Changes some elements of a resource.
    pub fn amend(&mut self, kind: Kind, id: &str, origin: Origin, change: impl FnOnce(&mut Value)) -> bool {
        let Some(mut body) = self.record(kind, id).map(|record| record.body.clone()) else { return false };
        change(&mut body);
        self.put(kind, id, body, origin);
        true
    }

    /// A resource.
    pub fn record(&self, kind: Kind, id: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.kind == kind && record.id == id)
    }

    /// A resource by `Kind/id`.
    pub fn referred(&self, reference: &str) -> Option<&Record> {
        let (kind, id) = reference.split_once('/')?;
        self.record(Kind::of(kind)?, id)
    }

    /// Resources of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.kind == kind)
    }

    /// A clinic by its `HealthcareService.id`.
    pub fn clinic(&mut self, id: &str) -> Result<&mut Clinic, SimError> {
        let missing = || SimError::NoSuchClinic(id.to_owned());
        self.clinics.iter_mut().find(|clinic| clinic.id == id).ok_or_else(missing)
    }

    /// A patient by number.
    pub fn citizen(&self, number: &str) -> Option<&Patient> {
        self.patients.iter().find(|patient| patient.citizen.national_id == number)
    }

    /// A patient by `Patient/id`.
    pub fn patient(&self, reference: &str) -> Option<&Patient> {
        let id = reference.strip_prefix("Patient/")?;
        self.patients.iter().find(|patient| patient.id == id)
    }

    /// A dialog.
    pub fn dialog(&self, id: &str) -> Option<Dialog> {
        self.record(Kind::Task, id).and_then(|task| self.read(task))
    }

    /// Every dialog.
    pub fn dialogs(&self) -> Vec<Dialog> {
        self.of(Kind::Task).filter_map(|task| self.read(task)).collect()
    }

    fn read(&self, task: &Record) -> Option<Dialog> {
        let reference = task.reference();
        let messages = self.of(Kind::Communication).filter(|one| one.refers("/partOf", &reference)).map(|message| {
            let of_the_clinic = message.text("/sender/reference").is_some_and(|who| who.starts_with("Healthcare"));
            (!of_the_clinic, message.text("/payload/0/contentString").unwrap_or_default().to_owned())
        });
        let files = self.of(Kind::Communication).filter(|one| one.refers("/partOf", &reference)).flat_map(|message| {
            let of_the_patient = !message.text("/sender/reference").is_some_and(|who| who.starts_with("Healthcare"));
            let parts = message.body["payload"].as_array().filter(|_| of_the_patient);
            parts.into_iter().flatten().filter_map(|part| {
                let url = part["contentAttachment"]["url"].as_str()?;
                self.files.get(url.strip_prefix("Binary/")?).map(|(_, bytes)| bytes.clone())
            })
        });
        let contained = task.body["contained"].as_array().cloned().unwrap_or_default();
        let items = contained.iter().filter(|one| one["resourceType"] == "MedicationRequest").map(|one| {
            let text = |pointer: &str| one.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("/identifier/0/value"), text("/medicationCodeableConcept/text"))
        });
        Some(Dialog {
            id: task.id.clone(),
            service: Service::of(task.code("code")?)?,
            status: task.text("/status")?.to_owned(),
            stand: task.code("businessStatus").unwrap_or("with-clinic").to_owned(),
            patient: task.text("/for/reference")?.trim_start_matches("Patient/").to_owned(),
            messages: messages.collect(),
            represented: contained.iter().any(|one| one["resourceType"] == "RelatedPerson"),
            items: items.collect(),
            files: files.collect(),
        })
    }

    /// What the portal's side did wrong.
    pub fn violate(&mut self, request: &str, rule: impl Into<String>) {
        self.violations.push(Violation { request: request.to_owned(), rule: rule.into() });
    }
}
