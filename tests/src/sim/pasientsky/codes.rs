//! Names in the vendor's FHIR: kinds of resources, code systems, naming systems.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The path below the server's address.
pub const FHIR: &str = "/fhir/r4";
/// National identity numbers (fødselsnummer), by HL7 Norway.
pub const FNR: &str = "urn:oid:2.16.578.1.12.4.1.4.1";
/// D-numbers, by HL7 Norway.
pub const DNR: &str = "urn:oid:2.16.578.1.12.4.1.4.2";
/// Numbers in Helsepersonellregisteret, by HL7 Norway.
pub const HPR: &str = "urn:oid:2.16.578.1.12.4.1.4.4";
/// HER-ids, by HL7 Norway.
pub const HER: &str = "urn:oid:2.16.578.1.12.4.1.2";
/// ATC codes, by HL7.
pub const ATC: &str = "http://www.whocc.no/atc";
/// Why one may act for another, by HL7.
pub const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
/// The vendor's rule for renewing, an extension of `MedicationRequest`.
pub const RULE: &str = "https://fhir.pasientsky.example/StructureDefinition/renewal-rule";

/// One of the vendor's code systems.
pub fn system(name: &str) -> String {
    format!("https://fhir.pasientsky.example/CodeSystem/{name}")
}

/// One of the vendor's naming systems.
pub fn naming(name: &str) -> String {
    format!("https://fhir.pasientsky.example/NamingSystem/{name}")
}

/// A concept of one of the vendor's code systems.
pub fn concept(name: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system(name), "code": code }] })
}

/// The kinds of resources that the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// An appointment.
    Appointment,
    /// A file.
    Binary,
    /// A message.
    Communication,
    /// A prescription.
    MedicationRequest,
    /// A citizen.
    Patient,
    /// A doctor.
    Practitioner,
    /// A survey.
    Questionnaire,
    /// What a patient answered.
    QuestionnaireResponse,
    /// A doctor's calendar at a clinic.
    Schedule,
    /// A time in it.
    Slot,
    /// A dialog.
    Task,
}

impl Kind {
    /// As FHIR names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Appointment => "Appointment",
            Kind::Binary => "Binary",
            Kind::Communication => "Communication",
            Kind::MedicationRequest => "MedicationRequest",
            Kind::Patient => "Patient",
            Kind::Practitioner => "Practitioner",
            Kind::Questionnaire => "Questionnaire",
            Kind::QuestionnaireResponse => "QuestionnaireResponse",
            Kind::Schedule => "Schedule",
            Kind::Slot => "Slot",
            Kind::Task => "Task",
        }
    }

    /// By FHIR's name, where the server has it.
    pub fn of(name: &str) -> Option<Kind> {
        const ALL: [Kind; 11] = [
            Kind::Appointment,
            Kind::Binary,
            Kind::Communication,
            Kind::MedicationRequest,
            Kind::Patient,
            Kind::Practitioner,
            Kind::Questionnaire,
            Kind::QuestionnaireResponse,
            Kind::Schedule,
            Kind::Slot,
            Kind::Task,
        ];
        ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Who made a version of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The portal, for a citizen.
    Portal,
    /// Somebody at the clinic, or its record system.
    Clinic,
}

impl Origin {
    /// The code in `meta.tag`.
    pub fn code(self) -> &'static str {
        match self {
            Origin::Portal => "portal",
            Origin::Clinic => "clinic",
        }
    }
}

/// What a dialog is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// An e-consultation, in writing and to and fro.
    Consultation,
    /// A practical question.
    Inquiry,
    /// Renewal of prescriptions.
    Renewal,
}

impl Service {
    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Service::Consultation => "consultation",
            Service::Inquiry => "inquiry",
            Service::Renewal => "renewal",
        }
    }

    /// By its code.
    pub fn of(code: &str) -> Option<Service> {
        [Service::Consultation, Service::Inquiry, Service::Renewal].into_iter().find(|one| one.code() == code)
    }
}

/// Whether a string is an id by FHIR: 1 to 64 of letters, digits, `-` and `.`.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
