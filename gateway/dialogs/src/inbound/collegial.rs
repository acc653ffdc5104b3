//! Dialogs that a clinician of a provider's office opens with a clinician here: nothing that the patient sees.

use std::collections::VecDeque;

use dialog_contract::{
    collegial::Between,
    dialog::{Dialog, OfficeName, Provider, Status},
    ids::{DialogId, HerId, HprNumber, PluginId},
    provider::{CitizenIdentity, OfficeMessage, RefusalReason},
    service::{Locale, Service},
};

use super::InboundError;
use crate::{
    apply::office_message,
    desk::{Desk, Trail, exported},
    draft::Draft,
    record::{StoredCitizen, StoredDialog},
    shelf::Step,
};

/// What a colleague opens with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) reference: &'a str,
    pub(super) office: HerId,
    /// To which office, and to whom there.
    pub(super) to: (HerId, Option<HprNumber>),
    pub(super) patient: Option<&'a CitizenIdentity>,
    pub(super) message: &'a OfficeMessage,
}

impl Desk {
    pub(super) async fn open_with_colleague(
        &self,
        plugin: &PluginId,
        opening: Opening<'_>,
        step: &mut Step,
        trail: &mut Trail,
        traceparent: Option<&str>,
    ) -> Result<Result<(), RefusalReason>, InboundError> {
        let Opening { reference, office, to: (to, to_hpr_number), patient, message } = opening;
        let service = Service::Collegial;
        trail.office(office);
        trail.service(service);
        // What comes can be answered, and the answer goes by this very agreement.
        let agreed = self.agreement_with(plugin, office, service).await?;
        let Some(agreement) = agreed.filter(|agreement| agreement.service == service) else {
            return Ok(Err(RefusalReason::NoAgreement));
        };
        let person = match patient {
            Some(identity) => match self.identified(plugin, identity).await? {
                Some(assignment) => Some(assignment.person),
                None => return Ok(Err(RefusalReason::UnknownCitizen)),
            },
            None => None,
        };
        if self.shelf.dialog_by_reference(plugin, reference).await?.is_some() || to == office {
            return Ok(Err(RefusalReason::Invalid));
        }
        let Some(own) = self.directory.office(to).await? else { return Ok(Err(RefusalReason::Invalid)) };
        let (Some(found), Some(provider)) =
            (self.directory.office(office).await?, self.directory.provider(&agreement.plugin).await?)
        else {
            return Ok(Err(RefusalReason::NoAgreement));
        };
        let secret = &self.shelf.secret;
        let owner = match &person {
            Some(person) => {
                let number = &person.national_identity_number;
                trail.citizen(self.evidence.pseudonym(number));
                let owner = secret.citizen(number);
                step.citizen(owner, &StoredCitizen::from(person), plugin, &secret.reference(plugin, number))?;
                owner
            }
            None => secret.office(to),
        };
        let asked = own.practitioners.iter().find(|one| Some(one.clinician.hpr_number) == to_hpr_number);
        let now = self.now();
        let record = StoredDialog {
            dialog: Dialog {
                id: DialogId::new(),
                service,
                office: OfficeName { her_id: office, name: found.name },
                clinician: None,
                provider: Provider { id: provider.id, name: provider.name, kind: provider.kind },
                // The turn is not the other office's.
                status: Status::AwaitingCitizen,
                opened: now,
                updated: now,
                due: None,
                subject: message.subject.clone(),
                messages: Vec::new(),
                activities: Vec::new(),
                reply_allowed: true,
                unopened: 0,
                represented_by: None,
                fees: Vec::new(),
                continues: None,
                continued_as: None,
                overdue: false,
                video: None,
                results: Vec::new(),
                archived: None,
                own_gp: true,
                between: Some(Between {
                    office: OfficeName { her_id: own.her_id, name: own.name.clone() },
                    clinician: asked.map(|one| one.clinician.clone()),
                    to: None,
                    patient: person.as_ref().map(exported),
                    citizen_since: None,
                }),
                revision: 1,
            },
            citizen: owner,
            locale: Locale::Nb,
            plugin: plugin.clone(),
            reference: Some(reference.to_owned()),
            request: None,
            appointment: None,
            visible: true,
            two_way: true,
            general_practitioner: None,
            representative: None,
            ended: false,
            calls: VecDeque::new(),
            known_as: Vec::new(),
            shared_from: None,
            sentences: Vec::new(),
        };
        trail.dialog(record.dialog.id);
        let mut draft = Draft::new(record);
        draft.traceparent = traceparent.map(str::to_owned);
        office_message(&mut draft, step, message, now)?;
        step.dialog(draft, now)?;
        Ok(Ok(()))
    }
}
