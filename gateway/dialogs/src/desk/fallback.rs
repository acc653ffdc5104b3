//! Who takes what a provider cannot take now: only where the agreement names somebody, only for a dialog that is being
//! opened, only where nothing was sent, and never silently. Whoever takes it keeps it: there is no way back and no third.

use dialog_contract::{
    dialog::{ActivityKind, Provider, Status},
    event::EventType,
    ids::PluginId,
    provider::{Failure, Interface},
    service::Sent,
};
use jiff::Timestamp;

use super::{
    Desk,
    settling::{Came, Verdict},
};
use crate::{
    draft::Draft,
    ports::{directory::DirectoryError, store::StoreError},
    record::{Call, CallKind, CallState, StoredDialog},
    shelf::Step,
    texts,
};

impl Desk {
    /// Who takes a dialog that its provider cannot take now; nobody where the agreement names nobody, or it may have been
    /// sent.
    pub(crate) async fn behind(&self, draft: &Draft, call: &Call, came: &Came) -> Result<Option<Provider>, StoreError> {
        let Came::Called(Err(Failure::Unavailable(outage))) = came else { return Ok(None) };
        let record = &draft.record;
        // A colleague is asked where they are, or not.
        if record.dialog.between.is_some() {
            return Ok(None);
        }
        if outage.sent != Sent::No || call.maybe_sent || call.kind != CallKind::Open || record.closed() {
            return Ok(None);
        }
        let unavailable = |error: DirectoryError| StoreError::Unavailable(error.to_string());
        let (office, service, now) = (record.dialog.office.her_id, record.dialog.service, self.now());
        let agreements = self.agreements(office).await.map_err(unavailable)?;
        let agreement = agreements
            .into_iter()
            .find(|one| one.service == service && one.plugin == record.plugin && one.valid_at(now) && one.enabled);
        let Some(fallback) = agreement.and_then(|agreement| agreement.fallback) else { return Ok(None) };
        let serves = self.providers.installed(&fallback.plugin);
        if !serves.is_some_and(|installed| installed.serves(Interface::Dialogs)) {
            return Ok(None);
        }
        let named = self.directory.provider(&fallback.plugin).await.map_err(unavailable)?;
        Ok(named.map(|named| Provider { id: named.id, name: named.name, kind: named.kind }))
    }

    /// Gives a dialog to who stands behind its provider: sent within a second, and said in the dialog.
    pub(crate) async fn fall_back(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        behind: Provider,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        self.introduce(&draft.record, &behind.id, step).await?;
        draft.record.plugin = behind.id.clone();
        let from = std::mem::replace(&mut draft.record.dialog.provider, behind.clone());
        let fell = ActivityKind::FellBack { from: from.clone() };
        draft.activity(now, fell, |locale| texts::fell_back(&from.name, &behind.name, locale));
        if !draft.record.visible {
            draft.record.visible = true;
            draft.news(EventType::DialogOpened);
        }
        if let Some(waiting) = draft.record.calls.front_mut() {
            waiting.state = CallState::Waiting { next: now };
            waiting.attempts = 0;
            waiting.reply = None;
        }
        draft.status(Status::Queued, None, now);
        Ok(Ok(202))
    }

    /// Lets a plugin know the people of a dialog that it did not begin with.
    pub(crate) async fn introduce(
        &self,
        record: &StoredDialog,
        plugin: &PluginId,
        step: &mut Step,
    ) -> Result<(), StoreError> {
        let people = [Some(record.citizen), record.representative.map(|acting| acting.citizen)];
        for id in people.into_iter().flatten() {
            let missing = || StoreError::Damaged("the citizen of a dialog is missing".to_owned());
            let person = self.shelf.citizen(id).await?.ok_or_else(missing)?;
            let reference = self.shelf.secret.reference(plugin, &person.national_identity_number);
            step.citizen(id, &person, plugin, &reference)?;
        }
        Ok(())
    }
}
