//! What an office offers, through whom, and its practical information. JSON by `schemas/json/practice.json` and
//! `office.json`.

use jiff::{Timestamp, civil::Date};
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
    /// The GP is away today, and who answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
    /// What the office tells everyone.
    pub information: Information,
    /// National providers that the citizen can use beside the GP; none of them is the citizen's GP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside_your_gp: Vec<NationalOffer>,
}

/// What an office tells everyone, from the directory and from one of its providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Information {
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
    pub hours: Vec<OpeningHours>,
    /// Its clinicians.
    pub practitioners: Vec<Practitioner>,
    /// Forms of consultation.
    pub modes: Vec<EncounterMode>,
    /// How one can pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// Steps, lift, toilet, hearing loop and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessibility: Option<String>,
    /// Which provider told some of it, and when; the directory alone where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// Which provider told something of an office, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    /// Who told it.
    pub provider: Provider,
    /// When.
    pub as_of: Timestamp,
    /// It is older than it should be, because the provider cannot be asked now.
    pub stale: bool,
}

/// The GP is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Away {
    /// Last day.
    pub until: Date,
    /// Who answers meanwhile, where somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Clinician>,
    /// At which office, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeName>,
}

/// A national provider beside the GP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NationalOffer {
    /// Who; its id is the `provider` of an opening.
    pub provider: Provider,
    /// Where messages to it go.
    pub office: OfficeName,
    /// What the citizen agrees to by using it, in the citizen's language.
    pub consent: String,
    /// What it offers.
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
    /// Why it cannot be used, where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<WhyNot>,
    /// What it costs, as the office agreed; nothing is said where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Price>,
    /// How soon the office has answered, where enough answers were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_time: Option<AnswerTime>,
}

closed_list!(
    /// Why a service cannot be used.
    WhyNot {
        /// The office has agreed with nobody that it is provided.
        NotAgreed = "not-agreed",
        /// The GP has switched it off.
        SwitchedOff = "switched-off",
        /// The agreement has ended, or has not begun.
        NotNow = "not-now",
        /// The provider is not installed here, or does not have the service.
        ProviderMissing = "provider-missing",
        /// It is between clinicians.
        NotForCitizens = "not-for-citizens",
    }
);

/// What something costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Price {
    /// In øre (1/100 NOK).
    pub amount: u64,
    /// Tariff code (takst).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<String>,
    /// What it is for, in the citizen's language.
    pub text: String,
}

/// How soon an office has answered citizens over the last thirteen weeks: from when a dialog was opened to the first
/// answer. Told from five answers on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerTime {
    /// Half of the answers came within so many minutes, to within a tenth.
    pub median_minutes: u32,
    /// From how many answers that is.
    pub answers: u32,
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
    /// Which provider told some of it, and when; the directory alone where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
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
