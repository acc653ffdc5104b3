//! Errands: what the gateway owes others and does by itself, from the step that caused it until it is done. Telling
//! providers who is digitally active, copying closed dialogs to the personal archive.
//!
//! An errand is tried until it succeeds, is refused for good, is overtaken by a later choice, or a month has passed.
//! Nothing else runs errands than [`Desk::run_errands`], one run at a time, so there is no lease: what a crash
//! interrupted is due still, and is done again under the same id, by which whoever has it already knows it again.

use std::time::Duration;

use bytes::Bytes;
use dialog_contract::{
    action::Action,
    dialog::{Archived, Attachment},
    event::EventType,
    ids::{DialogId, HerId, PluginId},
    problem::ProblemType,
    provider::{Failure, Outage},
    service::{Locale, Sent},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Desk, TRIES, Trail,
    calls::Subject,
    choices::{OF_DIRECTORY, patience_ends},
    settling::pause,
    trail::Unsettled,
};
use crate::{
    answer::{Refusal, Reply},
    identity::CitizenId,
    keys,
    ports::{
        archive::{ArchiveError, Document},
        blobs::BlobError,
        providers::Target,
        store::{Revision, StoreError},
    },
    record::{self, StoredErrand, Task},
    shelf::Step,
    texts,
};

/// Errands that one run takes up.
const AT_ONCE: usize = 64;

/// Errands that a run does side by side: each may hold a document with its files in memory.
const SIDE_BY_SIDE: usize = 4;

/// Time that a provider is given; no citizen waits for it.
const CALL_TIME: Duration = Duration::from_secs(15);

/// Seconds after which something that was refused is tried again: somebody must mend something first.
const REFUSED_SECONDS: u32 = 3600;

/// What kind of errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrandKind {
    /// Telling a provider who is digitally active.
    Active,
    /// Copying a closed dialog to the personal archive.
    Archive,
}

impl ErrandKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Active, Self::Archive];

    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archive => "archive",
        }
    }
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrandOutcome {
    /// It is done.
    Done,
    /// There is nothing to do any more: the citizen chose otherwise, or it is gone.
    Dropped,
    /// It is to be tried again.
    Again,
    /// It was refused; tried again, but seldom, or not at all where a provider said no.
    Refused,
    /// It was tried for a month.
    GivenUp,
}

impl ErrandOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Done, Self::Dropped, Self::Again, Self::Refused, Self::GivenUp];

    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Dropped => "dropped",
            Self::Again => "again",
            Self::Refused => "refused",
            Self::GivenUp => "given-up",
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrandsDone {
    /// Errands that were due.
    pub due: usize,
    /// There were more than one run takes up: run again at once.
    pub more: bool,
    /// What came of each that was tried.
    pub ended: Vec<(ErrandKind, ErrandOutcome)>,
}

/// An errand as it was read.
struct Held {
    key: Bytes,
    revision: Revision,
    id: Uuid,
    errand: StoredErrand,
}

/// Why an attempt did not succeed.
enum Failed {
    /// Worth trying again, after so many seconds where somebody said so.
    Again(Refusal, Option<u32>),
    /// Not before somebody has mended something.
    Later(Refusal),
    /// Not at all.
    Never(Refusal),
}

impl StoredErrand {
    pub(super) const fn kind(&self) -> ErrandKind {
        match self.task {
            Task::Active { .. } => ErrandKind::Active,
            Task::Archive { .. } => ErrandKind::Archive,
        }
    }
}

impl Desk {
    /// Does what is due. Call it every second or so, one call at a time, and again at once while there is more.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn run_errands(&self, now: Timestamp) -> Result<ErrandsDone, StoreError> {
        let entries = self.shelf.store.scan(keys::until(keys::all_errands(), now, AT_ONCE)).await?;
        let due = entries.len();
        let mut held = Vec::with_capacity(due);
        for entry in entries {
            let Some(id) = keys::errand_of(&entry.key) else { continue };
            let errand = record::decode("an errand", &entry.versioned.value)?;
            held.push(Held { key: entry.key, revision: entry.versioned.revision, id, errand });
        }
        let ended: Vec<_> = stream::iter(held)
            .map(|held| {
                let (desk, kind, id) = (self.clone(), held.errand.kind(), held.id);
                // A task of its own: a shutdown that drops the run does not tear a step apart.
                let task = tokio::spawn(async move { desk.run_errand(held).await });
                async move {
                    match task.await {
                        Ok(Ok(outcome)) => outcome.map(|outcome| (kind, outcome)),
                        Ok(Err(error)) => {
                            tracing::error!(%error, errand = %id, "an errand could not be settled; it stays due");
                            None
                        }
                        Err(broken) => {
                            tracing::error!(errand = %id, panicked = broken.is_panic(), "an errand broke off");
                            None
                        }
                    }
                }
            })
            .buffer_unordered(SIDE_BY_SIDE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        // Where nothing could be settled there is trouble, and no hurry.
        let more = due == AT_ONCE && !ended.is_empty();
        Ok(ErrandsDone { due, more, ended })
    }

    /// None where the audit log does not answer: it stays due.
    async fn run_errand(&self, held: Held) -> Result<Option<ErrandOutcome>, StoreError> {
        match held.errand.task.clone() {
            Task::Active { plugin, office, active, revision } => {
                let (_, choices) = self.shelf.choices(held.errand.citizen).await?;
                if choices.digital.map_or(OF_DIRECTORY, |chosen| chosen.revision) != revision
                    || (revision == OF_DIRECTORY && self.directory_says(held.errand.citizen).await? != Some(active))
                {
                    return self.drop_errand(&held).await;
                }
                self.tell_active(&held, &plugin, office, active).await
            }
            Task::Archive { dialog } => self.archive_dialog(&held, dialog).await,
        }
    }

    /// What the directory has now, where it knows the citizen. One that does not answer is asked again: the errand stays
    /// due.
    async fn directory_says(&self, citizen: CitizenId) -> Result<Option<bool>, StoreError> {
        let Some(stored) = self.shelf.citizen(citizen).await? else { return Ok(None) };
        let found = self.directory.assignment(&stored.national_identity_number).await;
        let found = found.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(found.map(|assignment| assignment.person.digitally_active))
    }

    async fn tell_active(
        &self,
        held: &Held,
        plugin: &PluginId,
        office: HerId,
        active: bool,
    ) -> Result<Option<ErrandOutcome>, StoreError> {
        let errand = &held.errand;
        let mut trail = self.trail_of_gateway(Action::CitizensActive, errand.request, &errand.trace_id, Locale::Nb);
        self.name_citizen(&mut trail, errand.citizen).await?;
        trail.office(office);
        trail.plugin(plugin);
        trail.detail("active", active.to_string());
        if self.record_intent(&trail).await.is_err() {
            return Ok(None);
        }
        let told = self.call_active(held, plugin, office, active, &mut trail).await;
        let failed = told.map_err(|failure| {
            let refusal = Refusal::of_failure(&failure, Locale::Nb);
            match failure {
                Failure::Unavailable(Outage { retry_after, .. }) => Failed::Again(refusal, retry_after),
                Failure::Faulty(_) => Failed::Again(refusal, None),
                _ => Failed::Never(refusal),
            }
        });
        self.settle_errand(held, trail, failed).await.map(Some)
    }

    async fn call_active(
        &self,
        held: &Held,
        plugin: &PluginId,
        office: HerId,
        active: bool,
        trail: &mut Trail,
    ) -> Result<(), Failure> {
        let citizen = held.errand.citizen;
        let not_now = |detail: String| Failure::Unavailable(Outage { retry_after: None, sent: Sent::No, detail });
        let stored = self.shelf.citizen(citizen).await.map_err(|error| not_now(error.to_string()))?;
        let stored = stored.ok_or_else(|| not_now("the citizen is not known".into()))?;
        let found = self.directory.assignment(&stored.national_identity_number).await;
        let gp = found.map_err(|error| not_now(error.to_string()))?.filter(|assignment| assignment.office == office);
        let agreements = self.agreements(office).await.map_err(|error| not_now(error.to_string()))?;
        let now = self.now();
        let agreed = agreements.iter().find(|agreement| agreement.plugin == *plugin && agreement.valid_at(now));
        let Some(agreed) = agreed else {
            let text = texts::provider_left(Locale::Nb).into();
            return Err(Failure::Declined(dialog_contract::provider::Reason { code: "no-agreement".into(), text }));
        };
        let key = held.id.to_string();
        let context = self
            .context(Subject {
                plugin,
                office,
                service: agreed.service,
                citizen,
                representative: None,
                clinician: gp.as_ref().map(|assignment| &assignment.general_practitioner),
                locale: Locale::Nb,
                key: &key,
            })
            .await?;
        let attempt = held.errand.attempts.saturating_add(1);
        let target = Target { plugin: plugin.clone(), attempt, time_left: CALL_TIME };
        let called = self.providers.active(target, context, active).await;
        trail.call(called.record);
        called.answer
    }

    async fn archive_dialog(&self, held: &Held, dialog: DialogId) -> Result<Option<ErrandOutcome>, StoreError> {
        let errand = &held.errand;
        let (_, choices) = self.shelf.choices(errand.citizen).await?;
        let chosen = choices.archive.is_some_and(|chosen| chosen.on);
        let (Some(archive), true) = (&self.archive, chosen) else { return self.drop_errand(held).await };
        let found = self.shelf.dialog(dialog).await?;
        let kept = |record: &record::StoredDialog| record.closed() && record.dialog.archived.is_none();
        let (Some(draft), Some(citizen)) =
            (found.filter(|draft| kept(&draft.record)), self.shelf.citizen(errand.citizen).await?)
        else {
            return self.drop_errand(held).await;
        };
        let shown = draft.record.for_citizen(draft.record.locale);
        let mut trail = self.trail_of_gateway(Action::DialogArchive, errand.request, &errand.trace_id, Locale::Nb);
        self.name_citizen(&mut trail, errand.citizen).await?;
        trail.office(shown.office.her_id);
        trail.service(shown.service);
        trail.dialog(dialog);
        if self.record_intent(&trail).await.is_err() {
            return Ok(None);
        }
        let unavailable = |why: &dyn std::fmt::Display| {
            tracing::warn!(%dialog, %why, "a dialog could not be archived; it is tried again");
            Refusal::unavailable(Locale::Nb).with_sent(Sent::Unknown)
        };
        let (files, left_out) = match self.files(&shown.messages, archive.most_file_bytes()).await {
            Ok(files) => files,
            Err(error) => {
                let failed = Err(Failed::Again(unavailable(&error), None));
                return self.settle_errand(held, trail, failed).await.map(Some);
            }
        };
        let number = citizen.national_identity_number;
        let document = Document { citizen: number, dialog: shown, files, left_out };
        match archive.keep(document).await {
            Ok(reference) => self.archived(held, dialog, &reference, trail).await,
            Err(error) => {
                let failed = match &error {
                    ArchiveError::Unavailable { retry_after, .. } => Failed::Again(unavailable(&error), *retry_after),
                    ArchiveError::Refused(_) => {
                        tracing::error!(%dialog, %error, "a dialog could not be archived");
                        Failed::Later(Refusal::new(ProblemType::Declined, texts::archive_refused(Locale::Nb)))
                    }
                };
                self.settle_errand(held, trail, Err(failed)).await.map(Some)
            }
        }
    }

    /// The bytes of the files of messages, and the names of those for which there is no room, or which are gone.
    async fn files(
        &self,
        messages: &[dialog_contract::dialog::Message],
        most: u64,
    ) -> Result<(Vec<(Attachment, Bytes)>, Vec<String>), BlobError> {
        let (mut files, mut left_out, mut room) = (Vec::new(), Vec::new(), most);
        for file in messages.iter().flat_map(|message| &message.attachments) {
            if file.size > room {
                left_out.push(file.name.clone());
                continue;
            }
            match self.blobs.open(file.id.uuid(), 0).await {
                Ok(stream) => {
                    let pieces: Vec<Bytes> = stream.try_collect().await?;
                    room -= file.size;
                    files.push((file.clone(), pieces.concat().into()));
                }
                Err(BlobError::NotFound) => left_out.push(file.name.clone()),
                Err(error) => return Err(error),
            }
        }
        Ok((files, left_out))
    }

    /// The archive has it: the dialog says so, and the errand is done, in one step.
    async fn archived(
        &self,
        held: &Held,
        dialog: DialogId,
        reference: &str,
        mut trail: Trail,
    ) -> Result<Option<ErrandOutcome>, StoreError> {
        trail.detail("reference", reference);
        for _ in 0..TRIES {
            let now = self.now();
            let mut step = Step::default();
            // Gone with its citizen meanwhile: what the archive has is the citizen's own.
            if let Some(mut draft) = self.shelf.dialog(dialog).await? {
                draft.record.dialog.archived = Some(Archived { at: now, reference: reference.into() });
                draft.news(EventType::DialogUpdated);
                step.dialog(draft, now)?;
            }
            step.errand_done(held.key.clone(), held.revision);
            let reply = nothing();
            match self.commit_with_outcome(step, &mut trail, Ok((&reply, Some(Sent::Yes)))).await {
                Ok(_) | Err(Unsettled::NoEvidence) => return Ok(Some(ErrandOutcome::Done)),
                Err(Unsettled::Conflict) => {
                    if self.shelf.store.get(&held.key).await?.is_none() {
                        return Ok(Some(ErrandOutcome::Dropped));
                    }
                }
                Err(Unsettled::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("a dialog changes too often to be noted as archived".into()))
    }

    /// Settles an attempt: done, or when it is tried next.
    async fn settle_errand(
        &self,
        held: &Held,
        mut trail: Trail,
        ended: Result<(), Failed>,
    ) -> Result<ErrandOutcome, StoreError> {
        let mut step = Step::default();
        step.errand_done(held.key.clone(), held.revision);
        let (outcome, refusal) = match ended {
            Ok(()) => (ErrandOutcome::Done, None),
            Err(Failed::Never(refusal)) => (ErrandOutcome::Refused, Some(refusal)),
            Err(Failed::Again(refusal, wait)) => {
                (self.put_off(&mut step, held, wait, ErrandOutcome::Again)?, Some(refusal))
            }
            Err(Failed::Later(refusal)) => {
                let outcome = self.put_off(&mut step, held, Some(REFUSED_SECONDS), ErrandOutcome::Refused)?;
                (outcome, Some(refusal))
            }
        };
        trail.detail("errand", outcome.as_str());
        let settled = match &refusal {
            None => {
                let reply = nothing();
                self.commit_with_outcome(step, &mut trail, Ok((&reply, Some(Sent::Yes)))).await
            }
            Some(refusal) => {
                let body = trail.problem(refusal);
                self.commit_with_outcome(step, &mut trail, Err((refusal, &body))).await
            }
        };
        match settled {
            Ok(_) | Err(Unsettled::NoEvidence) => Ok(outcome),
            // It went with its citizen.
            Err(Unsettled::Conflict) => Ok(ErrandOutcome::Dropped),
            Err(Unsettled::Store(error)) => Err(error),
        }
    }

    /// Writes when it is tried next; or that it is not, where that has gone on for too long.
    fn put_off(
        &self,
        step: &mut Step,
        held: &Held,
        wait: Option<u32>,
        outcome: ErrandOutcome,
    ) -> Result<ErrandOutcome, StoreError> {
        let attempts = held.errand.attempts.saturating_add(1);
        let ends = patience_ends(held.errand.since);
        let next = self.now().checked_add(pause(attempts, wait)).unwrap_or(ends);
        if next >= ends {
            tracing::error!(errand = %held.id, kind = held.errand.kind().as_str(), "an errand was given up");
            return Ok(ErrandOutcome::GivenUp);
        }
        step.errand_again(next, held.id, &StoredErrand { attempts, ..held.errand.clone() })?;
        Ok(outcome)
    }

    /// There is nothing to do any more, and nothing to tell.
    async fn drop_errand(&self, held: &Held) -> Result<Option<ErrandOutcome>, StoreError> {
        let mut step = Step::default();
        step.errand_done(held.key.clone(), held.revision);
        match self.shelf.commit(step).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(Some(ErrandOutcome::Dropped)),
            Err(error) => Err(error),
        }
    }
}

/// What somebody who did as asked is on record with.
const fn nothing() -> Reply {
    Reply { status: 204, body: Bytes::new(), etag: None, location: None }
}
