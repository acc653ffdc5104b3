//! Writing, strictly: what leaves here is valid against the schemas and keeps the rules of HITS 1217.
//!
//! - [`request`] — what can be asked for, and the rules of each request.
//! - [`party`] — who sends, who receives, whom it is about, who acts.
//! - [`envelope`] — the whole message: MsgHead around the documents.
//! - [`calendar`] — the appointment, as xCal.
//! - [`prescription`] — electronic prescriptions (M1), passed on as the portal has them.

pub mod calendar;
pub mod envelope;
pub mod party;
pub mod prescription;
pub mod request;

pub use crate::xml::writer::Segment;
pub use calendar::CalendarEntry;
pub use envelope::{Conversation, Envelope, write};
pub use party::{Clinician, Patient, Receiver, Representative, Unit};
pub use prescription::Prescription;
pub use request::{Attachment, ColleagueSays, MediaType, Request, Roles, Written};

use crate::message::{Process, Version};

/// Why a message cannot be written. Nothing was sent; what can be mended says which field.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WriteError {
    /// A required text is empty.
    #[error("{field} is missing")]
    Missing {
        /// The field of the request.
        field: &'static str,
    },
    /// A text is longer than the record systems take (2.4.1).
    #[error("{field} has {length} characters, more than {limit}")]
    TooLong {
        /// The field of the request.
        field: &'static str,
        /// Characters that it has.
        length: usize,
        /// Characters that it may have.
        limit: usize,
    },
    /// More attachments than a message may carry, or attachments where the process has none.
    #[error("{count} attachments, more than {limit}")]
    TooManyAttachments {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Slots are asked for at most four weeks at a time, and not backwards (3.4.2.1).
    #[error("the period is not between one day and four weeks")]
    Period,
    /// The appointment ends before it starts.
    #[error("the appointment does not end after it starts")]
    Appointment,
    /// The receiver's version of the process cannot say that one person acts for another.
    #[error("{}@{version} has no messages on behalf of another", .process.value())]
    NoRepresentation {
        /// The process.
        process: Process,
        /// The receiver's version.
        version: Version,
    },
    /// The receiver's version of the process does not have this request.
    #[error("{}@{version} does not have this request, which came with {needs}", .process.value())]
    OlderVersion {
        /// The process.
        process: Process,
        /// The receiver's version.
        version: Version,
        /// The version that has it.
        needs: Version,
    },
    /// The electronic prescription is not one.
    #[error("prescription {index} is not an eResept M1: {reason}")]
    Prescription {
        /// Its place in the request, from 0.
        index: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}
