//! Clinicians who talk with each other (lege–lege), with or without a patient, who can take part. JSON by
//! `schemas/json/{new-collegial-dialog,new-citizen-party,collegial-page}.json`, and `between` of `dialog.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    dialog::{Clinician, OfficeName, Status},
    handover::ExportedCitizen,
    ids::{DialogId, HerId, HprNumber, NationalIdentityNumber},
    opening::NewMessage,
};

/// What a dialog has besides, where it is between clinicians. Its `office` is the one whose solution it goes through; this
/// is the other side, whose clinicians read and write here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Between {
    /// The office whose clinicians read and write here.
    pub office: OfficeName,
    /// Who of it asked, or is asked, where it is not the office as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinician: Option<Clinician>,
    /// Who of the dialog's office is asked, where it is not the office as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<HprNumber>,
    /// Whom it is about; none where it is about no patient. Shown to clinicians alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<ExportedCitizen>,
    /// Since when the patient takes part; none while they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citizen_since: Option<Timestamp>,
}

/// The body of `POST /v1/offices/{herId}/collegial-dialogs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCollegialDialog {
    /// Whom is asked.
    pub to: Addressee,
    /// Whom it is about. In the body, because paths stand in logs.
    #[serde(default, with = "number", skip_serializing_if = "Option::is_none")]
    pub patient: Option<NationalIdentityNumber>,
    /// What the clinician writes.
    pub message: NewMessage,
}

/// Whom is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addressee {
    /// The office: its HER-id (level 2).
    pub office: HerId,
    /// Who there, where it is not the office as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinician: Option<HprNumber>,
}

/// The body of `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/citizen`: the patient takes part from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCitizenParty {
    /// The first message to all three.
    pub message: NewMessage,
    /// Whether the patient also reads what was written before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
}

/// A dialog in the list: nothing of what is written in it, and nothing of whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CollegialSummary {
    /// Which.
    pub id: DialogId,
    /// The other office.
    pub office: OfficeName,
    /// Who of one's own office asked, or is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinician: Option<Clinician>,
    /// Where it stands. The citizen's turn is that of one's own office, or of the patient.
    pub status: Status,
    /// When it was opened.
    pub opened: Timestamp,
    /// When something last happened in it.
    pub updated: Timestamp,
    /// When the other office should have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// It should have answered by now and has not.
    pub overdue: bool,
    /// It is about a patient.
    pub about_patient: bool,
    /// The patient takes part.
    pub citizen_takes_part: bool,
    /// The `ETag` of the dialog.
    pub revision: u64,
}

/// The type does not serialize by accident; here it is on purpose.
mod number {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::ids::NationalIdentityNumber;

    // serde asks for a reference to the whole field.
    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(number: &Option<NationalIdentityNumber>, to: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => to.serialize_some(number.expose()),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NationalIdentityNumber>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
