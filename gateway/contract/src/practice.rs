//! What an office offers, through whom, and its practical information. JSON by `schemas/json/practice.json` and
//! `office.json`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    dialog::{Clinician, OfficeName, Provider},
    ids::{HerId, OrganisationNumber},
    service::{ConsultationMode, EncounterMode, Service, closed_list},
};

/// The answer to "what does my office offer, and through whom": `GET /v1/me/practice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Practice {
    /// Names the citizen in the portal's event feed, and nowhere else.
    pub citizen: String,
    /// The citizen's GP (fastlege).
    pub general_practitioner: Practitioner,
    /// The GP's office.
    pub office: OfficeName,
    /// Every service of the contract, on or off.
    pub services: Vec<OfferedService>,
}

/// One service as the office offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferedService {
    /// Which.
    pub service: Service,
    /// Whether it can be used now.
    pub available: bool,
    /// Through whom, where it is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// For appointments: whether the citizen picks a slot or writes a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
    /// For e-consultations: how they can be held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<ConsultationMode>,
    /// Working days within which the office answers, where that is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_within_working_days: Option<u8>,
}

closed_list!(
    /// How an office lets citizens book.
    Booking {
        /// The citizen picks from published slots.
        Direct = "direct",
        /// The citizen writes what would suit and the office answers.
        Request = "request",
    }
);

/// An office's practical information, open to all: `GET /v1/offices/{her-id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Office {
    /// Where messages to it go.
    pub her_id: HerId,
    /// Its organisation's HER-id.
    pub organisation_her_id: HerId,
    /// In Brønnøysundregistrene.
    pub organisation_number: OrganisationNumber,
    /// As citizens know it.
    pub name: String,
    /// With country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// Street, postal code and place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How to find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<String>,
    /// Absolute URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Weekday by weekday.
    #[serde(default)]
    pub hours: Vec<OpeningHours>,
    /// Its clinicians.
    #[serde(default)]
    pub practitioners: Vec<Practitioner>,
    /// Forms of consultation.
    #[serde(default)]
    pub modes: Vec<EncounterMode>,
    /// How one can pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// Steps, lift, toilet, hearing loop and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessibility: Option<String>,
    /// What it offers digitally, and through whom.
    #[serde(default)]
    pub services: Vec<OfferedService>,
}

/// Opening hours of one weekday, in local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpeningHours {
    /// 1 Monday to 7 Sunday (ISO 8601).
    pub weekday: u8,
    /// `HH:MM`.
    pub opens: String,
    /// `HH:MM`, after `opens`.
    pub closes: String,
}

/// A clinician with working days and absences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Practitioner {
    /// Who.
    pub clinician: Clinician,
    /// Working days, 1 Monday to 7 Sunday.
    #[serde(default)]
    pub weekdays: Vec<u8>,
    /// BCP 47 language tags.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Holidays and other times away.
    #[serde(default)]
    pub absences: Vec<Absence>,
    /// A specialist in general practice (spesialist i allmennmedisin), by the directory; not when left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub specialist: bool,
}

/// A time when a clinician is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Absence {
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
    /// Who stands in (stedfortreder).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Clinician>,
}
