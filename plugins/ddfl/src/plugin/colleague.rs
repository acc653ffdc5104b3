//! Clinicians who talk with each other: HELSEPERSONELL between offices, with the portal as the way (3.13).
//!
//! The guide has the process between citizen and clinician. Here a clinician takes the citizen's place: who writes, and of
//! which office, stands in `RollerRelatertNotat` as the author, whom it is for in another with role 23, as the guide has it
//! for a wished clinician. A question is SB, an answer 12, the end 13; what the patient writes, once they take part, is 22.

use dialog_plugin_sdk::{Context, Failure, Sent};

use super::address::her_id;
use super::memory;
use crate::write::{ColleagueSays, Roles, Unit};

/// What stands where a clinician gave no subject: SB has one.
pub const SUBJECT: &str = "Spørsmål fra kollega";

/// What is sent when a clinician ends the dialogue.
pub const ENDED: &str = "Dialogen er avsluttet.";

/// What a clinician says: whether there is a message, and whether the other office began.
#[must_use]
pub const fn says(message: bool, opened_by_other: bool) -> ColleagueSays {
    match (message, opened_by_other) {
        (false, _) => ColleagueSays::Ends,
        (true, true) => ColleagueSays::Answers,
        (true, false) => ColleagueSays::Asks,
    }
}

/// The office's service, whoever there is asked.
#[must_use]
pub fn receiver(ctx: &Context) -> memory::Receiver {
    memory::Receiver {
        organisation: ctx.office.organisation_her_id,
        her_id: ctx.office.her_id,
        given_name: None,
        family_name: None,
    }
}

/// Who writes, from which office, and whom it is for.
///
/// # Errors
/// The gateway does not say who acts, or gave a HER-id that is not one.
pub fn roles(ctx: &Context, wanted: Option<u32>) -> Result<Roles, Failure> {
    let colleague = ctx.colleague.as_ref();
    let colleague =
        colleague.ok_or_else(|| Failure::faulty(Sent::No, "the gateway does not say which clinician acts"))?;
    Ok(Roles {
        given_name: colleague.clinician.given_name.clone(),
        family_name: colleague.clinician.family_name.clone(),
        hpr_number: colleague.clinician.hpr_number,
        office: Unit { name: colleague.office.name.clone(), her_id: her_id(colleague.office.her_id)? },
        wanted,
    })
}
