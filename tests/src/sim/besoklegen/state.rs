//! Everything that the vendor knows.

use super::case::{Case, Message, Service};
use super::event::{Damage, Event};
use super::wsse::Guard;
use super::{Booking, File, NationalId, SimError, Slot};
use crate::sim::helserespons::calendar::{Calendar, norway};
use crate::sim::meldingstjener::tree::Element;
use crate::sim::world::{self, Citizen, Gp, Office};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Something that the portal's side did against the vendor's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which operation, or method and path.
    pub request: String,
    /// What was wrong, without content.
    pub rule: String,
}

/// A practice.
#[derive(Debug)]
pub struct Practice {
    /// What the vendor calls it.
    pub name: &'static str,
    /// The office that it is.
    pub office: &'static Office,
    /// Slots and bookings. Slots are slots: the vendors' calendars differ in how they are told of, not in how they work.
    pub calendar: Calendar,
    /// Services that are switched off.
    pub off: Vec<Service>,
    /// Citizens who may not use it.
    pub blocked: Vec<NationalId>,
    /// Whether it is too late to move or cancel anything.
    pub late: bool,
    /// Whether messages are filed in the record system at once (and the portal is told).
    pub files_messages: bool,
}

/// A request that was answered with success: it is answered the same again.
#[derive(Debug)]
pub struct Remembered {
    /// What was asked.
    pub request: Element,
    /// The answer.
    pub answer: Element,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    start: Timestamp,
    begun: Instant,
    numbers: u64,
    /// The practices.
    pub practices: Vec<Practice>,
    /// Cases, closed ones too.
    pub cases: Vec<Case>,
    /// The list of events.
    pub events: Vec<Event>,
    /// The last event that the portal confirmed.
    pub confirmed: u64,
    /// What the portal refused, and why.
    pub refused: BTreeMap<u64, String>,
    /// Documents that can be fetched.
    pub documents: HashMap<String, File>,
    /// By `wsa:MessageID`.
    pub remembered: HashMap<String, Remembered>,
    /// What went wrong on the portal's side.
    pub violations: Vec<Violation>,
    /// How the next event is damaged.
    pub damage_next: Option<Damage>,
    /// Whether lists go on for ever.
    pub endless: bool,
    /// Whether a page of events holds each twice, the last first.
    pub muddled: bool,
    /// Seconds for which the vendor says that it is busy, and takes nothing.
    pub busy: Option<u32>,
    /// Who may come in.
    pub guard: Guard,
}

impl State {
    /// A vendor on its first day.
    pub fn new(start: Timestamp, practices: &[(&'static str, &'static Office)], guard: Guard) -> State {
        let today = start.to_zoned(norway()).date();
        let practice = |(name, office): &(&'static str, &'static Office)| Practice {
            name,
            office,
            calendar: Calendar::generate(office, today),
            off: Vec::new(),
            blocked: Vec::new(),
            late: false,
            files_messages: true,
        };
        State {
            start,
            begun: Instant::now(),
            numbers: 100_000,
            practices: practices.iter().map(practice).collect(),
            cases: Vec::new(),
            events: Vec::new(),
            confirmed: 0,
            refused: BTreeMap::new(),
            documents: HashMap::new(),
            remembered: HashMap::new(),
            violations: Vec::new(),
            damage_next: None,
            endless: false,
            muddled: false,
            busy: None,
            guard,
        }
    }

    /// The vendor's time.
    pub fn now(&self) -> Timestamp {
        let elapsed = jiff::SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.start.saturating_add(elapsed).unwrap_or(self.start)
    }

    /// A number that nothing else has.
    pub fn number(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}-{}", self.numbers)
    }

    /// A practice by its name.
    pub fn practice(&mut self, name: &str) -> Result<&mut Practice, SimError> {
        let missing = || SimError::NoSuchPractice(name.to_owned());
        self.practices.iter_mut().find(|practice| practice.name == name).ok_or_else(missing)
    }

    /// The practice of a booking.
    pub fn practice_of(&mut self, booking: &str) -> Option<&mut Practice> {
        let holds = |practice: &&mut Practice| practice.calendar.bookings.iter().any(|one| one.booking_no == booking);
        self.practices.iter_mut().find(holds)
    }

    /// A case by its number.
    pub fn case(&mut self, number: &str) -> Result<&mut Case, SimError> {
        let missing = || SimError::NoSuchCase(number.to_owned());
        self.cases.iter_mut().find(|case| case.number == number).ok_or_else(missing)
    }

    /// Tells the portal of something; gives the event's number.
    pub fn tell(&mut self, practice: &str, what: Element) -> u64 {
        let number = self.events.len() as u64 + 1;
        let event = Event::new(number, self.now(), practice, what, self.damage_next.take());
        self.events.push(event);
        number
    }

    /// A message of the practice's, with its files kept so that they can be fetched.
    pub fn written(
        &mut self,
        subject: Option<String>,
        text: String,
        files: Vec<File>,
        author: Option<String>,
    ) -> Message {
        let files = files.into_iter().map(|file| {
            let id = self.number("D");
            self.documents.insert(id.clone(), file.clone());
            (id, file)
        });
        let files = files.collect();
        Message { id: self.number("M"), from_patient: false, subject, text, files, author, at: self.now() }
    }

    /// Books a slot that is taken already.
    pub fn booked(
        &mut self,
        practice: &str,
        citizen: &NationalId,
        slot: Slot,
        note: Option<String>,
    ) -> Result<Booking, SimError> {
        let booking = Booking { booking_no: self.number("B"), citizen: citizen.clone(), slot, note, cancelled: false };
        self.practice(practice)?.calendar.bookings.push(booking.clone());
        Ok(booking)
    }

    /// What the portal's side did wrong.
    pub fn violate(&mut self, request: &str, rule: impl Into<String>) {
        self.violations.push(Violation { request: request.to_owned(), rule: rule.into() });
    }
}

impl Practice {
    /// A citizen on the list of one of the practice's doctors.
    pub fn citizen(&self, number: &NationalId) -> Option<&'static Citizen> {
        static CITIZENS: [Citizen; world::CITIZENS.len()] = world::CITIZENS;
        let here = |one: &&Citizen| one.national_id == number.reveal() && one.office_her_id == self.office.her_id;
        CITIZENS.iter().find(here)
    }

    /// A doctor: the one with this number, else the citizen's own, else the first.
    pub fn doctor(&self, hpr: Option<u32>, citizen: &NationalId) -> Option<&'static Gp> {
        let gps = self.office.gps;
        let of = |wanted: u32| gps.iter().find(|gp| gp.hpr.parse() == Ok(wanted));
        let own = || self.citizen(citizen).and_then(|citizen| self.office.gp(citizen.gp_hpr));
        hpr.and_then(of).or_else(own).or(gps.first())
    }
}
