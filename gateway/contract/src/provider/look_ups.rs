//! What providers tell around dialogs: practical information, forms, fees.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    practice::{OpeningHours, Practitioner},
    service::{EncounterMode, Service},
};

/// What an office tells everyone through its provider. Mirrors the WIT record `practice-profile`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PracticeProfile {
    /// With country code.
    pub telephone: Option<String>,
    /// Street, postal code and place.
    pub address: Option<String>,
    /// How to find it.
    pub directions: Option<String>,
    /// Absolute URL.
    pub website: Option<String>,
    /// Weekday by weekday.
    pub hours: Vec<OpeningHours>,
    /// Its clinicians.
    pub practitioners: Vec<Practitioner>,
    /// Forms of consultation.
    pub modes: Vec<EncounterMode>,
    /// How one can pay.
    pub payment: Option<String>,
    /// Steps, lift, toilet, hearing loop and the like.
    pub accessibility: Option<String>,
}

/// What a provider needs to know up front for a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// For which service.
    pub service: Service,
    /// In the citizen's language.
    pub title: String,
    /// JSON Schema 2020-12 that [`crate::form::read`] has read.
    pub schema: serde_json::Value,
}

/// One amount that a citizen owes an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invoice {
    /// The provider's id.
    pub id: String,
    /// In øre (1/100 NOK), at least 1.
    pub amount: u64,
    /// Tariff codes (takster).
    pub tariffs: Vec<String>,
    /// What it is for. Never a diagnosis.
    pub text: String,
    /// When it should be paid.
    pub due: Option<Timestamp>,
    /// The dialog that it came from, by the provider's reference.
    pub dialog: Option<String>,
}

/// Where a citizen pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// An absolute https URL of the payment service, without user or password.
    pub redirect: String,
    /// The provider's id of this payment.
    pub id: String,
    /// Until when the citizen can pay there.
    pub expires: Timestamp,
}
