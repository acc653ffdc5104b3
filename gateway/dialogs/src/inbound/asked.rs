//! Whether a citizen is digitally active, asked by an office's system: what becomes of the event is the answer.
//!
//! An office writes to others than those on its own lists too, one way, so it may ask about anybody. It learns a yes or
//! a no, the same no for one who is on no list at all; each question is a record of its own about the citizen, who
//! reads in the access log that it was asked.

use dialog_contract::{
    action::Action,
    ids::{HerId, PluginId},
    provider::{CitizenIdentity, RefusalReason},
    service::Service,
};

use super::InboundError;
use crate::desk::{Desk, Trail};

impl Desk {
    pub(super) async fn asked_active(
        &self,
        plugin: &PluginId,
        (office, citizen): (HerId, &CitizenIdentity),
        trail: &mut Trail,
    ) -> Result<Result<(), RefusalReason>, InboundError> {
        trail.action(Action::CitizensAsked);
        trail.office(office);
        if self.agreement_with(plugin, office, Service::Inquiry).await?.is_none() {
            return Ok(Err(RefusalReason::NoAgreement));
        }
        let Some(assignment) = self.identified(plugin, citizen).await? else {
            return Ok(Err(RefusalReason::UnknownCitizen));
        };
        trail.citizen(self.evidence.pseudonym(&assignment.person.national_identity_number));
        let active = self.digitally_active(&assignment.person).await?;
        Ok(if active { Ok(()) } else { Err(RefusalReason::NotDigitallyActive) })
    }
}
