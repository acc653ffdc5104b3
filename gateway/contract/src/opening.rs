//! What a citizen opens a dialog with, and sends in it. JSON by `schemas/json/new-dialog.json` and `new-message.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AppointmentId, AttachmentId, DialogId, HerId, HprNumber, PluginId},
    service::{ConsultationMode, Service},
};

/// The body of `POST /v1/me/dialogs`: a request with the message that goes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDialog {
    /// What is asked for.
    pub request: Request,
    /// What the citizen writes. Required but for renewals and cancellations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<NewMessage>,
    /// The dialog that the citizen was told to send as this service instead. Where `message` is left out, what the citizen
    /// wrote there is sent again, with its attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<DialogId>,
    /// A national provider beside the GP, by its id; the GP's office where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<PluginId>,
}

/// What the citizen writes: the body of `POST /v1/me/dialogs/{id}/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    /// At most 120 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// 1 to 8,000 characters.
    pub text: String,
    /// At most ten, each uploaded before by the same citizen and not yet part of a message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentId>,
}

/// The structured part of what is asked for. Mirrors the WIT variant `opening`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// An e-consultation.
    Consultation {
        /// How it is held.
        mode: ConsultationMode,
        /// Answers to the provider's form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<serde_json::Value>,
    },
    /// A practical question.
    Inquiry {},
    /// Renewal of prescriptions.
    PrescriptionRenewal {
        /// One to twenty, with different ids.
        items: Vec<RenewalItem>,
    },
    /// A written request for an appointment.
    AppointmentRequest {
        /// Times that would suit, at most ten.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        preferred: Vec<Period>,
    },
    /// A written request to move an appointment.
    AppointmentChange {
        /// Which.
        appointment: AppointmentId,
        /// Times that would suit, at most ten.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        preferred: Vec<Period>,
    },
    /// A written request to cancel an appointment.
    AppointmentCancel {
        /// Which.
        appointment: AppointmentId,
    },
    /// Renewal of a sick note.
    SickNoteRenewal {
        /// Last day of the present one.
        valid_until: jiff::civil::Date,
        /// Degree asked for, in percent, 1 to 100.
        degree: u8,
    },
    /// A health certificate.
    Certificate {
        /// What it is for, 1 to 200 characters.
        purpose: String,
        /// Answers to the provider's form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<serde_json::Value>,
    },
    /// A clinician's question to another about the citizen.
    Collegial {
        /// Who asks.
        from_hpr_number: HprNumber,
        /// Who takes part, one or two.
        to: Vec<HerId>,
    },
}

impl Request {
    /// The service that the request belongs to.
    #[must_use]
    pub const fn service(&self) -> Service {
        match self {
            Self::Consultation { .. } => Service::Consultation,
            Self::Inquiry {} => Service::Inquiry,
            Self::PrescriptionRenewal { .. } => Service::PrescriptionRenewal,
            Self::AppointmentRequest { .. } | Self::AppointmentChange { .. } | Self::AppointmentCancel { .. } => {
                Service::Appointment
            }
            Self::SickNoteRenewal { .. } => Service::SickNoteRenewal,
            Self::Certificate { .. } => Service::Certificate,
            Self::Collegial { .. } => Service::Collegial,
        }
    }
}

/// One prescription to renew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenewalItem {
    /// The id from `GET /v1/me/prescriptions`, or the portal's own. 1 to 256 characters.
    pub id: String,
    /// Name, strength and form. 1 to 200 characters.
    pub medicine: String,
    /// ATC code, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atc: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The prescription as the e-prescription service has it (eResept M1): base64 of the XML, at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eprescription: Option<String>,
}

/// A time that would suit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Period {
    /// Not in the past.
    pub start: Timestamp,
    /// After `start`.
    pub end: Timestamp,
}
