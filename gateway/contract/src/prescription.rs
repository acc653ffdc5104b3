//! Prescriptions that the citizen can ask the office to renew. JSON by `schemas/json/prescription.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::service::closed_list;

/// One prescription of the citizen's, as the provider tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prescription {
    /// The provider's id, for the renewal.
    pub id: String,
    /// Name, strength and form.
    pub medicine: String,
    /// ATC code, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atc: Option<String>,
    /// How it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dosage: Option<String>,
    /// When it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Timestamp>,
    /// Until when it can be dispensed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// What the office's rule says.
    pub renewability: Renewability,
    /// Why not, where it is not renewable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

closed_list!(
    /// What the office's rule says of renewing without seeing the citizen.
    Renewability {
        /// It can be asked for.
        Renewable = "renewable",
        /// The citizen must talk to the office first.
        NeedsConsultation = "needs-consultation",
        /// It cannot be renewed.
        NotRenewable = "not-renewable",
    }
);
