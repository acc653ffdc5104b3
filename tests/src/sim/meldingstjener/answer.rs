//! What a doctor answers: the choices of the guide for each kind of request.

use super::codes::{Kind, Process};
use super::message::{Attachment, Inbound};
use super::pdf::pdf;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// The meaning of an answer, before a record system gives it a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// 12 or 19: an answer, by the process.
    Reply,
    /// 13: the dialog is closed.
    Close,
    /// 13 or 19: an answer that asks for an e-consultation instead.
    Advice,
    /// 26.
    Rejected,
    /// 30.
    NoAccess,
    /// 31.
    Fault,
    /// 17.
    CertificateIssued,
    /// 18.
    CertificateRefused,
    /// 14.
    Renewed,
    /// 15.
    NotRenewed,
    /// 32.
    PartlyRenewed,
    /// 05.
    Given,
    /// 10: given with another clinician.
    GivenWithOther,
    /// 06.
    NotAvailable,
    /// 07.
    Changed,
    /// 34.
    NotChanged,
    /// 08.
    Cancelled,
    /// 09.
    NotCancelled,
}

impl Meaning {
    /// The guide's code for this meaning.
    pub fn code(self, process: Process) -> &'static str {
        match self {
            Meaning::Reply if process == Process::Ekontakt => "19",
            Meaning::Reply => "12",
            Meaning::Close | Meaning::Advice => "13",
            Meaning::Rejected => "26",
            Meaning::NoAccess => "30",
            Meaning::Fault => "31",
            Meaning::CertificateIssued => "17",
            Meaning::CertificateRefused => "18",
            Meaning::Renewed => "14",
            Meaning::NotRenewed => "15",
            Meaning::PartlyRenewed => "32",
            Meaning::Given => "05",
            Meaning::GivenWithOther => "10",
            Meaning::NotAvailable => "06",
            Meaning::Changed => "07",
            Meaning::NotChanged => "34",
            Meaning::Cancelled => "08",
            Meaning::NotCancelled => "09",
        }
    }
}

/// What is decided of one medicine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The medicine: its name in the request, or a part of it.
    pub item: String,
    /// Whether it is renewed.
    pub renewed: bool,
    /// Why, for the citizen.
    #[serde(default)]
    pub note: Option<String>,
}

/// A doctor's answer. In JSON `{"kind": "reply", "text": "..."}` and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// An answer; the dialog goes on.
    Reply {
        /// Text.
        text: String,
        /// Files.
        #[serde(default)]
        attachments: Vec<Attachment>,
    },
    /// The dialog is closed, with or without a last word.
    Close {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The matter is medical: send an e-consultation instead.
    AdviseConsultation {
        /// Text; a default says it in plain words.
        #[serde(default)]
        text: Option<String>,
    },
    /// The request is rejected.
    Reject {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The citizen may not use the service.
    NoAccess {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Something went wrong in the record system.
    Fault {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// A certificate as a PDF.
    CertificateIssued {
        /// Text.
        #[serde(default)]
        text: Option<String>,
        /// The certificate; a one-page PDF where none is given.
        #[serde(default)]
        certificate: Option<Attachment>,
    },
    /// No certificate.
    CertificateRefused {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Which medicines are renewed; those that no decision names are.
    Renewal {
        /// Decisions.
        #[serde(default)]
        decisions: Vec<Decision>,
        /// Text; a default names each medicine.
        #[serde(default)]
        text: Option<String>,
    },
    /// An appointment for a wish (05, or 10 where the doctor is not the wished one).
    Appointment {
        /// Start, local time.
        start: DateTime,
        /// HPR number of the doctor; the citizen's own where none is given.
        #[serde(default)]
        gp: Option<String>,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// No appointment.
    NotAvailable {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The appointment is moved.
    Changed {
        /// New start, local time.
        start: DateTime,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The appointment stays as it was.
    NotChanged {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The appointment is cancelled.
    Cancelled {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The appointment cannot be cancelled.
    NotCancelled {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
}

impl Answer {
    /// An answer without files.
    pub fn reply(text: &str) -> Answer {
        Answer::Reply { text: text.to_owned(), attachments: Vec::new() }
    }

    /// A closing word.
    pub fn close(text: &str) -> Answer {
        Answer::Close { text: Some(text.to_owned()) }
    }

    /// A decision a medicine: `(item, renewed)`.
    pub fn renewal(decisions: &[(&str, bool)]) -> Answer {
        Answer::Renewal {
            decisions: decisions
                .iter()
                .map(|(item, renewed)| Decision { item: (*item).to_owned(), renewed: *renewed, note: None })
                .collect(),
            text: None,
        }
    }

    /// Whether the guide allows this answer to a request of this kind.
    pub fn answers(&self, kind: Kind) -> bool {
        match self {
            Answer::Reject { .. } | Answer::NoAccess { .. } => true,
            Answer::Fault { .. } => {
                matches!(
                    kind,
                    Kind::Consultation | Kind::Contact | Kind::Certificate | Kind::Reply | Kind::ColleagueAnswer
                )
            }
            Answer::Reply { .. } | Answer::Close { .. } => {
                matches!(
                    kind,
                    Kind::Consultation | Kind::Contact | Kind::Certificate | Kind::Reply | Kind::ColleagueAnswer
                )
            }
            Answer::AdviseConsultation { .. } => matches!(kind, Kind::Contact | Kind::Certificate | Kind::Reply),
            Answer::CertificateIssued { .. } | Answer::CertificateRefused { .. } => {
                matches!(kind, Kind::Certificate | Kind::Contact)
            }
            Answer::Renewal { .. } => matches!(kind, Kind::RenewalText | Kind::RenewalPrescriptions),
            Answer::Appointment { .. } => kind == Kind::Wish,
            Answer::NotAvailable { .. } => matches!(kind, Kind::Wish | Kind::ChangeWish),
            Answer::Changed { .. } | Answer::NotChanged { .. } => kind == Kind::ChangeWish,
            Answer::Cancelled { .. } | Answer::NotCancelled { .. } => kind == Kind::CancelWish,
        }
    }

    /// The name of the answer, for messages to the test's author.
    pub fn name(&self) -> &'static str {
        match self {
            Answer::Reply { .. } => "reply",
            Answer::Close { .. } => "close",
            Answer::AdviseConsultation { .. } => "advise-consultation",
            Answer::Reject { .. } => "reject",
            Answer::NoAccess { .. } => "no-access",
            Answer::Fault { .. } => "fault",
            Answer::CertificateIssued { .. } => "certificate-issued",
            Answer::CertificateRefused { .. } => "certificate-refused",
            Answer::Renewal { .. } => "renewal",
            Answer::Appointment { .. } => "appointment",
            Answer::NotAvailable { .. } => "not-available",
            Answer::Changed { .. } => "changed",
            Answer::NotChanged { .. } => "not-changed",
            Answer::Cancelled { .. } => "cancelled",
            Answer::NotCancelled { .. } => "not-cancelled",
        }
    }
}

/// What an office that answers by itself says to a request; `None` where no answer is due.
pub fn automatic(message: &Inbound, next_start: Option<DateTime>) -> Option<Answer> {
    Some(match message.kind {
        Kind::Consultation => {
            Answer::reply("Takk for spørsmålet. Ta det med ro i en uke, og skriv igjen om det ikke blir bedre.")
        }
        Kind::Contact => Answer::reply("Takk for henvendelsen. Vi har notert det."),
        Kind::Reply | Kind::ColleagueAnswer => Answer::reply("Takk for svaret."),
        Kind::Certificate => Answer::CertificateIssued { text: None, certificate: None },
        Kind::RenewalText | Kind::RenewalPrescriptions => Answer::renewal(&[]),
        Kind::Wish => Answer::Appointment { start: next_start?, gp: None, text: None },
        Kind::ChangeWish => Answer::Changed { start: next_start?, text: None },
        Kind::CancelWish => Answer::Cancelled { text: None },
        Kind::FreeSlots
        | Kind::Reserve
        | Kind::CancelReservation
        | Kind::Booked
        | Kind::Clinicians
        | Kind::Test
        | Kind::TestAnswer
        | Kind::DigitalStatus
        | Kind::DigitalUsers
        | Kind::NoDigitalUsers
        | Kind::ColleagueEnd => {
            return None;
        }
    })
}

/// The certificate that an office sends where the test brings none.
pub fn default_certificate() -> Attachment {
    Attachment {
        mime_type: "application/pdf".to_owned(),
        description: "Helseattest".to_owned(),
        content: pdf("Helseattest"),
    }
}
