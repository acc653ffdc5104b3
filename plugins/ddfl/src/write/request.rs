//! What the portal can ask a record system, and the rules of each request (chapter 3).

use jiff::civil::Date;

use super::calendar::CalendarEntry;
use super::party::Patient;
use super::prescription::Prescription;
use super::{Unit, WriteError, prescription};
use crate::message::code::{self, Code};
use crate::message::{Kind, Process, Version};

/// Limits of what is written.
pub mod limit {
    /// Characters of a subject (2.4.1).
    pub const SUBJECT: usize = 50;
    /// Characters of a text by default (2.4.1): the schema has no limit, the record systems' fields do.
    pub const TEXT: usize = 1_000;
    /// Attachments of a message.
    pub const ATTACHMENTS: usize = 10;
    /// Days for which slots are asked at a time (3.4.2.1).
    pub const SLOT_DAYS: i32 = 28;
    /// Prescriptions in a renewal.
    pub const PRESCRIPTIONS: usize = 20;
}

/// Kinds of files that digital dialogue takes (2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `application/pdf` (PDF/A)
    Pdf,
}

impl MediaType {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    /// From what a sender wrote: blanks, case, parameters and the false `image/jpg` are forgiven.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Some(Self::Jpeg),
            "image/png" | "image/x-png" => Some(Self::Png),
            "application/pdf" | "application/x-pdf" => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// A file that goes along. Its bytes are put in by whoever sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Handle, given back in [`super::Segment::AttachmentBase64`].
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// Kind of file.
    pub media_type: MediaType,
}

/// What the citizen wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Subject; at most [`limit::SUBJECT`] characters.
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Files.
    pub attachments: Vec<Attachment>,
}

/// What a clinician says to a colleague.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColleagueSays {
    /// A question, or more of one.
    Asks,
    /// An answer to what the other office asked.
    Answers,
    /// That the dialogue is over.
    Ends,
}

/// Who writes to a colleague, and whom it is for (`RollerRelatertNotat`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Given name of who writes.
    pub given_name: String,
    /// Family name of who writes.
    pub family_name: String,
    /// HPR number of who writes.
    pub hpr_number: u32,
    /// Whose clinician that is.
    pub office: Unit,
    /// HPR number of whom it is for, where it is not for the office as a whole.
    pub wanted: Option<u32>,
}

/// A request, a reply or a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// HLT, synchronous: free slots from one date to another, both included.
    FindSlots {
        /// First day.
        from: Date,
        /// Last day, at most four weeks later.
        until: Date,
    },
    /// HBT, synchronous: the patient's booked appointments. Version 1.2.
    FindBooked,
    /// RT: reserve a slot.
    Reserve {
        /// The slot.
        slot: CalendarEntry,
        /// Why.
        reason: Option<String>,
        /// Another clinician will do.
        other_clinician: bool,
    },
    /// ART: cancel a reserved appointment.
    CancelReserved {
        /// The appointment.
        appointment: CalendarEntry,
        /// Why.
        reason: Option<String>,
    },
    /// OT: an appointment, please.
    WishAppointment {
        /// What the citizen wrote; when, is part of the text (3.5.1).
        written: Written,
        /// Another clinician will do.
        other_clinician: bool,
    },
    /// OET: another time for this appointment, please.
    WishChange {
        /// The appointment.
        appointment: CalendarEntry,
        /// What the citizen wrote.
        written: Written,
        /// Another clinician will do.
        other_clinician: bool,
    },
    /// OAT: cancel this appointment, please.
    WishCancel {
        /// The appointment.
        appointment: CalendarEntry,
        /// What the citizen wrote; may be empty.
        written: Written,
    },
    /// RF: renew what the text names.
    RenewFreeText {
        /// The text names the medicines.
        written: Written,
    },
    /// RFER: renew these prescriptions. Version 1.3.
    RenewPrescriptions {
        /// What the citizen adds; may be empty.
        written: Written,
        /// One or more.
        prescriptions: Vec<Prescription>,
    },
    /// SB: a question to the clinician, the first or a further one.
    AskClinician {
        /// What the citizen wrote.
        written: Written,
    },
    /// HE: a practical enquiry, the first or a further one.
    Enquire {
        /// What the citizen wrote.
        written: Written,
    },
    /// BA: a certificate.
    OrderCertificate {
        /// What the citizen wrote.
        written: Written,
    },
    /// 22: the citizen's answer in a dialogue that the office opened; in the process it was opened in.
    Reply {
        /// [`Process::Contact`] or [`Process::Consultation`].
        process: Process,
        /// What the citizen wrote.
        written: Written,
    },
    /// Between clinicians: SB asks or goes on, 12 answers what the other office asked, 13 ends it.
    Colleague {
        /// Which of them.
        says: ColleagueSays,
        /// Who writes, from which office, and whom it is for.
        roles: Roles,
        /// What the clinician wrote.
        written: Written,
    },
    /// SDAB: the patient became digitally active, or ceased to be so.
    DigitalStatus {
        /// Which of the two.
        active: bool,
    },
    /// 28, 29: who of those that were asked about (SIDAB) is digitally active; nobody is 29.
    DigitalUsers {
        /// Who is.
        active: Vec<Patient>,
    },
    /// KT, synchronous: do you read me?
    Test,
    /// RKT: yes.
    TestAnswer,
}

impl Request {
    /// What the message is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::FindSlots { .. } => Kind::FindSlots,
            Self::FindBooked => Kind::FindBooked,
            Self::Reserve { .. } => Kind::Reserve,
            Self::CancelReserved { .. } => Kind::CancelReserved,
            Self::WishAppointment { .. } => Kind::WishAppointment,
            Self::WishChange { .. } => Kind::WishChange,
            Self::WishCancel { .. } => Kind::WishCancel,
            Self::RenewFreeText { .. } => Kind::RenewFreeText,
            Self::RenewPrescriptions { .. } => Kind::RenewPrescriptions,
            Self::AskClinician { .. } => Kind::AskClinician,
            Self::Enquire { .. } => Kind::Enquiry,
            Self::OrderCertificate { .. } => Kind::OrderCertificate,
            Self::Reply { .. } => Kind::CitizenReply,
            Self::Colleague { says, .. } => match says {
                ColleagueSays::Asks => Kind::AskClinician,
                ColleagueSays::Answers => Kind::ClinicianAnswer,
                ColleagueSays::Ends => Kind::Closed,
            },
            Self::DigitalStatus { .. } => Kind::DigitalStatus,
            Self::DigitalUsers { active } if active.is_empty() => Kind::NoDigitalUsers,
            Self::DigitalUsers { .. } => Kind::DigitalUsers,
            Self::Test => Kind::Test,
            Self::TestAnswer => Kind::TestAnswer,
        }
    }

    /// The process that it belongs to.
    #[must_use]
    pub const fn process(&self) -> Process {
        match self {
            Self::FindSlots { .. } | Self::FindBooked | Self::Reserve { .. } | Self::CancelReserved { .. } => {
                Process::Reservation
            }
            Self::WishAppointment { .. } | Self::WishChange { .. } | Self::WishCancel { .. } => Process::Wish,
            Self::RenewFreeText { .. } | Self::RenewPrescriptions { .. } => Process::Renewal,
            Self::AskClinician { .. } => Process::Consultation,
            Self::Enquire { .. } | Self::OrderCertificate { .. } => Process::Contact,
            Self::Reply { process, .. } => *process,
            Self::Colleague { .. } => Process::Professional,
            Self::DigitalStatus { .. } | Self::DigitalUsers { .. } => Process::DigitalUser,
            Self::Test | Self::TestAnswer => Process::Test,
        }
    }

    /// Whether the answer comes at once, in place of an application receipt.
    #[must_use]
    pub const fn synchronous(&self) -> bool {
        matches!(self, Self::FindSlots { .. } | Self::FindBooked | Self::Test | Self::TestAnswer)
    }

    /// The first version of the process that has this request.
    #[must_use]
    pub const fn needs(&self) -> Version {
        match self {
            Self::FindBooked => Version::V1_2,
            Self::RenewPrescriptions { .. } => Version::V1_3,
            _ => Version::V1_0,
        }
    }

    /// What the citizen wrote, if anything.
    #[must_use]
    pub const fn written(&self) -> Option<&Written> {
        match self {
            Self::WishAppointment { written, .. }
            | Self::WishChange { written, .. }
            | Self::WishCancel { written, .. }
            | Self::RenewFreeText { written }
            | Self::RenewPrescriptions { written, .. }
            | Self::AskClinician { written }
            | Self::Enquire { written }
            | Self::OrderCertificate { written }
            | Self::Reply { written, .. }
            | Self::Colleague { written, .. } => Some(written),
            _ => None,
        }
    }

    /// The appointment or slot that it is about.
    #[must_use]
    pub const fn entry(&self) -> Option<&CalendarEntry> {
        match self {
            Self::Reserve { slot: entry, .. }
            | Self::CancelReserved { appointment: entry, .. }
            | Self::WishChange { appointment: entry, .. }
            | Self::WishCancel { appointment: entry, .. } => Some(entry),
            _ => None,
        }
    }

    /// Whether it is an answer: then it is a `Notat`, whoever answers (2.4).
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        match self {
            Self::Reply { .. } | Self::DigitalUsers { .. } | Self::TestAnswer => true,
            Self::Colleague { says, .. } => !matches!(says, ColleagueSays::Asks),
            _ => false,
        }
    }

    /// Whether it is about no patient.
    #[must_use]
    pub const fn is_about_nobody(&self) -> bool {
        matches!(self, Self::DigitalUsers { .. } | Self::Test | Self::TestAnswer)
    }

    pub(super) fn subject(&self) -> Option<&str> {
        let subject = self.written()?.subject.as_deref()?.trim();
        (!subject.is_empty()).then_some(subject)
    }

    pub(super) fn text(&self) -> Option<&str> {
        let text = match self {
            Self::Reserve { reason, .. } | Self::CancelReserved { reason, .. } => reason.as_deref()?,
            _ => &self.written()?.text,
        };
        let text = text.trim();
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        self.written().map_or(&[], |written| &written.attachments)
    }

    pub(super) fn prescriptions(&self) -> &[Prescription] {
        match self {
            Self::RenewPrescriptions { prescriptions, .. } => prescriptions,
            _ => &[],
        }
    }

    /// `KodetOpplysning`: whether another clinician will do, how the medicine is delivered, or whether the patient is active.
    pub(super) const fn coded(&self) -> Option<Code> {
        match self {
            Self::Reserve { other_clinician, .. }
            | Self::WishAppointment { other_clinician, .. }
            | Self::WishChange { other_clinician, .. } => Some(if *other_clinician { code::YES } else { code::NO }),
            Self::CancelReserved { .. } | Self::WishCancel { .. } => Some(code::NO),
            // 3.9.1: yes is active.
            Self::DigitalStatus { active } => Some(if *active { code::YES } else { code::NO }),
            Self::RenewFreeText { .. } | Self::RenewPrescriptions { .. } => Some(code::DELIVERY_PHARMACY),
            _ => None,
        }
    }

    /// Who writes and whom it is for, between clinicians.
    pub(super) const fn roles(&self) -> Option<&Roles> {
        match self {
            Self::Colleague { roles, .. } => Some(roles),
            _ => None,
        }
    }

    /// Description of the document (`ContentDescription`).
    pub(super) fn description(&self) -> &'static str {
        self.kind().code().name
    }

    /// Whether the text is required, and whether files may go along.
    const fn rules(&self) -> (bool, bool) {
        match self {
            Self::AskClinician { .. } | Self::Enquire { .. } | Self::Reply { .. } => (true, true),
            Self::Colleague { .. } => (true, true),
            Self::OrderCertificate { .. } | Self::WishAppointment { .. } | Self::WishChange { .. } => (true, true),
            Self::WishCancel { .. } => (false, true),
            Self::RenewFreeText { .. } => (true, false),
            _ => (false, false),
        }
    }

    /// Checks the rules of the request.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, version: Version, text_limit: usize) -> Result<(), WriteError> {
        let process = self.process();
        if version < self.needs() {
            return Err(WriteError::OlderVersion { process, version, needs: self.needs() });
        }
        let (text_required, files) = self.rules();
        if text_required && self.text().is_none() {
            return Err(WriteError::Missing { field: "text" });
        }
        // 3.2.1: an e-consultation has a subject.
        if self.kind() == Kind::AskClinician && self.subject().is_none() {
            return Err(WriteError::Missing { field: "subject" });
        }
        bounded("subject", self.subject(), limit::SUBJECT)?;
        bounded("text", self.text(), text_limit)?;
        let count = self.attachments().len();
        let allowed = if files { limit::ATTACHMENTS } else { 0 };
        if count > allowed {
            return Err(WriteError::TooManyAttachments { count, limit: allowed });
        }
        if self.entry().is_some_and(|entry| entry.end <= entry.start || entry.uid.trim().is_empty()) {
            return Err(WriteError::Appointment);
        }
        match self {
            Self::FindSlots { from, until } => {
                let days = from.until(*until).map_or(-1, |span| span.get_days());
                if (0..=limit::SLOT_DAYS).contains(&days) { Ok(()) } else { Err(WriteError::Period) }
            }
            Self::RenewPrescriptions { prescriptions, .. } => {
                if prescriptions.is_empty() {
                    return Err(WriteError::Missing { field: "prescriptions" });
                }
                if prescriptions.len() > limit::PRESCRIPTIONS || !prescription::fit_together(prescriptions) {
                    return Err(WriteError::Prescription {
                        index: prescriptions.len() - 1,
                        reason: "the prescriptions cannot stand in one message",
                    });
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn bounded(field: &'static str, text: Option<&str>, limit: usize) -> Result<(), WriteError> {
    let length = text.map_or(0, |text| text.chars().count());
    if length > limit { Err(WriteError::TooLong { field, length, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    fn ask(subject: &str, text: &str) -> Request {
        Request::AskClinician {
            written: Written { subject: Some(subject.into()), text: text.into(), attachments: Vec::new() },
        }
    }

    #[test]
    fn an_e_consultation_has_a_subject_and_a_text() {
        assert_eq!(ask("a", "b").check(Version::V1_1, limit::TEXT), Ok(()));
        assert_eq!(ask(" ", "b").check(Version::V1_1, limit::TEXT), Err(WriteError::Missing { field: "subject" }));
        assert_eq!(ask("a", "\n").check(Version::V1_1, limit::TEXT), Err(WriteError::Missing { field: "text" }));
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert_eq!(ask(&"æ".repeat(50), &"ø".repeat(1000)).check(Version::V1_1, limit::TEXT), Ok(()));
        assert_eq!(
            ask(&"æ".repeat(51), "b").check(Version::V1_1, limit::TEXT),
            Err(WriteError::TooLong { field: "subject", length: 51, limit: 50 })
        );
        assert_eq!(
            ask("a", &"ø".repeat(1001)).check(Version::V1_1, limit::TEXT),
            Err(WriteError::TooLong { field: "text", length: 1001, limit: 1000 })
        );
    }

    #[test]
    fn slots_are_asked_for_at_most_four_weeks_and_forwards() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let check = |from: &str, until: &str| {
            Request::FindSlots { from: day(from), until: day(until) }.check(Version::V1_1, limit::TEXT)
        };
        assert_eq!(check("2026-12-01", "2026-12-01"), Ok(()));
        assert_eq!(check("2026-12-01", "2026-12-29"), Ok(()));
        assert_eq!(check("2026-12-01", "2026-12-30"), Err(WriteError::Period));
        assert_eq!(check("2026-12-02", "2026-12-01"), Err(WriteError::Period));
    }

    #[test]
    fn a_request_needs_a_version_that_has_it() {
        assert_eq!(
            Request::FindBooked.check(Version::V1_1, limit::TEXT),
            Err(WriteError::OlderVersion {
                process: Process::Reservation,
                version: Version::V1_1,
                needs: Version::V1_2
            })
        );
        assert_eq!(Request::FindBooked.check(Version::V1_2, limit::TEXT), Ok(()));
    }

    #[test]
    fn a_renewal_carries_no_files() {
        let file = Attachment { id: "1".into(), name: "a.png".into(), media_type: MediaType::Png };
        let renewal =
            Request::RenewFreeText { written: Written { subject: None, text: "x".into(), attachments: vec![file] } };
        assert_eq!(
            renewal.check(Version::V1_1, limit::TEXT),
            Err(WriteError::TooManyAttachments { count: 1, limit: 0 })
        );
    }

    #[test]
    fn media_types_are_read_liberally_and_written_strictly() {
        for text in ["image/jpg", " IMAGE/JPEG ", "image/jpeg; name=x"] {
            assert_eq!(MediaType::from_text(text).map(MediaType::as_str), Some("image/jpeg"));
        }
        assert_eq!(MediaType::from_text("text/html"), None);
    }
}
