//! Prescriptions that can be renewed.

use dialog_contract::{
    limits::returned,
    prescription::{Prescription, Renewability},
};

use super::answer::{Answer, At, Violation};
use crate::bindings::prescriptions::exports::dialog::provider::prescriptions as wit;

/// What can be renewed.
pub(crate) fn renewable(
    prescriptions: Vec<wit::Prescription>,
    answer: &mut Answer<'_>,
) -> Result<Vec<Prescription>, Violation> {
    answer.list(&At::Answer, &prescriptions, returned::PRESCRIPTIONS)?;
    prescriptions
        .into_iter()
        .enumerate()
        .map(|(index, prescription)| {
            let at = At::answer_item(index);
            Ok(Prescription {
                id: answer.id(&at.field("id"), prescription.id, returned::ID_CHARACTERS)?,
                medicine: answer.name(&at.field("medicine"), prescription.medicine, returned::MEDICINE_CHARACTERS)?,
                atc: prescription.atc.map(|atc| answer.atc(&at.field("atc"), atc)).transpose()?,
                dosage: answer.optional_text(
                    &at.field("dosage"),
                    prescription.dosage,
                    returned::SHORT_TEXT_CHARACTERS,
                )?,
                issued: prescription.issued.map(|issued| answer.instant(&at.field("issued"), issued)).transpose()?,
                valid_until: prescription
                    .valid_until
                    .map(|until| answer.instant(&at.field("valid-until"), until))
                    .transpose()?,
                renewability: match prescription.renewability {
                    wit::Renewability::Renewable => Renewability::Renewable,
                    wit::Renewability::NeedsConsultation => Renewability::NeedsConsultation,
                    wit::Renewability::NotRenewable => Renewability::NotRenewable,
                },
                note: answer.optional_text(&at.field("note"), prescription.note, returned::SHORT_TEXT_CHARACTERS)?,
            })
        })
        .collect()
}
