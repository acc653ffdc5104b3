//! Appointments that no dialog asked for: made by telephone, moved or cancelled by the office, or reminded of.

use dialog_contract::{
    dialog::{OfficeName, Provider},
    ids::{HerId, PluginId},
    provider::{Appointment, AppointmentChangeKind, CitizenIdentity, RefusalReason},
    service::Service,
};
use jiff::Timestamp;

use super::InboundError;
use crate::{
    apply::AppointmentOf,
    desk::{Desk, Trail},
    record::StoredCitizen,
    shelf::Step,
};

impl Desk {
    pub(super) async fn note_standing(
        &self,
        plugin: &PluginId,
        (office, citizen): (HerId, &CitizenIdentity),
        (kind, appointment, occurred): (AppointmentChangeKind, &Appointment, Timestamp),
        step: &mut Step,
        trail: &mut Trail,
        traceparent: Option<&str>,
    ) -> Result<Result<(), RefusalReason>, InboundError> {
        trail.office(office);
        trail.service(Service::Appointment);
        let Some(agreement) = self.agreement_with(plugin, office, Service::Appointment).await? else {
            return Ok(Err(RefusalReason::NoAgreement));
        };
        let Some(assignment) = self.identified(plugin, citizen).await? else {
            return Ok(Err(RefusalReason::UnknownCitizen));
        };
        let person = &assignment.person;
        trail.citizen(self.evidence.pseudonym(&person.national_identity_number));
        if !self.digitally_active(person).await? {
            return Ok(Err(RefusalReason::NotDigitallyActive));
        }
        let (Some(found), Some(provider)) =
            (self.directory.office(office).await?, self.directory.provider(&agreement.plugin).await?)
        else {
            return Ok(Err(RefusalReason::NoAgreement));
        };
        let secret = &self.shelf.secret;
        let owner = secret.citizen(&person.national_identity_number);
        let known_as = secret.reference(plugin, &person.national_identity_number);
        step.citizen(owner, &StoredCitizen::from(person), plugin, &known_as)?;
        let whose = AppointmentOf {
            citizen: owner,
            office: OfficeName { her_id: office, name: found.name },
            provider: Provider { id: provider.id, name: provider.name, kind: provider.kind },
            traceparent: traceparent.map(str::to_owned),
            occurred: Some(occurred),
        };
        self.shelf.note_appointment(step, whose, kind, appointment.clone(), self.now()).await?;
        Ok(Ok(()))
    }
}
