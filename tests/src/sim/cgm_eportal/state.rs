//! Everything that the vendor knows.

use super::change::{Change, Damage, Disorder};
use super::sick_note::SickNotes;
use super::survey::Survey;
use super::thread::{Document, Post, Thread, ThreadKind};
use super::{NationalId, SimError};
use crate::sim::world::{CITIZENS, Citizen, Office};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// What the vendor calls a practice.
pub type PracticeId = &'static str;

/// Something that the portal's side did against the vendor's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which operation.
    pub request: String,
    /// What was wrong, without content.
    pub rule: String,
}

/// A practice.
#[derive(Debug)]
pub struct Practice {
    /// What the vendor calls it.
    pub id: PracticeId,
    /// The office that it is.
    pub office: &'static Office,
    /// Services that are switched off.
    pub off: Vec<ThreadKind>,
    /// Citizens who may not use it.
    pub blocked: Vec<NationalId>,
    /// Whether posts are filed in the record system at once (and the portal is told).
    pub files_posts: bool,
    /// Whether the record system says where a new thread stands.
    pub states_known: bool,
    /// Whether the rules for renewing answer.
    pub rules_answer: bool,
    /// Its survey.
    pub survey: Survey,
    /// The latest sick note of each patient.
    pub sick_notes: SickNotes,
}

/// A mutation that was answered with success: it is answered the same again.
#[derive(Debug)]
pub struct Remembered {
    /// The mutation and its input.
    pub request: (String, Value),
    /// The answer.
    pub answer: Value,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    start: Timestamp,
    begun: Instant,
    numbers: u64,
    /// The practices.
    pub practices: Vec<Practice>,
    /// Threads, closed ones too.
    pub threads: Vec<Thread>,
    /// The feed.
    pub changes: Vec<Change>,
    /// The last change that the portal confirmed.
    pub confirmed: u64,
    /// What the portal refused, and why.
    pub refused: BTreeMap<u64, String>,
    /// Documents that can be fetched.
    pub documents: HashMap<String, Document>,
    /// By `clientMutationId`.
    pub remembered: HashMap<String, Remembered>,
    /// What went wrong on the portal's side.
    pub violations: Vec<Violation>,
    /// How the next change is damaged.
    pub damage_next: Option<Damage>,
    /// What is wrong with the pages of the feed.
    pub disorder: Disorder,
    /// Certificates of clients, DER.
    pub clients: Vec<Vec<u8>>,
    /// Requests for news that are held open.
    pub held_open: usize,
    /// For how many seconds requests for news asked to be held open, in their order.
    pub waits: Vec<u64>,
}

impl State {
    /// A vendor on its first day.
    pub fn new(start: Timestamp, practices: &[(PracticeId, &'static Office)], clients: Vec<Vec<u8>>) -> State {
        let practice = |(id, office): &(PracticeId, &'static Office)| Practice {
            id,
            office,
            off: Vec::new(),
            blocked: Vec::new(),
            files_posts: true,
            states_known: true,
            rules_answer: true,
            survey: Survey::opened(),
            sick_notes: SickNotes::of(office, start.to_zoned(TimeZone::UTC).date()),
        };
        State {
            start,
            begun: Instant::now(),
            numbers: 100_000,
            practices: practices.iter().map(practice).collect(),
            threads: Vec::new(),
            changes: Vec::new(),
            confirmed: 0,
            refused: BTreeMap::new(),
            documents: HashMap::new(),
            remembered: HashMap::new(),
            violations: Vec::new(),
            damage_next: None,
            disorder: Disorder::None,
            clients,
            held_open: 0,
            waits: Vec::new(),
        }
    }

    /// The vendor's time.
    pub fn now(&self) -> Timestamp {
        let elapsed = jiff::SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.start.saturating_add(elapsed).unwrap_or(self.start)
    }

    /// The vendor's date.
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    /// A number that nothing else has.
    pub fn number(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}-{}", self.numbers)
    }

    /// A practice by its id.
    pub fn practice(&mut self, id: &str) -> Result<&mut Practice, SimError> {
        let missing = || SimError::NoSuchPractice(id.to_owned());
        self.practices.iter_mut().find(|practice| practice.id == id).ok_or_else(missing)
    }

    /// A thread by its id.
    pub fn thread(&mut self, id: &str) -> Result<&mut Thread, SimError> {
        let missing = || SimError::NoSuchThread(id.to_owned());
        self.threads.iter_mut().find(|thread| thread.id == id).ok_or_else(missing)
    }

    /// Tells the portal of something; gives the change's number.
    pub fn tell(&mut self, practice: PracticeId, kind: &'static str, content: Value) -> u64 {
        let number = self.changes.len() as u64 + 1;
        let change = Change::new(number, self.now(), practice, kind, content, self.damage_next.take());
        self.changes.push(change);
        number
    }

    /// A post; what a practice writes has documents that can be fetched.
    pub fn post(
        &mut self,
        portal_message: Option<String>,
        title: Option<String>,
        text: String,
        documents: Vec<Document>,
        author: Option<String>,
    ) -> Post {
        let documents = documents.into_iter().map(|document| {
            let id = self.number("D");
            if portal_message.is_none() {
                self.documents.insert(id.clone(), document.clone());
            }
            (id, document)
        });
        let documents = documents.collect();
        let at = self.now();
        Post { id: self.number("P"), portal_message, title, text, documents, author, at }
    }

    /// What the portal's side did wrong.
    pub fn violate(&mut self, request: &str, rule: impl Into<String>) {
        self.violations.push(Violation { request: request.to_owned(), rule: rule.into() });
    }

    /// Mends every change of which the record system gave nothing yet; says how many.
    pub fn mend(&mut self) -> usize {
        let late = self.changes.iter_mut().filter(|change| change.damage == Some(Damage::NotYet));
        late.map(|change| change.damage = None).count()
    }

    /// Whether there is anything after a change.
    pub fn has_news(&self, after: u64) -> bool {
        self.changes.last().is_some_and(|change| change.number > after)
    }

    /// One page of the feed.
    pub fn page(&self, after: u64, first: usize) -> (Vec<&Change>, u64, bool) {
        let rest = self.changes.iter().filter(|change| change.number > after);
        let mut page: Vec<&Change> = rest.take(first).collect();
        let through = page.last().map_or(after, |change| change.number);
        let mut more = through < self.changes.len() as u64 && !page.is_empty();
        match self.disorder {
            Disorder::None => {}
            Disorder::Shuffled => page = page.into_iter().rev().flat_map(|change| [change, change]).collect(),
            Disorder::Endless => more = true,
        }
        (page, through, more)
    }
}

impl Practice {
    /// Switches a service off or on.
    pub fn set_service(&mut self, kind: ThreadKind, on: bool) {
        self.off.retain(|other| *other != kind);
        if !on {
            self.off.push(kind);
        }
    }

    /// A citizen on the list of one of the practice's doctors.
    pub fn citizen(&self, number: &NationalId) -> Option<&'static Citizen> {
        static EVERYBODY: [Citizen; CITIZENS.len()] = CITIZENS;
        let of_the_practice = |citizen: &&'static Citizen| {
            citizen.national_id == number.reveal() && citizen.office_her_id == self.office.her_id
        };
        EVERYBODY.iter().find(of_the_practice)
    }
}
