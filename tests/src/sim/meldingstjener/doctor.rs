//! What happens at the office when a person acts: answers, dialogues that the office opens, notices of appointments.

use super::SimError;
use super::answer::{Answer, Decision, Meaning, default_certificate};
use super::codes::{Kind, Process, answer};
use super::message::{Attachment, Event, Inbound, NationalId, Person};
use super::office::{Conversation, Now, OfficeState};
use super::write::{Addressee, Letter, Text};
use crate::sim::world::Office;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an office opens with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Opening {
    /// Whether it is about the citizen's health (EKONSULTASJON) or practical (EKONTAKT).
    #[serde(default)]
    pub medical: bool,
    /// Whether the citizen may not reply (EKI).
    #[serde(default)]
    pub one_way: bool,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

/// What a clinician of an office asks a colleague elsewhere.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which office.
    pub to: Office,
    /// HPR number of the clinician there.
    pub clinician: Option<String>,
    /// Whom it is about.
    pub patient: Option<Person>,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
}

/// What an office tells of an appointment that was made, moved or dropped elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Notice {
    /// 05: an appointment was made, by telephone for instance.
    Confirmed {
        /// Start, local time.
        start: DateTime,
    },
    /// 07: it was moved.
    Changed {
        /// The appointment (`related-to`).
        appointment: String,
        /// New start, local time.
        start: DateTime,
    },
    /// 08: it was cancelled.
    Cancelled {
        /// The appointment (`related-to`).
        appointment: String,
    },
    /// 11: the citizen did not come.
    NotMet {
        /// The appointment (`related-to`).
        appointment: String,
    },
}

impl OfficeState {
    /// Answers the open request `msg_id`.
    pub fn answer(&mut self, msg_id: &str, answer: &Answer, now: Now) -> Result<Letter, SimError> {
        let request = self
            .requests
            .iter()
            .find(|request| request.message.msg_id == msg_id)
            .ok_or_else(|| SimError::NoSuchRequest(msg_id.to_owned()))?;
        let message = request.message.clone();
        if !answer.answers(message.kind) {
            return Err(SimError::WrongAnswer { answer: answer.name(), code: message.kind.rule().code });
        }
        let letter = self.compose(&message, answer, now)?;
        if let Some(request) = self.requests.iter_mut().find(|request| request.message.msg_id == msg_id) {
            request.answered = true;
        }
        Ok(letter)
    }

    fn compose(&mut self, message: &Inbound, answer: &Answer, now: Now) -> Result<Letter, SimError> {
        let say = |office: &Self, meaning: Meaning, text: &Option<String>, default: &str| {
            office.said(message, meaning, text.as_deref().unwrap_or(default), now)
        };
        Ok(match answer {
            Answer::Reply { text, attachments } => {
                Letter { attachments: attachments.clone(), ..self.said(message, Meaning::Reply, text, now) }
            }
            Answer::Close { text } => say(self, Meaning::Close, text, "Dialogen er avsluttet."),
            Answer::AdviseConsultation { text } => {
                let default = "Dette er et medisinsk spørsmål. Send det som e-konsultasjon, så svarer legen. \
                               E-konsultasjon koster en egenandel.";
                let mut letter = say(self, Meaning::Advice, text, default);
                letter.text.subject = Some("Send e-konsultasjon".to_owned());
                letter
            }
            Answer::Reject { text } => say(self, Meaning::Rejected, text, "Vi kan ikke svare på denne forespørselen."),
            Answer::NoAccess { text } => say(self, Meaning::NoAccess, text, "Du har ikke tilgang til denne tjenesten."),
            Answer::Fault { text } => say(self, Meaning::Fault, text, "Noe gikk galt hos legekontoret."),
            Answer::CertificateIssued { text, certificate } => Letter {
                attachments: vec![certificate.clone().unwrap_or_else(default_certificate)],
                ..say(self, Meaning::CertificateIssued, text, "Attesten er vedlagt.")
            },
            Answer::CertificateRefused { text } => {
                say(self, Meaning::CertificateRefused, text, "Attesten kan dessverre ikke utstedes.")
            }
            Answer::Renewal { decisions, text } => self.renewal(message, decisions, text.as_deref(), now)?,
            Answer::Appointment { start, gp, text } => self.appointment(message, *start, gp.as_deref(), text, now)?,
            Answer::NotAvailable { text } => say(self, Meaning::NotAvailable, text, "Vi har ingen ledig time."),
            Answer::Changed { start, text } => {
                let moved = self.moved(message, *start)?;
                Letter { events: vec![moved], ..say(self, Meaning::Changed, text, "Timen er flyttet.") }
            }
            Answer::NotChanged { text } => say(self, Meaning::NotChanged, text, "Timen kan ikke flyttes."),
            Answer::Cancelled { text } => {
                let citizen = patient(message)?.national_id.clone();
                let id = related(message)?;
                let office = self.office;
                let appointment =
                    self.calendar.cancel(id, &citizen).ok_or_else(|| SimError::NoSuchAppointment(id.to_owned()))?;
                Letter {
                    events: vec![appointment.event(office)],
                    ..say(self, Meaning::Cancelled, text, "Timen er avbestilt.")
                }
            }
            Answer::NotCancelled { text } => say(self, Meaning::NotCancelled, text, "Timen kan ikke avbestilles."),
        })
    }

    fn renewal(
        &self,
        message: &Inbound,
        decisions: &[Decision],
        text: Option<&str>,
        now: Now,
    ) -> Result<Letter, SimError> {
        let mut items: Vec<String> =
            message.prescriptions.iter().map(|prescription| prescription.name.clone()).collect();
        if message.kind == Kind::RenewalText {
            let words = message.text.as_deref().unwrap_or_default();
            items = words.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        }
        let find =
            |item: &str| decisions.iter().find(|decision| item.to_lowercase().contains(&decision.item.to_lowercase()));
        if let Some(stray) = decisions
            .iter()
            .find(|decision| !items.iter().any(|item| item.to_lowercase().contains(&decision.item.to_lowercase())))
        {
            return Err(SimError::NoSuchItem(stray.item.clone()));
        }
        let renewed = |item: &str| find(item).is_none_or(|decision| decision.renewed);
        let count = items.iter().filter(|item| renewed(item)).count();
        let meaning = match count {
            0 => Meaning::NotRenewed,
            some if some == items.len() => Meaning::Renewed,
            _ => Meaning::PartlyRenewed,
        };
        let lines: Vec<String> = items
            .iter()
            .map(|item| {
                let what = if renewed(item) { "fornyet" } else { "ikke fornyet" };
                match find(item).and_then(|decision| decision.note.as_deref()) {
                    Some(note) => format!("{item}: {what}. {note}"),
                    None => format!("{item}: {what}."),
                }
            })
            .collect();
        Ok(Letter {
            prescriptions: message
                .prescriptions
                .iter()
                .filter(|prescription| renewed(&prescription.name))
                .map(|prescription| prescription.element.clone())
                .collect(),
            ..self.said(message, meaning, text.unwrap_or(&lines.join("\n")), now)
        })
    }

    fn appointment(
        &mut self,
        message: &Inbound,
        start: DateTime,
        hpr: Option<&str>,
        text: &Option<String>,
        now: Now,
    ) -> Result<Letter, SimError> {
        let office = self.office;
        let wished = message
            .wanted_gp
            .as_deref()
            .and_then(|hpr| office.gp(hpr))
            .or_else(|| office.gps.iter().find(|gp| gp.her_id == message.receiver))
            .or(office.gps.first())
            .ok_or(SimError::NoSuchClinician)?;
        let gp = match hpr {
            Some(hpr) => office.gp(hpr).ok_or(SimError::NoSuchClinician)?,
            None => wished,
        };
        let citizen = patient(message)?.national_id.clone();
        let appointment = self.calendar.assign(&citizen, gp, start, "Konsultasjon");
        let other = gp.hpr != wished.hpr;
        let meaning = if other { Meaning::GivenWithOther } else { Meaning::Given };
        let default = "Du har fått time.".to_owned();
        Ok(Letter {
            events: vec![appointment.event(office)],
            other_clinician: other.then_some(gp.hpr),
            ..self.said(message, meaning, text.as_ref().unwrap_or(&default), now)
        })
    }

    /// Moves the appointment that a message names.
    fn moved(&mut self, message: &Inbound, start: DateTime) -> Result<Event, SimError> {
        let citizen = patient(message)?.national_id.clone();
        self.shift(related(message)?, &citizen, start)
    }

    fn shift(&mut self, id: &str, citizen: &NationalId, start: DateTime) -> Result<Event, SimError> {
        let office = self.office;
        let old = self.calendar.cancel(id, citizen).ok_or_else(|| SimError::NoSuchAppointment(id.to_owned()))?;
        let gp = office.gps.iter().find(|gp| gp.her_id == old.contact).ok_or(SimError::NoSuchClinician)?;
        let mut appointment = self.calendar.assign(citizen, gp, start, &old.summary);
        // The appointment keeps its identity when its time changes (guide 2.8).
        if let Some(kept) = self.calendar.appointments.last_mut() {
            kept.id.clone_from(&old.id);
        }
        appointment.id = old.id;
        Ok(appointment.event(office))
    }

    /// Opens a dialogue (DI) or sends a one-way message (EKI).
    pub fn open(&mut self, national_id: &NationalId, opening: &Opening, now: Now) -> Result<Letter, SimError> {
        let process = if opening.medical { Process::Ekonsultasjon } else { Process::Ekontakt };
        let citizen = self.citizen(national_id).cloned().ok_or(SimError::NoSuchCitizen)?;
        let code = answer(if opening.one_way { "EKI" } else { "DI" });
        let mut letter = self.opening(process, Some(citizen.clone()), code, now)?;
        letter.text = Text { subject: Some(opening.subject.clone()), body: Some(opening.text.clone()) };
        letter.attachments.clone_from(&opening.attachments);
        self.conversations.insert(
            letter.msg_id.clone(),
            Conversation {
                process,
                citizen: Some(citizen),
                party: letter.from,
                messages: Vec::new(),
                one_way: opening.one_way,
            },
        );
        Ok(letter)
    }

    /// Asks a colleague at another office (HELSEPERSONELL).
    pub fn ask_colleague(&mut self, question: &Question, now: Now) -> Result<Letter, SimError> {
        let process = Process::Helsepersonell;
        let citizen = question.patient.clone();
        let mut letter = self.opening(process, citizen.clone(), answer("SB"), now)?;
        letter.from = self.office.service_her_id;
        letter.text = Text { subject: Some(question.subject.clone()), body: Some(question.text.clone()) };
        let (office, name) = (question.to.service_her_id, question.to.service_name.to_owned());
        letter.addressee = Some(Addressee { office, name, hpr: question.clinician.clone() });
        self.conversations.insert(
            letter.msg_id.clone(),
            Conversation { process, citizen, party: letter.from, messages: Vec::new(), one_way: false },
        );
        Ok(letter)
    }

    /// Tells the portal of an appointment.
    pub fn notice(&mut self, national_id: &NationalId, notice: &Notice, now: Now) -> Result<Letter, SimError> {
        let process = self.system.notices().ok_or(SimError::Unsupported("notices of appointments"))?;
        let citizen = self.citizen(national_id).cloned().ok_or(SimError::NoSuchCitizen)?;
        let office = self.office;
        let missing = |id: &String| SimError::NoSuchAppointment(id.clone());
        let (code, event) = match notice {
            Notice::Confirmed { start } => {
                let gp = office.gps.first().ok_or(SimError::NoSuchClinician)?;
                let appointment = self.calendar.assign(national_id, gp, *start, "Konsultasjon");
                ("05", appointment.event(office))
            }
            Notice::Changed { appointment, start } => ("07", self.shift(appointment, national_id, *start)?),
            Notice::Cancelled { appointment } => {
                let cancelled = self.calendar.cancel(appointment, national_id);
                ("08", cancelled.ok_or_else(|| missing(appointment))?.event(office))
            }
            Notice::NotMet { appointment } => {
                let missed = self.calendar.appointment(appointment, national_id);
                ("11", missed.ok_or_else(|| missing(appointment))?.event(office))
            }
        };
        let mut letter = self.opening(process, Some(citizen), answer(code), now)?;
        letter.events = vec![event];
        Ok(letter)
    }

    /// Asks which of these are digitally active (SIDAB).
    pub fn ask_digital(&mut self, citizens: &[NationalId], now: Now) -> Result<Letter, SimError> {
        let known = citizens.iter().map(|citizen| self.citizen(citizen).cloned().ok_or(SimError::NoSuchCitizen));
        let persons: Vec<Person> = known.collect::<Result<_, _>>()?;
        let letter = Letter { persons, ..self.opening(Process::Digitalbruker, None, answer("SIDAB"), now)? };
        self.asked.push((letter.msg_id.clone(), citizens.to_vec()));
        Ok(letter)
    }

    /// Begins a communication test.
    pub fn test(&mut self, now: Now) -> Result<Letter, SimError> {
        let letter = Letter { ack: false, ..self.opening(Process::Test, None, answer("KT"), now)? };
        self.tests.push(letter.msg_id.clone());
        Ok(letter)
    }

    fn opening(
        &self,
        process: Process,
        patient: Option<Person>,
        code: super::codes::Code,
        now: Now,
    ) -> Result<Letter, SimError> {
        if self.system.version(process).is_none() {
            return Err(SimError::Unsupported(process.code()));
        }
        Ok(Letter {
            msg_id: Uuid::new_v4().to_string(),
            written: now.instant,
            process,
            from: self.system.sender(self.office),
            ack: true,
            references: None,
            patient,
            code,
            opens: true,
            text: Text::default(),
            author: self.office.gps.first().map(|gp| gp.hpr),
            events: Vec::new(),
            other_clinician: None,
            clinicians: Vec::new(),
            prescriptions: Vec::new(),
            attachments: Vec::new(),
            persons: Vec::new(),
            addressee: None,
        })
    }
}

fn patient(message: &Inbound) -> Result<&Person, SimError> {
    message.patient.as_ref().ok_or(SimError::NoSuchCitizen)
}

fn related(message: &Inbound) -> Result<&str, SimError> {
    message
        .events
        .first()
        .and_then(|event| event.related_to.as_deref())
        .ok_or_else(|| SimError::NoSuchAppointment("none named".to_owned()))
}
