//! Everything that the vendor knows.

use super::calendar::{Booking, Calendar, Slot, norway};
use super::case::{Case, CaseType, Entry, File};
use super::change::{Change, Damage};
use super::consult::Consult;
use super::fees::{Fee, Pay};
use super::webhook::{Pushed, Webhook};
use super::{NationalId, SimError};
use crate::sim::world::{self, Citizen, OFFICES, Office, Solution};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
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

/// A clinic.
#[derive(Debug)]
pub struct Clinic {
    /// What the vendor calls it.
    pub name: &'static str,
    /// The office that it is.
    pub office: &'static Office,
    /// Openings and bookings.
    pub calendar: Calendar,
    /// Services that are switched off.
    pub off: Vec<CaseType>,
    /// Citizens who may not use it.
    pub blocked: Vec<NationalId>,
    /// Whether it is too late to move or cancel anything.
    pub late: bool,
    /// Whether entries are filed in the record system at once (and the portal is told).
    pub files_entries: bool,
}

/// A request that was answered with success: it is answered the same again.
#[derive(Debug)]
pub struct Remembered {
    /// The request: route and body.
    pub request: Vec<u8>,
    /// Status of the answer.
    pub status: u16,
    /// The answer.
    pub answer: Value,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    start: Timestamp,
    begun: Instant,
    numbers: u64,
    /// The clinics.
    pub clinics: Vec<Clinic>,
    /// Cases, closed ones too.
    pub cases: Vec<Case>,
    /// Consults, closed ones too.
    pub consults: Vec<Consult>,
    /// Fees, paid ones too.
    pub fees: Vec<Fee>,
    /// Payments, ended ones too.
    pub payments: Vec<Pay>,
    /// To whom the vendor sent text messages of its own.
    pub texts: Vec<NationalId>,
    /// The feed.
    pub changes: Vec<Change>,
    /// The last change that the portal confirmed.
    pub acknowledged: u64,
    /// What the portal refused, and why.
    pub refused: BTreeMap<u64, String>,
    /// Files that can be fetched.
    pub files: HashMap<String, File>,
    /// Who can be written to and who cannot, in the order that it was told.
    pub digital: Vec<(NationalId, bool)>,
    /// By `requestId`.
    pub remembered: HashMap<String, Remembered>,
    /// What went wrong on the portal's side.
    pub violations: Vec<Violation>,
    /// How the next change is damaged.
    pub damage_next: Option<Damage>,
    /// Where changes are pushed.
    pub webhook: Option<Webhook>,
    /// What was pushed.
    pub pushed: Vec<Pushed>,
    /// Seconds by which the clock that deliveries are stamped by is ahead of the true time, or behind.
    pub clock_off: i64,
    /// The portal's key has not run out.
    pub key_known: bool,
    /// The feed says that there is always more.
    pub endless: bool,
}

impl State {
    /// A vendor on its first day.
    pub fn new(start: Timestamp) -> State {
        let today = start.to_zoned(norway()).date();
        let clinics = OFFICES.iter().filter_map(|office| {
            Some(Clinic {
                name: office.account(Solution::Helserespons)?,
                office,
                calendar: Calendar::generate(office, today),
                off: Vec::new(),
                blocked: Vec::new(),
                late: false,
                files_entries: true,
            })
        });
        State {
            start,
            begun: Instant::now(),
            numbers: 100_000,
            clinics: clinics.collect(),
            cases: Vec::new(),
            consults: Vec::new(),
            fees: Vec::new(),
            payments: Vec::new(),
            texts: Vec::new(),
            changes: Vec::new(),
            acknowledged: 0,
            refused: BTreeMap::new(),
            files: HashMap::new(),
            digital: Vec::new(),
            remembered: HashMap::new(),
            violations: Vec::new(),
            damage_next: None,
            webhook: None,
            pushed: Vec::new(),
            clock_off: 0,
            key_known: true,
            endless: false,
        }
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

    /// A number that nothing else has.
    pub fn number(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}-{}", self.numbers)
    }

    /// A clinic by its name.
    pub fn clinic(&mut self, name: &str) -> Result<&mut Clinic, SimError> {
        let missing = || SimError::NoSuchClinic(name.to_owned());
        self.clinics.iter_mut().find(|clinic| clinic.name == name).ok_or_else(missing)
    }

    /// The clinic of a booking.
    pub fn clinic_of_booking(&mut self, booking_no: &str) -> Option<&mut Clinic> {
        self.clinics.iter_mut().find(|clinic| clinic.calendar.bookings.iter().any(|one| one.booking_no == booking_no))
    }

    /// A case by its number.
    pub fn case(&mut self, case_no: &str) -> Result<&mut Case, SimError> {
        let missing = || SimError::NoSuchCase(case_no.to_owned());
        self.cases.iter_mut().find(|case| case.case_no == case_no).ok_or_else(missing)
    }

    /// Tells the portal of something; gives the change's number.
    pub fn tell(&mut self, clinic: &str, kind: &'static str, content: Value) -> u64 {
        let seq = self.changes.len() as u64 + 1;
        let change = Change::new(seq, self.now(), clinic, kind, content, self.damage_next.take());
        self.changes.push(change);
        seq
    }

    /// Keeps an entry's files, so that they can be fetched.
    pub fn entry(
        &mut self,
        from_patient: bool,
        heading: Option<String>,
        body: String,
        files: Vec<File>,
        author: Option<String>,
    ) -> Entry {
        let files = files.into_iter().map(|file| {
            let id = self.number("F");
            if !from_patient {
                self.files.insert(id.clone(), file.clone());
            }
            (id, file)
        });
        let files = files.collect();
        let at = self.now();
        Entry { id: self.number("E"), entry_id: None, from_patient, heading, body, files, author, at }
    }

    /// Books a slot that is taken already.
    pub fn booked(
        &mut self,
        clinic: &str,
        citizen: &NationalId,
        slot: Slot,
        note: Option<String>,
    ) -> Result<Value, SimError> {
        let booking = Booking { booking_no: self.number("B"), citizen: citizen.clone(), slot, note, cancelled: false };
        let calendar = &mut self.clinic(clinic)?.calendar;
        let json = calendar.json(&booking);
        calendar.bookings.push(booking);
        Ok(json)
    }

    /// What the portal's side did wrong.
    pub fn violate(&mut self, request: &str, rule: impl Into<String>) {
        self.violations.push(Violation { request: request.to_owned(), rule: rule.into() });
    }

    /// The oldest change that is neither pushed nor confirmed.
    pub fn unpushed(&self) -> Option<&Change> {
        self.changes.iter().find(|change| !change.pushed && change.seq > self.acknowledged)
    }

    /// One page of the feed.
    pub fn page(&self, after: u64, max: usize) -> Value {
        let rest = self.changes.iter().filter(|change| change.seq > after);
        let page: Vec<&Change> = rest.take(max).collect();
        let next = page.last().map_or(after, |change| change.seq);
        json!({
            "changes": page.iter().map(|change| &change.body).collect::<Vec<_>>(),
            "next": next,
            "more": self.endless || (next < self.changes.len() as u64 && !page.is_empty()),
        })
    }
}

impl Clinic {
    /// A citizen on the list of one of the clinic's doctors.
    pub fn citizen(&self, number: &NationalId) -> Option<&'static Citizen> {
        let of_the_world = |citizen: &&'static Citizen| {
            citizen.national_id == number.reveal() && citizen.office_her_id == self.office.her_id
        };
        world_citizens().iter().find(of_the_world)
    }
}

fn world_citizens() -> &'static [Citizen] {
    static CITIZENS: [Citizen; world::CITIZENS.len()] = world::CITIZENS;
    &CITIZENS
}
