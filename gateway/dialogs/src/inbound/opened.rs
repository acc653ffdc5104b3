//! Dialogs that the office opens, results of tests among them: two-way, or one-way messages (EKI, engangskontakt med innbygger), which are all that
//! others than the citizen's own GP may send.

use std::collections::VecDeque;

use dialog_contract::{
    dialog::{Dialog, OfficeName, Provider, Status},
    event::EventType,
    ids::{DialogId, HerId, PluginId},
    observation::Observation,
    provider::{CitizenIdentity, OfficeMessage, RefusalReason},
    service::{Closing, Locale, Service},
};

use super::InboundError;
use crate::{
    apply::office_message,
    desk::{Desk, Trail},
    draft::Draft,
    record::{StoredCitizen, StoredDialog},
    shelf::Step,
};

/// What the office opens with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) reference: &'a str,
    pub(super) office: HerId,
    pub(super) service: Service,
    pub(super) message: &'a OfficeMessage,
    /// What tests found; nothing else brings any.
    pub(super) observations: &'a [Observation],
    pub(super) reply_allowed: bool,
}

impl Desk {
    pub(super) async fn open_for_office(
        &self,
        plugin: &PluginId,
        opening: Opening<'_>,
        citizen: &CitizenIdentity,
        step: &mut Step,
        trail: &mut Trail,
        traceparent: Option<&str>,
    ) -> Result<Result<(), RefusalReason>, InboundError> {
        let Opening { reference, office, service, message, observations, reply_allowed } = opening;
        trail.office(office);
        trail.service(service);
        let Some(agreement) = self.agreement_with(plugin, office, service).await? else {
            return Ok(Err(RefusalReason::NoAgreement));
        };
        // What can be answered needs a way for the answer: the agreement for this very service.
        if reply_allowed && agreement.service != service {
            return Ok(Err(RefusalReason::NoAgreement));
        }
        let Some(assignment) = self.identified(plugin, citizen).await? else {
            return Ok(Err(RefusalReason::UnknownCitizen));
        };
        let person = &assignment.person;
        trail.citizen(self.evidence.pseudonym(&person.national_identity_number));
        if !self.digitally_active(person).await? {
            return Ok(Err(RefusalReason::NotDigitallyActive));
        }
        let own_office = assignment.office == office;
        if reply_allowed && !own_office {
            return Ok(Err(RefusalReason::NoAgreement));
        }
        if self.shelf.dialog_by_reference(plugin, reference).await?.is_some() {
            return Ok(Err(RefusalReason::Invalid));
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
        let now = self.now();
        let record = StoredDialog {
            dialog: Dialog {
                id: DialogId::new(),
                service,
                office: OfficeName { her_id: office, name: found.name },
                clinician: own_office.then_some(assignment.general_practitioner),
                provider: Provider { id: provider.id, name: provider.name, kind: provider.kind },
                status: if reply_allowed {
                    Status::AwaitingCitizen
                } else {
                    // Nobody is expected to do anything more.
                    Status::Closed { outcome: Closing::Answered, redirect_to: None }
                },
                opened: now,
                updated: now,
                due: None,
                subject: message.subject.clone(),
                messages: Vec::new(),
                activities: Vec::new(),
                reply_allowed,
                unopened: 0,
                represented_by: None,
                fees: Vec::new(),
                continues: None,
                continued_as: None,
                overdue: false,
                video: None,
                results: observations.to_vec(),
                archived: None,
                own_gp: own_office,
                between: None,
                revision: 1,
            },
            citizen: owner,
            // The citizen's language is not known before the citizen speaks.
            locale: Locale::Nb,
            plugin: plugin.clone(),
            reference: Some(reference.to_owned()),
            request: None,
            appointment: None,
            visible: true,
            two_way: reply_allowed,
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
        // The portal is told once of a dialog with its first message.
        draft.news = vec![EventType::DialogOpened];
        step.dialog(draft, now)?;
        Ok(Ok(()))
    }
}
