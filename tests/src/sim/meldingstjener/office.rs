//! One office behind Meldingstjener: its record system, calendar, dialogs, and the requests that wait for the doctor.

use super::answer::Meaning;
use super::apprec::ReceiptError;
use super::calendar::Calendar;
use super::codes::{Code, Kind, Process, answer};
use super::epj::{Epj, epj};
use super::message::{Event, Inbound, NationalId, Person, References};
use super::read::Findings;
use super::write::{Letter, Text};
use crate::sim::world::{CITIZENS, Citizen, Office, RecordSystem};
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::collections::HashMap;
use uuid::Uuid;

/// Now, for the world and for the calendar on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The point in time.
    pub instant: Timestamp,
    /// The same in Norway.
    pub local: DateTime,
}

/// How an office receipts what it receives.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Receipts {
    /// Positive receipts, negative ones where the message deserves it.
    Honest,
    /// Everything is received; nothing is receipted.
    None,
    /// Everything is refused with these codes (8221).
    Negative {
        /// The codes.
        codes: Vec<String>,
    },
    /// Everything is accepted but for a part, with these codes.
    Partial {
        /// The codes.
        codes: Vec<String>,
    },
}

/// A dialog between a citizen and the office.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The process.
    pub process: Process,
    /// The citizen; none where colleagues talk about nobody.
    pub citizen: Option<Person>,
    /// The office's communication party.
    pub party: u32,
    /// Each message, and whether the office wrote it.
    pub messages: Vec<(String, bool)>,
    /// Whether the citizen may not answer (EKI).
    pub one_way: bool,
}

/// A request that the doctor sees.
#[derive(Clone, Debug)]
pub struct Request {
    /// The office (level 1).
    pub office_her_id: u32,
    /// `MsgId` of the first message of its dialog.
    pub conversation: String,
    /// The message.
    pub message: Inbound,
    /// Whether it has been answered.
    pub answered: bool,
}

/// The state of one office.
#[derive(Debug)]
pub struct OfficeState {
    /// The office.
    pub office: &'static Office,
    /// Its record system.
    pub system: &'static dyn Epj,
    /// Whether the record system fetches its messages.
    pub online: bool,
    /// Whether its transport refuses them before the record system sees them.
    pub rejects: bool,
    /// How it receipts them.
    pub receipts: Receipts,
    /// Whether it answers by itself.
    pub automatic: bool,
    /// Slots and appointments.
    pub calendar: Calendar,
    /// Every request, answered ones too, in order.
    pub requests: Vec<Request>,
    /// Dialogs by the `MsgId` of their first message.
    pub conversations: HashMap<String, Conversation>,
    /// Who is known to the office.
    pub citizens: Vec<Person>,
    /// Who may not use its digital services.
    pub blocked: Vec<NationalId>,
    /// `MsgId` of each communication test that it began.
    pub tests: Vec<String>,
    /// Who became digitally active, or ceased to be so, in the order that it was told.
    pub digital: Vec<(NationalId, bool)>,
    /// `MsgId` of each question of who is digitally active, and whom it asks about.
    pub asked: Vec<(String, Vec<NationalId>)>,
    /// Who is, by the question that was answered.
    pub told: Vec<(String, Vec<NationalId>)>,
}

impl OfficeState {
    /// An office as it opens in the morning.
    pub fn new(office: &'static Office, system: RecordSystem, now: Now) -> OfficeState {
        OfficeState {
            office,
            system: epj(system),
            online: true,
            rejects: false,
            receipts: Receipts::Honest,
            automatic: false,
            calendar: Calendar::generate(office, now.local),
            requests: Vec::new(),
            conversations: HashMap::new(),
            citizens: CITIZENS.iter().filter(|citizen| citizen.office_her_id == office.her_id).map(person).collect(),
            blocked: Vec::new(),
            tests: Vec::new(),
            digital: Vec::new(),
            asked: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The citizen with this number, if the office knows one.
    pub fn citizen(&self, national_id: &NationalId) -> Option<&Person> {
        self.citizens.iter().find(|person| person.national_id == *national_id)
    }

    /// Whether the record system can take a message; notes what the portal should have known before sending it.
    pub fn examine(
        &self,
        message: &Inbound,
        seen: &dyn Fn(&str) -> bool,
        findings: &mut Findings,
    ) -> Result<(), ReceiptError> {
        let office = self.office;
        findings.expect(
            message.receiver_organisation == office.her_id,
            "Receiver has the HER-id of the party's own organisation",
            || format!("{} above {}", message.receiver_organisation, message.receiver),
        );
        let Some(version) = self.system.version(message.process) else {
            findings
                .note("the receiver supports the process", format!("{} at {}", message.process.code(), office.name));
            return Err(ReceiptError::new("T10"));
        };
        if message.acting.is_some() {
            findings.expect(version >= (1, 2), "Pasientrelasjon needs version 1.2 of the process", || {
                format!("{} {version:?}", message.process.code())
            });
            findings.expect(message.acting != message.patient, "Pasientrelasjon names somebody else", String::new);
        }
        let needed = match message.kind {
            Kind::RenewalPrescriptions => (1, 3),
            Kind::Booked => (1, 2),
            _ => (1, 0),
        };
        if version < needed {
            findings.note(
                "the receiver supports the version that the message needs",
                format!("{} {version:?} for {}", message.process.code(), message.kind.rule().code),
            );
            return Err(ReceiptError::new("T10"));
        }
        findings.expect(
            message.events.iter().all(|event| office.owns_party(event.contact)),
            "contact is the HER-id of one of the office's doctors",
            || office.name.to_owned(),
        );
        if let Some(hpr) = &message.wanted_gp {
            findings.expect(office.gp(hpr).is_some(), "the wished clinician works at the office", || hpr.clone());
        }
        if message.kind == Kind::TestAnswer {
            let parent = message.references.as_ref().map(|references| references.parent.as_str());
            findings.expect(
                self.tests.iter().any(|test| Some(test.as_str()) == parent),
                "RKT answers a communication test of the office",
                || message.msg_id.clone(),
            );
            return Ok(());
        }
        if message.kind.tells_who_is_digital() {
            let parent = message.references.as_ref().map(|references| references.parent.as_str());
            let asked = self.asked.iter().find(|(question, _)| Some(question.as_str()) == parent);
            let of_them = |person: &Person| asked.is_some_and(|(_, them)| them.contains(&person.national_id));
            findings.expect(
                asked.is_some() && message.persons.iter().all(of_them),
                "28 and 29 answer a question of the office's, and name nobody else",
                || message.msg_id.clone(),
            );
            return Ok(());
        }
        let goes_on = match message.kind {
            Kind::Reply | Kind::ColleagueAnswer | Kind::ColleagueEnd => true,
            Kind::Consultation | Kind::Contact => message.references.is_some(),
            _ => false,
        };
        if goes_on {
            self.examine_dialog(message, seen, findings)?;
        }
        match &message.patient {
            // Whom colleagues talk about need not be on one's own list.
            Some(_) if message.process == Process::Helsepersonell => Ok(()),
            Some(patient) if self.citizen(&patient.national_id).is_none() => Err(ReceiptError::new("E35")),
            _ => Ok(()),
        }
    }

    fn examine_dialog(
        &self,
        message: &Inbound,
        seen: &dyn Fn(&str) -> bool,
        findings: &mut Findings,
    ) -> Result<(), ReceiptError> {
        let unknown = || ReceiptError::new("E10");
        let references = message.references.as_ref().ok_or_else(unknown)?;
        let Some(conversation) = self.conversations.get(&references.conversation) else {
            findings.note("RefToConversation is the first message of the dialog", references.conversation.clone());
            return Err(unknown());
        };
        findings.expect(conversation.process == message.process, "a dialog stays in its process", || {
            message.process.code().to_owned()
        });
        findings.expect(conversation.party == message.receiver, "a dialog stays with its party", || {
            format!("{} in place of {}", message.receiver, conversation.party)
        });
        findings.expect(!conversation.one_way, "nobody replies to EKI", || references.conversation.clone());
        let same = message.patient.as_ref().map(|patient| &patient.national_id)
            == conversation.citizen.as_ref().map(|citizen| &citizen.national_id);
        findings.expect(same, "a dialog stays with its citizen", || references.conversation.clone());
        match conversation.messages.iter().position(|(id, _)| *id == references.parent) {
            // What the portal has not fetched yet, it cannot refer to.
            Some(at) => findings.expect(
                conversation.messages.iter().skip(at + 1).all(|(id, by_office)| *by_office && !seen(id)),
                "RefToParent is the message before",
                || references.parent.clone(),
            ),
            None => findings.note("RefToParent is a message of the dialog", references.parent.clone()),
        }
        if conversation.one_way { Err(unknown()) } else { Ok(()) }
    }

    /// Takes a message into the record system; what is answered at once comes back.
    pub fn act(&mut self, message: Inbound, now: Now) -> Vec<Letter> {
        if message.kind == Kind::TestAnswer {
            return Vec::new();
        }
        if message.kind == Kind::Test {
            return vec![self.letter(&message, answer("RKT"), now)];
        }
        if message.kind.tells_who_is_digital() {
            let question = message.references.map(|references| references.parent).unwrap_or_default();
            self.told.push((question, message.persons.into_iter().map(|person| person.national_id).collect()));
            return Vec::new();
        }
        if message.process == Process::Helsepersonell {
            return self.hears_colleague(message);
        }
        let Some(patient) = message.patient.clone() else {
            return vec![self.letter(&message, answer("31"), now)];
        };
        if message.kind == Kind::DigitalStatus {
            let active = message.coded.as_ref().is_some_and(|coded| coded.value == "1");
            self.digital.push((patient.national_id, active));
            return Vec::new();
        }
        let conversation = match &message.references {
            Some(references) => references.conversation.clone(),
            None => message.msg_id.clone(),
        };
        self.conversations
            .entry(conversation.clone())
            .or_insert_with(|| Conversation {
                process: message.process,
                citizen: Some(patient.clone()),
                party: message.receiver,
                messages: Vec::new(),
                one_way: false,
            })
            .messages
            .push((message.msg_id.clone(), false));
        if self.blocked.contains(&patient.national_id) {
            return vec![self.letter(&message, answer("30"), now)];
        }
        let citizen = patient.national_id;
        match message.kind {
            Kind::FreeSlots => vec![self.free_slots(&message, now)],
            Kind::Reserve => vec![self.reserve(&message, &citizen, now)],
            Kind::CancelReservation => vec![self.cancel(&message, &citizen, now)],
            Kind::Booked => {
                let office = self.office;
                let events: Vec<Event> = self
                    .calendar
                    .coming(&citizen, now.local)
                    .into_iter()
                    .map(|appointment| appointment.event(office))
                    .collect();
                let code = answer(if events.is_empty() { "02" } else { "01" });
                vec![Letter { events, ..self.letter(&message, code, now) }]
            }
            Kind::Clinicians => {
                let clinicians: Vec<&'static str> = self.office.gps.iter().map(|gp| gp.hpr).collect();
                let (code, clinicians) = if clinicians.len() > 1 { ("20", clinicians) } else { ("21", Vec::new()) };
                vec![Letter { clinicians, ..self.letter(&message, answer(code), now) }]
            }
            _ => {
                self.requests.push(Request {
                    office_her_id: self.office.her_id,
                    conversation,
                    message,
                    answered: false,
                });
                Vec::new()
            }
        }
    }

    /// Takes in what a colleague wrote, or the patient whom they talk about.
    fn hears_colleague(&mut self, message: Inbound) -> Vec<Letter> {
        let conversation = match &message.references {
            Some(references) => references.conversation.clone(),
            None => message.msg_id.clone(),
        };
        self.conversations
            .entry(conversation.clone())
            .or_insert_with(|| Conversation {
                process: message.process,
                citizen: message.patient.clone(),
                party: message.receiver,
                messages: Vec::new(),
                one_way: false,
            })
            .messages
            .push((message.msg_id.clone(), false));
        self.requests.push(Request { office_her_id: self.office.her_id, conversation, message, answered: false });
        Vec::new()
    }

    fn free_slots(&self, message: &Inbound, now: Now) -> Letter {
        let wanted = message.wanted_gp.as_deref().and_then(|hpr| self.office.gp(hpr));
        let contact = match wanted {
            Some(gp) => Some(gp.her_id),
            None if message.receiver == self.office.service_her_id => None,
            None => Some(message.receiver),
        };
        let (from, to) = message.period.unwrap_or((now.local.date(), now.local.date()));
        let events = self.calendar.free(contact, from, to);
        let code = answer(if events.is_empty() { "04" } else { "03" });
        Letter { events, ..self.letter(message, code, now) }
    }

    fn reserve(&mut self, message: &Inbound, citizen: &NationalId, now: Now) -> Letter {
        let office = self.office;
        let uid = message.events.first().map(|event| event.uid.clone()).unwrap_or_default();
        let summary = message.text.clone().unwrap_or_else(|| "Konsultasjon".to_owned());
        match self.calendar.book(&uid, citizen, &summary) {
            Some(appointment) => Letter {
                events: vec![appointment.event(office)],
                ..self.said(message, Meaning::Given, "Timen er reservert.", now)
            },
            None => self.said(message, Meaning::NotAvailable, "Timen er ikke lenger ledig.", now),
        }
    }

    fn cancel(&mut self, message: &Inbound, citizen: &NationalId, now: Now) -> Letter {
        let office = self.office;
        let id = message.events.first().and_then(|event| event.related_to.clone()).unwrap_or_default();
        match self.calendar.cancel(&id, citizen) {
            Some(appointment) => Letter {
                events: vec![appointment.event(office)],
                ..self.said(message, Meaning::Cancelled, "Timen er avbestilt.", now)
            },
            None => self.said(message, Meaning::NotCancelled, "Vi finner ikke timen.", now),
        }
    }

    /// An answer to a message with a text.
    pub fn said(&self, message: &Inbound, meaning: Meaning, text: &str, now: Now) -> Letter {
        Letter {
            text: Text { subject: None, body: Some(text.to_owned()) },
            ..self.letter(message, self.system.code(message.process, meaning), now)
        }
    }

    /// An answer to a message that holds its code only.
    pub fn letter(&self, message: &Inbound, code: Code, now: Now) -> Letter {
        let conversation = match &message.references {
            Some(references) => references.conversation.clone(),
            None => message.msg_id.clone(),
        };
        let author = self.office.gps.iter().find(|gp| gp.her_id == message.receiver);
        Letter {
            msg_id: Uuid::new_v4().to_string(),
            written: now.instant,
            process: message.process,
            from: message.receiver,
            ack: !message.kind.rule().synchronous,
            references: Some(References { parent: message.msg_id.clone(), conversation }),
            patient: message.patient.clone(),
            code,
            opens: false,
            text: Text::default(),
            author: author.or(self.office.gps.first()).map(|gp| gp.hpr),
            events: Vec::new(),
            other_clinician: None,
            clinicians: Vec::new(),
            prescriptions: Vec::new(),
            attachments: Vec::new(),
            persons: Vec::new(),
            addressee: None,
        }
    }

    /// Notes that the office has sent a message of a dialog.
    pub fn sent(&mut self, letter: &Letter) {
        let key = match &letter.references {
            Some(references) => references.conversation.clone(),
            None => letter.msg_id.clone(),
        };
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.messages.push((letter.msg_id.clone(), true));
        }
    }
}

fn person(citizen: &Citizen) -> Person {
    Person {
        given_name: citizen.given_name.to_owned(),
        family_name: citizen.family_name.to_owned(),
        national_id: NationalId::new(citizen.national_id),
    }
}
