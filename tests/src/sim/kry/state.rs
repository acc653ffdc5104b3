//! Everything that the vendor knows.

use super::calendar::{Booking, Calendar, Timeslot, norway};
use super::document::Answer;
use super::event::{About, Damage, Event};
use super::invoice::{Invoice, Payment};
use super::patient::Patient;
use super::visit::{Message, Visit};
use super::webhook::{Pushed, Webhook};
use super::{File, SimError};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Something that the portal's side did against the vendor's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which request: method and route.
    pub request: String,
    /// What was wrong, without content.
    pub rule: String,
}

/// A request that was answered with success: it is answered the same again.
#[derive(Debug)]
pub struct Remembered {
    /// The request: method, path and body.
    pub request: Vec<u8>,
    /// The answer.
    pub answer: Answer,
}

/// What is switched on and off.
#[derive(Clone, Copy, Debug)]
pub struct Switches {
    /// Consultations in writing.
    pub consultations: bool,
    /// Bookings.
    pub bookings: bool,
    /// Answers to the triage form must go with a consultation.
    pub triage: bool,
    /// It is too late to move or cancel any booking.
    pub late: bool,
    /// Messages are filed in the record at once (and the portal is told).
    pub filing: bool,
    /// Pages never end.
    pub endless: bool,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    start: Timestamp,
    begun: Instant,
    numbers: u64,
    /// What is on and off.
    pub switches: Switches,
    /// Who has been here.
    pub patients: Vec<Patient>,
    /// Times and bookings.
    pub calendar: Calendar,
    /// Visits, closed ones too.
    pub visits: Vec<Visit>,
    /// Fees, paid ones too.
    pub invoices: Vec<Invoice>,
    /// Payments that have begun.
    pub payments: Vec<Payment>,
    /// The feed.
    pub events: Vec<Event>,
    /// What the portal refused, and why.
    pub refused: BTreeMap<u64, String>,
    /// Files that can be fetched.
    pub files: HashMap<String, File>,
    /// By `Idempotency-Key`.
    pub remembered: HashMap<String, Remembered>,
    /// What went wrong on the portal's side.
    pub violations: Vec<Violation>,
    /// How the next event is damaged.
    pub damage_next: Option<Damage>,
    /// Where events are pushed.
    pub webhook: Option<Webhook>,
    /// What was pushed.
    pub pushed: Vec<Pushed>,
}

impl State {
    /// A vendor on its first day.
    pub fn new(start: Timestamp) -> State {
        State {
            start,
            begun: Instant::now(),
            numbers: 100_000,
            switches: Switches {
                consultations: true,
                bookings: true,
                triage: true,
                late: false,
                filing: true,
                endless: false,
            },
            patients: Vec::new(),
            calendar: Calendar::generate(start.to_zoned(norway()).date()),
            visits: Vec::new(),
            invoices: Vec::new(),
            payments: Vec::new(),
            events: Vec::new(),
            refused: BTreeMap::new(),
            files: HashMap::new(),
            remembered: HashMap::new(),
            violations: Vec::new(),
            damage_next: None,
            webhook: None,
            pushed: Vec::new(),
        }
    }

    /// The vendor's time.
    pub fn now(&self) -> Timestamp {
        let elapsed = jiff::SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.start.saturating_add(elapsed).unwrap_or(self.start)
    }

    /// An id that nothing else has.
    pub fn number(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}-{}", self.numbers)
    }

    /// A visit by its id.
    pub fn visit(&mut self, id: &str) -> Result<&mut Visit, SimError> {
        let missing = || SimError::NoSuchVisit(id.to_owned());
        self.visits.iter_mut().find(|visit| visit.id == id).ok_or_else(missing)
    }

    /// Tells the portal of something; gives the event's number.
    pub fn tell(&mut self, kind: &'static str, about: About) -> u64 {
        let number = self.events.len() as u64 + 1;
        let event = Event::new(number, self.now(), kind, about, self.damage_next.take());
        self.events.push(event);
        number
    }

    /// A message, whose files can be fetched where a clinician wrote it.
    pub fn message(
        &mut self,
        reference: Option<String>,
        subject: Option<String>,
        text: String,
        files: Vec<File>,
        author: Option<String>,
    ) -> Message {
        let mut kept = Vec::with_capacity(files.len());
        for file in files {
            let id = self.number("att");
            if author.is_some() {
                self.files.insert(id.clone(), file.clone());
            }
            kept.push((id, file));
        }
        let at = self.now();
        Message { id: self.number("msg"), reference, subject, text, files: kept, author, at }
    }

    /// Books a time that is taken already.
    pub fn booked(&mut self, patient: &Patient, slot: Timeslot, reason: Option<String>) -> Booking {
        let booking = Booking {
            id: self.number("bok"),
            citizen: patient.citizen.clone(),
            patient: patient.id.clone(),
            slot,
            reason,
            cancelled: false,
        };
        self.calendar.bookings.push(booking.clone());
        booking
    }

    /// What the portal's side did wrong.
    pub fn violate(&mut self, request: &str, rule: impl Into<String>) {
        self.violations.push(Violation { request: request.to_owned(), rule: rule.into() });
    }

    /// An event by its number.
    pub fn event(&self, number: u64) -> Option<&Event> {
        self.events.iter().find(|event| event.number == number)
    }

    /// The oldest event that is not pushed.
    pub fn unpushed(&self) -> Option<&Event> {
        self.events.iter().find(|event| !event.pushed)
    }
}
