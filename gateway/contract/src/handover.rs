//! What is open with a provider that an office leaves, for the operator: exported, and handed over. JSON by
//! `schemas/json/{handover-page,new-handover,handed-over}.json`.

use serde::{Deserialize, Serialize};

use crate::{dialog::Dialog, erasure::number, ids::NationalIdentityNumber};

/// An open dialog, with whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedDialog {
    /// Whose.
    pub citizen: ExportedCitizen,
    /// What the provider calls it; none where the provider has not taken it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The dialog, with all that was written in it.
    pub dialog: Dialog,
}

/// A citizen, by name and number: whoever takes over must know whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedCitizen {
    /// Who.
    #[serde(with = "number")]
    pub national_identity_number: NationalIdentityNumber,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
}

/// The body of `POST /v1/offices/{herId}/handover/{plugin}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewHandover {
    /// Why, for the audit log: 1 to 200 characters, of nobody in particular.
    pub reason: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandedOver {
    /// Dialogs that go on with another provider.
    pub handed_over: u32,
    /// Open dialogs that were looked at and stay: nobody else offers the service, the office began it, or it is about an
    /// appointment of the provider's.
    pub left: u32,
    /// There is more: ask again.
    pub more: bool,
}
