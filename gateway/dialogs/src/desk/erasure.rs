//! Erasing a citizen: what the gateway keeps of one is removed, and the keys that it was encrypted under are destroyed,
//! so that copies of the store and of files are of no use either.
//!
//! First the records, which say what else there is to find, and what plugins keep of the citizen; then the citizen's key.
//! A crash in between leaves a citizen who is half gone and readable, and an intent without outcome in the audit log:
//! erasing again ends it. Whatever is written for the citizen meanwhile is found by the next pass, or goes with the key.
//! Plugins' memories are looked through once more at the very end, so that no call that was under way leaves anything.
//!
//! What stays:
//! - counts of what citizens answered to surveys, and of how soon offices answered, which name nobody;
//! - the audit log, which knows people by pseudonym and holds no content, and goes on verifying;
//! - what providers have, who answer for it themselves;
//! - dialogs of others in which this citizen acted for them, which are theirs;
//! - what a plugin wrote into its memory without saying that it concerns this citizen: in `inbound` without `set-about`,
//!   or in a call for somebody else. It is encrypted under a key of that plugin at that office. The contract says how to
//!   do better, and the plugins of this repository do;
//! - deliveries that nobody could read, since nobody knows whom they are about. They are removed when their time has come
//!   ([`super::Retention`]); the record of an erasure says by when the last of those that are there now is gone.

use dialog_contract::{
    action::Action,
    ids::{AppointmentId, AttachmentId, DialogId, EventId, NationalIdentityNumber},
    service::Locale,
};

use jiff::Timestamp;

use super::{Desk, Outcome, TRIES, Trail};
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    keys,
    permit::{Operator, Permitted},
    ports::store::{Batch, Range, StoreError},
    record::{self, StoredErrand, StoredReply, Work},
    request::Request,
};

/// Entries that are looked at, and removed, at once: a batch of them stays far below the store's bounds.
const AT_ONCE: usize = 500;

/// What was found of a citizen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    dialogs: usize,
    attachments: usize,
    appointments: usize,
    invoices: usize,
    payments: usize,
    notices: usize,
    replies: usize,
    events: usize,
    operations: usize,
    /// Read marks that providers were yet to be told of.
    marks: usize,
    /// Surveys that were answered; what was answered is nobody's.
    surveys: usize,
    choices: usize,
    errands: usize,
    /// Values in the memories of plugins.
    state: usize,
}

impl Found {
    const fn total(&self) -> usize {
        let money = self.invoices + self.payments;
        let own = self.choices + self.errands + self.marks + self.notices + self.surveys;
        let rest = own + self.replies + self.events + self.operations + self.state;
        self.dialogs + self.attachments + self.appointments + money + rest
    }
}

impl Desk {
    /// `POST /v1/erasures`: 204 when nothing of the citizen can be read any more. Also for a citizen of whom there is
    /// nothing: whether there was something is told to the audit log alone.
    ///
    /// # Errors
    /// `unavailable` where not all could be removed: to be asked again, as long as it takes.
    pub async fn erase(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        citizen: &NationalIdentityNumber,
    ) -> Outcome {
        let (desk, who, asked, citizen) = (self.clone(), who.clone(), request.clone(), citizen.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::CitizenErase, &who, &asked);
            trail.citizen(desk.evidence.pseudonym(&citizen));
            let ended = desk.erase_all(&citizen, asked.locale, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn erase_all(
        &self,
        citizen: &NationalIdentityNumber,
        locale: Locale,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        self.record_intent(trail).await?;
        let failed = |error: StoreError| {
            tracing::error!(%error, "a citizen could not be erased; nothing of it is lost by asking again");
            Refusal::unavailable(locale)
        };
        let owner = self.shelf.secret.citizen(citizen).owner();
        let mut found = self.remove_records(citizen).await.map_err(failed)?;
        let of_directory =
            |error: crate::ports::directory::DirectoryError| failed(StoreError::Unavailable(error.to_string()));
        self.directory.forget(citizen).await.map_err(of_directory)?;
        found.state = self.providers.forget(owner).await.map_err(failed)?;
        self.keyring.destroy(owner).await.map_err(|error| failed(StoreError::NoKey(error.to_string())))?;
        found.state += self.providers.forget(owner).await.map_err(failed)?;
        for (name, count) in [
            ("dialogs", found.dialogs),
            ("attachments", found.attachments),
            ("appointments", found.appointments),
            ("invoices", found.invoices),
            ("payments", found.payments),
            ("notices", found.notices),
            ("replies", found.replies),
            ("events", found.events),
            ("operations", found.operations),
            ("marks", found.marks),
            ("surveys", found.surveys),
            ("choices", found.choices),
            ("errands", found.errands),
            ("state", found.state),
        ] {
            trail.detail(name, count.to_string());
        }
        if let Some(until) = self.unreadable_until().await.map_err(failed)? {
            trail.detail("unreadableUntil", until.to_string());
        }
        Ok(Ended::answered(Reply { status: 204, body: bytes::Bytes::new(), etag: None, location: None }))
    }

    /// When the last of the deliveries that nobody could read, and that may be about anybody, is removed; none where
    /// there is none.
    async fn unreadable_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let newest = self.unreadable(1).await?;
        Ok(newest.first().and_then(|kept| kept.arrived.checked_add(self.retention.unreadable()).ok()))
    }

    /// Removes the citizen's records and files, in passes until one finds nothing.
    async fn remove_records(&self, number: &NationalIdentityNumber) -> Result<Found, StoreError> {
        let id = self.shelf.secret.citizen(number);
        let mut found = Found::default();
        for _ in 0..TRIES {
            let before = found.total();
            self.remove_dialogs(id, &mut found).await?;
            self.remove_dialogs_about(id, &mut found).await?;
            self.remove_appointments(id, &mut found).await?;
            self.remove_invoices(id, &mut found).await?;
            self.remove_payments(id, &mut found).await?;
            self.remove_notices(id, &mut found).await?;
            self.remove_under_way(id, &mut found).await?;
            self.remove_errands(id, &mut found).await?;
            self.remove_unused_files(id, &mut found).await?;
            self.remove_replies(id, &mut found).await?;
            self.remove_events(id, &mut found).await?;
            self.remove_survey_marks(id, &mut found).await?;
            if found.total() == before {
                break;
            }
        }
        let (chosen, _) = self.shelf.choices(id).await?;
        found.choices = usize::from(chosen.is_some());
        let mut batch = Batch::default();
        batch.delete(keys::citizen(id)).delete(keys::choices(id));
        for plugin in self.providers.all() {
            let reference = self.shelf.secret.reference(&plugin.id, number);
            batch.delete(keys::citizen_by_reference(&plugin.id, &reference));
        }
        self.shelf.store.commit(batch).await?;
        Ok(found)
    }

    async fn remove_dialogs(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::listed_of(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                let removed = match keys::dialog_of_listed(&entry.key) {
                    Some(dialog) => self.remove_dialog(dialog, citizen, found).await?,
                    None => false,
                };
                if !removed {
                    // An entry that leads nowhere.
                    self.shelf.store.commit(deleting([entry.key])).await?;
                }
            }
        }
    }

    /// Dialogs between clinicians about the citizen, of which the citizen may have seen nothing.
    async fn remove_dialogs_about(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::all_about(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                if let Some(dialog) = keys::dialog_of_about(&entry.key) {
                    self.remove_dialog(dialog, citizen, found).await?;
                }
                self.shelf.store.commit(deleting([entry.key])).await?;
            }
        }
    }

    /// Removes a dialog of the citizen's, with its files; false where it is not there, or not the citizen's.
    async fn remove_dialog(&self, dialog: DialogId, citizen: CitizenId, found: &mut Found) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(draft) = self.shelf.dialog(dialog).await? else { return Ok(false) };
            let Some((revision, record)) = draft.before.filter(|(_, record)| record.citizen == citizen) else {
                return Ok(false);
            };
            let shown = record.dialog.messages.iter().flat_map(|message| &message.attachments).map(|file| file.id);
            let unshown = record.calls.iter().flat_map(crate::record::Call::unshown_attachments);
            let files: Vec<AttachmentId> = shown.chain(unshown).collect();
            // The files before the dialog, which says which they are.
            self.remove_files(&files, found).await?;
            let mut batch = deleting([keys::dialog(dialog), keys::listed(citizen, record.dialog.updated, dialog)]);
            batch.require_at(keys::dialog(dialog), revision);
            if let Some((due, _)) = record.due() {
                batch.delete(keys::work(due, dialog.uuid()));
            }
            if let Some(due) = record.owed() {
                batch.delete(keys::owed(due, dialog));
            }
            if let Some((open, _)) = record.open_with() {
                batch.delete(open);
            }
            if let Some(listed) = record.collegial() {
                batch.delete(listed);
            }
            if let Some(reference) = &record.reference {
                batch.delete(keys::dialog_by_reference(&record.plugin, reference));
            }
            match self.shelf.store.commit(batch).await {
                Ok(_) => {
                    found.dialogs += 1;
                    return Ok(true);
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("a dialog changes too often to be removed".into()))
    }

    /// Removes files for good: where one cannot be, the erasure has failed.
    async fn remove_files(&self, files: &[AttachmentId], found: &mut Found) -> Result<(), StoreError> {
        for some in files.chunks(AT_ONCE) {
            for file in some {
                self.blobs.delete(file.uuid()).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            }
            self.shelf.store.commit(deleting(some.iter().map(|file| keys::attachment(*file)))).await?;
            found.attachments += some.len();
        }
        Ok(())
    }

    async fn remove_appointments(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::appointments_of(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                let mut batch = deleting([entry.key.clone()]);
                let id: Option<AppointmentId> = keys::appointment_of_listed(&entry.key);
                if let Some(id) = id
                    && let Some((_, stored)) = self.shelf.appointment(id).await?
                {
                    let reference = &stored.appointment.id;
                    batch.delete(keys::appointment(id));
                    batch.delete(keys::appointment_by_reference(&stored.provider.id, citizen, reference));
                    found.appointments += 1;
                }
                self.shelf.store.commit(batch).await?;
            }
        }
    }

    /// Bookings that are under way, and dialogs that are just being opened: nothing but what is due leads to them.
    async fn remove_invoices(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::invoices_of(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                let mut batch = deleting([entry.key.clone()]);
                if let Some(id) = keys::invoice_of_listed(&entry.key)
                    && let Some((_, stored)) = self.shelf.invoice(id).await?
                {
                    batch.delete(keys::invoice(id));
                    batch.delete(keys::invoice_by_reference(&stored.provider.id, citizen, &stored.invoice.id));
                    found.invoices += 1;
                }
                self.shelf.store.commit(batch).await?;
            }
        }
    }

    async fn remove_payments(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::payments_of(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                let mut batch = deleting([entry.key.clone()]);
                if let Some(id) = keys::payment_of_listed(&entry.key)
                    && let Some((_, stored)) = self.shelf.payment(id).await?
                {
                    batch.delete(keys::payment(id));
                    batch.delete(keys::payment_by_reference(&stored.provider.id, &stored.reference));
                    found.payments += 1;
                }
                self.shelf.store.commit(batch).await?;
            }
        }
    }

    /// How the citizen wants to be told, and what they were to be told of. What is due for it finds nothing then, and goes.
    async fn remove_notices(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        let preferences = keys::notice_preferences(citizen);
        if self.shelf.store.get(&preferences).await?.is_some() {
            self.shelf.store.commit(deleting([preferences])).await?;
            found.notices += 1;
        }
        for kind in [keys::pending_notices_of(citizen), keys::own_notices_of(citizen), keys::notices_of(citizen)] {
            loop {
                let entries = self.shelf.store.scan(keys::all(kind.clone(), AT_ONCE)).await?;
                if entries.is_empty() {
                    break;
                }
                found.notices += entries.len();
                let sent = entries.iter().filter_map(|entry| keys::notice_of_listed(&entry.key)).map(keys::notice);
                // The three kinds of keys have the same form, and only the last leads to another.
                let sent: Vec<_> = if kind == keys::notices_of(citizen) { sent.collect() } else { Vec::new() };
                self.shelf
                    .store
                    .commit(deleting(sent.into_iter().chain(entries.iter().map(|entry| entry.key.clone()))))
                    .await?;
            }
        }
        Ok(())
    }

    async fn remove_under_way(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        let mut from = keys::all_work();
        loop {
            let range = Range { from, ..keys::all(keys::all_work(), AT_ONCE) };
            let entries = self.shelf.store.scan(range).await?;
            let Some(last) = entries.last().map(|entry| entry.key.clone()) else { return Ok(()) };
            for entry in entries {
                let Some(subject) = keys::subject_of_work(&entry.key) else { continue };
                match record::decode("what is due", &entry.versioned.value)? {
                    Work::Dialog { .. } => {
                        self.remove_dialog(DialogId::from(subject), citizen, found).await?;
                    }
                    Work::Operation => {
                        let operation = self.shelf.operation(subject).await?;
                        if operation.is_some_and(|(_, operation)| operation.citizen == citizen) {
                            self.shelf.store.commit(deleting([keys::operation(subject), entry.key])).await?;
                            found.operations += 1;
                        }
                    }
                    Work::Mark => {
                        let mark = self.shelf.mark(subject).await?;
                        if mark.is_some_and(|(_, mark)| mark.citizen == citizen) {
                            self.shelf.store.commit(deleting([keys::mark(subject), entry.key])).await?;
                            found.marks += 1;
                        }
                    }
                }
            }
            from = super::reading::after(&[&last]);
        }
    }

    /// What the gateway owes others because of the citizen: nobody is told any more.
    async fn remove_errands(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        let mut from = keys::all_errands();
        loop {
            let range = Range { from, ..keys::all(keys::all_errands(), AT_ONCE) };
            let entries = self.shelf.store.scan(range).await?;
            let Some(last) = entries.last().map(|entry| entry.key.clone()) else { return Ok(()) };
            let mut batch = Batch::default();
            for entry in entries {
                let errand: StoredErrand = record::decode("an errand", &entry.versioned.value)?;
                if errand.citizen == citizen {
                    batch.delete(entry.key);
                    found.errands += 1;
                }
            }
            if !batch.writes.is_empty() {
                self.shelf.store.commit(batch).await?;
            }
            from = super::reading::after(&[&last]);
        }
    }

    /// Files that wait for their message: those of the last day are looked through.
    async fn remove_unused_files(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        let mut from = keys::attachments_unused();
        loop {
            let range = Range { from, ..keys::all(keys::attachments_unused(), AT_ONCE) };
            let entries = self.shelf.store.scan(range).await?;
            let Some(last) = entries.last().map(|entry| entry.key.clone()) else { return Ok(()) };
            for entry in entries {
                let Some(file) = keys::attachment_of_unused(&entry.key) else { continue };
                let stored = self.shelf.attachment(file).await?;
                if stored.is_some_and(|(_, stored)| stored.citizen == citizen) {
                    self.remove_files(&[file], found).await?;
                    self.shelf.store.commit(deleting([entry.key])).await?;
                }
            }
            from = super::reading::after(&[&last]);
        }
    }

    async fn remove_replies(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::replies_of(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            found.replies += entries.len();
            let mut batch = Batch::default();
            for entry in entries {
                let stored: StoredReply = record::decode("a reply", &entry.versioned.value)?;
                batch.delete(keys::reply_expiry(stored.expires, &entry.key)).delete(entry.key);
            }
            self.shelf.store.commit(batch).await?;
        }
    }

    async fn remove_survey_marks(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::surveys_answered_by(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            found.surveys += entries.len();
            self.shelf.store.commit(deleting(entries.into_iter().map(|entry| entry.key))).await?;
        }
    }

    async fn remove_events(&self, citizen: CitizenId, found: &mut Found) -> Result<(), StoreError> {
        loop {
            let entries = self.shelf.store.scan(keys::all(keys::events_of(citizen), AT_ONCE)).await?;
            if entries.is_empty() {
                return Ok(());
            }
            found.events += entries.len();
            let mut batch = Batch::default();
            for entry in entries {
                let id: Option<EventId> = keys::event_of_listed(&entry.key);
                if let Some(id) = id {
                    batch.delete(keys::event(id));
                }
                batch.delete(entry.key);
            }
            self.shelf.store.commit(batch).await?;
        }
    }
}

fn deleting(keys: impl IntoIterator<Item = bytes::Bytes>) -> Batch {
    let mut batch = Batch::default();
    for key in keys {
        batch.delete(key);
    }
    batch
}
