//! Calls to a dialog's provider: what the plugin is told, from what the store holds alone, so that a call can be
//! repeated hours later or after a crash exactly as it was first made.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialog_contract::{
    audit::CallRecord,
    dialog::{Clinician, Message as Shown},
    ids::{HerId, PluginId},
    opening::Request as Asked,
    practice,
    provider::{
        Citizen, Context, Event, Failure, Fault, Message, Office, Opening, Outage, Period, Reason, RenewalItem,
        Representative,
    },
    service::{Locale, Sent, Service},
};

use super::{
    Desk,
    practice::{Offer, Practice},
};
use crate::{
    identity::CitizenId,
    permit::{self, Permitted},
    ports::{providers::Target, store::StoreError},
    record::{Call, CallKind, StoredDialog, StoredRepresentative},
    texts,
};

/// Kept of a request's time for committing the outcome and for the reply to travel: two grouped fsyncs at their worst.
pub(crate) const SETTLING_TIME: Duration = Duration::from_millis(1500);

/// What a successful call gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// The provider's name of the dialog, from `open`.
    pub(crate) reference: Option<String>,
    pub(crate) events: Vec<Event>,
}

/// A call that was made, or could not be.
#[derive(Debug)]
pub(crate) struct Made<T> {
    pub(crate) answer: Result<T, Failure>,
    pub(crate) record: Option<CallRecord>,
}

/// For whom and about what a plugin is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) plugin: &'a PluginId,
    pub(crate) office: HerId,
    pub(crate) service: Service,
    pub(crate) citizen: CitizenId,
    pub(crate) representative: Option<StoredRepresentative>,
    pub(crate) clinician: Option<&'a Clinician>,
    pub(crate) locale: Locale,
    pub(crate) key: &'a str,
}

pub(super) fn not_now(detail: impl Into<String>) -> Failure {
    Failure::Unavailable(Outage { retry_after: None, sent: Sent::No, detail: detail.into() })
}

pub(super) fn defect(detail: &str) -> Failure {
    Failure::Faulty(Fault { sent: Sent::No, detail: detail.into() })
}

impl Desk {
    /// Makes the first call of a dialog.
    pub(crate) async fn call(&self, record: &StoredDialog, call: &Call, time_left: Duration) -> Made<Taken> {
        let subject = Subject {
            plugin: &record.plugin,
            office: record.dialog.office.her_id,
            service: record.dialog.service,
            citizen: record.citizen,
            representative: record.representative,
            clinician: record.dialog.clinician.as_ref(),
            locale: record.locale,
            key: &call.key,
        };
        let context = match &record.dialog.between {
            Some(_) => self.context_between(record, call, subject).await,
            None => self.context(subject).await,
        };
        let context = match context {
            Ok(context) => context,
            // Where the office has left the solution there is nobody to tell, and nothing to keep a citizen from it.
            Err(Failure::Declined(reason)) if call.kind == CallKind::Close => {
                return Made { answer: Err(Failure::NotFound(reason)), record: None };
            }
            Err(failure) => return Made { answer: Err(failure), record: None },
        };
        let target = Target { plugin: record.plugin.clone(), attempt: call.attempts, time_left };
        let reference = || record.reference.clone().ok_or_else(|| defect("the dialog has no reference"));
        match &call.kind {
            CallKind::Open => match opening(record) {
                Some(opening) => {
                    let called = self.providers.open(target, context, record.dialog.id, opening).await;
                    let answer =
                        called.answer.map(|opened| Taken { reference: Some(opened.reference), events: opened.events });
                    Made { answer, record: Some(called.record) }
                }
                None => Made { answer: Err(defect("what the dialog was opened with is not whole")), record: None },
            },
            CallKind::Send { message: shown, .. } => match reference() {
                Ok(reference) => {
                    let called = self.providers.send(target, context, reference, message(shown)).await;
                    let answer = called.answer.map(|events| Taken { reference: None, events });
                    Made { answer, record: Some(called.record) }
                }
                Err(failure) => Made { answer: Err(failure), record: None },
            },
            CallKind::Close => match reference() {
                Ok(reference) => {
                    let called = self.providers.close(target, context, reference).await;
                    let answer = called.answer.map(|events| Taken { reference: None, events });
                    Made { answer, record: Some(called.record) }
                }
                Err(failure) => Made { answer: Err(failure), record: None },
            },
        }
    }

    /// A call about the citizen that no dialog or operation stands for.
    pub(crate) fn subject<'a>(
        &self,
        who: &Permitted<permit::Citizen>,
        practice: &'a Practice,
        offer: &'a Offer,
        service: Service,
        locale: Locale,
        key: &'a str,
    ) -> Subject<'a> {
        Subject {
            plugin: &offer.agreement.plugin,
            office: practice.office.her_id,
            service,
            citizen: self.shelf.secret.citizen(&who.target().national_identity_number),
            representative: self.acting(who),
            clinician: practice.clinician.as_ref(),
            locale,
            key,
        }
    }

    /// Everything about a call that is not its subject.
    pub(crate) async fn context(&self, subject: Subject<'_>) -> Result<Context, Failure> {
        self.context_about(subject, true).await
    }

    /// As [`Desk::context`]; not `about` the citizen where clinicians talk about nobody.
    pub(crate) async fn context_about(&self, subject: Subject<'_>, about: bool) -> Result<Context, Failure> {
        let Subject { plugin, office, service, citizen, representative, clinician, locale, key } = subject;
        let of_store = |error: StoreError| {
            tracing::error!(%error, "the store");
            not_now("the gateway's store does not answer")
        };
        let of_directory = |error: crate::ports::directory::DirectoryError| not_now(error.to_string());
        let citizen = if about {
            let stored = self.shelf.citizen(citizen).await.map_err(of_store)?;
            let stored = stored.ok_or_else(|| defect("the citizen is not known"))?;
            Some(Citizen {
                reference: self.shelf.secret.reference(plugin, &stored.national_identity_number),
                national_identity_number: stored.national_identity_number,
                given_name: stored.given_name,
                family_name: stored.family_name,
                mobile: stored.mobile,
            })
        } else {
            None
        };
        let found = self.directory.office(office).await.map_err(of_directory)?;
        let found = found.ok_or_else(|| not_now("the directory does not have the office"))?;
        let agreements = self.agreements(office).await.map_err(of_directory)?;
        // A dialog that has begun goes on where the service was switched off since, and ends with the agreement.
        let now = self.now();
        let agreement = agreements
            .into_iter()
            .find(|agreement| agreement.service == service && agreement.plugin == *plugin && agreement.valid_at(now));
        let Some(agreement) = agreement else {
            let text = texts::provider_left(locale).into();
            return Err(Failure::Declined(Reason { code: "no-agreement".into(), text }));
        };
        let representative = match representative {
            Some(StoredRepresentative { citizen, role }) => {
                let stored = self.shelf.citizen(citizen).await.map_err(of_store)?;
                let stored = stored.ok_or_else(|| defect("the representative is not known"))?;
                Some(Representative {
                    reference: self.shelf.secret.reference(plugin, &stored.national_identity_number),
                    national_identity_number: stored.national_identity_number,
                    given_name: stored.given_name,
                    family_name: stored.family_name,
                    role,
                })
            }
            None => None,
        };
        Ok(Context {
            idempotency_key: key.into(),
            locale,
            office: self::office(found),
            clinician: clinician.cloned(),
            citizen,
            representative,
            settings: agreement.settings,
            colleague: None,
        })
    }
}

/// An office, as plugins see it.
pub(super) fn office(found: practice::Office) -> Office {
    Office {
        her_id: found.her_id,
        organisation_her_id: found.organisation_her_id,
        organisation_number: found.organisation_number,
        name: found.name,
    }
}

/// What a call that is made once, for a request, is aimed at; `time_left` is the request's.
pub(crate) fn target(offer: &Offer, time_left: Duration) -> Target {
    let time_left = time_left.saturating_sub(SETTLING_TIME);
    Target { plugin: offer.agreement.plugin.clone(), attempt: 1, time_left }
}

fn message(shown: &Shown) -> Message {
    Message {
        id: shown.id,
        subject: shown.subject.clone(),
        text: shown.text.clone(),
        attachments: shown.attachments.clone(),
    }
}

/// What the dialog was opened with; none where the stored parts do not fit together.
pub(crate) fn opening(record: &StoredDialog) -> Option<Opening> {
    let first = record.dialog.messages.first().map(message);
    let wanted = |periods: &[dialog_contract::opening::Period]| {
        periods.iter().map(|period| Period { start: period.start, end: period.end }).collect()
    };
    Some(match record.request.as_ref()? {
        Asked::Consultation { mode, form } => {
            Opening::Consultation { mode: *mode, message: first?, form: form.clone() }
        }
        Asked::Inquiry {} => Opening::Inquiry { message: first? },
        Asked::PrescriptionRenewal { items } => Opening::PrescriptionRenewal {
            items: items.iter().map(renewal_item).collect::<Option<_>>()?,
            message: first,
        },
        Asked::AppointmentRequest { preferred } => {
            Opening::AppointmentRequest { message: first?, preferred: wanted(preferred) }
        }
        Asked::AppointmentChange { preferred, .. } => Opening::AppointmentChange {
            appointment: record.appointment.clone()?,
            message: first?,
            preferred: wanted(preferred),
        },
        Asked::AppointmentCancel { .. } => {
            Opening::AppointmentCancel { appointment: record.appointment.clone()?, message: first }
        }
        Asked::SickNoteRenewal { valid_until, degree } => {
            Opening::SickNoteRenewal { message: first?, valid_until: *valid_until, degree: *degree }
        }
        Asked::Certificate { purpose, form } => {
            Opening::Certificate { purpose: purpose.clone(), message: first?, form: form.clone() }
        }
        Asked::Collegial { from_hpr_number, to } => {
            let to_hpr_number = record.dialog.between.as_ref().and_then(|between| between.to);
            Opening::Collegial { message: first?, from_hpr_number: *from_hpr_number, to: to.clone(), to_hpr_number }
        }
    })
}

fn renewal_item(item: &dialog_contract::opening::RenewalItem) -> Option<RenewalItem> {
    let eprescription = match &item.eprescription {
        Some(text) => Some(STANDARD.decode(text).ok()?),
        None => None,
    };
    Some(RenewalItem {
        id: item.id.clone(),
        medicine: item.medicine.clone(),
        atc: item.atc.clone(),
        note: item.note.clone(),
        eprescription,
    })
}
