//! The lines of the report: services, as far as they are checked apart.

use dialog_contract::{provider::Interface, service::Service};
use serde::Serialize;

/// What is checked apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The file itself: what it says, asks for and exports.
    Package,
    /// Direct booking.
    Booking,
    /// Written requests for appointments.
    AppointmentRequest,
    /// Renewal of prescriptions.
    PrescriptionRenewal,
    /// E-consultation in text.
    ConsultationText,
    /// E-consultation with pictures.
    ConsultationImage,
    /// Practical questions.
    Inquiry,
    /// Renewal of sick notes.
    SickNoteRenewal,
    /// Certificates.
    Certificate,
    /// Practical information and forms.
    PracticalInformation,
    /// Fees.
    Payment,
    /// Surveys.
    Survey,
    /// E-consultation by video.
    ConsultationVideo,
    /// Results of tests.
    TestResults,
    /// What the citizen has read.
    ReadMarks,
    /// Clinicians of several offices.
    Collegial,
    /// What the office begins.
    FromTheOffice,
    /// How news arrives.
    News,
}

impl Topic {
    /// In the order of the report.
    pub const ALL: [Self; 18] = [
        Self::Package,
        Self::Booking,
        Self::AppointmentRequest,
        Self::PrescriptionRenewal,
        Self::ConsultationText,
        Self::ConsultationImage,
        Self::Inquiry,
        Self::SickNoteRenewal,
        Self::Certificate,
        Self::PracticalInformation,
        Self::Payment,
        Self::Survey,
        Self::ConsultationVideo,
        Self::TestResults,
        Self::ReadMarks,
        Self::Collegial,
        Self::FromTheOffice,
        Self::News,
    ];

    /// As the report names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Booking => "direct booking",
            Self::AppointmentRequest => "appointment by request",
            Self::PrescriptionRenewal => "prescription renewal",
            Self::ConsultationText => "e-consultation, text",
            Self::ConsultationImage => "e-consultation, image",
            Self::Inquiry => "contact the office",
            Self::SickNoteRenewal => "sick-note renewal",
            Self::Certificate => "certificate",
            Self::PracticalInformation => "practical information",
            Self::Payment => "payment",
            Self::Survey => "satisfaction survey",
            Self::ConsultationVideo => "e-consultation, video",
            Self::TestResults => "test results",
            Self::ReadMarks => "read marks",
            Self::Collegial => "clinician to clinician",
            Self::FromTheOffice => "messages from the office",
            Self::News => "arrival of news",
        }
    }

    /// The service that a plugin must name in its manifest to have this; none where it is of no single service.
    #[must_use]
    pub const fn service(self) -> Option<Service> {
        match self {
            Self::Booking | Self::AppointmentRequest => Some(Service::Appointment),
            Self::PrescriptionRenewal => Some(Service::PrescriptionRenewal),
            Self::ConsultationText | Self::ConsultationImage | Self::ConsultationVideo => Some(Service::Consultation),
            Self::TestResults => Some(Service::TestResults),
            Self::Inquiry => Some(Service::Inquiry),
            Self::SickNoteRenewal => Some(Service::SickNoteRenewal),
            Self::Certificate => Some(Service::Certificate),
            Self::Payment => Some(Service::Payment),
            Self::Collegial => Some(Service::Collegial),
            Self::Package
            | Self::PracticalInformation
            | Self::Survey
            | Self::ReadMarks
            | Self::FromTheOffice
            | Self::News => None,
        }
    }

    /// The interface that a plugin must export to have this; none where every plugin can.
    pub(crate) const fn interface(self) -> Option<Interface> {
        match self {
            Self::Package => None,
            Self::Booking => Some(Interface::Appointments),
            Self::PracticalInformation => Some(Interface::Practice),
            Self::Payment => Some(Interface::Payments),
            Self::Survey => Some(Interface::Feedback),
            Self::ConsultationVideo => Some(Interface::Video),
            Self::ReadMarks => Some(Interface::ReadMarks),
            Self::TestResults | Self::FromTheOffice | Self::News => Some(Interface::Inbound),
            _ => Some(Interface::Dialogs),
        }
    }
}
