//! Clinicians who talk with each other: what a clinician of an office here may do in the office's own dialogs with
//! colleagues elsewhere. The other office reads and writes in its own solution, as with everything.
//!
//! - this file: who asks, and whose a dialog is.
//! - [`opening`]: asking a colleague; [`writing`]: going on, bringing the patient in, ending.
//! - [`reading`]: one, and the list; [`files`]: what goes along.
//!
//! A dialog about a patient is kept as everything about a citizen is: under the patient's key, and it goes with the
//! patient. One about nobody is kept under a key of the office's. The patient sees nothing of it until a clinician brings
//! them in, and then what is written from then on, or all of it where the clinician says so; who read what is about them
//! stands in their access log from the beginning.

mod files;
mod opening;
mod reading;
mod writing;

use dialog_contract::{
    dialog::{Author, AuthorRole, Clinician, Message, OfficeName},
    ids::{DialogId, HerId, MessageId},
    opening::NewMessage,
    practice::Office,
    problem::ProblemType,
    provider::{Colleague, Context, Failure},
    service::{Locale, Service},
};
use jiff::Timestamp;

pub(crate) use self::opening::exported;
pub use self::reading::CollegialFilter;
use super::{
    Desk,
    calls::{Subject, defect, not_now},
    practice::of_directory,
    replies::Keyed,
    trail::Trail,
    validation::Claimed,
};
use crate::{
    answer::Refusal,
    draft::Draft,
    identity::CitizenId,
    permit::{self, Permitted},
    record::{Call, StoredDialog},
    request::Request,
    texts,
};

/// A clinician, and which office they speak for.
#[derive(Debug, Clone)]
struct Side {
    office: Office,
    clinician: Clinician,
}

impl Side {
    fn office_name(&self) -> OfficeName {
        OfficeName { her_id: self.office.her_id, name: self.office.name.clone() }
    }

    /// What the clinician writes, as it will stand in the dialog.
    fn written(&self, new: &NewMessage, claimed: &[Claimed], now: Timestamp) -> Message {
        let Clinician { given_name, family_name, hpr_number, .. } = &self.clinician;
        Message {
            id: MessageId::new(),
            author: Author {
                role: AuthorRole::Clinician,
                name: Some(format!("{given_name} {family_name}")),
                hpr_number: Some(*hpr_number),
            },
            subject: new.subject.clone(),
            text: new.text.clone(),
            attachments: claimed.iter().map(|(_, stored)| stored.attachment.clone()).collect(),
            sent: now,
            seen: None,
        }
    }
}

impl Desk {
    /// The clinician at one of their own offices; any other office is not there.
    #[tracing::instrument(name = "route", skip_all)]
    async fn side(
        &self,
        who: &Permitted<permit::Clinician>,
        office: HerId,
        trail: &mut Trail,
    ) -> Result<Side, Refusal> {
        let locale = trail.locale;
        let found = self.office_now(office).await.map_err(|error| of_directory(&error, locale))?;
        let own = found.filter(|office| office.organisation_number == who.target().organisation);
        let office = own.ok_or_else(|| Refusal::not_found(locale))?;
        let practitioners = &office.practitioners;
        let clinician = practitioners.iter().find(|one| one.clinician.hpr_number == who.target().hpr_number);
        let not_there = || Refusal::new(ProblemType::NotPermitted, texts::not_at_office(&office.name, locale));
        let clinician = clinician.ok_or_else(not_there)?.clinician.clone();
        trail.office(office.her_id);
        trail.service(Service::Collegial);
        Ok(Side { office, clinician })
    }

    /// A dialog of the office's own clinicians; anybody else's is not there. Says in the audit log whom it is about.
    async fn own_collegial(&self, side: &Side, id: DialogId, trail: &mut Trail) -> Result<Draft, Refusal> {
        let locale = trail.locale;
        let found = self.shelf.dialog(id).await.map_err(|error| Refusal::of_store(&error, locale))?;
        let own = |record: &StoredDialog| {
            let between = record.dialog.between.as_ref();
            record.visible && between.is_some_and(|between| between.office.her_id == side.office.her_id)
        };
        let draft = found.filter(|draft| own(&draft.record)).ok_or_else(|| Refusal::not_found(locale))?;
        trail.plugin(&draft.record.plugin);
        let patient = draft.record.dialog.between.as_ref().and_then(|between| between.patient.as_ref());
        if let Some(patient) = patient {
            trail.citizen(self.evidence.pseudonym(&patient.national_identity_number));
        }
        Ok(draft)
    }

    /// A change of a clinician's, answered under the key of whom it is about: what is kept of it goes with them.
    fn keyed_for(&self, owner: CitizenId, side: &Side, request: &Request) -> Result<Keyed, Refusal> {
        let mut keyed = self.keyed(owner, request, &request.body_sha256)?;
        // Two clinicians may choose the same key.
        keyed.key.key = format!("{}@{}:{}", side.clinician.hpr_number, side.office.her_id, keyed.key.key);
        Ok(keyed)
    }

    /// What a plugin is told of a call in a dialog between clinicians.
    pub(crate) async fn context_between(
        &self,
        record: &StoredDialog,
        call: &Call,
        subject: Subject<'_>,
    ) -> Result<Context, Failure> {
        let mut context = self.context_about(subject, !record.about_nobody()).await?;
        let (Some(clinician), Some(between)) = (&call.by, &record.dialog.between) else { return Ok(context) };
        let found = self.directory.office(between.office.her_id).await.map_err(|error| not_now(error.to_string()))?;
        let found = found.ok_or_else(|| defect("the directory does not have the office that asks"))?;
        context.colleague = Some(Colleague {
            clinician: clinician.clone(),
            office: super::calls::office(found),
            citizen_takes_part: record.shared_from.is_some(),
        });
        Ok(context)
    }
}

/// What stands in the way of going on in a dialog.
fn writable(record: &StoredDialog, locale: Locale) -> Result<(), Refusal> {
    let not_here = |detail: &'static str| Refusal::new(ProblemType::ReplyNotAllowed, detail);
    if record.closed() {
        return Err(Refusal::new(ProblemType::DialogClosed, texts::dialog_closed(locale)));
    }
    if record.ended {
        return Err(not_here(texts::provider_left(locale)));
    }
    if record.reference.is_none() && record.calls.is_empty() {
        return Err(not_here(texts::never_arrived(locale)));
    }
    if record.full() {
        return Err(not_here(texts::dialog_full(locale)));
    }
    Ok(())
}
