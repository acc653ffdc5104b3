//! Reading, liberally: what record systems send becomes one typed [`Incoming`].
//!
//! - [`head`] — MsgHead: ids, conversation, parties, patient.
//! - [`dialog`] — Dialogmelding 1.0 and 1.1: what the message is, its text, who wrote it.
//! - [`calendar`] — iCalendar (xCal): slots and appointments.
//! - [`document`] — attachments, prescriptions, clinicians.
//! - [`receipt`] — application receipts (AppRec) 1.0 and 1.1.
//! - [`prose`] — XHTML and plain text to plain text.
//!
//! What is forgiven is listed in [`Deviation`]; what cannot be, is a [`ReadError`] that says what and where
//! and never what stood there.

pub mod calendar;
pub mod dialog;
pub mod document;
pub mod head;
pub mod prose;
pub mod receipt;

pub use calendar::Appointment;
pub use dialog::{Addressee, Author, CodedValue};
pub use document::{Attachment, Professional, RenewedPrescription};
pub(crate) use head::canonical;
pub use head::{Party, Person};
pub use receipt::{ApplicationReceipt, ReceiptReason, ReceiptStatus};

use crate::message::code::ReceiptError;
use crate::message::{Kind, Process};
use crate::xml::tree::{self, TreeError};
use jiff::Timestamp;

/// Limits of what is taken out of a document, beyond those of [`tree::limit`].
pub mod limit {
    /// Characters of an identifier.
    pub const IDENTIFIER: usize = 200;
    /// Characters of a name, a subject or a description.
    pub const LINE: usize = 500;
    /// Characters of a text.
    pub const TEXT: usize = 100_000;
    /// Attachments of a message.
    pub const ATTACHMENTS: usize = 20;
    /// Appointments or slots in a message.
    pub const APPOINTMENTS: usize = 2_000;
    /// Prescriptions in a message.
    pub const PRESCRIPTIONS: usize = 50;
    /// Persons that a message asks about or names: each is an event, and an answer of a plugin's has at most a hundred.
    pub const PERSONS: usize = 90;
    /// Reasons in an application receipt.
    pub const REASONS: usize = 50;
}

/// Why a message could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// It is not a document that we can read at all.
    #[error(transparent)]
    Xml(#[from] TreeError),
    /// The root is neither a message nor a receipt.
    #[error("the root element is neither MsgHead nor AppRec")]
    Root,
    /// Something that a message cannot be without.
    #[error("{element} is missing")]
    Missing {
        /// The element.
        element: &'static str,
    },
    /// Something that is there and makes no sense.
    #[error("{element} is not {expected}")]
    Invalid {
        /// The element.
        element: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
    /// Something that is there too often or is too long.
    #[error("{element} exceeds the limit of {limit}")]
    TooMuch {
        /// The element.
        element: &'static str,
        /// How many or how long it may be.
        limit: usize,
    },
}

impl ReadError {
    /// How the message is receipted.
    #[must_use]
    pub const fn receipt(&self) -> ReceiptError {
        match self {
            Self::Xml(_) => ReceiptError::NotXml,
            Self::Root => ReceiptError::UnsupportedFormat,
            Self::Missing { .. } | Self::Invalid { .. } | Self::TooMuch { .. } => ReceiptError::NotValid,
        }
    }
}

/// What was wrong and forgiven, for the operator to tell the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deviation {
    /// `MsgId` is not a UUID.
    MessageIdNotUuid,
    /// `GenDate` is missing or not a time.
    NoGenerationTime,
    /// The process in `MsgInfo/Type` is not one of HITS 1217 that the plugin knows.
    UnknownProcess,
    /// The name of a code belongs to another code.
    CodeAndNameDisagree,
    /// A media type that does not exist, such as `image/jpg`.
    OddMediaType,
    /// An attachment that is kept elsewhere (`FileReference`) or compressed.
    AttachmentNotIncluded,
    /// An attachment whose base64 is broken; it is left out.
    AttachmentUnreadable,
    /// An appointment that ends before it starts; its end was taken from the clock time, or left out.
    EndBeforeStart,
    /// An appointment without a start or an id; it is left out.
    AppointmentIncomplete,
    /// A HER-id that is not a number.
    OddHerId,
    /// The patient's identity number is missing or is not one.
    NoPatientId,
}

/// A message or a receipt.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A dialogue message.
    Message(Box<DialogMessage>),
    /// An application receipt for a message that the plugin sent.
    Receipt(ApplicationReceipt),
}

/// A dialogue message from a record system.
#[derive(Clone, Debug, PartialEq)]
pub struct DialogMessage {
    /// `MsgId`.
    pub id: String,
    /// `GenDate`.
    pub generated: Option<Timestamp>,
    /// `MsgInfo/Type`, where it is a process that the plugin knows.
    pub process: Option<Process>,
    /// Whether an application receipt is wanted (`Ack`); none where the message does not say.
    pub ack: Option<bool>,
    /// `RefToParent`: the message that this one follows.
    pub parent: Option<String>,
    /// `RefToConversation`: the first message of the conversation.
    pub conversation: Option<String>,
    /// Who sent it.
    pub sender: Party,
    /// To whom.
    pub receiver: Party,
    /// Whom it is about.
    pub patient: Option<Person>,
    /// What it is; none where the code is not one of [`Kind`].
    pub kind: Option<Kind>,
    /// The code as it stands.
    pub code: CodedValue,
    /// Whether it is an answer (`Notat`) and not a request (`Foresporsel`).
    pub is_answer: bool,
    /// Subject.
    pub subject: Option<String>,
    /// Text, plain.
    pub text: Option<String>,
    /// A coded answer (`KodetOpplysning`).
    pub coded: Option<CodedValue>,
    /// From date (`FraDato`), as it stands.
    pub from_date: Option<String>,
    /// To date (`TilDato`), as it stands.
    pub to_date: Option<String>,
    /// Who wrote it.
    pub author: Option<Author>,
    /// For whom, where it names somebody.
    pub addressee: Option<Addressee>,
    /// Slots or appointments.
    pub appointments: Vec<Appointment>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Clinicians that the message lists.
    pub professionals: Vec<Professional>,
    /// Prescriptions that go along: those that were renewed.
    pub prescriptions: Vec<RenewedPrescription>,
    /// Who acts for the patient.
    pub representative: Option<Person>,
    /// Who is asked about, or named in the answer (`Personer`).
    pub persons: Vec<Person>,
    /// What was wrong and forgiven, each once.
    pub deviations: Vec<Deviation>,
}

impl DialogMessage {
    /// The conversation that it belongs to, by its first message: itself, where it opens one.
    #[must_use]
    pub fn first(&self) -> &str {
        self.conversation.as_deref().or(self.parent.as_deref()).unwrap_or(&self.id)
    }
}

/// Reads a message or a receipt.
///
/// # Errors
/// See [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<Incoming, ReadError> {
    let root = tree::parse(bytes)?;
    match root.name.as_str() {
        "MsgHead" => dialog::message(&root).map(|message| Incoming::Message(Box::new(message))),
        "AppRec" => receipt::read(&root).map(Incoming::Receipt),
        _ => Err(ReadError::Root),
    }
}

/// Collects what was forgiven.
#[derive(Debug, Default)]
pub(crate) struct Deviations(std::collections::BTreeSet<Deviation>);

impl Deviations {
    pub(crate) fn note(&mut self, deviation: Deviation) {
        self.0.insert(deviation);
    }

    fn into_vec(self) -> Vec<Deviation> {
        self.0.into_iter().collect()
    }
}

/// An identifier: bounded, and without line breaks or tabs, which no identifier has.
fn identifier(text: Option<String>, element: &'static str) -> Result<Option<String>, ReadError> {
    match bounded(text, element, limit::IDENTIFIER)? {
        Some(text) if text.chars().any(char::is_control) => {
            Err(ReadError::Invalid { element, expected: "an identifier in one line" })
        }
        text => Ok(text),
    }
}

/// A text of bounded length.
fn bounded(text: Option<String>, element: &'static str, limit: usize) -> Result<Option<String>, ReadError> {
    match text {
        Some(text) if text.len() > limit && text.chars().count() > limit => Err(ReadError::TooMuch { element, limit }),
        text => Ok(text),
    }
}
