//! One message from a record system, as events of the contract.

use dialog_plugin_sdk::attachments;
use dialog_plugin_sdk::inbound::{InboundContext, ServedOffice};
use dialog_plugin_sdk::{
    AppointmentChange, AppointmentChangeKind, Attachment, CitizenIdentity, Closing, CollegialOpening,
    DialogMessage as Said, DialogStatus, Event, EventBody, Failure, OfficeMessage, OfficeOpening, RenewalAnswer,
    RenewalDecision, RenewalOutcome, Service, StatusChange, log,
};

use super::appointment::{self, Office, clip};
use super::medicine;
use super::memory::{self, Conversation, Memory};
use super::settings::Settings;
use crate::message::code::ReceiptError;
use crate::message::{Kind, Process};
use crate::read::DialogMessage;

/// Characters of a subject, a reason and a text, by the contract.
const SUBJECT: usize = 120;
const REASON: usize = 2_000;
const TEXT: usize = 32_000;
/// Appointments that one message may tell of: a notice tells of one.
const APPOINTMENTS: usize = 15;
/// Characters of an event's id.
const EVENT_ID: usize = 128;
/// Attachments of a message, by the contract.
const ATTACHMENTS: usize = 10;

/// Why a message is not let in: how it is receipted, and what the operator reads.
#[derive(Debug)]
pub struct Refused {
    /// The receipt.
    pub receipt: ReceiptError,
    /// Without content.
    pub reason: String,
}

/// What becomes of a message.
#[derive(Debug)]
pub enum Turned {
    /// Events for the gateway.
    Events(Vec<Event>),
    /// Nobody waits for it: it is receipted and read.
    Nothing,
    /// It is not let in.
    Refused(Refused),
}

/// The office that a message is from.
#[must_use]
pub fn office_of<'a>(ctx: &'a InboundContext, message: &DialogMessage) -> Option<&'a ServedOffice> {
    let levels: Vec<u32> = message.sender.her_ids().map(|her_id| her_id.get()).collect();
    ctx.offices
        .iter()
        .find(|served| levels.contains(&served.office.her_id) || levels.contains(&served.office.organisation_her_id))
}

/// Turns a message into events.
///
/// # Errors
/// The memory or the gateway's store of attachments does not answer.
pub fn turn(ctx: &InboundContext, message: &DialogMessage) -> Result<Turned, Failure> {
    let refused = |receipt, reason: &str| Ok(Turned::Refused(Refused { receipt, reason: reason.to_owned() }));
    let Some(kind) = message.kind else {
        return refused(ReceiptError::UnsupportedFormat, "the code is not one of HITS 1217 for these processes");
    };
    let Some(process) = message.process else {
        return refused(ReceiptError::UnsupportedFormat, "the process is not one that the plugin serves");
    };
    let Some(served) = office_of(ctx, message) else {
        return refused(ReceiptError::WrongIdentifier, "the sender is not an office with an agreement");
    };
    let number = message.patient.as_ref().and_then(|patient| patient.national_id.as_ref());
    // Colleagues may talk about nobody in particular.
    if number.is_none() && (process != Process::Professional || message.patient.is_some()) {
        return refused(ReceiptError::NotValid, "the patient has no national identity number");
    }
    if number.is_some_and(|number| !number.is_plausible()) {
        return refused(ReceiptError::NotValid, "the patient's national identity number cannot exist");
    }
    let citizen = number.map(|number| CitizenIdentity::NationalIdentityNumber(number.reveal().to_owned()));
    let reference = message.first().to_owned();
    let patient = number.map_or_else(String::new, |number| memory::patient(&reference, number.reveal()));
    let memory = match &citizen {
        Some(citizen) => Memory::of(served.office.her_id).about(citizen.clone()),
        None => Memory::of(served.office.her_id),
    };
    let (conversation, _) = memory::conversation(&memory, &reference)?;
    if let Some(known) = &conversation {
        if known.patient != patient {
            return refused(ReceiptError::WrongIdentifier, "the patient is not the one whom the conversation is about");
        }
        if known.receiver.organisation != served.office.organisation_her_id {
            return refused(ReceiptError::WrongIdentifier, "the sender is not the office of the conversation");
        }
    }
    let letter = Letter { ctx, message, process, kind, served, citizen, patient, reference, conversation, memory };
    letter.turn()
}

struct Letter<'a> {
    ctx: &'a InboundContext,
    message: &'a DialogMessage,
    process: Process,
    kind: Kind,
    served: &'a ServedOffice,
    /// Whom it is about; none between colleagues who talk about nobody.
    citizen: Option<CitizenIdentity>,
    /// The same, as conversations remember one.
    patient: String,
    reference: String,
    conversation: Option<Conversation>,
    memory: Memory,
}

impl Letter<'_> {
    fn turn(&self) -> Result<Turned, Failure> {
        let status = match self.kind {
            Kind::OfficeDialogue | Kind::OneWay => return self.opened(),
            Kind::AskClinician if self.process == Process::Professional => return self.asked(),
            Kind::ClinicianAnswer | Kind::EnquiryAnswer => DialogStatus::AwaitingCitizen,
            Kind::Closed | Kind::CertificateIssued => DialogStatus::Closed(Closing::Answered),
            Kind::Rejected | Kind::NoAccess | Kind::GeneralError | Kind::CertificateRefused => {
                DialogStatus::Closed(Closing::Declined)
            }
            Kind::Renewed | Kind::PartlyRenewed | Kind::NotRenewed => return self.renewal(),
            Kind::Reserved
            | Kind::ReservedWithOther
            | Kind::Changed
            | Kind::Cancelled
            | Kind::NotAttended
            | Kind::AppointmentNotice => return self.appointment(),
            Kind::SlotUnavailable | Kind::NotChanged | Kind::NotCancelled => DialogStatus::Closed(Closing::Declined),
            _ => {
                return Ok(Turned::Refused(Refused {
                    receipt: ReceiptError::UnsupportedFormat,
                    reason: format!("nobody asked for a message of the kind {:?}", self.kind),
                }));
            }
        };
        // A late answer to a booking that failed: there is no dialog, and nothing has changed.
        if self.process == Process::Reservation {
            return Ok(Turned::Nothing);
        }
        self.noted(None)?;
        Ok(Turned::Events(vec![self.said(status)?]))
    }

    /// Notes that the office's message is the latest of its conversation.
    fn noted(&self, opened: Option<Conversation>) -> Result<(), Failure> {
        memory::arrived(&self.memory, &self.reference, &self.message.id, self.ctx.now, opened)
    }

    /// An event of this message; a message may be several.
    fn event(&self, part: u32, body: EventBody) -> Event {
        let sender = self.served.office.organisation_her_id;
        let id = if part == 0 {
            format!("{sender}:{}", self.message.id)
        } else {
            format!("{sender}:{}:{part}", self.message.id)
        };
        let id = if id.chars().count() <= EVENT_ID {
            id
        } else {
            dialog_plugin_sdk::ids::derived("event", &[&id]).to_string()
        };
        Event { id, occurred: self.sent(), body }
    }

    fn sent(&self) -> i64 {
        // Never later than now: a record system's clock may be wrong.
        self.message.generated.map_or(self.ctx.now, |at| at.as_millisecond().min(self.ctx.now))
    }

    /// What the office wrote, or that it closed without a word.
    fn said(&self, status: DialogStatus) -> Result<Event, Failure> {
        let silent = self.message.text.is_none() && self.message.attachments.is_empty();
        if let (true, DialogStatus::Closed(_)) = (silent, &status) {
            let reason = self.message.subject.as_deref().or(self.default_reason());
            return Ok(self.event(
                0,
                EventBody::Status(StatusChange {
                    dialog: self.reference.clone(),
                    status,
                    reason: reason.map(|reason| clip(reason, REASON)),
                }),
            ));
        }
        let redirected = matches!(status, DialogStatus::Closed(_)) && self.redirects();
        let (status, redirect) = if redirected {
            (DialogStatus::Closed(Closing::Redirected), Some(Service::Consultation))
        } else {
            (status, None)
        };
        Ok(self.event(
            0,
            EventBody::Message(Said { dialog: self.reference.clone(), message: self.letter()?, status, redirect }),
        ))
    }

    /// Why the office said no, where it says nothing itself. In Norwegian: this goes to the citizen later, whose language
    /// nobody knows here.
    const fn default_reason(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Rejected => Some("Legekontoret avviste forespørselen."),
            Kind::NoAccess => Some("Du har ikke tilgang til denne tjenesten hos legekontoret."),
            Kind::GeneralError => {
                Some("Legekontorets system kunne ikke behandle meldingen. Prøv igjen, eller ring legekontoret.")
            }
            Kind::SlotUnavailable => Some("Legekontoret har ingen ledig time."),
            Kind::NotChanged => Some("Timen kunne ikke endres."),
            Kind::NotCancelled => Some("Timen kunne ikke avbestilles."),
            Kind::CertificateRefused => Some("Attesten kan ikke utstedes."),
            Kind::PartlyRenewed => Some("Noen av reseptene er fornyet. Spør legekontoret hvilke."),
            _ => None,
        }
    }

    /// Whether the office asks for an e-consultation instead of a practical enquiry. HITS 1217 has no code for it: offices
    /// close the dialog and say it in words.
    fn redirects(&self) -> bool {
        let says = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| {
                let text = text.to_lowercase();
                text.contains("e-konsultasjon") || text.contains("ekonsultasjon")
            })
        };
        self.process == Process::Contact
            && matches!(self.kind, Kind::Closed | Kind::Rejected)
            && (says(&self.message.subject) || says(&self.message.text))
    }

    fn letter(&self) -> Result<OfficeMessage, Failure> {
        let mut text = self.message.text.clone().unwrap_or_default();
        let attachments = self.attachments(&mut text)?;
        if text.is_empty() {
            let words = self.message.subject.as_deref().or(self.default_reason());
            text = words.unwrap_or(if attachments.is_empty() { "(Uten tekst)" } else { "Se vedlegg." }).to_owned();
        }
        let author = self.message.author.as_ref().map(|author| author.name.clone());
        Ok(OfficeMessage {
            id: self.event(0, EventBody::Status(self.nothing())).id,
            subject: self.message.subject.as_deref().map(|subject| clip(subject, SUBJECT)),
            text: clip(&text, TEXT),
            attachments,
            author: author.or_else(|| self.message.sender.name.clone()).map(|name| clip(&name, SUBJECT)),
            sent: self.sent(),
        })
    }

    fn nothing(&self) -> StatusChange {
        StatusChange { dialog: String::new(), status: DialogStatus::AwaitingOffice, reason: None }
    }

    /// The files, kept by the gateway. One that it does not take is named in the text, so that the citizen can ask for it.
    fn attachments(&self, text: &mut String) -> Result<Vec<Attachment>, Failure> {
        let mut kept = Vec::new();
        for (index, file) in self.message.attachments.iter().enumerate() {
            let name = file.name.clone().unwrap_or_else(|| format!("Vedlegg {}", index + 1));
            let name = clip(&name.replace(['/', '\\'], "-"), SUBJECT);
            let media_type = file.media_type.map_or("", |media_type| media_type.as_str());
            let created = if kept.len() < ATTACHMENTS {
                attachments::create(&name, media_type, &file.bytes)
            } else {
                Err(attachments::Error::TooLarge)
            };
            match created {
                Ok(attachment) => kept.push(attachment),
                Err(attachments::Error::Unavailable) => return Err(attachments::Error::Unavailable.into()),
                Err(_) => {
                    log::warn!("a file of an office's message is of no supported kind or too large");
                    text.push_str(&format!("\n\n[Vedlegget «{name}» kan ikke vises her. Kontakt legekontoret.]"));
                }
            }
        }
        Ok(kept)
    }

    /// The office opens a dialog, or goes on in one.
    fn opened(&self) -> Result<Turned, Failure> {
        if self.message.conversation.is_some() || self.conversation.is_some() {
            self.noted(None)?;
            return Ok(Turned::Events(vec![self.said(DialogStatus::AwaitingCitizen)?]));
        }
        let reply_allowed = self.kind == Kind::OfficeDialogue;
        let sender = &self.message.sender;
        let Some(citizen) = self.citizen.clone() else { return Ok(nobody()) };
        let names = sender.clinician.clone();
        self.noted(Some(Conversation {
            process: self.process.value().to_owned(),
            receiver: memory::Receiver {
                organisation: self.served.office.organisation_her_id,
                her_id: sender.her_id.map_or(self.served.office.her_id, |her_id| her_id.get()),
                family_name: names.as_ref().map(|(family, _)| family.clone()),
                given_name: names.map(|(_, given)| given),
            },
            patient: self.patient.clone(),
            sent: Vec::new(),
            items: Vec::new(),
        }))?;
        let service = match self.process {
            Process::Consultation => Service::Consultation,
            _ => Service::Inquiry,
        };
        Ok(Turned::Events(vec![self.event(
            0,
            EventBody::Opened(OfficeOpening {
                dialog: self.reference.clone(),
                office: self.served.office.her_id,
                citizen,
                service,
                message: self.letter()?,
                reply_allowed,
            }),
        )]))
    }

    /// A clinician of the office asks a colleague elsewhere, or goes on asking.
    fn asked(&self) -> Result<Turned, Failure> {
        if self.message.conversation.is_some() || self.conversation.is_some() {
            self.noted(None)?;
            return Ok(Turned::Events(vec![self.said(DialogStatus::AwaitingCitizen)?]));
        }
        let addressee = self.message.addressee.as_ref();
        let Some(to) = addressee.and_then(|addressee| addressee.office) else {
            return Ok(Turned::Refused(Refused {
                receipt: ReceiptError::NotValid,
                reason: "a question to a colleague does not say to which office".to_owned(),
            }));
        };
        let sender = &self.message.sender;
        self.noted(Some(Conversation {
            process: self.process.value().to_owned(),
            receiver: memory::Receiver {
                organisation: self.served.office.organisation_her_id,
                her_id: sender.her_id.map_or(self.served.office.her_id, |her_id| her_id.get()),
                given_name: None,
                family_name: None,
            },
            patient: self.patient.clone(),
            sent: Vec::new(),
            items: Vec::new(),
        }))?;
        Ok(Turned::Events(vec![self.event(
            0,
            EventBody::Collegial(CollegialOpening {
                dialog: self.reference.clone(),
                office: self.served.office.her_id,
                to: to.get(),
                to_hpr_number: addressee.and_then(|addressee| addressee.hpr_number),
                patient: self.citizen.clone(),
                message: self.letter()?,
            }),
        )]))
    }

    fn renewal(&self) -> Result<Turned, Failure> {
        self.noted(None)?;
        let reason = self.message.text.as_deref().map(|text| clip(text, REASON));
        let whole = |outcome| vec![RenewalDecision { item: None, outcome, reason: reason.clone() }];
        let (decisions, closing) = match self.kind {
            Kind::Renewed => (whole(RenewalOutcome::Renewed), Closing::Answered),
            Kind::NotRenewed => (whole(RenewalOutcome::Refused), Closing::Declined),
            _ => {
                let known = self.conversation.as_ref().map(|known| known.items.as_slice()).unwrap_or_default();
                let decisions = medicine::decided(known, self.message);
                if decisions.is_empty() {
                    // Which ones cannot be told for certain: the office's words must do.
                    return Ok(Turned::Events(vec![self.said(DialogStatus::Closed(Closing::Answered))?]));
                }
                (decisions, Closing::Answered)
            }
        };
        let speaks = self.message.text.is_some() || !self.message.attachments.is_empty();
        let message = if speaks { Some(self.letter()?) } else { None };
        Ok(Turned::Events(vec![self.event(
            0,
            EventBody::Renewal(RenewalAnswer {
                dialog: self.reference.clone(),
                decisions,
                message,
                status: DialogStatus::Closed(closing),
            }),
        )]))
    }

    fn appointment(&self) -> Result<Turned, Failure> {
        let Some(citizen) = self.citizen.clone() else { return Ok(nobody()) };
        let settings: Settings = self.served.settings()?;
        let office = Office { settings: &settings, clinician: None, memory: self.memory.clone() };
        let kind = match self.kind {
            Kind::Reserved | Kind::ReservedWithOther => AppointmentChangeKind::Booked,
            Kind::Changed => AppointmentChangeKind::Moved,
            Kind::Cancelled => AppointmentChangeKind::Cancelled,
            _ => AppointmentChangeKind::Reminder,
        };
        // A booking has no dialog in the contract, a wish has.
        let asked = self.process == Process::Wish && self.message.conversation.is_some();
        let dialog = asked.then(|| self.reference.clone());
        let text = match self.kind {
            Kind::NotAttended => {
                Some(self.message.text.as_deref().unwrap_or("Legekontoret har meldt at du ikke møtte til timen."))
            }
            _ => self.message.text.as_deref(),
        };
        if self.message.appointments.len() > APPOINTMENTS {
            return Ok(Turned::Refused(Refused {
                receipt: ReceiptError::NotValid,
                reason: format!("a notice of more than {APPOINTMENTS} appointments"),
            }));
        }
        let mut events = Vec::new();
        if asked {
            self.noted(None)?;
            events.push(self.said(DialogStatus::Closed(Closing::Answered))?);
        }
        for one in &self.message.appointments {
            let appointment = appointment::booked(&office, self.message, one)?;
            let part = u32::try_from(events.len()).unwrap_or(u32::MAX);
            events.push(self.event(
                part,
                EventBody::Appointment(AppointmentChange {
                    dialog: dialog.clone(),
                    office: self.served.office.her_id,
                    citizen: citizen.clone(),
                    kind,
                    appointment,
                    text: text.map(|text| clip(text, REASON)),
                }),
            ));
        }
        if events.is_empty() {
            return Ok(Turned::Refused(Refused {
                receipt: ReceiptError::NotValid,
                reason: format!("a message of the kind {:?} holds no appointment", self.kind),
            }));
        }
        Ok(Turned::Events(events))
    }
}

/// A message that cannot be about nobody.
fn nobody() -> Turned {
    Turned::Refused(Refused {
        receipt: ReceiptError::NotValid,
        reason: "the patient has no national identity number".to_owned(),
    })
}
